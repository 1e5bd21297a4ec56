//! For people: by step in the order of the flow, values side by side, and what a caller notices.

use super::Compared;
use super::live::{Version, Waiting};
use crate::diff::{Change, Class, Fate, Sign, Subject};
use std::fmt::Write;

/// The longest value on a line, in characters; of longer ones, what differs is shown.
const LONGEST: usize = 56;

/// Grouped by the part of the flow.
pub fn render(compared: &[Compared], colour: bool, is_single: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    for one in compared {
        if one.diff.is_empty() && one.live.is_empty() && !is_single {
            continue;
        }
        line(&mut out, &paint.bold(&title(one)));
        let mut at: Option<Subject> = None;
        for change in one.diff.changes.iter().map(clean) {
            let change = &change;
            let is_whole = change.what.is_empty();
            if at.as_ref() != Some(&change.subject) {
                if !is_whole {
                    line(&mut out, &format!("~ {}", subject(&change.subject)));
                }
                at = Some(change.subject.clone());
            }
            let class = paint.class(change.class);
            let (was, is) = shown(change);
            let value = match (was, is) {
                (Some(was), Some(is)) => format!("{was} -> {is}"),
                (was, is) => was.or(is).unwrap_or_default(),
            };
            if is_whole {
                let mark = change.sign.mark();
                line(
                    &mut out,
                    &format!("{mark} {}: {value}  [{class}]", subject(&change.subject)),
                );
            } else {
                line(
                    &mut out,
                    &format!("    {} {}: {value}  [{class}]", change.sign.mark(), change.what),
                );
            }
            line(
                &mut out,
                &format!("      {}{}", places(change), paint.dim(&change.caller)),
            );
        }
        for waiting in &one.live {
            line(&mut out, &format!("! {}", calls(waiting)));
            for lost in &waiting.lost {
                line(&mut out, &format!("      [{}] {lost}", paint.class(Class::Breaking)));
            }
        }
        line(&mut out, "");
    }
    line(&mut out, &summary(compared));
    out
}

/// One line for each change, for logs and screen readers.
pub fn plain(compared: &[Compared]) -> String {
    let mut out = String::new();
    for one in compared {
        for change in one.diff.changes.iter().map(clean) {
            let change = &change;
            let what = match change.what.as_str() {
                "" => String::new(),
                what => format!(", {what}"),
            };
            let (was, is) = shown(change);
            let value = match (was, is) {
                (Some(was), Some(is)) => format!("was {was}, is {is}"),
                (Some(was), None) => format!("removed, was {was}"),
                (None, Some(is)) => format!("added, is {is}"),
                (None, None) => change.sign.word().to_owned(),
            };
            let text = format!(
                "{}{}: {}{what}: {value}: {}",
                places(change),
                change.class.words(),
                subject(&change.subject),
                change.caller
            );
            line(&mut out, &text);
        }
        for waiting in &one.live {
            let lost: String = waiting.lost.iter().map(|lost| format!("; breaking: {lost}")).collect();
            line(&mut out, &format!("{}: {}{lost}", one.file, calls(waiting)));
        }
    }
    line(&mut out, &summary(compared));
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a string does not fail.
    let _written = writeln!(out, "{}", text.trim_end());
}

/// The change without characters that a terminal would act on.
fn clean(change: &Change) -> Change {
    let subject = match &change.subject {
        Subject::Flow(name) => Subject::Flow(name.as_deref().map(visible)),
        Subject::Step(name) => Subject::Step(visible(name)),
        Subject::Agent(name) => Subject::Agent(visible(name)),
        other => other.clone(),
    };
    Change {
        subject,
        what: visible(&change.what),
        was: change.was.as_deref().map(visible),
        is: change.is.as_deref().map(visible),
        caller: visible(&change.caller),
        ..change.clone()
    }
}

fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn title(one: &Compared) -> String {
    match (&one.old, &one.new) {
        (Some(old), Some(new)) if old.file == new.file => format!("{}: {} -> {}", new.file, old.source, new.source),
        (Some(old), Some(new)) => format!("{} ({}) -> {} ({})", old.file, old.source, new.file, new.source),
        (Some(old), None) => format!("{}: in {} only", old.file, old.source),
        (None, Some(new)) => format!("{}: in {} only", new.file, new.source),
        (None, None) => one.file.clone(),
    }
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Flow(None) => "the flow".to_owned(),
        Subject::Flow(Some(name)) => format!("flow `{name}`, which it runs"),
        Subject::Step(name) => format!("step `{name}`"),
        Subject::AfterCall => "after the call".to_owned(),
        Subject::Agent(name) => format!("agent `{name}`"),
        Subject::Files => "files".to_owned(),
        Subject::Needs => "what it needs".to_owned(),
    }
}

/// `flows/a.yaml:3 -> flows/a.yaml:5: `, or one of them.
fn places(change: &Change) -> String {
    let at = |place: &crate::flow::Place| format!("{}:{}", place.source().name(), place.line());
    match (change.old.as_ref().map(at), change.new.as_ref().map(at)) {
        (Some(old), Some(new)) if old == new => format!("{new}: "),
        (Some(old), Some(new)) => format!("{old} -> {new}: "),
        (old, new) => old.or(new).map(|at| format!("{at}: ")).unwrap_or_default(),
    }
}

/// Both values, short enough for a line.
fn shown(change: &Change) -> (Option<String>, Option<String>) {
    let absent = |value: &Option<String>| {
        value
            .clone()
            .or_else(|| (change.sign == Sign::Changed).then(|| "nothing".to_owned()))
    };
    let (was, is) = (absent(&change.was), absent(&change.is));
    let skip = match (&was, &is) {
        (Some(was), Some(is)) => was
            .chars()
            .zip(is.chars())
            .take_while(|(one, other)| one == other)
            .count(),
        _ => 0,
    };
    let cut = |text: String| cut(&text, skip);
    (was.map(cut), is.map(cut))
}

/// A window of a long text around what differs, which begins after `skip` characters.
fn cut(text: &str, skip: usize) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.to_owned();
    }
    let from = if skip < LONGEST / 2 { 0 } else { skip - LONGEST / 3 };
    let from = from.min(length - 1);
    let window: String = text.chars().skip(from).take(LONGEST).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if from + LONGEST < length { "…" } else { "" };
    format!("{before}{window}{after}")
}

/// `3 live calls are at `talk` (changed), the oldest for 2 m`.
fn calls(waiting: &Waiting) -> String {
    let (noun, are) = if waiting.calls == 1 {
        ("call", "is")
    } else {
        ("calls", "are")
    };
    let version = match waiting.version {
        Version::Old => String::new(),
        Version::New => " of the new version".to_owned(),
        Version::Other => {
            let hash: String = waiting.hash.chars().take(12).collect();
            format!(" of another version ({hash})")
        }
    };
    let place = match &waiting.step {
        Some(step) => format!("live {noun}{version} {are} at `{}`", visible(step)),
        None if waiting.is_over => format!("{noun}{version} {are} over, with follow-ups to be done"),
        None => format!("live {noun}{version} {are} at a step that is not known"),
    };
    let fate = match &waiting.fate {
        Some(Fate::Same(name)) if waiting.step.as_ref() == Some(name) => " (unchanged)".to_owned(),
        Some(Fate::Same(name)) => format!(" (now `{}`)", visible(name)),
        Some(Fate::Changed(_)) => " (changed)".to_owned(),
        Some(Fate::Removed) => " (removed)".to_owned(),
        None => String::new(),
    };
    let oldest = if waiting.calls == 1 {
        "since"
    } else {
        "the oldest since"
    };
    format!("{} {place}{fate}, {oldest} {}", waiting.calls, age(waiting.oldest))
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

fn summary(compared: &[Compared]) -> String {
    let total = |class: Class| compared.iter().map(|one| one.count(class)).sum::<usize>();
    let counted: Vec<String> = Class::ALL
        .iter()
        .rev()
        .map(|class| (total(*class), class))
        .filter(|(count, _)| *count > 0)
        .map(|(count, class)| match class {
            Class::Breaking => format!("{count} breaking"),
            Class::NewCalls => format!("{count} for new calls"),
            Class::Compatible => format!("{count} compatible"),
        })
        .collect();
    match counted.as_slice() {
        [] => "no difference for any caller".to_owned(),
        some => some.join(", "),
    }
}

/// Colours, where they are wanted.
struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn class(&self, class: Class) -> String {
        let code = match class {
            Class::Compatible => "32",
            Class::NewCalls => "33",
            Class::Breaking => "1;31",
        };
        self.with(code, class.words())
    }

    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }
}
