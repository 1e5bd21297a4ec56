//! What is wrong with a template, as findings.

use minijinja::Error;

use super::super::finding::{Finding, Fix, Safety};
use super::super::source::Place;
use super::super::suggest;
use super::super::yaml::{Scalar, Style};
use super::walk::{Problem, ProblemKind};
use super::{Parts, env};

/// A template that cannot be read.
pub fn syntax(parts: &Parts, error: &Error) -> Finding {
    let range = error.range().unwrap_or(0..parts.text.len());
    let mut place = parts.place_at(range.start, range.end);
    if place.span().start == place.span().end {
        // At the end of the text there is nothing to underline: the last character stands for it.
        let last = parts.text.char_indices().next_back().map_or(0, |(at, _)| at);
        place = parts.place_at(last, parts.text.len());
    }
    let detail = error.detail().unwrap_or("it cannot be read");
    Finding::error(
        "template-syntax",
        place,
        format!("the template is not well formed: {detail}"),
    )
    .category("template")
    .consequence("what stands here could not be said or decided during a call")
}

/// A condition that is written like a text.
pub fn braces(scalar: &Scalar, place: Place) -> Option<Finding> {
    let inner = scalar.text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let finding = Finding::error(
        "condition-in-braces",
        place.clone(),
        "a condition is an expression and takes no braces",
    )
    .category("template")
    .help(format!("write `{inner}`"));
    // Quotes stay where what is between them may need them.
    let bare_fits = !inner.contains(['"', '\'', ':', '#', '{', '}', ',', '[', ']']);
    let written = place.text();
    let quoted = matches!(scalar.style, Style::Single | Style::Double);
    let braces = quoted
        .then(|| Some((written.find("{{")?, written.rfind("}}")?)))
        .flatten();
    Some(
        match braces.filter(|(open, close)| open + 2 <= *close && !inner.contains("{{")) {
            Some((open, close)) => {
                let bare = written[open + 2..close].trim();
                let text = if bare_fits {
                    bare.to_owned()
                } else {
                    format!("{}{bare}{}", &written[..open], &written[close + 2..])
                };
                finding.fix(Fix::replace(Safety::Safe, place, text))
            }
            None => finding,
        },
    )
}

/// What the walk through a template found.
pub fn finding(parts: &Parts, problem: Problem) -> Finding {
    let (start, end) = problem.range;
    let place = parts.place_at(start, end);
    let unknown = |id, sort: &str, name: &str, known: &[&'static str]| {
        let nearest = suggest::nearest(name, known.iter().copied());
        let place = name_place(parts, start, end, name);
        Finding::error(id, place, format!("there is no {sort} `{name}`"))
            .label(format!("not a {sort}"))
            .nearest(nearest)
            .help(format!("known: {}", suggest::listed(name, known.iter().copied())))
    };
    let finding = match problem.kind {
        ProblemKind::Filter(name) => unknown("unknown-filter", "filter", &name, env::FILTERS),
        ProblemKind::Test(name) => unknown("unknown-test", "test", &name, env::TESTS),
        ProblemKind::Function(name) => unknown("unknown-function", "function", &name, env::FUNCTIONS),
        ProblemKind::Method(name) => {
            let finding = Finding::error("unknown-method", place, format!("values have no method `{name}`"));
            match suggest::nearest(&name, env::FILTERS.iter().copied())
                .or(env::FILTERS.iter().copied().find(|one| *one == name))
            {
                Some(filter) => finding.help(format!("write it as a filter: `value | {filter}`")),
                None => finding.help("filters stand after a bar: `value | upper`"),
            }
        }
        ProblemKind::OtherTemplate(word) => Finding::error(
            "template-from-elsewhere",
            place,
            format!("`{word}` cannot be used here"),
        )
        .label("there are no other templates")
        .help("write the text out"),
        ProblemKind::TextWithNumber(path, number) => {
            let finding = Finding::warning(
                "text-compared-with-number",
                place,
                format!("`{path}` is text and is compared with a number"),
            )
            .label("text never equals a number")
            .consequence("the comparison never holds, however the caller answers")
            .help(format!(
                "write the number in quotes, or turn the text into a number: `{path} | int`"
            ));
            match in_quotes(parts, number) {
                Some(fix) => finding.fix(fix),
                None => finding,
            }
        }
        ProblemKind::Hours(message) => Finding::error("wrong-hours", place, message),
    };
    finding.category("template")
}

/// The number in the quotes that the value around it does not have. Which calls go where changes with it, so it is a
/// guess.
fn in_quotes(parts: &Parts, (start, end): (usize, usize)) -> Option<Fix> {
    let digits = parts.text.get(start..end)?;
    let place = parts.place_at(start, end);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || place.text() != digits {
        return None;
    }
    let quote = if parts.place.text().starts_with('"') { '\'' } else { '"' };
    Some(Fix::replace(Safety::Unsafe, place, format!("{quote}{digits}{quote}")))
}

/// Where a name stands within the bytes of the expression that uses it: the last time, since what it is applied to
/// stands before it.
fn name_place(parts: &Parts, start: usize, end: usize, name: &str) -> Place {
    match parts.text.get(start..end).and_then(|text| find_word(text, name)) {
        Some(at) => parts.place_at(start + at, start + at + name.len()),
        None => parts.place_at(start, end),
    }
}

fn find_word(text: &str, name: &str) -> Option<usize> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.rmatch_indices(name)
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with(word) && !text[at + name.len()..].starts_with(word))
}
