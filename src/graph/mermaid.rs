//! Mermaid, as GitHub and GitLab draw it in Markdown between ```` ```mermaid ```` and ```` ``` ````.

use super::model::{Edge, Graph, Node, Stroke};
use super::text;
use std::fmt::Write;

/// The colours of marks: each also has words and a border of its own. Texts on them are dark on every page.
const CLASSES: [(&str, &str); 4] = [
    (
        "unreachable",
        "fill:#e5e7eb,stroke:#6b7280,color:#374151,stroke-dasharray:6 4",
    ),
    ("dead_end", "fill:#fee2e2,stroke:#b91c1c,color:#7f1d1d,stroke-width:3px"),
    (
        "uncovered",
        "fill:#fef3c7,stroke:#b45309,color:#78350f,stroke-dasharray:2 3",
    ),
    ("nowhere", "fill:#b91c1c,stroke:#7f1d1d,color:#ffffff"),
];

/// Where a long line is broken, in characters.
const LINE: usize = 26;

pub(super) fn render(graph: &Graph) -> String {
    Writer::new(graph).document()
}

/// What has been written so far.
struct Writer<'a> {
    graph: &'a Graph,
    out: String,
    /// The strokes of the links, by their number.
    strokes: Vec<Stroke>,
    /// The classes of the nodes, by their ids.
    classes: Vec<(&'static str, String)>,
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph) -> Self {
        Self {
            graph,
            out: String::from("flowchart TD\n"),
            strokes: Vec::new(),
            classes: Vec::new(),
        }
    }

    fn document(mut self) -> String {
        // `call` itself is a word of Mermaid's.
        self.line(1, "entry(((\"call\")))");
        for (index, cluster) in self.graph.clusters.iter().enumerate() {
            if index > 0 {
                let title = escaped(&format!("{} · {}", cluster.name, text::isolated(&cluster.file)));
                self.line(1, &format!("subgraph s{index}[\"{title}\"]"));
            }
            for (number, node) in self.graph.nodes.iter().enumerate() {
                if node.cluster == index {
                    self.node(number, node, if index > 0 { 2 } else { 1 });
                }
            }
            if index > 0 {
                self.line(1, "end");
            }
        }
        if let Some(begin) = self.graph.clusters.first().and_then(|main| main.entry) {
            self.link("entry", "-->", &[], &format!("n{begin}"), Stroke::Plain);
        }
        for (number, edge) in self.graph.edges.iter().enumerate() {
            self.edge(number, edge);
        }
        self.after_call();
        self.styles();
        self.out
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&"    ".repeat(depth));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn node(&mut self, number: usize, node: &Node, depth: usize) {
        let mut lines = vec![format!(
            "<b>{}</b>",
            escaped(&text::isolated(&text::short(&node.title, 60)))
        )];
        lines.extend(text::subtitle(node, LINE).iter().map(|line| escaped(line)));
        let tags = text::tags(node);
        if !tags.is_empty() {
            lines.push(format!("<i>{}</i>", escaped(&tags.join(", "))));
        }
        let (open, close) = shape(node);
        self.line(depth, &format!("n{number}{open}\"{}\"{close}", lines.join("<br/>")));
        let marks = [
            (node.marks.unreachable, "unreachable"),
            (node.marks.dead_end, "dead_end"),
            (node.marks.uncovered(), "uncovered"),
        ];
        if let Some((_, class)) = marks.iter().find(|(on, _)| *on) {
            self.classes.push((class, format!("n{number}")));
        }
    }

    fn edge(&mut self, number: usize, edge: &Edge) {
        let stroke = edge.stroke();
        let to = match edge.to {
            Some(to) => format!("n{to}"),
            None => {
                let nowhere = format!("x{number}");
                self.line(1, &format!("{nowhere}{{{{\"nowhere\"}}}}"));
                self.classes.push(("nowhere", nowhere.clone()));
                nowhere
            }
        };
        let arrow = match stroke {
            Stroke::Skip | Stroke::Otherwise => "-.->",
            Stroke::Run => "==>",
            Stroke::Plain | Stroke::Watchdog | Stroke::Broken => "-->",
        };
        let label = text::label(self.graph, edge);
        self.link(&format!("n{}", edge.from), arrow, &label, &to, stroke);
    }

    fn link(&mut self, from: &str, arrow: &str, label: &[String], to: &str, stroke: Stroke) {
        let label: Vec<String> = label.iter().map(|line| escaped(line)).collect();
        let label = if label.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", label.join("<br/>"))
        };
        self.line(1, &format!("{from} {arrow}{label} {to}"));
        self.strokes.push(stroke);
    }

    fn after_call(&mut self) {
        if self.graph.after_call.is_empty() {
            return;
        }
        self.line(1, "subgraph after[\"after the call, however it ended\"]");
        for (number, item) in self.graph.after_call.iter().enumerate() {
            let mut lines = text::follow_up(item, LINE);
            lines.extend(item.when.iter().map(|when| format!("when {}", text::condition(when))));
            let label: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
            self.line(2, &format!("a{number}[/\"{}\"/]", label.join("<br/>")));
        }
        self.line(1, "end");
        for number in 1..self.graph.after_call.len() {
            self.link(
                &format!("a{}", number - 1),
                "-->",
                &[],
                &format!("a{number}"),
                Stroke::Plain,
            );
        }
    }

    fn styles(&mut self) {
        for (class, style) in CLASSES {
            let nodes: Vec<String> = self
                .classes
                .iter()
                .filter(|(own, _)| *own == class)
                .map(|(_, id)| id.clone())
                .collect();
            if !nodes.is_empty() {
                self.line(1, &format!("classDef {class} {style}"));
                self.line(1, &format!("class {} {class}", nodes.join(",")));
            }
        }
        let lines = [
            (Stroke::Otherwise, "stroke:#9ca3af"),
            (Stroke::Watchdog, "stroke:#b45309,stroke-dasharray:10 4"),
            (Stroke::Broken, "stroke:#b91c1c,stroke-width:3px"),
        ];
        for (stroke, style) in lines {
            let numbers = self.strokes.iter().enumerate().filter(|(_, own)| **own == stroke);
            let numbers: Vec<String> = numbers.map(|(number, _)| number.to_string()).collect();
            if !numbers.is_empty() {
                self.line(1, &format!("linkStyle {} {style}", numbers.join(",")));
            }
        }
    }
}

/// The brackets of a node's shape: a question leans, a branch is a diamond's cousin, an end is round.
fn shape(node: &Node) -> (&'static str, &'static str) {
    match node.kind.as_str() {
        _ if node.end => ("([", "])"),
        "choose" => ("{{", "}}"),
        "gather" | "record" | "pay" => ("[/", "/]"),
        "run" => ("[[", "]]"),
        "converse" | "relay" | "stream" => ("(", ")"),
        _ => ("[", "]"),
    }
}

/// Text inside of quotes. Whatever Mermaid, Markdown or HTML would act on is written by its number.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, c) in text.chars().enumerate() {
        let safe = match c {
            '.' | ')' | '-' | '+' => !list_so_far(text, index),
            '/' | ':' | ',' | '_' | '?' | '!' | '\'' | '(' | '=' => true,
            c => !c.is_ascii_punctuation(),
        };
        if safe {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}

/// Whether the text up to there looks like the mark of a list, which Mermaid refuses to draw.
fn list_so_far(text: &str, index: usize) -> bool {
    text.chars().take(index).all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::escaped;
    use proptest::prelude::*;

    #[test]
    fn what_could_be_acted_on_is_written_by_number() {
        let cases = [
            ("plain words, (really)", "plain words, (really)"),
            ("say \"hi\"", "say #34;hi#34;"),
            ("<b>[x]|{y}", "#60;b#62;#91;x#93;#124;#123;y#125;"),
            ("#1; `code`", "#35;1#59; #96;code#96;"),
            ("1. one", "1#46; one"),
            ("- one", "#45; one"),
            ("v1.2 a-b", "v1.2 a-b"),
            ("“שלום”", "“שלום”"),
        ];
        for (text, expected) in cases {
            assert_eq!(escaped(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_quotes(text in "\\PC{0,60}") {
            let escaped = escaped(&text);
            let left = escaped.contains(['"', '`', '<', '>', '|', '[', ']', '{', '}', '&', '\n']);
            prop_assert!(!left, "it acts");
            prop_assert_eq!(read_back(&escaped), text);
        }
    }

    /// Undoes `#NN;`.
    fn read_back(text: &str) -> String {
        let mut parts = text.split('#');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (number, rest) = part.split_once(';').unwrap();
            out.push(char::from_u32(number.parse().unwrap()).unwrap());
            out.push_str(rest);
        }
        out
    }
}
