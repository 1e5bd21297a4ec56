use super::*;
use crate::flow::finding::{Findings, Fix, Safety};
use crate::flow::form::{Duration, FromYaml, Located, Reader};
use crate::flow::source::{Place, Source, Span};
use crate::flow::suppress::suppress;
use crate::flow::template::Template;
use crate::flow::yaml;
use crate::{form, words};

words! {
    /// Which side is heard.
    pub enum Track {
        /// The caller.
        Inbound = "inbound",
        /// Both sides.
        Both = "both",
    }
}

form! {
    /// Speaks, then waits.
    pub struct Step {
        /// What is said.
        say: Template,
        pause: Duration = Duration::from_secs(1),
        track: Track = Track::Both,
        times: u32 = 1,
    }
}

form! {
    /// A flow of the kind these tests read.
    pub struct Flow {
        flow: Located<String>,
        steps: Vec<(Located<String>, Step)>,
    }
}

const BAD: &str = "\
flow: מרפאה
flow: again
steps:
  שלום:
    say: \"בוקר טוב {{ contact.name | titel }}\"
    pause: 6
  goodbye:
    sya: להתראות
    track: inbund
    times: yes
# engine: allow(dead-end-step) because nothing is left to do
";

fn bad() -> (Vec<Finding>, Summary) {
    let source = Source::new("flows/bad.yaml", BAD);
    let mut findings = Findings::new();
    let document = yaml::parse(&source, &mut findings);
    let mut cx = Reader::new(&document);
    assert_eq!(Flow::from_yaml(document.root.as_ref().unwrap(), &mut cx), None);
    findings.extend(cx.into_findings());
    let (findings, allowed) = suppress(findings, &document);
    let findings = findings.sorted().into_vec();
    let summary = Summary::of(1, &findings, allowed.len());
    (findings, summary)
}

fn show(format: Format) -> String {
    let (findings, summary) = bad();
    let allowed = [allowed()];
    let flows = [("flows/bad.yaml", "מרפאה"), ("flows/good.yaml", "good")].map(|(file, name)| FlowFile {
        proof: None,
        file: file.to_owned(),
        name: name.to_owned(),
    });
    format.render(&Report {
        flows: &flows,
        allowed: &allowed,
        ..Report::new(&findings, &summary)
    })
}

/// A warning that stands before an emoji, which is one character, two units of UTF-16 and four bytes.
fn allowed() -> Allowed {
    let text = "say: 😀 bye # engine: allow(unused-next) because it | <ends>\n";
    let source = Source::new("flows/a b.yaml", text);
    let start = text.find("bye").unwrap();
    let place = Place::new(&source, Span::new(start, start + 3));
    Allowed {
        finding: Finding::warning("unused-next", place, "`next` is never taken").path(["steps", "bye"]),
        reason: "it | <ends>".to_owned(),
    }
}

/// A JSON report without what changes from version to version.
fn pretty(format: Format) -> (String, serde_json::Value) {
    let text = show(format);
    assert_eq!(text.lines().count(), 1);
    let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    (serde_json::to_string_pretty(&value).unwrap(), value)
}

#[test]
fn every_fault_of_a_file_is_found_in_one_run() {
    let (findings, summary) = bad();
    let ids: Vec<&str> = findings.iter().map(|finding| finding.id).collect();
    assert_eq!(
        ids,
        [
            "duplicate-key",
            "unknown-filter",
            "wrong-type",
            "unknown-key",
            "unknown-value",
            "wrong-type",
            "unused-allow"
        ]
    );
    assert_eq!((summary.errors, summary.warnings), (6, 1));
}

#[test]
fn human() {
    insta::assert_snapshot!(show(Format::Human));
}

#[test]
fn plain() {
    insta::assert_snapshot!(show(Format::Plain));
}

#[test]
fn concise() {
    insta::assert_snapshot!(show(Format::Concise));
}

#[test]
fn json() {
    insta::assert_snapshot!(pretty(Format::Json).0);
}

#[test]
fn sarif() {
    let (_, mut value) = pretty(Format::Sarif);
    let rules = value["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap();
    let ids: Vec<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids, crate::check::ALL.iter().map(|check| check.id).collect::<Vec<_>>());
    let index = |id: &str| ids.iter().position(|one| *one == id).unwrap();
    let expected = [index("duplicate-key"), index("unused-allow")];
    rules.truncate(1);
    let results = value["runs"][0]["results"].as_array_mut().unwrap();
    assert_eq!(results.len(), 7, "what is allowed is left out");
    assert_eq!(results[0]["ruleIndex"], expected[0]);
    assert_eq!(results[6]["ruleIndex"], expected[1]);
    // Where a rule stands changes with every new check.
    for result in results {
        result.as_object_mut().unwrap().remove("ruleIndex").unwrap();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).unwrap());
}

#[test]
fn columns_of_sarif_are_code_points() {
    let findings = [allowed().finding];
    let summary = Summary::of(1, &findings, 0);
    let text = Format::Sarif.render(&Report::new(&findings, &summary));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["runs"][0]["columnKind"], "unicodeCodePoints");
    let place = &value["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "flows/a%20b.yaml");
    let region = &place["region"];
    assert_eq!(
        (region["startColumn"].as_u64(), region["endColumn"].as_u64()),
        (Some(8), Some(11))
    );
}

#[test]
fn gitlab() {
    insta::assert_snapshot!(pretty(Format::Gitlab).0);
}

#[test]
fn github() {
    insta::assert_snapshot!(show(Format::Github));
}

#[test]
fn junit() {
    insta::assert_snapshot!(show(Format::Junit));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(show(Format::Markdown));
}

#[test]
fn a_case_of_junit_fails_for_what_fails_the_run() {
    let source = Source::new("flows/a.yaml", "x");
    let findings = [Finding::warning("x-y", Place::new(&source, Span::new(0, 1)), "x")];
    let summary = Summary::of(1, &findings, 0);
    let cases = [
        (Some(Severity::Error), "0"),
        (Some(Severity::Warning), "1"),
        (None, "0"),
    ];
    for (fails, failures) in cases {
        let text = Format::Junit.render(&Report {
            fails,
            ..Report::new(&findings, &summary)
        });
        let xml = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(xml.root_element().attribute("failures"), Some(failures), "{fails:?}");
        assert_eq!(xml.root_element().attribute("tests"), Some("1"));
        assert!(text.contains("warning[x-y]"), "{text}");
    }
}

#[test]
fn human_shows_related_places_the_consequence_and_the_fix() {
    let text = "steps:\n  ask_reason:\n    on:\n      1: confrim\n";
    let source = Source::new("flows/clinic.yaml", text);
    let place = |word: &str| {
        let at = text.find(word).unwrap();
        Place::new(&source, Span::new(at, at + word.len()))
    };
    let other = Source::new("flows/other.yaml", "flow: other\n");
    let finding = Finding::error(
        "unknown-step",
        place("confrim"),
        "`1` points at a step that does not exist",
    )
    .label("no step is called `confrim`")
    .related(place("ask_reason"), "in this step")
    .related(Place::new(&other, Span::new(0, 4)), "and not in this flow")
    .consequence("callers who press 1 here would be disconnected")
    .help("did you mean `confirm`?")
    .fix(Fix::replace(Safety::Unsafe, place("confrim"), "confirm"));
    let findings = [finding];
    let summary = Summary::of(2, &findings, 3);
    let report = |colour| Report {
        colour,
        ..Report::new(&findings, &summary)
    };
    insta::assert_snapshot!(Format::Human.render(&report(false)));
    assert!(Format::Human.render(&report(true)).contains("\u{1b}["));
    assert!(!Format::Human.render(&report(false)).contains('\u{1b}'));
}

#[test]
fn a_clean_run_is_one_line_and_many_findings_are_cut() {
    let clean = Summary::of(3, &[], 0);
    let report = Report::new(&[], &clean);
    assert_eq!(Format::Human.render(&report), "3 files: no problems\n");
    assert_eq!(Format::Concise.render(&report), "");
    let subject = clean.clone().subject("3 flows, 41 steps, 12 templates");
    assert_eq!(subject.to_string(), "3 flows, 41 steps, 12 templates: no problems");

    let source = Source::new("a.yaml", "x");
    let one = Finding::warning("x-y", Place::new(&source, Span::new(0, 1)), "x");
    let many = vec![one; 53];
    let summary = Summary::of(1, &many, 2);
    let report = Report::new(&many, &summary);
    let text = Format::Human.render(&report);
    assert!(
        text.ends_with("… and 3 findings more\n\n1 file: 53 warnings (2 allowed)\n"),
        "{text}"
    );
    assert!(
        Format::Plain
            .render(&report)
            .ends_with("\n\n… and 3 findings more\n\n1 file: 53 warnings (2 allowed)\n")
    );
    assert_eq!(Format::Concise.render(&report).lines().count(), 53);
}

#[test]
fn an_error_is_shown_though_many_warnings_stand_before_it() {
    let source = Source::new("a.yaml", "x");
    let place = || Place::new(&source, Span::new(0, 1));
    let mut many = vec![Finding::warning("x-y", place(), "x"); 60];
    many.push(Finding::error("z-z", place(), "z"));
    let summary = Summary::of(1, &many, 0);
    for format in [Format::Human, Format::Plain] {
        let text = format.render(&Report::new(&many, &summary));
        assert!(text.contains("z-z"), "{text}");
        assert_eq!(text.matches("x-y").count(), 49);
        assert!(text.contains("… and 11 findings more"));
    }
}

#[test]
fn a_page_is_named_where_there_is_one() {
    let source = Source::new("a.yaml", "x");
    let finding = |id| Finding::error(id, Place::new(&source, Span::new(0, 1)), "x");
    let findings = [finding("unknown-step"), finding("not-of-a-check")];
    let summary = Summary::of(1, &findings, 0);
    for format in [Format::Human, Format::Plain] {
        let text = format.render(&Report::new(&findings, &summary));
        assert!(text.contains("more: engine explain unknown-step\n"), "{text}");
        assert_eq!(text.matches("engine explain").count(), 1, "{text}");
    }
}

#[test]
fn a_text_cannot_break_a_line_format() {
    let source = Source::new("a.yaml", "x");
    let finding = Finding::error("x-y", Place::new(&source, Span::new(0, 1)), "one\ntwo\u{1b}[2J");
    let findings = [finding];
    let summary = Summary::of(1, &findings, 0);
    let report = Report::new(&findings, &summary);
    assert_eq!(Format::Concise.render(&report), "a.yaml:1:1: error[x-y] one two [2J\n");
    assert!(!Format::Human.render(&report).contains('\u{1b}'));
}

#[test]
fn formats_are_chosen_by_name() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(*format));
    }
    let error = "jsn".parse::<Format>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no format `jsn`; did you mean `json`? known: `human`, `plain`, `concise`, `json`, \
         `sarif`, `github`, `gitlab`, `junit`, `markdown`"
    );
}
