//! The ways that leave one step: where each outcome leads and what leads it there.

use super::build::Written;
use super::model::{By, Cluster, Edge, Path, Way};
use crate::call::{Outcome, Step, StepId};
use crate::flow::Node;

/// Kinds with a stream, which the engine's watchdog looks after.
const WATCHED: [&str; 3] = ["converse", "relay", "stream"];

/// What the watchdog makes of a stream that does not start, or carries nothing.
const WATCHDOG: [&str; 2] = ["no_stream_start", "no_media"];

/// What is known of a step beside its checked form.
pub(super) struct Around<'a> {
    /// Its YAML.
    pub written: Option<&'a Node>,
    /// Every step's name within its own flow file.
    pub titles: &'a [String],
}

/// Every outcome of the step on exactly one edge; outcomes that lead to the same step are on the same one.
pub(super) fn outcomes(from: usize, step: &Step, around: &Around<'_>) -> Vec<Edge> {
    let mut edges: Vec<(Option<usize>, Vec<Way>)> = Vec::new();
    for outcome in step.kind.outcomes() {
        let to = step.target(&outcome).map(StepId::index);
        let to = to.filter(|to| *to < around.titles.len());
        let way = Way {
            by: by(&outcome, to, around),
            watchdog: WATCHED.contains(&step.kind.name()) && WATCHDOG.contains(&outcome.as_str()),
            outcome: outcome.0,
            tested: None,
            proven: None,
        };
        match edges.iter_mut().find(|(known, _)| *known == to) {
            Some((_, ways)) => ways.push(way),
            None => edges.push((to, vec![way])),
        }
    }
    let edge = |(to, ways)| Edge {
        from,
        to,
        path: Path::Outcomes(ways),
    };
    edges.into_iter().map(edge).collect()
}

/// The compiler has decided where the outcome goes; here is only said which key speaks of it.
fn by(outcome: &Outcome, to: Option<usize>, around: &Around<'_>) -> By {
    let own = |key: &str| around.written.and_then(|step| step.key(key));
    let Some(to) = to else { return By::Nothing };
    if own("on").is_some_and(|on| on.key(outcome.as_str()).is_some()) {
        return By::On;
    }
    match own("next").and_then(Node::scalar) {
        Some(next) if next.text == around.titles[to] => By::Next,
        _ => By::Otherwise,
    }
}

/// The flow that the step runs, where it runs one.
pub(super) fn run_from<'a>(step: &Step, written: &Written<'_>, clusters: &'a [Cluster]) -> Option<&'a Cluster> {
    if step.kind.name() != "run" {
        return None;
    }
    let run = written.step(step)?.key("run")?;
    let file = run.scalar().or_else(|| run.key("flow")?.scalar())?;
    let path = beside(step.place.source().name(), &file.text);
    clusters.iter().skip(1).find(|cluster| cluster.file == path)
}

/// The path of a file that another one names; `..` goes up.
fn beside(file: &str, named: &str) -> String {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(named.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn flows_are_found_beside_the_one_that_names_them() {
        let cases = [
            ("flows/a.yaml", "b.yaml", "flows/b.yaml"),
            ("flows/a.yaml", "./shared/b.yaml", "flows/shared/b.yaml"),
            ("flows/x/a.yaml", "../b.yaml", "flows/b.yaml"),
            ("a.yaml", "b.yaml", "b.yaml"),
        ];
        for (file, named, expected) in cases {
            assert_eq!(beside(file, named), expected);
        }
    }
}
