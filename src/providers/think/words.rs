//! Words compared as people hear them: without case, accents, vowel points and punctuation.

/// The words of a text, folded.
pub(super) fn words(text: &str) -> Vec<String> {
    let folded: String = text.chars().filter_map(fold).flat_map(char::to_lowercase).collect();
    let parts = folded.split(|c: char| !c.is_alphanumeric());
    parts.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether `word` is one of the words. Hebrew's one-letter words (and, the, in, to, from, that, as) may be attached to it.
pub(super) fn holds(words: &[String], word: &str) -> bool {
    let attached = |c: char| "והבלמשכ".contains(c);
    words.iter().any(|heard| {
        heard
            .strip_suffix(word)
            .is_some_and(|before| before.chars().count() <= 2 && before.chars().all(attached))
    })
}

/// Whether the words `part` stand in `whole`, one behind the other.
pub(super) fn stand_in(whole: &[String], part: &[String]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}

/// A character without what is put on top of it or below; none for a mark that stands alone.
fn fold(c: char) -> Option<char> {
    Some(match c {
        // Combining marks; Hebrew points and accents, but not the maqaf, which parts words; Arabic vowel signs.
        '\u{0300}'..='\u{036f}' | '\u{0591}'..='\u{05bd}' | '\u{05bf}' | '\u{05c1}' | '\u{05c2}' => return None,
        '\u{05c4}' | '\u{05c5}' | '\u{05c7}' | '\u{0610}'..='\u{061a}' | '\u{064b}'..='\u{065f}' | '\u{0670}' => {
            return None;
        }
        // Marks of a shortened word belong to it.
        '\'' | '\u{2019}' | '\u{05f3}' | '\u{05f4}' | '"' => return None,
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => 'a',
        'Ç' | 'ç' | 'Ć'..='č' => 'c',
        'Ď'..='đ' => 'd',
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => 'e',
        'Ĝ'..='ģ' => 'g',
        'Ĥ'..='ħ' => 'h',
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => 'i',
        'Ĵ' | 'ĵ' => 'j',
        'Ķ' | 'ķ' => 'k',
        'Ĺ'..='ł' => 'l',
        'Ñ' | 'ñ' | 'Ń'..='ň' => 'n',
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' => 'o',
        'Ŕ'..='ř' => 'r',
        'Ś'..='š' => 's',
        'Ţ'..='ŧ' => 't',
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => 'u',
        'Ŵ' | 'ŵ' => 'w',
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' => 'y',
        'Ź'..='ž' => 'z',
        c => c,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_points_and_punctuation_do_not_count() {
        let cases = [
            ("Café, s'il vous plaît!", "cafe sil vous plait"),
            ("cafe\u{301}", "cafe"),
            ("שָׁלוֹם־עֲלֵיכֶם", "שלום עליכם"),
            ("מנכ\"ל מנכ״ל", "מנכל מנכל"),
            ("Łódź ÇA Übung", "lodz ca ubung"),
            ("مَرْحَبًا", "مرحبا"),
            ("  … ", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_word_is_whole_but_for_what_hebrew_attaches() {
        let heard = words("I know, ובבוקר");
        assert!(!holds(&heard, "no"));
        for word in ["know", "בוקר", "בבוקר", "ובבוקר"] {
            assert!(holds(&heard, word), "{word}");
        }
        assert!(stand_in(&heard, &words("i KNOW")));
        assert!(!stand_in(&heard, &words("know i")));
    }
}
