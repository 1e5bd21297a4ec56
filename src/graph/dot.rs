//! Graphviz: `engine graph --format dot | dot -Tpng > flow.png`.

use super::model::{Edge, Graph, Node, Stroke};
use super::text;
use std::fmt::Write;

/// Where a long line is broken, in characters.
const LINE: usize = 34;

pub(super) fn render(graph: &Graph) -> String {
    let mut out = String::new();
    out.push_str(&format!("digraph {} {{\n", quoted(&graph.flow)));
    out.push_str("    graph [rankdir=TB, fontname=\"Helvetica\", nodesep=0.4, ranksep=0.5, compound=true];\n");
    out.push_str("    node [shape=box, style=filled, fillcolor=\"#f8fafc\", color=\"#334155\", fontname=\"Helvetica\", fontsize=11];\n");
    out.push_str("    edge [color=\"#334155\", fontname=\"Helvetica\", fontsize=10];\n");
    out.push_str("    call [shape=circle, label=\"call\", fillcolor=\"#334155\", fontcolor=\"#ffffff\"];\n");
    for (index, cluster) in graph.clusters.iter().enumerate() {
        if index > 0 {
            let title = quoted(&format!("{} · {}", cluster.name, text::isolated(&cluster.file)));
            let _ = writeln!(
                out,
                "    subgraph cluster_{index} {{\n        label={title}; style=rounded; color=\"#94a3b8\";"
            );
        }
        let indent = if index > 0 { "        " } else { "    " };
        for (number, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.cluster == index) {
            let _ = writeln!(out, "{indent}{}", step(number, node, graph));
        }
        if index > 0 {
            out.push_str("    }\n");
        }
    }
    if let Some(begin) = graph.clusters.first().and_then(|main| main.entry) {
        let _ = writeln!(out, "    call -> n{begin};");
    }
    for (number, edge) in graph.edges.iter().enumerate() {
        out.push_str(&way(number, edge, graph));
    }
    after_call(graph, &mut out);
    out.push_str("}\n");
    out
}

fn step(number: usize, node: &Node, graph: &Graph) -> String {
    let mut lines = vec![text::isolated(&text::short(&node.title, 60))];
    lines.extend(text::subtitle(node, LINE));
    let tags = text::tags(node);
    if !tags.is_empty() {
        lines.push(format!("({})", tags.join(", ")));
    }
    let shape = match node.kind.as_str() {
        _ if node.end => "shape=box, style=\"filled,rounded\"",
        "choose" => "shape=hexagon, style=filled",
        "gather" | "record" | "pay" => "shape=parallelogram, style=filled",
        "run" => "shape=box, peripheries=2, style=filled",
        "converse" | "relay" | "stream" => "shape=ellipse, style=filled",
        _ => "shape=box, style=filled",
    };
    let marks = &node.marks;
    let (shape, colours) = if marks.unreachable {
        (dashed(shape, "dashed"), ", fillcolor=\"#e5e7eb\", color=\"#6b7280\"")
    } else if marks.dead_end {
        (
            shape.to_owned(),
            ", fillcolor=\"#fee2e2\", color=\"#b91c1c\", penwidth=3",
        )
    } else if marks.uncovered() {
        (
            dashed(shape, "dotted"),
            ", fillcolor=\"#fef3c7\", color=\"#b45309\", penwidth=2",
        )
    } else {
        (shape.to_owned(), "")
    };
    let file = graph
        .clusters
        .get(node.cluster)
        .map_or("", |cluster| cluster.file.as_str());
    let tooltip = quoted(&format!("{file}:{}", node.line));
    format!(
        "n{number} [label={}, {shape}{colours}, tooltip={tooltip}];",
        quoted(&lines.join("\n"))
    )
}

/// The shape with one more style.
fn dashed(shape: &str, style: &str) -> String {
    match shape.strip_suffix("style=filled") {
        Some(rest) => format!("{rest}style=\"filled,{style}\""),
        None => shape.replace("rounded\"", &format!("rounded,{style}\"")),
    }
}

fn way(number: usize, edge: &Edge, graph: &Graph) -> String {
    let mut out = String::new();
    let to = edge.to.map_or_else(|| format!("x{number}"), |to| format!("n{to}"));
    if edge.to.is_none() {
        let _ = writeln!(
            out,
            "    {to} [label=\"nowhere\", shape=octagon, fillcolor=\"#b91c1c\", fontcolor=\"#ffffff\"];"
        );
    }
    let mut attributes = Vec::new();
    let label = text::label(graph, edge);
    if !label.is_empty() {
        attributes.push(format!("label={}", quoted(&label.join("\n"))));
    }
    let style = match edge.stroke() {
        Stroke::Plain => "",
        Stroke::Otherwise => "style=dashed, color=\"#9ca3af\"",
        Stroke::Watchdog => "style=dashed, color=\"#b45309\", penwidth=1.5",
        Stroke::Skip => "style=dotted",
        Stroke::Run => "style=bold, arrowhead=open",
        Stroke::Broken => "color=\"#b91c1c\", penwidth=2",
    };
    attributes.extend((!style.is_empty()).then(|| style.to_owned()));
    let attributes = if attributes.is_empty() {
        String::new()
    } else {
        format!(" [{}]", attributes.join(", "))
    };
    let _ = writeln!(out, "    n{} -> {to}{attributes};", edge.from);
    out
}

fn after_call(graph: &Graph, out: &mut String) {
    if graph.after_call.is_empty() {
        return;
    }
    out.push_str("    subgraph cluster_after {\n        label=\"after the call, however it ended\"; style=rounded; color=\"#94a3b8\";\n");
    for (number, item) in graph.after_call.iter().enumerate() {
        let mut lines = text::follow_up(item, LINE);
        lines.extend(item.when.iter().map(|when| format!("when {}", text::condition(when))));
        let _ = writeln!(
            out,
            "        a{number} [label={}, shape=note];",
            quoted(&lines.join("\n"))
        );
    }
    for number in 1..graph.after_call.len() {
        let _ = writeln!(out, "        a{} -> a{number};", number - 1);
    }
    out.push_str("    }\n");
}

/// A quoted text. A backslash stands for itself; a line break is one in the picture.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            // Graphviz reads entities of HTML in every text.
            '&' => out.push_str("&amp;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn nothing_leaves_its_quotes() {
        let cases = [
            ("a \"b\"", r#""a \"b\"""#),
            (r"c:\n", r#""c:\\n""#),
            ("two\nlines", r#""two\nlines""#),
            ("&amp; <b>", r#""&amp;amp; <b>""#),
            ("שלום", "\"שלום\""),
        ];
        for (text, expected) in cases {
            assert_eq!(quoted(text), expected);
        }
    }
}
