//! A call that was played, told line by line: seconds since its first moment, the step, and what happened.

use super::outcome::Played;
use crate::call::{Flow, StepId, Time};
use crate::phone::What;

/// The lines around a moment, or the last ones; at most so many.
pub fn timeline(flow: &Flow, played: &Played, around: Option<Time>, most: usize) -> Vec<String> {
    let mut lines: Vec<(Time, String)> = Vec::new();
    let mut step: Option<StepId> = None;
    let mut speech: Option<(usize, u64)> = None;
    for told in &played.told {
        let text = match &told.what {
            What::Hears { what, millis, .. } if what.is_empty() => {
                // More of what was begun: its sound came in parts.
                if let Some((line, all)) = &mut speech {
                    let before = format!("({})", super::judge::seconds(*all));
                    *all += millis;
                    let after = format!("({})", super::judge::seconds(*all));
                    if let Some((_, text)) = lines.get_mut(*line) {
                        *text = text.replace(&before, &after);
                    }
                }
                continue;
            }
            What::Hears { what, spoken, millis } => {
                speech = Some((lines.len(), *millis));
                let what = if *spoken { format!("“{what}”") } else { what.clone() };
                format!("hears {what} ({})", super::judge::seconds(*millis))
            }
            What::Caller(text) => format!("caller {text}"),
            What::Carrier(text) => format!("carrier {text}"),
            What::Engine(text) => format!("engine {text}"),
            What::Fault(text) => format!("fault: {text}"),
            What::Verb(name) => format!("<{name}>"),
            What::Message { channel, to, .. } => format!("engine orders a {channel} message to {to}"),
            What::Over(why) => format!("over: {why}"),
            What::Row(_) | What::Step => continue,
        };
        let name = match told.step {
            Some(at) if told.step != step => flow.step(at).name.as_str(),
            _ => "",
        };
        step = told.step.or(step);
        let time = told.at.since(played.began);
        lines.push((
            told.at,
            format!("{:>4}.{} s  {name:<16} {text}", time / 1000, time % 1000 / 100),
        ));
    }
    let middle = match around {
        Some(at) => lines.iter().position(|(time, _)| *time >= at).unwrap_or(lines.len()),
        None => lines.len(),
    };
    let first = middle.saturating_sub(most / 2).min(lines.len().saturating_sub(most));
    let mut shown: Vec<String> = Vec::new();
    if first > 0 {
        shown.push("  …".to_owned());
    }
    shown.extend(lines.iter().skip(first).take(most).map(|(_, line)| line.clone()));
    if first + most < lines.len() {
        shown.push("  …".to_owned());
    }
    shown
}
