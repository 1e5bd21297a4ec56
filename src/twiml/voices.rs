//! The voices of `<Say>`: which exist, which language each speaks, and how much text it takes.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The voices that the carrier offers. A newer one may exist that is not listed.
#[derive(Deserialize)]
pub struct Voices {
    basic: String,
    /// Family, locale, and one letter for each voice: `Google.he-IL-Wavenet-A`.
    google: BTreeMap<String, BTreeMap<String, String>>,
    chirp: Chirp,
    /// Family and names: `Polly.Joanna`, `Polly.Joanna-Neural`.
    polly: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Chirp {
    names: String,
    locales: String,
}

impl Voices {
    /// The voices that are built in.
    pub fn bundled() -> &'static Voices {
        static VOICES: LazyLock<Voices> = LazyLock::new(|| {
            let file: File =
                serde_json::from_str(super::grammar::DATA).expect("the built-in voices are read by a test");
            file.voices
        });
        &VOICES
    }

    /// Every voice by name.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let basic = self.basic.split(' ').map(str::to_owned);
        let google = self.google.iter().flat_map(|(family, locales)| {
            locales.iter().flat_map(move |(locale, letters)| {
                letters
                    .chars()
                    .map(move |letter| format!("Google.{locale}-{family}-{letter}"))
            })
        });
        let chirp = self.chirp.locales.split(' ').flat_map(|locale| {
            self.chirp
                .names
                .split(' ')
                .map(move |name| format!("Google.{locale}-Chirp3-HD-{name}"))
        });
        let polly = self.polly.iter().flat_map(|(family, names)| {
            names.split(' ').map(move |name| match family.as_str() {
                "Standard" => format!("Polly.{name}"),
                family => format!("Polly.{name}-{family}"),
            })
        });
        basic.chain(google).chain(chirp).chain(polly)
    }

    /// Whether the voice is listed.
    pub fn contains(&self, voice: &str) -> bool {
        static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| Voices::bundled().names().collect());
        NAMES.contains(voice)
    }

    /// The voices that speak a locale, by name. Only Google's voices carry their locale in the name.
    pub fn speaking(&self, locale: &str) -> Vec<String> {
        self.names()
            .filter(|name| locale_of(name).is_some_and(|spoken| same_locale(spoken, locale)))
            .collect()
    }
}

#[derive(Deserialize)]
struct File {
    voices: Voices,
}

/// The locale that a voice carries in its name: `he-IL` of `Google.he-IL-Wavenet-A`.
pub(super) fn locale_of(voice: &str) -> Option<&str> {
    let rest = voice.strip_prefix("Google.")?;
    ["-Standard-", "-Wavenet-", "-Neural2-", "-Chirp3-HD-"]
        .iter()
        .find_map(|family| Some(rest.split_once(family)?.0))
}

/// Whether a voice of one locale speaks a text that is marked with the other.
pub(super) fn same_locale(voice: &str, language: &str) -> bool {
    // The carrier writes some languages in more than one way.
    let plain = |tag: &str| match tag.to_ascii_lowercase().as_str() {
        "zh-cn" | "cmn-cn" => "cmn-cn".to_owned(),
        "zh-tw" | "cmn-tw" => "cmn-tw".to_owned(),
        "zh-hk" | "yue-hk" => "yue-hk".to_owned(),
        "arb" | "ar-ae" | "ar-xa" => "ar-xa".to_owned(),
        "iw-il" | "he-il" => "he-il".to_owned(),
        other => other.to_owned(),
    };
    plain(voice) == plain(language)
}

/// The most characters that a voice speaks in one `<Say>` (13521): 3000 for the premium families, else 4096.
pub(super) fn text_limit(voice: Option<&str>) -> usize {
    let premium = ["-Neural", "-Neural2-", "-Chirp3-", "-Generative"];
    if voice.is_some_and(|voice| premium.iter().any(|family| voice.contains(family))) {
        3_000
    } else {
        4_096
    }
}

/// Whether a text holds Hebrew letters.
pub fn is_hebrew(text: &str) -> bool {
    text.chars()
        .any(|letter| matches!(letter, '\u{05d0}'..='\u{05ea}' | '\u{05ef}'..='\u{05f2}' | '\u{fb1d}'..='\u{fb4f}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hebrew_has_eight_voices_and_no_other() {
        let mut hebrew = Voices::bundled().speaking("he-IL");
        hebrew.sort();
        let expected: Vec<String> = ["Standard", "Wavenet"]
            .iter()
            .flat_map(|family| {
                "ABCD"
                    .chars()
                    .map(move |letter| format!("Google.he-IL-{family}-{letter}"))
            })
            .collect();
        assert_eq!(hebrew, expected);
    }

    #[test]
    fn all_nine_hundred_voices_are_named_once() {
        let mut names: Vec<String> = Voices::bundled().names().collect();
        assert_eq!(names.len(), 900);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 900);
        for voice in [
            "alice",
            "Polly.Joanna",
            "Polly.Joanna-Neural",
            "Google.en-US-Chirp3-HD-Aoede",
            "Google.he-IL-Wavenet-D",
        ] {
            assert!(Voices::bundled().contains(voice), "{voice}");
        }
        assert!(!Voices::bundled().contains("Google.he-IL-Neural2-A"));
    }

    #[test]
    fn a_voice_knows_its_locale_and_its_limit() {
        assert_eq!(locale_of("Google.cmn-CN-Chirp3-HD-Puck"), Some("cmn-CN"));
        assert_eq!(locale_of("Polly.Amy"), None);
        assert!(same_locale("cmn-CN", "zh-CN") && !same_locale("en-GB", "en-US"));
        for (voice, limit) in [
            (None, 4096),
            (Some("man"), 4096),
            (Some("Google.he-IL-Wavenet-A"), 4096),
            (Some("Polly.Amy-Neural"), 3000),
            (Some("Google.en-US-Neural2-A"), 3000),
        ] {
            assert_eq!(text_limit(voice), limit, "{voice:?}");
        }
        assert!(is_hebrew("hi שלום") && !is_hebrew("héllo"));
    }
}
