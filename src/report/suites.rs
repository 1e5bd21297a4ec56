//! JUnit's XML: suites of cases, as every CI server reads them. What fills them is somebody else's.

use std::time::Duration;

/// Cases that belong together, such as those of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suite {
    /// Usually the file.
    pub name: String,
    /// In the order in which they ran.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name, which stays the same from run to run.
    pub name: String,
    /// What groups it in a CI server's tree; usually the suite's name.
    pub class: String,
    /// The file to look at, and its line counted from 1, where there is one.
    pub at: Option<(String, Option<usize>)>,
    /// How long it took, where that was measured.
    pub time: Option<Duration>,
    /// How it ended.
    pub outcome: Outcome,
    /// What else it has to say; shown beside the outcome.
    pub output: String,
}

impl Case {
    /// A case that passed, at nothing and untimed.
    pub fn passed(class: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            class: class.into(),
            at: None,
            time: None,
            outcome: Outcome::Passed,
            output: String::new(),
        }
    }
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Passed,
    /// What was expected did not hold.
    Failed(Trouble),
    /// It could not be tried.
    Broken(Trouble),
    /// It was not tried, for this reason.
    Skipped(String),
}

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The kind of trouble, such as a check's id.
    pub kind: String,
    /// One line.
    pub message: String,
    /// All of it.
    pub body: String,
}

/// Writes a report; it ends with a line break.
pub fn write(name: &str, suites: &[Suite]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all = || suites.iter().flat_map(|suite| &suite.cases);
    out.push_str(&format!("<testsuites name=\"{}\"{}>\n", escaped(name), numbers(all())));
    for suite in suites {
        let numbers = numbers(suite.cases.iter());
        out.push_str(&format!("  <testsuite name=\"{}\"{numbers}>\n", escaped(&suite.name)));
        for case in &suite.cases {
            write_case(case, &mut out);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// The attributes that count cases.
fn numbers<'a>(cases: impl Iterator<Item = &'a Case> + Clone) -> String {
    let count = |wanted: fn(&Outcome) -> bool| cases.clone().filter(|case| wanted(&case.outcome)).count();
    let mut out = format!(
        " tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        count(|_| true),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
        count(|outcome| matches!(outcome, Outcome::Broken(_))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    );
    let mut times = cases.filter_map(|case| case.time).peekable();
    if times.peek().is_some() {
        out.push_str(&timed(times.sum()));
    }
    out
}

fn timed(time: Duration) -> String {
    format!(" time=\"{:.3}\"", time.as_secs_f64())
}

fn write_case(case: &Case, out: &mut String) {
    out.push_str(&format!(
        "    <testcase name=\"{}\" classname=\"{}\"",
        escaped(&case.name),
        escaped(&case.class)
    ));
    if let Some((file, line)) = &case.at {
        out.push_str(&format!(" file=\"{}\"", escaped(file)));
        if let Some(line) = line {
            out.push_str(&format!(" line=\"{line}\""));
        }
    }
    if let Some(time) = case.time {
        out.push_str(&timed(time));
    }
    let mut inside = String::new();
    match &case.outcome {
        Outcome::Passed => {}
        Outcome::Failed(trouble) => write_trouble("failure", trouble, &mut inside),
        Outcome::Broken(trouble) => write_trouble("error", trouble, &mut inside),
        Outcome::Skipped(reason) => inside.push_str(&format!("      <skipped message=\"{}\"/>\n", escaped(reason))),
    }
    if !case.output.is_empty() {
        inside.push_str(&format!(
            "      <system-out>{}</system-out>\n",
            escaped_text(&case.output)
        ));
    }
    if inside.is_empty() {
        out.push_str("/>\n");
    } else {
        out.push_str(&format!(">\n{inside}    </testcase>\n"));
    }
}

fn write_trouble(element: &str, trouble: &Trouble, out: &mut String) {
    out.push_str(&format!(
        "      <{element} type=\"{}\" message=\"{}\">{}</{element}>\n",
        escaped(&trouble.kind),
        escaped(&trouble.message),
        escaped_text(&trouble.body)
    ));
}

/// Text of an element, line breaks as they are.
fn escaped_text(text: &str) -> String {
    escaped(text).replace("&#10;", "\n")
}

/// Text for an attribute. What XML 1.0 cannot hold at all (section 2.2) becomes the replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\t' => out.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn suites() -> Vec<Suite> {
        let trouble = |kind: &str| Trouble {
            kind: kind.to_owned(),
            message: "`a` < \"b\" & c".to_owned(),
            body: "line one\nline <two>".to_owned(),
        };
        let case = |name: &str, outcome| Case {
            outcome,
            ..Case::passed("scenarios/a.yaml", name)
        };
        vec![
            Suite {
                name: "scenarios/a.yaml".to_owned(),
                cases: vec![
                    Case {
                        time: Some(Duration::from_millis(1_250)),
                        at: Some(("scenarios/a.yaml".to_owned(), Some(7))),
                        ..Case::passed("scenarios/a.yaml", "שלום")
                    },
                    case("fails", Outcome::Failed(trouble("said"))),
                    case("breaks", Outcome::Broken(trouble("unreadable"))),
                    case("waits", Outcome::Skipped("no <voice>".to_owned())),
                ],
            },
            Suite {
                name: "scenarios/empty.yaml".to_owned(),
                cases: Vec::new(),
            },
        ]
    }

    #[test]
    fn suites_are_written_with_their_numbers() {
        insta::assert_snapshot!(write("engine test", &suites()));
    }

    #[test]
    fn the_numbers_are_those_of_the_cases() {
        let text = write("engine test", &suites());
        let xml = roxmltree::Document::parse(&text).expect("XML");
        let root = xml.root_element();
        for (name, element) in [("failures", "failure"), ("errors", "error"), ("skipped", "skipped")] {
            let found = xml.descendants().filter(|node| node.has_tag_name(element)).count();
            assert_eq!(root.attribute(name), Some(found.to_string().as_str()), "{name}");
        }
        assert_eq!(root.attribute("tests"), Some("4"));
        assert_eq!(root.attribute("time"), Some("1.250"));
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in "[^\u{0}-\u{8}\u{b}\u{c}\u{e}-\u{1f}\u{fffe}\u{ffff}]{0,60}", odd in "\\PC{0,10}[\u{0}-\u{1f}]{0,3}") {
            let mut case = Case::passed(odd, text.clone());
            case.outcome = Outcome::Failed(Trouble { kind: text.clone(), message: text.clone(), body: text.clone() });
            let written = write(&text, &[Suite { name: text.clone(), cases: vec![case] }]);
            let xml = roxmltree::Document::parse(&written).expect("XML");
            let named = |element: &str| xml.descendants().find(|node| node.has_tag_name(element)).expect("the element");
            prop_assert_eq!(named("testsuite").attribute("name"), Some(text.as_str()));
            prop_assert_eq!(named("testcase").attribute("name"), Some(text.as_str()));
            prop_assert_eq!(named("failure").attribute("message"), Some(text.as_str()));
            prop_assert_eq!(named("failure").text().unwrap_or_default(), text.as_str());
        }
    }
}
