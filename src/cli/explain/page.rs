//! A check explained: its page, the flow that shows it and what `validate` says to that, for a terminal or as Markdown.

use super::example;
use crate::check::{CATEGORIES, Check};
use crate::report::Format;
use std::fmt::Write;

/// A part of an explanation.
enum Part {
    Heading(String),
    /// Markdown without headings and fences.
    Text(String),
    /// Lines as they are, in a language that Markdown's readers can colour.
    Code(&'static str, String),
}

/// The whole explanation as a Markdown page.
pub fn markdown(check: &Check) -> String {
    let mut out = format!("# {}\n\n{}: {}.\n", check.id, headline(check), check.about);
    for part in parts(check, Format::Human, false) {
        let _ = match part {
            Part::Heading(text) => write!(out, "\n## {text}\n"),
            Part::Text(text) => write!(out, "\n{text}\n"),
            Part::Code(language, text) => write!(out, "\n```{language}\n{text}\n```\n"),
        };
    }
    out
}

/// The whole explanation for people at a terminal: code is indented, and with `colour` headings are bold.
pub fn terminal(check: &Check, format: Format, colour: bool) -> String {
    let bold = |text: &str| match colour {
        true => format!("\u{1b}[1m{text}\u{1b}[0m"),
        false => text.to_owned(),
    };
    let mut out = format!("{} ({})\n{}\n", bold(check.id), headline(check), check.about);
    for part in parts(check, format, colour) {
        out.push('\n');
        let _ = match part {
            Part::Heading(text) => writeln!(out, "{}", bold(&text)),
            Part::Text(text) => writeln!(out, "{text}"),
            Part::Code(_, text) => text.lines().try_for_each(|line| match line {
                "" => writeln!(out),
                line => writeln!(out, "    {line}"),
            }),
        };
    }
    out
}

/// The table of all pages, one family after another.
pub fn index(checks: &[Check]) -> String {
    let mut out = String::from(
        "# Findings\n\nWhat `engine validate` can find in flows, and `engine test` in scenarios, by family. `engine explain ID` prints \
         the same\npages. These files are written by `engine explain --all --out docs/checks`.\n",
    );
    for (category, about) in CATEGORIES {
        let _ = write!(out, "\n## {category}\n\n{}.\n\n", capital(about));
        let _ = writeln!(
            out,
            "| finding | weight | finds that | carrier's codes |\n| --- | --- | --- | --- |"
        );
        for check in checks.iter().filter(|check| check.category == *category) {
            let codes = match check.codes() {
                codes if codes.len() > 4 => "many".to_owned(),
                codes => listed(&codes),
            };
            let (id, weight, about) = (check.id, check.weight(), check.about);
            let _ = writeln!(out, "| [{id}]({id}.md) | {weight} | {about} | {codes} |");
        }
    }
    out
}

fn headline(check: &Check) -> String {
    format!("{}, {}", check.weight(), check.category)
}

fn parts(check: &Check, format: Format, colour: bool) -> Vec<Part> {
    let mut parts = of_page(check.page);
    if check.can_be_allowed() {
        parts.push(Part::Text("On the line of the warning, or above it:".to_owned()));
        let comment = format!("# engine: allow({}) because REASON", check.id);
        parts.push(Part::Code("yaml", comment));
    }
    if let Some(flows) = &check.example {
        let (told, others) = example::told(check, flows, format, colour);
        parts.push(Part::Heading("Example".to_owned()));
        parts.push(Part::Text(match flows.wrong() {
            "" => "In a file that holds nothing, `engine validate` finds:".to_owned(),
            _ => "In this flow".to_owned(),
        }));
        if !flows.wrong().is_empty() {
            parts.push(Part::Code("yaml", visible(flows.wrong())));
            parts.push(Part::Text("`engine validate` finds:".to_owned()));
        }
        parts.push(Part::Code("text", told));
        if !others.is_empty() {
            let others: Vec<String> = others.iter().map(|id| format!("`{id}`")).collect();
            let text = format!("Beside it, in the same flow: {}.", others.join(", "));
            parts.push(Part::Text(text));
        }
        parts.push(Part::Text("Without the finding:".to_owned()));
        parts.push(Part::Code("yaml", visible(flows.right())));
    }
    let codes = check.codes();
    if !codes.is_empty() {
        parts.push(Part::Heading("The carrier's error codes".to_owned()));
        parts.push(Part::Text(wrapped(&listed(&codes))));
    }
    parts
}

/// The parts of a page as it is written.
fn of_page(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut code: Option<String> = None;
    for line in page.lines() {
        if let Some(mut lines) = code.take() {
            match line {
                "```" => parts.push(Part::Code("yaml", lines)),
                line => {
                    if !lines.is_empty() {
                        lines.push('\n');
                    }
                    lines.push_str(line);
                    code = Some(lines);
                }
            }
            continue;
        }
        let heading = line.strip_prefix("## ");
        let fence = line.starts_with("```");
        if heading.is_some() || fence || line.is_empty() {
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            if let Some(heading) = heading {
                parts.push(Part::Heading(heading.to_owned()));
            }
            code = fence.then(String::new);
        } else {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(line);
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

/// A flow's text with a sign in place of each character that would act on a terminal.
fn visible(text: &str) -> String {
    let sign = |c: char| match u32::from(c) {
        code @ 0..0x20 if c != '\n' => char::from_u32(0x2400 + code).unwrap_or(c),
        0x7f => '\u{2421}',
        _ => c,
    };
    text.trim_end().chars().map(sign).collect()
}

fn listed(codes: &[u32]) -> String {
    codes.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

/// Words in lines of at most a hundred characters.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let full = lines.last().is_some_and(|line| line.len() + word.len() >= 100);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
