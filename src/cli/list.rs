//! `engine list`: what there is, from the same registries that the compiler uses.

use super::Exit;
use crate::step::{KINDS, Stands};
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
    /// Checks of `engine validate`.
    Checks,
    /// Voices of `say`.
    Voices,
    /// Templates of verbs.
    Templates,
    /// Faults that `engine simulate` can play.
    Faults,
    /// Protocols of providers, by what they do.
    Providers,
}

pub(super) fn run(args: &List) -> Exit {
    let rows: Vec<(String, String)> = match args.what {
        What::Steps => KINDS
            .iter()
            .filter(|kind| kind.place != Stands::InMessages)
            .map(|kind| (kind.name.to_owned(), kind.about.to_owned()))
            .collect(),
        What::Checks => crate::check::ALL
            .iter()
            .map(|check| (check.id.to_owned(), check.about.to_owned()))
            .collect(),
        What::Voices => crate::twiml::Voices::bundled()
            .names()
            .map(|name| (name.to_owned(), String::new()))
            .collect(),
        What::Templates => crate::twiml::Templates::bundled()
            .names()
            .map(|name| (name.to_owned(), String::new()))
            .collect(),
        What::Providers => crate::line::protocols()
            .map(|(stage, name, about)| (format!("{} {name}", stage.name()), about.to_owned()))
            .collect(),
        What::Faults => crate::carrier::FAULTS
            .iter()
            .map(|(_, name, about)| ((*name).to_owned(), (*about).to_owned()))
            .collect(),
    };
    if args.json {
        let list: Vec<_> = rows
            .iter()
            .map(|(name, about)| json!({"name": name, "about": about}))
            .collect();
        super::output::print(&format!("{}\n", json!(list)));
        return Exit::Done;
    }
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, about) in rows {
        super::output::print(&format!("{}\n", format!("{name:width$}  {about}").trim_end()));
    }
    Exit::Done
}
