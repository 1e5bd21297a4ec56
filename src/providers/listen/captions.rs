//! Captions that recognisers of whole recordings make up where nothing is said: they learned from subtitled films.

use crate::audio::level::rms_dbfs;

/// Nobody says this to a telephone.
const MADE_UP: &[&str] = &[
    "amara.org",
    "subtitles by",
    "subtitled by",
    "captions by",
    "captioning by",
    "transcription by castingwords",
    "please subscribe to my channel",
    "thanks for watching",
    "thank you for watching",
    "תודה שצפיתם",
    "תודה על הצפייה",
    "כתוביות על ידי",
    "ترجمة نانسي قنقر",
    "اشتركوا في القناة",
    "продолжение следует",
    "субтитры сделал",
    "субтитры создавал",
    "ご視聴ありがとうございました",
    "字幕by",
    "sous-titres réalisés",
    "sottotitoli creati",
    "untertitel der amara",
    "untertitel im auftrag des zdf",
    "subtítulos realizados por",
    "legendas pela comunidade",
];

/// People say this, but recognisers also make it up where all is still.
const SELDOM: &[&str] = &[
    "you",
    "bye",
    "bye bye",
    "thank you",
    "thank you very much",
    "so",
    "oh",
    "uh",
    "the",
    "okay",
    "תודה רבה",
    "תודה",
    "שלום",
    "music",
    "silence",
    "blank_audio",
    "applause",
];

/// The loudest 100 ms of a caller who speaks is louder, in dBFS; of a still line it is not.
const STILL: f32 = -48.0;

/// The text, or nothing where it was made up: `samples` is the sound that it was made of, at 8 kHz.
pub(super) fn without_captions(text: &str, samples: &[i16]) -> String {
    let text = text.trim();
    let plain = plain(text);
    let is_short = plain.chars().count() <= 80;
    let made_up = is_short && MADE_UP.iter().any(|caption| plain.contains(caption));
    let nothing = plain.is_empty();
    if nothing || made_up || SELDOM.contains(&plain.as_str()) && is_still(samples) {
        return String::new();
    }
    text.to_owned()
}

/// In small letters, without what stands around the words.
fn plain(text: &str) -> String {
    let around = |c: char| !c.is_alphanumeric();
    text.to_lowercase().trim_matches(around).to_owned()
}

fn is_still(samples: &[i16]) -> bool {
    samples.chunks(800).all(|part| rms_dbfs(part) < STILL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_dropped_and_callers_are_not() {
        let still = [3i16; 8000];
        let mut loud = still;
        for (index, sample) in loud[4000..4800].iter_mut().enumerate() {
            *sample = if index % 16 < 8 { 4000 } else { -4000 };
        }
        let cases: [(&str, &[i16], &str); 9] = [
            ("Thanks for watching!", &loud, ""),
            ("Subtitles by the Amara.org community", &loud, ""),
            ("Thank you.", &still, ""),
            (" Thank you. ", &loud, "Thank you."),
            ("[BLANK_AUDIO]", &still, ""),
            ("...", &loud, ""),
            ("תודה רבה", &still, ""),
            ("Two teas, please", &still, "Two teas, please"),
            ("", &loud, ""),
        ];
        for (text, samples, expected) in cases {
            assert_eq!(without_captions(text, samples), expected, "{text}");
        }
    }
}
