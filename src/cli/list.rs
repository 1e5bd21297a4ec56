//! `engine list`: what there is, from the same registries that the compiler uses.

use super::Exit;
use crate::step::{KINDS, Stands};
use crate::trial;
use serde_json::json;

/// Lists what there is, with one line each.
#[derive(Debug, clap::Args)]
pub struct List {
    /// What to list.
    #[arg(value_enum)]
    what: What,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Step kinds.
    Steps,
    /// Findings of `engine validate` and `engine test`.
    Checks,
    /// Voices of `say`.
    Voices,
    /// Templates of verbs.
    Templates,
    /// Faults of calls, and which of `engine simulate` and `engine test` can play each.
    Faults,
    /// Protocols of providers, by what they do.
    Providers,
}

/// A line of a list.
struct Row {
    name: String,
    /// The commands that play it; only faults have them.
    played_by: &'static [&'static str],
    about: String,
}

impl Row {
    fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            played_by: &[],
            about: about.into(),
        }
    }
}

pub(super) fn run(args: &List) -> Exit {
    let rows = rows(args.what);
    if args.json {
        let list: Vec<_> = rows
            .iter()
            .map(|row| match row.played_by {
                [] => json!({"name": row.name, "about": row.about}),
                by => json!({"name": row.name, "played_by": by, "about": row.about}),
            })
            .collect();
        super::output::print(&format!("{}\n", json!(list)));
        return Exit::Done;
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for Row { name, played_by, about } in rows {
        let by = match played_by {
            [] => String::new(),
            [only] => format!("{only:8}  "),
            _ => format!("{:8}  ", "both"),
        };
        super::output::print(&format!("{}\n", format!("{name:width$}  {by}{about}").trim_end()));
    }
    Exit::Done
}

fn rows(what: What) -> Vec<Row> {
    match what {
        What::Steps => KINDS
            .iter()
            .filter(|kind| kind.place != Stands::InMessages)
            .map(|kind| Row::new(kind.name, kind.about))
            .collect(),
        What::Checks => crate::check::ALL
            .iter()
            .map(|check| Row::new(check.id, check.about))
            .collect(),
        What::Voices => crate::twiml::Voices::bundled()
            .names()
            .map(|name| Row::new(name, ""))
            .collect(),
        What::Templates => crate::twiml::Templates::bundled()
            .names()
            .map(|name| Row::new(name, ""))
            .collect(),
        What::Providers => crate::line::protocols()
            .map(|(stage, name, about)| Row::new(format!("{} {name}", stage.name()), about))
            .collect(),
        What::Faults => faults().collect(),
    }
}

/// Faults, with who plays each: the built-in carrier on real sockets, scenarios on virtual time, or both.
fn faults() -> impl Iterator<Item = Row> {
    let carriers = crate::carrier::FAULTS.iter().map(|(_, name, about)| Row {
        played_by: match trial::REAL.contains(name) {
            true => &["simulate"],
            false => &["simulate", "test"],
        },
        ..Row::new(*name, *about)
    });
    let own = trial::VIRTUAL.iter().map(|(name, about)| Row {
        played_by: &["test"],
        ..Row::new(*name, *about)
    });
    carriers.chain(own)
}
