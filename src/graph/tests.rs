//! Bundled flows as they are drawn, and what holds for any flow.

use super::*;
use crate::call::{Asset, Flow};
use crate::compile::{Compiled, Files, ProviderNames, compile};
use crate::line::Disk;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn bundled(path: &str) -> Graph {
    let compiled = compile(path, &Disk::new(env!("CARGO_MANIFEST_DIR")));
    build(&compiled).expect("bundled flows have steps")
}

/// Files of one project, in memory.
struct Memory(BTreeMap<&'static str, String>);

impl Files for Memory {
    fn text(&self, path: &str) -> Option<String> {
        self.0.get(path).cloned()
    }

    fn asset(&self, _path: &str) -> Option<(Asset, String)> {
        Some((
            Asset {
                millis: Some(1_000),
                lead: 0,
            },
            String::new(),
        ))
    }

    fn list(&self, _folder: &str) -> Vec<String> {
        Vec::new()
    }

    fn providers(&self) -> ProviderNames {
        ProviderNames::default()
    }
}

fn written(steps: &str) -> Compiled {
    let text = format!("flow: test\nversion: 1\nlocale: en-US\nstart: {{call: s0}}\notherwise: s0\nsteps:\n{steps}");
    compile("flows/test.yaml", &Memory([("flows/test.yaml", text)].into()))
}

fn drawn(steps: &str) -> Graph {
    build(&written(steps)).expect("the steps can be read")
}

fn snapshots(name: &str, graph: &Graph) {
    insta::assert_snapshot!(format!("{name}_mermaid"), Format::Mermaid.render(graph));
    insta::assert_snapshot!(format!("{name}_dot"), Format::Dot.render(graph));
    let json = Format::Json.render(graph);
    let json = json.replace(
        &format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION")),
        "\"version\": \"…\"",
    );
    insta::assert_snapshot!(format!("{name}_json"), json);
}

#[test]
fn the_receptionist() {
    snapshots("receptionist", &bundled("flows/receptionist.yaml"));
}

#[test]
fn the_menu() {
    snapshots("menu", &bundled("flows/menu.yaml"));
}

#[test]
fn the_voicemail() {
    snapshots("voicemail", &bundled("flows/voicemail.yaml"));
}

#[test]
fn a_flow_that_runs_another_one() {
    snapshots("parts", &bundled("examples/parts.yaml"));
}

const DAMAGED: &str = r#"
  s0: {say: "<b>\"one\" & [two]</b>", when: call.seconds > 5, next: s1}
  s1: {gather: {prompt: {say: "שלום, הקישו אחת"}, choices: {again: "1", on: "2"}}, on: {again: s1, on: gone}}
  s2: {say: "nobody hears this", next: s3}
  s3: {pause: 1s, next: s3}
"#;

#[test]
fn a_flow_with_errors_is_drawn_as_far_as_it_is_known() {
    let compiled = written(DAMAGED);
    assert!(compiled.findings.has_errors());
    let graph = build(&compiled).unwrap();
    let marks: Vec<String> = graph.nodes.iter().map(|node| node.marks.words().join(", ")).collect();
    assert_eq!(
        marks,
        ["", "dead end", "unreachable, dead end", "unreachable, dead end"]
    );
    snapshots("damaged", &graph);
}

#[test]
fn a_flow_whose_steps_are_not_known_is_not_drawn() {
    assert_eq!(
        build(&written("  s0: {dance: 1}\n  s1: {hangup: {}}\n")),
        Err(NoPicture::UnreadStep)
    );
    assert_eq!(
        build(&compile("none.yaml", &Memory(BTreeMap::new()))),
        Err(NoPicture::NoSteps)
    );
}

#[test]
fn a_flow_that_begins_with_no_step_of_its_own_is_drawn_without_a_beginning() {
    let main = "flow: test\nversion: 1\nlocale: en-US\nstart: {call: gone}\nsteps:\n  s0: {run: part.yaml, next: s1}\n  s1: {hangup: {}}\n";
    let part = "flow: part\nversion: 1\nlocale: en-US\nstart: {call: p0}\nends: [done]\nsteps:\n  p0: {end: done}\n";
    let files = [
        ("flows/test.yaml", main.to_owned()),
        ("flows/part.yaml", part.to_owned()),
    ];
    let graph = build(&compile("flows/test.yaml", &Memory(files.into()))).unwrap();
    assert_eq!(graph.clusters[0].entry, None);
    let unreachable = graph.nodes.iter().filter(|node| node.marks.unreachable);
    assert_eq!(unreachable.count(), 3);
    for format in Format::ALL {
        assert!(format.render(&graph).contains("p0"), "{format}");
    }
}

#[test]
fn what_nobody_visited_is_marked_and_what_is_not_there_any_more_is_said() {
    let mut graph = bundled("flows/menu.yaml");
    let visits = r#"{"format_version":"1.0","flows":{"flows/menu.yaml":{
        "steps":{"hours":4,"menu":3,"old":1},"edges":{"hours/open":3,"menu/sales":2,"menu/fax":1}}}}"#;
    let warnings = graph.note(&Visits::read(visits).unwrap(), Seen::Tested);
    assert_eq!(
        warnings,
        [
            "`flows/menu.yaml` has no step `old`",
            "`flows/menu.yaml` has no outcome `menu/fax`"
        ]
    );
    assert!(
        graph
            .nodes
            .iter()
            .any(|node| node.name == "menu" && node.marks.tested == Some(3))
    );
    assert!(
        graph
            .nodes
            .iter()
            .any(|node| node.name == "closed" && node.marks.uncovered())
    );
    snapshots("covered", &graph);

    let warnings = graph.note(&Visits::default(), Seen::Proven);
    assert_eq!(warnings.len(), 1);
    assert!(graph.nodes.iter().all(|node| node.marks.proven == Some(0)));
}

#[test]
fn a_drawing_says_everything_without_colour() {
    let mut graph = drawn(DAMAGED);
    graph.note(&Visits::default(), Seen::Tested);
    let svg = Format::Svg.render(&graph);
    for words in [
        "unreachable, dead end, not tested",
        "nowhere",
        "unless call.seconds &gt; 5",
        "not tested</text>",
    ] {
        assert!(svg.contains(words), "{words}");
    }
    assert!(
        !svg.contains("http://") || svg.matches("http://").count() == 1,
        "nothing is fetched"
    );
}

#[test]
fn formats_have_names_and_endings() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(*format));
    }
    assert_eq!(Format::of_ending("gv"), Some(Format::Dot));
    assert_eq!(Format::of_ending("png"), None);
    let error = "mermeid".parse::<Format>().unwrap_err().to_string();
    assert!(error.contains("did you mean `mermaid`?"), "{error}");
}

/// One step: which kind, and where its outcomes lead.
fn step(count: usize) -> impl Strategy<Value = String> {
    let text = "[a-z \"<>&#|\\[\\]{}א-ת]{0,50}";
    (0usize..6, 0..count, 0..count, text).prop_map(|(kind, one, other, text)| {
        let text = text.replace(['{', '}'], "").replace('"', "\\\"");
        match kind {
            0 => format!("{{say: \"x{text}\", next: s{one}}}"),
            1 => format!(
                "{{gather: {{prompt: a.mp3, choices: {{one: \"1\", two: \"2\"}}}}, on: {{one: s{one}, two: s{other}}}}}"
            ),
            2 => format!("{{dial: {{number: \"+1415\"}}, next: s{one}, on: {{busy: s{other}}}}}"),
            3 => "{hangup: {}}".to_owned(),
            4 => format!("{{play: a.mp3, when: call.seconds > 5, next: s{one}}}"),
            _ => format!("{{record: {{prompt: a.mp3}}, on: {{recorded: s{one}, empty: s{other}}}}}"),
        }
    })
}

fn flows() -> impl Strategy<Value = String> {
    (1usize..30).prop_flat_map(|count| {
        prop::collection::vec(step(count), count).prop_map(|steps| {
            let lines = steps
                .iter()
                .enumerate()
                .map(|(index, step)| format!("  s{index}: {step}\n"));
            lines.collect::<String>()
        })
    })
}

/// Every wired outcome is on exactly one way, to the step to which it is wired.
fn holds_every_outcome(graph: &Graph, flow: &Flow) -> Result<(), TestCaseError> {
    for (index, step) in flow.steps.iter().enumerate() {
        for outcome in step.kind.outcomes() {
            let ways: Vec<_> = graph
                .leaving(index)
                .filter(|edge| edge.ways().iter().any(|way| way.outcome == outcome.as_str()))
                .collect();
            prop_assert_eq!(ways.len(), 1);
            prop_assert_eq!(ways[0].to, step.target(&outcome).map(crate::call::StepId::index));
        }
        let targets: Vec<_> = graph
            .leaving(index)
            .filter(|edge| !edge.ways().is_empty())
            .map(|edge| edge.to)
            .collect();
        let mut once = targets.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), targets.len(), "outcomes to the same step are together");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_flow_is_drawn_whole(steps in flows()) {
        let compiled = written(&steps);
        let Some(flow) = &compiled.flow else {
            return Err(TestCaseError::fail(format!("{:?}\n{steps}", compiled.findings)));
        };
        let graph = build(&compiled).unwrap();
        let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
        let expected: Vec<&str> = flow.steps.iter().map(|step| step.name.as_str()).collect();
        prop_assert_eq!(names, expected);
        holds_every_outcome(&graph, flow)?;

        let svg = Format::Svg.render(&graph);
        let document = roxmltree::Document::parse(&svg).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let named = document.descendants().filter(|node| node.attribute("class") == Some("name"));
        prop_assert_eq!(named.count(), graph.nodes.len());

        let json: serde_json::Value = serde_json::from_str(&Format::Json.render(&graph)).unwrap();
        prop_assert_eq!(json["nodes"].as_array().map(Vec::len), Some(graph.nodes.len()));
        let mermaid = Format::Mermaid.render(&graph);
        for (index, _) in graph.nodes.iter().enumerate() {
            let starts = mermaid.lines().filter(|line| {
                let rest = line.trim_start().strip_prefix(&format!("n{index}"));
                rest.is_some_and(|rest| rest.starts_with(['[', '(', '{']))
            });
            prop_assert_eq!(starts.count(), 1);
        }
    }

    #[test]
    fn boxes_of_a_drawing_lie_apart(steps in flows()) {
        let svg = Format::Svg.render(&drawn(&steps));
        let document = roxmltree::Document::parse(&svg).unwrap();
        let mut rects = Vec::new();
        for shape in document.descendants().filter(|node| matches!(node.attribute("class"), Some("box" | "start"))) {
            let number = |name: &str| shape.attribute(name).and_then(|text| text.parse::<f64>().ok());
            if let (Some(x), Some(y), Some(width), Some(height)) = (number("x"), number("y"), number("width"), number("height")) {
                rects.push((x, y, x + width, y + height));
            } else if let Some(points) = shape.attribute("points") {
                let mut around = (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
                for point in points.split(' ') {
                    let (x, y) = point.split_once(',').unwrap();
                    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                    around = (around.0.min(x), around.1.min(y), around.2.max(x), around.3.max(y));
                }
                rects.push(around);
            }
        }
        prop_assert!(rects.len() > drawn(&steps).nodes.len());
        for (index, one) in rects.iter().enumerate() {
            for other in &rects[index + 1..] {
                let apart = one.2 <= other.0 || other.2 <= one.0 || one.3 <= other.1 || other.3 <= one.1;
                prop_assert!(apart, "{one:?} {other:?}");
            }
        }
    }
}
