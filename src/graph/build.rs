//! From a compiled flow to its graph. A flow with errors is drawn too, as far as its steps could be read.

use super::detail::detail;
use super::model::{Cluster, Edge, FollowUp, Graph, Marks, Node, Path};
use super::ways;
use crate::call::{AfterItem, Section, Step};
use crate::compile::Compiled;
use crate::flow;
use std::collections::BTreeMap;
use std::fmt;

/// Why a flow cannot be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPicture {
    /// The file, or what it needs, could not be read as a flow.
    NoSteps,
    /// A step's kind could not be read, so it is not known which step is which.
    UnreadStep,
}

impl fmt::Display for NoPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSteps => "there are no steps that could be drawn",
            Self::UnreadStep => "a step cannot be read, so the ways between the steps are not known",
        })
    }
}

impl std::error::Error for NoPicture {}

/// The graph of a flow that was compiled by [`crate::compile::compile`].
///
/// # Errors
/// Where so much is wrong with the flow that its steps are not known; the findings say what.
pub fn build(compiled: &Compiled) -> Result<Graph, NoPicture> {
    let table = Table::of(compiled);
    let main = table.sections.first().ok_or(NoPicture::NoSteps)?;
    if table.steps.is_empty() {
        return Err(NoPicture::NoSteps);
    }
    let written = Written::of(compiled);
    if written.steps.len() != table.steps.len() {
        return Err(NoPicture::UnreadStep);
    }
    let mut graph = Graph {
        flow: main.name.clone(),
        clusters: clusters(&table),
        nodes: table.steps.iter().map(|step| node(step, &table, &written)).collect(),
        after_call: table.after_call.iter().map(follow_up).collect(),
        ..Graph::default()
    };
    graph.file = graph.clusters.first().map(|main| main.file.clone()).unwrap_or_default();
    graph.edges = edges(&table, &written, &graph);
    graph.mark_ways();
    Ok(graph)
}

/// The steps, whether the flow compiles or not.
struct Table<'a> {
    steps: &'a [Step],
    sections: &'a [Section],
    after_call: &'a [AfterItem],
}

impl<'a> Table<'a> {
    fn of(compiled: &'a Compiled) -> Self {
        match &compiled.flow {
            Some(flow) => Self {
                steps: &flow.steps,
                sections: &flow.sections,
                after_call: &flow.after_call,
            },
            None => Self {
                steps: &compiled.draft.steps,
                sections: &compiled.draft.sections,
                after_call: &compiled.draft.after_call,
            },
        }
    }
}

/// The steps as written, by file and first byte of their name.
pub(super) struct Written<'a> {
    steps: BTreeMap<(&'a str, usize), &'a flow::Node>,
}

impl<'a> Written<'a> {
    fn of(compiled: &'a Compiled) -> Self {
        let mut steps = BTreeMap::new();
        for document in &compiled.documents {
            let root = document.root.as_ref();
            let entries = root.and_then(|root| root.key("steps")?.as_map()).unwrap_or_default();
            for entry in entries {
                steps.insert((document.source.name(), entry.key.span.start), &entry.value);
            }
        }
        Self { steps }
    }

    /// The YAML of a step.
    pub fn step(&self, step: &Step) -> Option<&'a flow::Node> {
        let key = (step.place.source().name(), step.place.span().start);
        self.steps.get(&key).copied()
    }
}

fn clusters(table: &Table<'_>) -> Vec<Cluster> {
    let file = |index: usize| {
        let step = table.steps.iter().find(|step| step.section == index);
        step.map(|step| step.place.source().name().to_owned())
            .unwrap_or_default()
    };
    let own = |section: usize, step: usize| {
        let begins = table.steps.get(step).is_some_and(|step| step.section == section);
        begins.then_some(step)
    };
    let sections = table.sections.iter().enumerate();
    sections
        .map(|(index, section)| Cluster {
            name: section.name.clone(),
            file: file(index),
            // Where nothing says where to begin, the id is that of any step.
            entry: own(index, section.start.index()),
            otherwise: section.otherwise.map(crate::call::StepId::index),
        })
        .collect()
}

fn node(step: &Step, table: &Table<'_>, written: &Written<'_>) -> Node {
    let prefix = match (step.section, table.sections.get(step.section)) {
        (1.., Some(section)) => format!("{}/", section.name),
        _ => String::new(),
    };
    Node {
        name: step.name.clone(),
        title: step.name.strip_prefix(&prefix).unwrap_or(&step.name).to_owned(),
        kind: step.kind.name().to_owned(),
        detail: detail(step.kind.as_ref(), written.step(step)),
        line: step.place.line(),
        cluster: step.section,
        end: step.kind.outcomes().is_empty(),
        marks: Marks::default(),
    }
}

fn follow_up(item: &AfterItem) -> FollowUp {
    FollowUp {
        kind: item.kind.name().to_owned(),
        detail: detail(item.kind.as_ref(), None),
        when: item.when.as_ref().map(|when| when.text().to_owned()),
        line: item.place.line(),
    }
}

fn edges(table: &Table<'_>, written: &Written<'_>, graph: &Graph) -> Vec<Edge> {
    let titles: Vec<String> = graph.nodes.iter().map(|node| node.title.clone()).collect();
    let mut edges = Vec::new();
    for (from, step) in table.steps.iter().enumerate() {
        if let Some((when, skip)) = &step.when {
            edges.push(Edge {
                from,
                to: Some(skip.index()).filter(|to| *to < table.steps.len()),
                path: Path::Skip(when.text().to_owned()),
            });
        }
        if let Some(cluster) = ways::run_from(step, written, &graph.clusters) {
            edges.push(Edge {
                from,
                to: cluster.entry,
                path: Path::Run,
            });
        }
        let around = ways::Around {
            written: written.step(step),
            titles: &titles,
        };
        edges.extend(ways::outcomes(from, step, &around));
    }
    edges
}
