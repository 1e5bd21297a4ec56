//! What strangers send, in small: `cargo test` tries a few hundred inputs of each kind, the targets under `fuzz/` millions.

mod properties;

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The samples that the fuzzer starts from too.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no seeds under {}", folder.display());
    files.iter().map(|file| std::fs::read(file).expect("a seed")).collect()
}

/// What a hand or a network does to bytes.
#[derive(Clone, Debug)]
enum Harm {
    Cut(Index),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
}

fn harm(words: &'static [&'static str]) -> impl Strategy<Value = Harm> {
    let word = prop_oneof![
        select(words).prop_map(|word| word.as_bytes().to_vec()),
        vec(any::<u8>(), 1..6)
    ];
    prop_oneof![
        any::<Index>().prop_map(Harm::Cut),
        (any::<Index>(), any::<u8>()).prop_map(|(at, to)| Harm::Flip(at, to)),
        (any::<Index>(), word).prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Harm::Remove(at, length)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Harm::Repeat(at, length)),
    ]
}

fn harmed(bytes: &[u8], harms: &[Harm]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for harm in harms {
        let length = bytes.len() + 1;
        match harm {
            Harm::Cut(at) => bytes.truncate(at.index(length)),
            Harm::Flip(at, to) => {
                if let Some(byte) = bytes.get_mut(at.index(length)) {
                    *byte = *to;
                }
            }
            Harm::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Harm::Remove(at, many) => {
                let at = at.index(length);
                let end = (at + many).min(bytes.len());
                bytes.drain(at..end);
            }
            Harm::Repeat(at, many) => {
                let at = at.index(length);
                let piece = bytes[at..(at + many).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Tries every seed as it is, harmed seeds, and bytes that come from nowhere.
fn try_all(target: &str, cases: u32, words: &'static [&'static str], property: fn(&[u8])) {
    let seeds = seeds(target);
    for seed in &seeds {
        property(seed);
    }
    let inputs = prop_oneof![
        8 => (select(seeds), vec(harm(words), 1..6)).prop_map(|(seed, harms)| harmed(&seed, &harms)),
        1 => vec(any::<u8>(), 0..200),
        1 => vec(select(words), 0..30).prop_map(|words| words.concat().into_bytes()),
    ];
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    };
    proptest!(config, |(input in inputs)| property(&input));
}

#[test]
fn any_form_is_read() {
    try_all(
        "form",
        1000,
        &["&", "=", "%", "%41", "+", "%ff", "é", "CallSid", "n=2"],
        properties::form,
    );
}

#[test]
fn any_media_message_is_read() {
    let words = &[
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\u0041",
        "\\ud800",
        ":",
        ",",
        "null",
        "1e999",
        "\"event\":",
        "\"media\"",
        "\"start\"",
        "\"customParameters\":",
        "\"streamSid\":",
        "\"callSid\":",
        "\"payload\":",
        "=",
        "\u{202e}",
    ];
    try_all("media_message", 1000, words, properties::media_message);
}

#[test]
fn any_yaml_is_compiled() {
    let words = &[
        "\n",
        "  ",
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "|\n",
        ">-\n",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "#",
        "---\n",
        "{{ ",
        " }}",
        "{% if %}",
        "steps:",
        "next: ",
        "on: ",
        "say: ",
        "flow: x\n",
        "\t",
        "\u{feff}",
        "\r\n",
        "\u{2028}",
        "é",
    ];
    try_all("yaml", 400, words, properties::yaml);
}

#[test]
fn any_yaml_is_formatted_to_a_fixed_point() {
    let words = &[
        "\n",
        "\n\n",
        "  ",
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "\"",
        "'",
        "|\n",
        ">+\n",
        "|2-\n",
        "&a ",
        "*n",
        "? ",
        "# why\n",
        "\n# engine: allow(unreachable-step) because x\n",
        "---\n",
        "next: b\n",
        "play: x\n",
        "\t",
        "\u{feff}",
        "\r\n",
        "\r",
        "\u{85}",
        "\u{2028}",
        "é",
    ];
    try_all("fmt", 400, words, properties::fmt);
}

#[test]
fn any_document_is_examined() {
    let words = &[
        "<",
        ">",
        "</",
        "/>",
        "&amp;",
        "&",
        "&#0;",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE x>",
        "<Response>",
        "<Say>",
        "<Play>",
        "<Gather ",
        "<Dial>",
        "<Connect>",
        "<Stream ",
        "url=\"",
        "\"",
        "é",
        "\u{feff}",
        "<?xml ?>",
    ];
    try_all("twiml", 600, words, properties::twiml);
}
