//! A checkup as people and machines read it.

use super::outcome::{Checkup, Outcome, Verdict};
use crate::carrier::meaning;
use serde_json::json;
use std::fmt::Write;

/// How a checkup is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// In columns, with colours where the terminal has them.
    Human,
    /// In sentences, for a screen reader or a log.
    Plain,
    /// One JSON document.
    Json,
    /// JUnit XML: a suite for each family, a case for each probe.
    Junit,
}

/// Writes a checkup; it ends with a line break. The summary is the last line for people.
pub fn render(checkup: &Checkup, format: Format, colour: bool) -> String {
    match format {
        Format::Human => human(checkup, colour),
        Format::Plain => plain(checkup),
        Format::Json => format!("{:#}\n", as_json(checkup)),
        Format::Junit => junit(checkup),
    }
}

/// Room for a probe's name.
const COLUMN: usize = 18;

fn human(checkup: &Checkup, colour: bool) -> String {
    let mut out = format!("{}\n", one_line(&checkup.subject));
    let paint = |text: &str, code: &str| match colour {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    for (family, outcomes) in &checkup.families {
        let _infallible = writeln!(out, "{}", paint(family, "1"));
        for outcome in outcomes {
            let (word, code) = match outcome.verdict {
                Verdict::Ok => ("ok  ", "32"),
                Verdict::Warn => ("warn", "33"),
                Verdict::Fail => ("FAIL", "31;1"),
                Verdict::Skipped => ("skip", "2"),
            };
            let seen = format!("{}{}", one_line(&outcome.seen), coded(outcome));
            let word = paint(word, code);
            let _infallible = writeln!(out, "  {word}  {:COLUMN$}  {seen}", outcome.probe);
            if let Some(help) = &outcome.help {
                let _infallible = writeln!(out, "        {:COLUMN$}  help: {}", "", one_line(help));
            }
        }
    }
    let _infallible = writeln!(out, "{}", summary(checkup));
    out
}

fn plain(checkup: &Checkup) -> String {
    let mut out = String::new();
    for (family, outcomes) in &checkup.families {
        for outcome in outcomes {
            let (word, probe) = (outcome.verdict.word(), outcome.probe);
            let _infallible = write!(out, "{word} {family} {probe}: {}", one_line(&outcome.seen));
            out.push_str(&coded(outcome));
            if let Some(help) = &outcome.help {
                let _infallible = write!(out, "; help: {}", one_line(help));
            }
            out.push('\n');
        }
    }
    let _infallible = writeln!(out, "{}: {}", one_line(&checkup.subject), summary(checkup));
    out
}

/// `13 ok, 1 warning, 2 failures, 1 skipped`; nothing is said of what did not happen.
fn summary(checkup: &Checkup) -> String {
    let plural = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    let mut parts = vec![format!("{} ok", checkup.count(Verdict::Ok))];
    let more = [
        (Verdict::Warn, "warning", "warnings"),
        (Verdict::Fail, "failure", "failures"),
        (Verdict::Skipped, "skipped", "skipped"),
    ];
    for (verdict, one, many) in more {
        match checkup.count(verdict) {
            0 => {}
            count => parts.push(plural(count, one, many)),
        }
    }
    parts.join(", ")
}

/// The carrier's code in brackets, with its meaning where it is known.
fn coded(outcome: &Outcome) -> String {
    match outcome.code {
        None => String::new(),
        Some(code) => match meaning(code) {
            "unknown error" => format!(" [{code}]"),
            meaning => format!(" [{code}: {meaning}]"),
        },
    }
}

fn as_json(checkup: &Checkup) -> serde_json::Value {
    let probes: Vec<_> = checkup
        .families
        .iter()
        .flat_map(|(family, outcomes)| outcomes.iter().map(move |outcome| (family, outcome)))
        .map(|(family, outcome)| {
            json!({
                "family": family,
                "probe": outcome.probe,
                "verdict": outcome.verdict.word(),
                "seen": outcome.seen,
                "code": outcome.code,
                "help": outcome.help,
            })
        })
        .collect();
    json!({
        "format_version": "1.0",
        "tool": {"name": "engine", "version": env!("CARGO_PKG_VERSION")},
        "subject": checkup.subject,
        "summary": {
            "ok": checkup.count(Verdict::Ok),
            "warn": checkup.count(Verdict::Warn),
            "fail": checkup.count(Verdict::Fail),
            "skipped": checkup.count(Verdict::Skipped),
        },
        "probes": probes,
    })
}

fn junit(checkup: &Checkup) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"engine doctor\">\n");
    for (family, outcomes) in &checkup.families {
        let count = |verdict| outcomes.iter().filter(|one| one.verdict == verdict).count();
        let _infallible = writeln!(
            out,
            "  <testsuite name=\"{family}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">",
            outcomes.len(),
            count(Verdict::Fail),
            count(Verdict::Skipped)
        );
        for outcome in outcomes {
            let seen = format!("{}{}", one_line(&outcome.seen), coded(outcome));
            let (seen, help) = (escaped(&seen), escaped(outcome.help.as_deref().unwrap_or_default()));
            let inside = match outcome.verdict {
                Verdict::Ok => String::new(),
                Verdict::Warn => format!("<system-out>warning: {seen} {help}</system-out>"),
                Verdict::Fail => format!("<failure message=\"{seen}\">{help}</failure>"),
                Verdict::Skipped => format!("<skipped message=\"{seen}\"/>"),
            };
            let probe = outcome.probe;
            let _infallible = writeln!(
                out,
                "    <testcase classname=\"{family}\" name=\"{probe}\">{inside}</testcase>"
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// What a server sent may hold anything: on one line, without what a terminal would act on.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkup() -> Checkup {
        let mut checkup = Checkup::new("https://voice.example.com");
        checkup.add("reach", vec![Outcome::ok("dns", "203.0.113.7")]);
        checkup.add(
            "prompts",
            vec![
                Outcome::fail("prompt", "a\u{1b}[31m<b>\"404\"")
                    .code(11200)
                    .help("put it & go"),
                Outcome::warn("prompt", "slow").code(99),
                Outcome::skipped("prompt", "no list"),
            ],
        );
        checkup.add("routes", Vec::new());
        checkup
    }

    #[test]
    fn for_people_every_line_says_what_was_seen_and_the_last_sums_up() {
        let text = render(&checkup(), Format::Human, false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "https://voice.example.com");
        assert_eq!(lines[2], "  ok    dns                 203.0.113.7");
        assert!(lines[4].contains("FAIL") && lines[4].contains("[11200: the web server answered"));
        assert!(lines[5].trim().starts_with("help: put it & go"));
        assert!(lines[6].ends_with("slow [99]"));
        assert_eq!(lines.last(), Some(&"1 ok, 1 warning, 1 failure, 1 skipped"));
        assert!(!text.contains('\u{1b}'), "what a server sent moves no cursor");
        assert!(!text.contains("routes"), "a family without results is not named");
        assert!(render(&checkup(), Format::Human, true).contains("\u{1b}[31;1mFAIL"));
    }

    #[test]
    fn for_machines_nothing_is_lost() {
        let json: serde_json::Value =
            serde_json::from_str(&render(&checkup(), Format::Json, true)).expect("a JSON document");
        assert_eq!(json["format_version"], "1.0");
        assert_eq!(json["summary"], json!({"ok": 1, "warn": 1, "fail": 1, "skipped": 1}));
        assert_eq!(json["probes"][1]["code"], 11200);
        assert_eq!(json["probes"][1]["family"], "prompts");
        let xml = render(&checkup(), Format::Junit, true);
        let document = roxmltree::Document::parse(&xml).expect("well-formed");
        let failures: Vec<_> = document
            .descendants()
            .filter(|node| node.has_tag_name("failure"))
            .collect();
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].text(), Some("put it & go"));
        let plain = render(&checkup(), Format::Plain, true);
        assert_eq!(plain.lines().count(), 5);
        assert!(plain.starts_with("ok reach dns: 203.0.113.7\n"));
    }
}
