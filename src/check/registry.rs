//! What is known of every finding: its page, what it weighs, the flow that shows it, the carrier's codes it prevents.

use super::{ALL, codes};
use crate::flow::Severity;

/// The headings of a page, in their order. The second last is left out where there is nothing to say, and the last
/// belongs to warnings alone: an error cannot be allowed.
pub const HEADINGS: [&str; 5] = [
    "What it is",
    "What a caller would notice",
    "Why it happens",
    "How to mend it",
    "When to allow it",
];

/// The families of findings, and what each is about.
pub const CATEGORIES: &[(&str, &str)] = &[
    ("file", "the file itself: its bytes and its YAML"),
    ("shape", "keys and values that the flow language does not have"),
    ("reference", "names of things that are not there"),
    ("graph", "the way of a call through the steps"),
    ("template", "texts that are filled in, and conditions"),
    (
        "policy",
        "what the carrier would refuse or drop, and what a line in service must not do",
    ),
    ("proof", "what the search through every state of a call has found"),
    ("comment", "comments that speak to the engine"),
    (
        "scenario",
        "scenario files, held against their flow by `engine test` and `engine simulate --scenario`",
    ),
];

/// A finding that can be reported.
#[derive(Debug)]
pub struct Check {
    /// Its id.
    pub id: &'static str,
    /// One line of what it finds.
    pub about: &'static str,
    /// What it can weigh, the gravest first.
    pub severities: &'static [Severity],
    /// The family it belongs to, one of [`CATEGORIES`].
    pub category: &'static str,
    /// Its page: Markdown without a title, with [`HEADINGS`].
    pub page: &'static str,
    /// Two flows that differ by this finding; none where no flow file alone can show it.
    pub example: Option<Example>,
}

/// A flow with a finding, and the nearest one without.
#[derive(Debug)]
pub struct Example {
    bad: &'static str,
    good: &'static str,
}

impl Example {
    pub(super) const fn new(bad: &'static str, good: &'static str) -> Self {
        Self { bad, good }
    }

    /// The flow with the finding, without the lines that tell the tests what to expect.
    pub fn wrong(&self) -> &'static str {
        without_head(self.bad, &["# expects:", "# help:"])
    }

    /// The flow without it.
    pub fn right(&self) -> &'static str {
        without_head(self.good, &["# without:"])
    }
}

impl Check {
    /// The gravest that it can weigh.
    pub fn severity(&self) -> Severity {
        self.severities.first().copied().unwrap_or(Severity::Error)
    }

    /// What it can weigh, in words: `error`, `warning`, or `error or warning`.
    pub fn weight(&self) -> String {
        let words: Vec<&str> = self.severities.iter().map(|severity| severity.as_str()).collect();
        words.join(" or ")
    }

    /// Whether a comment in the flow can allow it. Of what allows nothing no comment can say so in turn.
    pub fn can_be_allowed(&self) -> bool {
        self.severities.contains(&Severity::Warning) && self.id != "unused-allow"
    }

    /// The carrier's error codes that a deployment without this check would meet, in their order. They are read from
    /// the page and from [`Check::about`], where they stand in round brackets: `(11200)`, `(31920, 31921)`.
    pub fn codes(&self) -> Vec<u32> {
        let mut found: Vec<u32> = [self.about, self.page].into_iter().flat_map(in_brackets).collect();
        if self.id == "twiml" {
            found.extend(codes::TWIML);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The check with an id.
pub fn named(id: &str) -> Option<&'static Check> {
    ALL.iter().find(|check| check.id == id)
}

/// The checks that report an error code of the carrier before it happens.
pub fn reporting(code: u32) -> Vec<&'static Check> {
    ALL.iter().filter(|check| check.codes().contains(&code)).collect()
}

/// The text behind the lines at its beginning that start with one of these words.
fn without_head(text: &'static str, words: &[&str]) -> &'static str {
    let mut rest = text;
    while words.iter().any(|word| rest.starts_with(word)) {
        rest = rest.split_once('\n').map_or("", |(_, behind)| behind);
    }
    rest
}

/// The numbers of five digits that stand in brackets and nothing else beside them.
fn in_brackets(text: &str) -> Vec<u32> {
    let brackets = text
        .split('(')
        .skip(1)
        .filter_map(|behind| behind.split_once(')').map(|(inside, _)| inside));
    let numbers = brackets.filter_map(|inside| {
        let words = inside.split([',', ' ']).filter(|word| !word.is_empty());
        words
            .map(|word| word.parse().ok().filter(|_| word.len() == 5))
            .collect::<Option<Vec<u32>>>()
    });
    numbers.flatten().collect()
}

/// Declares the findings, one line each. A page that is missing, or a flow that shows the finding, does not compile.
macro_rules! checks {
    (
        $(#[doc = $doc:literal])*
        pub static $all:ident =
        $( $id:literal $weight:ident $category:ident $($mark:ident)? : $about:literal; )+
    ) => {
        $(#[doc = $doc])*
        pub static $all: &[$crate::check::Check] = &[$(
            $crate::check::Check {
                id: $id,
                about: $about,
                severities: checks!(@weight $weight),
                category: stringify!($category),
                page: include_str!(concat!("pages/", $id, ".md")),
                example: checks!(@example $id $($mark)?),
            }
        ),+];
    };
    (@weight error) => { &[$crate::flow::Severity::Error] };
    (@weight warning) => { &[$crate::flow::Severity::Warning] };
    (@weight either) => { &[$crate::flow::Severity::Error, $crate::flow::Severity::Warning] };
    (@example $id:literal) => {
        Some($crate::check::Example::new(
            include_str!(concat!("../../tests/flows/bad/", $id, ".yaml")),
            include_str!(concat!("../../tests/flows/good/", $id, ".yaml")),
        ))
    };
    (@example $id:literal without_flow) => { None };
}
pub(super) use checks;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_brackets_alone() {
        let cases: &[(&str, &[u32])] = &[
            ("heard nothing (11200)", &[11200]),
            ("(31920, 31921) and (x 12345)", &[31920, 31921]),
            ("65536 bytes (64 kB), (at 12100", &[]),
            ("(1), (123456), ()", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(in_brackets(text), *expected, "{text}");
        }
    }

    #[test]
    fn a_code_leads_to_its_checks() {
        let ids = |code| reporting(code).iter().map(|check| check.id).collect::<Vec<_>>();
        assert_eq!(ids(13511), ["twiml"]);
        assert!(ids(63016).contains(&"whatsapp-window"));
        assert!(ids(11200).contains(&"unknown-asset"));
        assert_eq!(ids(10001), [] as [&str; 0]);
    }

    #[test]
    fn the_head_of_an_example_is_for_the_tests() {
        for example in ALL.iter().filter_map(|check| check.example.as_ref()) {
            assert!(!example.wrong().starts_with("# expects") && !example.right().starts_with("# without"));
            assert!(example.right().starts_with("flow: "), "{}", example.right());
        }
    }
}
