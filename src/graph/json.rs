//! One JSON document. Within a major `format_version` fields are only ever added; lines count from 1.

use super::model::{Edge, Graph, Path};
use serde::Serialize;

pub(super) fn render(graph: &Graph) -> String {
    let name = |index: usize| graph.nodes.get(index).map(|node| node.name.as_str());
    let document = Document {
        format_version: "1.0",
        tool: Tool {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        },
        flow: &graph.flow,
        file: &graph.file,
        sections: graph
            .clusters
            .iter()
            .map(|cluster| Section {
                flow: &cluster.name,
                file: &cluster.file,
                entry: cluster.entry.and_then(name),
                otherwise: cluster.otherwise.and_then(name),
            })
            .collect(),
        nodes: graph
            .nodes
            .iter()
            .map(|node| Step {
                name: &node.name,
                kind: &node.kind,
                detail: node.detail.as_deref(),
                file: graph.clusters.get(node.cluster).map(|cluster| cluster.file.as_str()),
                line: node.line,
                section: node.cluster,
                end: node.end,
                unreachable: node.marks.unreachable,
                dead_end: node.marks.dead_end,
                tested: node.marks.tested,
                proven: node.marks.proven,
            })
            .collect(),
        edges: graph
            .edges
            .iter()
            .map(|edge| way(edge, name(edge.from), edge.to.and_then(name)))
            .collect(),
        after_call: graph
            .after_call
            .iter()
            .map(|item| After {
                kind: &item.kind,
                detail: item.detail.as_deref(),
                when: item.when.as_deref(),
                line: item.line,
            })
            .collect(),
    };
    let text = serde_json::to_string_pretty(&document).expect("structs of text and numbers always serialise");
    format!("{text}\n")
}

fn way<'a>(edge: &'a Edge, from: Option<&'a str>, to: Option<&'a str>) -> Way<'a> {
    let outcomes = edge.ways().iter().map(|way| Outcome {
        name: &way.outcome,
        by: way.by.as_str(),
        watchdog: way.watchdog,
        tested: way.tested,
        proven: way.proven,
    });
    Way {
        from,
        to,
        r#type: match &edge.path {
            Path::Outcomes(_) => "outcomes",
            Path::Skip(_) => "skip",
            Path::Run => "run",
        },
        outcomes: outcomes.collect(),
        unless: match &edge.path {
            Path::Skip(when) => Some(when),
            Path::Outcomes(_) | Path::Run => None,
        },
    }
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    tool: Tool,
    flow: &'a str,
    file: &'a str,
    sections: Vec<Section<'a>>,
    nodes: Vec<Step<'a>>,
    edges: Vec<Way<'a>>,
    after_call: Vec<After<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Section<'a> {
    flow: &'a str,
    file: &'a str,
    entry: Option<&'a str>,
    otherwise: Option<&'a str>,
}

#[derive(Serialize)]
struct Step<'a> {
    name: &'a str,
    kind: &'a str,
    detail: Option<&'a str>,
    file: Option<&'a str>,
    line: usize,
    section: usize,
    end: bool,
    unreachable: bool,
    dead_end: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tested: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proven: Option<u64>,
}

#[derive(Serialize)]
struct Way<'a> {
    from: Option<&'a str>,
    to: Option<&'a str>,
    r#type: &'static str,
    outcomes: Vec<Outcome<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unless: Option<&'a str>,
}

#[derive(Serialize)]
struct Outcome<'a> {
    name: &'a str,
    by: &'static str,
    watchdog: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tested: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proven: Option<u64>,
}

#[derive(Serialize)]
struct After<'a> {
    kind: &'a str,
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<&'a str>,
    line: usize,
}
