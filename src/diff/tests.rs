use super::*;
use crate::call::Asset;
use crate::check::checked;
use crate::compile::{Compiled, Files, ProviderNames};
use crate::flow::{Findings, Source, yaml::Style};
use crate::flow::{Node, Value, parse};
use crate::talk::Stage;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// A project in memory.
#[derive(Clone, Default)]
struct Project {
    texts: BTreeMap<String, String>,
    sounds: BTreeMap<String, (u64, String)>,
    providers: ProviderNames,
}

impl Project {
    fn new(flow: &str) -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Self {
            texts: BTreeMap::new(),
            sounds: BTreeMap::new(),
            providers: ProviderNames {
                listen: names(&["deepgram", "google"]),
                think: names(&["openai", "scripted"]),
                speak: names(&["openai", "google", "prompts"]),
                realtime: names(&["openai"]),
            },
        }
        .text("flows/main.yaml", flow)
        .sound("hello.mp3", 2_000)
        .sound("bye.mp3", 1_000)
    }

    fn text(mut self, path: &str, text: &str) -> Self {
        self.texts.insert(path.to_owned(), text.to_owned());
        self
    }

    fn sound(mut self, path: &str, millis: u64) -> Self {
        self.sounds
            .insert(path.to_owned(), (millis, format!("{path} {millis}")));
        self
    }

    fn without(mut self, sound: &str) -> Self {
        self.sounds.remove(sound);
        self
    }

    fn knows(mut self, change: impl FnOnce(&mut ProviderNames)) -> Self {
        change(&mut self.providers);
        self
    }

    fn compiled(&self) -> Compiled {
        let compiled = checked("flows/main.yaml", self);
        let told: Vec<String> = compiled.findings.iter().map(|finding| format!("{finding:?}")).collect();
        assert!(compiled.flow.is_some(), "{told:#?}\n{}", self.texts["flows/main.yaml"]);
        compiled
    }
}

impl Files for Project {
    fn text(&self, path: &str) -> Option<String> {
        self.texts.get(path).cloned()
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        let (millis, mark) = self.sounds.get(path)?;
        Some((
            Asset {
                millis: Some(*millis),
                lead: 0,
            },
            mark.clone(),
        ))
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{folder}/");
        let names = self.texts.keys().filter_map(|path| path.strip_prefix(&prefix));
        names.map(str::to_owned).collect()
    }

    fn providers(&self) -> ProviderNames {
        self.providers.clone()
    }
}

fn key_of(_: Stage, protocol: &str) -> Option<&'static str> {
    match protocol {
        "openai" => Some("OPENAI_API_KEY"),
        "deepgram" => Some("DEEPGRAM_API_KEY"),
        _ => None,
    }
}

fn diff(old: &Project, new: &Project) -> Diff {
    let (one, other) = (old.compiled(), new.compiled());
    let old = Side::new(&one, old, key_of).expect("the old flow");
    let new = Side::new(&other, new, key_of).expect("the new flow");
    Diff::between(&old, &new)
}

/// `class id subject what: was -> is`.
fn told(diff: &Diff) -> Vec<String> {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let line = |change: &Change| {
        assert!(change.old.is_some() || change.new.is_some(), "{change:?}");
        assert!(!change.caller.is_empty(), "{change:?}");
        let subject = [Some(change.subject.word()), change.subject.name()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
        let words = [change.class.word(), change.id, &subject.join(" "), &change.what];
        let words = words
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        format!("{words}: {} -> {}", value(&change.was), value(&change.is))
    };
    diff.changes.iter().map(line).collect()
}

const FLOW: &str = "flow: main
locale: en-US
start: {call: hello}
limits: {call: 15m}
otherwise: message
steps:
  hello: {play: hello.mp3, next: menu}
  menu:
    gather: {prompt: {say: Press 1.}, choices: {person: \"1\"}, timeout: 5s}
    on: {person: person}
  person:
    dial: {number: \"+15551234567\", timeout: 20s}
    on: {completed: bye}
  message: {record: {max: 60s}, next: bye}
  bye: {play: bye.mp3, next: end}
  end: {hangup: {}}
after_call:
  - interaction: {kind: call, summary: A call.}
  - sms: {to: \"{{ call.from }}\", body: Thank you.}
    when: call.seconds > 5
";

/// The flow with one part of it replaced.
fn edited(from: &str, to: &str) -> Project {
    assert!(FLOW.contains(from), "{from}");
    Project::new(&FLOW.replace(from, to))
}

#[test]
fn each_edit_is_told_as_what_it_does() {
    let cases: [(&str, &str, &[&str]); 19] = [
        ("flow: main", "# a comment\nflow: 'main'", &[]),
        ("max: 60s", "max: 1m, beep: true, silence: 5000ms", &[]),
        ("play: hello.mp3,", "play: {file: hello.mp3},", &[]),
        ("hangup: {}", "hangup:", &[]),
        ("limits: {call: 15m}\n", "", &[]),
        (
            "limits: {call: 15m}",
            "limits: {call: 10m}",
            &["new_calls limit-changed flow limits.call: 15m -> 10m"],
        ),
        (
            "locale: en-US",
            "locale: en-GB",
            &["new_calls locale-changed flow locale: en-US -> en-GB"],
        ),
        (
            "flow: main",
            "flow: other",
            &["compatible flow-renamed flow flow: main -> other"],
        ),
        (
            "start: {call: hello}",
            "start: {call: menu}",
            &["new_calls start-changed flow start.call: hello -> menu"],
        ),
        (
            "max: 60s",
            "max: 2m",
            &["new_calls step-changed step message record.max: 60s -> 2m"],
        ),
        (
            "max: 60s",
            "beep: false",
            &[
                "new_calls step-changed step message record.beep: true (the default) -> false",
                "new_calls step-changed step message record.max: 60s -> 2m (the default)",
            ],
        ),
        (
            "say: Press 1.",
            "say: Press one.",
            &["new_calls step-changed step menu gather.prompt.say: Press 1. -> Press one."],
        ),
        (
            "play: bye.mp3",
            "say: Bye.",
            &["new_calls kind-changed step bye kind: play: bye.mp3 -> say: Bye."],
        ),
        (
            "on: {completed: bye}",
            "on: {completed: bye, busy: bye, no_answer: bye}",
            &["new_calls edge-rewired step person on busy, no_answer: message -> bye"],
        ),
        (
            "choices: {person: \"1\"}, timeout: 5s}\n    on: {person: person}",
            "choices: {person: \"1\", stop: \"2\"}, timeout: 5s}\n    on: {person: person, stop: bye}",
            &[
                "new_calls step-changed step menu gather.choices.stop: - -> \"2\"",
                "new_calls outcome-added step menu on stop: - -> bye",
            ],
        ),
        (
            "next: end}\n  end:",
            "next: finish}\n  finish:",
            &["compatible step-renamed step finish: end -> finish"],
        ),
        (
            "when: call.seconds > 5",
            "when: call.seconds > 9",
            &["new_calls follow-up-changed after_call after_call 2 (sms) when: call.seconds > 5 -> call.seconds > 9"],
        ),
        (
            "  - interaction: {kind: call, summary: A call.}\n",
            "",
            &[
                "new_calls follow-up-removed after_call after_call 1 (interaction): {interaction: {kind: call, summary: A call.}} -> -",
            ],
        ),
        (
            "body: Thank you.",
            "body: Thanks.",
            &["new_calls follow-up-changed after_call after_call 2 (sms) body: Thank you. -> Thanks."],
        ),
    ];
    for (from, to, want) in cases {
        assert_eq!(
            told(&diff(&Project::new(FLOW), &edited(from, to))),
            want,
            "{from} -> {to}"
        );
    }
}

#[test]
fn steps_come_and_go_in_the_order_of_the_flow() {
    let new = FLOW
        .replace(
            "  hello: {play: hello.mp3, next: menu}",
            "  hello: {play: hello.mp3, next: ask}\n  ask: {say: Well?, next: menu}",
        )
        .replace("  message: {record: {max: 60s}, next: bye}\n", "")
        .replace("otherwise: message", "otherwise: bye");
    let found = diff(&Project::new(FLOW), &Project::new(&new));
    let want = [
        "new_calls otherwise-changed flow otherwise: message -> bye",
        "new_calls edge-rewired step hello on done: menu -> ask",
        "new_calls step-added step ask: - -> say: Well?",
        "new_calls edge-rewired step menu on no_input, no_match: message -> bye",
        "new_calls edge-rewired step person on busy, no_answer, failed, canceled: message -> bye",
        "new_calls step-removed step message: record: {max: 60s} -> -",
        "compatible webhook-removed needs webhook: /webhook/handle_recording -> -",
    ];
    assert_eq!(told(&found), want);
    let fate = |id| found.fate(StepId(id)).cloned();
    assert_eq!(fate(0), Some(Fate::Changed("hello".to_owned())));
    assert_eq!(fate(3), Some(Fate::Removed));
    assert_eq!(fate(5), Some(Fate::Same("end".to_owned())));
    assert_eq!(fate(6), None);
}

#[test]
fn sounds_break_live_calls_where_they_are_gone_or_outlast_the_watchdog() {
    let old = Project::new(FLOW);
    let silent = edited("play: bye.mp3", "say: Bye.").without("bye.mp3");
    let gone = diff(&old, &silent);
    assert_eq!(gone.heaviest(), Some(Class::Breaking));
    assert_eq!(
        told(&gone)[1],
        "breaking sound-removed files bye.mp3: 1.0 s, bye.mp3 1000 -> -"
    );
    let kept = edited("play: bye.mp3", "say: Bye.");
    assert_eq!(
        diff(&old, &kept).heaviest(),
        Some(Class::NewCalls),
        "what lies there is heard to the end"
    );

    let longer = |millis| Project::new(FLOW).sound("hello.mp3", millis);
    assert_eq!(
        told(&diff(&old, &longer(60_000))),
        ["new_calls sound-replaced files hello.mp3: 2.0 s, hello.mp3 20 -> 60.0 s, hello.mp3 60"]
    );
    let talks = |project: Project| project.text("flows/main.yaml", STREAM);
    for (millis, want) in [(5_900, Class::NewCalls), (6_000, Class::Breaking)] {
        let found = diff(&talks(old.clone()), &talks(longer(millis)));
        assert_eq!(found.heaviest(), Some(want), "{millis}: {:?}", told(&found));
    }
}

const STREAM: &str = "flow: main
locale: en-US
start: {call: hello}
otherwise: bye
steps:
  hello: {play: hello.mp3, next: talk}
  talk: {stream: {url: \"wss://example.com/x\", start: 4s}, next: bye}
  bye: {hangup: {}}
";

const AGENT: &str = "flow: main
locale: en-US
start: {call: talk}
otherwise: bye
steps:
  talk: {converse: {agent: anna}, next: bye}
  bye: {hangup: {}}
agents:
  anna:
    instructions: prompts/anna.md
    listen: {provider: deepgram}
    think: {provider: openai, model: small}
    speak: {provider: openai, voice: alloy}
";

#[test]
fn agents_providers_and_secrets_are_compared() {
    let project = |text: &str, told: &str| Project::new(text).text("prompts/anna.md", told);
    let old = project(AGENT, "Be kind.");
    let with = |from: &str, to: &str| project(&AGENT.replace(from, to), "Be kind.");
    assert_eq!(
        told(&diff(&old, &project(AGENT, "Be brief."))),
        ["new_calls instructions-changed agent anna instructions: \"Be kind.\" -> \"Be brief.\"",]
    );
    assert_eq!(told(&diff(&old, &with("prompts/anna.md", "Be kind."))), [] as [&str; 0]);
    let found = diff(&old, &with("voice: alloy", "voice: echo"));
    assert_eq!(
        told(&found),
        ["new_calls agent-changed agent anna speak.voice: alloy -> echo"]
    );
    assert_eq!(
        found.fate(StepId(0)),
        Some(&Fate::Changed("talk".to_owned())),
        "its agent is another"
    );
    assert_eq!(
        told(&diff(&old, &with("deepgram", "google"))),
        [
            "new_calls agent-changed agent anna listen.provider: deepgram -> google",
            "new_calls provider-added needs listen by: - -> google",
            "compatible secret-removed needs secret: DEEPGRAM_API_KEY -> -",
        ]
    );
    // Of the old version's calls nobody could listen any more.
    let gone = with("deepgram", "google").knows(|names| names.listen.retain(|name| name != "deepgram"));
    let found = told(&diff(&old, &gone));
    assert!(
        found.contains(&"breaking provider-removed needs listen by: deepgram -> -".to_owned()),
        "{found:?}"
    );
    // Settings hold for all calls, and name another secret.
    let settings = |text: &str| old.clone().text("engine.yaml", text);
    let before = settings("providers: {openai: {model: a}}\n");
    let after = settings("providers: {openai: {model: b, api_key: {env: MY_KEY}}}\n");
    assert_eq!(
        told(&diff(&before, &after)),
        [
            "new_calls provider-changed needs engine.yaml providers.openai.model: a -> b",
            "new_calls provider-changed needs engine.yaml providers.openai.api_key: - -> {env: MY_KEY}",
            "new_calls secret-added needs secret: - -> MY_KEY",
            "compatible secret-removed needs secret: OPENAI_API_KEY -> -",
        ]
    );
}

#[test]
fn the_interface_of_a_flow_that_others_run() {
    let part = |head: &str, end: &str| {
        format!(
            "flow: part\nlocale: en-US\nstart: {{call: ask}}\n{head}steps:\n  ask: {{say: \"Yes?\", next: done}}\n  done: {{end: {end}}}\n"
        )
    };
    let main = |on: &str| {
        format!(
            "flow: main\nlocale: en-US\nstart: {{call: ask}}\nsteps:\n  ask: {{run: {{flow: part.yaml}}, on: {on}}}\n  bye: {{hangup: {{}}}}\n"
        )
    };
    let old = Project::new(&main("{yes: bye}")).text("flows/part.yaml", &part("ends: [yes]\n", "yes"));
    let new = Project::new(&main("{no: bye}")).text("flows/part.yaml", &part("ends: [no]\n", "no"));
    let found = diff(&old, &new);
    assert_eq!(
        told(&found),
        [
            "new_calls interface-changed flow part ends: - -> no",
            "new_calls interface-changed flow part ends: yes -> -",
            "new_calls step-changed step part/done end: yes -> no",
            "new_calls outcome-added step ask on no: - -> bye",
            "new_calls outcome-removed step ask on yes: bye -> -",
        ]
    );
    // By itself, nobody knows who runs it.
    let alone = |text: &str| Project::new(text);
    let found = diff(
        &alone(&part("ends: [yes]\n", "yes")),
        &alone(&part("ends: [yes]\ntakes: [name]\n", "yes")),
    );
    assert_eq!(told(&found), ["breaking interface-changed flow takes: - -> name"]);
}

#[test]
fn templates_and_messages_are_told_by_their_file() {
    let old = Project::new(FLOW).text("templates/hangup.xml", "<Hangup/>");
    let new = Project::new(FLOW).text("templates/hangup.xml", "<Hangup />");
    assert_eq!(
        told(&diff(&old, &new)),
        ["new_calls template-changed files templates/hangup.xml: \"<Hangup/>\" -> \"<Hangup />\"",]
    );
    assert_eq!(
        told(&diff(&Project::new(FLOW), &new)),
        ["new_calls template-added files templates/hangup.xml: - -> \"<Hangup />\"",]
    );
}

/// A document written anew: keys in another order, comments, every collection in block style.
fn rewritten(node: &Node, depth: usize, order: &mut impl FnMut(usize) -> usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => {
            let mut left: Vec<_> = entries.iter().collect();
            while !left.is_empty() {
                let entry = left.remove(order(left.len()));
                let key = serde_json::Value::from(entry.key.text.as_str());
                out.push_str(&format!("\n{indent}# moved\n{indent}{key}:"));
                rewritten(&entry.value, depth + 1, order, out);
            }
        }
        Value::Seq(items) if !items.is_empty() => {
            for item in items {
                out.push_str(&format!("\n{indent}-"));
                rewritten(item, depth + 1, order, out);
            }
        }
        Value::Map(_) => out.push_str(" {}"),
        Value::Seq(_) => out.push_str(" []"),
        Value::Null => out.push_str(" ~"),
        Value::Scalar(scalar) if scalar.style == Style::Plain => out.push_str(&format!(" {}", scalar.text)),
        Value::Scalar(scalar) => out.push_str(&format!(" {}", serde_json::Value::from(scalar.text.as_str()))),
    }
}

/// Flows that mean something of every kind, with the files beside them.
fn samples() -> Vec<Project> {
    let mut all = vec![
        Project::new(FLOW),
        Project::new(AGENT).text("prompts/anna.md", "Be kind."),
    ];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let disk = crate::line::Disk::new(root);
    for folder in ["flows", "examples", "tests/flows/good"] {
        for name in disk.list(folder).iter().filter(|name| name.ends_with(".yaml")) {
            let path = format!("{folder}/{name}");
            let compiled = checked(&path, &disk);
            let Some(flow) = &compiled.flow else { continue };
            // Flows that are run are named relative to the main one, which moves to `flows/main.yaml` here.
            let moved = |other: &str| match other.strip_prefix(&format!("{folder}/")) {
                Some(_) if other == path => "flows/main.yaml".to_owned(),
                Some(rest) => format!("flows/{rest}"),
                None => other.to_owned(),
            };
            let sounds = flow.assets.iter().map(|(name, asset)| {
                (
                    name.clone(),
                    (asset.millis.unwrap_or_default(), compiled.marks[name].clone()),
                )
            });
            all.push(Project {
                texts: compiled
                    .sources
                    .iter()
                    .map(|(path, text)| (moved(path), text.clone()))
                    .collect(),
                sounds: sounds.collect(),
                providers: compiled.providers.clone(),
            });
        }
    }
    assert!(all.len() > 20, "only {} flows", all.len());
    all
}

static SAMPLES: LazyLock<Vec<Project>> = LazyLock::new(samples);

#[test]
fn a_flow_does_not_differ_from_itself() {
    for project in SAMPLES.iter() {
        assert_eq!(told(&diff(project, project)), [] as [&str; 0]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn how_a_flow_is_written_makes_no_difference(index: usize, seed: u64) {
        let project = &SAMPLES[index % SAMPLES.len()];
        let mut state = seed;
        let mut order = |length: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or_default() % length
        };
        let source = Source::new("flows/main.yaml", project.texts["flows/main.yaml"].as_str());
        let document = parse(&source, &mut Findings::default());
        let mut text = String::new();
        rewritten(&document.root.expect("a document"), 0, &mut order, &mut text);
        let again = project.clone().text("flows/main.yaml", &text);
        prop_assert_eq!(told(&diff(project, &again)), [] as [&str; 0], "{}", text);
    }
}

#[test]
fn the_other_way_round_what_came_is_what_went() {
    let samples = &*SAMPLES;
    let signs = |diff: &Diff, sign: Sign| -> BTreeSet<(Subject, String, Option<String>)> {
        let of = |change: &&Change| {
            change.sign == sign
                && !matches!(
                    change.id,
                    "interface-changed" | "sound-removed" | "provider-removed" | "provider-added"
                )
        };
        let key = |change: &Change| {
            let value = if sign == Sign::Added { &change.is } else { &change.was };
            (change.subject.clone(), change.what.clone(), value.clone())
        };
        diff.changes.iter().filter(of).map(key).collect()
    };
    for (index, one) in samples.iter().enumerate() {
        let other = &samples[(index * 7 + 3) % samples.len()];
        let (there, back) = (diff(one, other), diff(other, one));
        assert_eq!(signs(&there, Sign::Added), signs(&back, Sign::Removed));
        assert_eq!(signs(&there, Sign::Removed), signs(&back, Sign::Added));
        let renamed = |diff: &Diff| diff.changes.iter().filter(|change| change.id == "step-renamed").count();
        assert_eq!(renamed(&there), renamed(&back));
    }
}
