//! A flow file becomes a section of the step table; the flows that it runs become further ones.

use super::agent;
use super::files::Recorded;
use super::head::Head;
use super::known::View;
use super::scope;
use super::steps::{self, RawStep};
use super::wiring::{Names, resolve, wire};
use super::{Draft, unreadable};
use crate::call::{AfterItem, Section, Step, StepId};
use crate::flow::{Document, Entry, Finding, Findings, FromYaml, Located, Node, Place, Reader, Source, nearest, parse};
use crate::step::Part;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many flows inside each other are a mistake.
const DEEPEST: usize = 8;

/// A flow that is being put together.
pub(super) struct Build<'a> {
    pub files: &'a Recorded<'a>,
    pub draft: Draft,
    /// The flows that were read, by file.
    pub parts: BTreeMap<String, Part>,
    /// The documents that were read.
    documents: Vec<Document>,
    /// Files that are being read, outermost first.
    open: Vec<String>,
}

impl<'a> Build<'a> {
    pub(super) fn new(files: &'a Recorded<'a>) -> Self {
        Self {
            files,
            draft: Draft::default(),
            parts: BTreeMap::new(),
            documents: Vec::new(),
            open: Vec::new(),
        }
    }

    pub(super) fn into_parts(self) -> (Draft, Vec<Document>) {
        (self.draft, self.documents)
    }

    /// Reads a flow file and adds its steps. The main flow is the one that takes the call.
    pub(super) fn flow_file(&mut self, path: &str, main: bool, findings: &mut Findings) -> Option<Head> {
        let Some(text) = self.files.text(path) else {
            if main {
                findings.push(unreadable(path));
            }
            return None;
        };
        let source = Source::new(path, text.as_str());
        let mut own = Findings::default();
        let document = parse(&source, &mut own);
        let head = document.root.as_ref().and_then(|root| {
            let mut cx = Reader::new(&document);
            let head = Head::from_yaml(root, &mut cx);
            own.extend(cx.into_findings());
            let head = head?;
            self.section(&document, path, &head, main, &mut own);
            Some(head)
        });
        findings.extend(own);
        self.documents.push(document);
        head
    }

    fn section(&mut self, document: &Document, path: &str, head: &Head, main: bool, findings: &mut Findings) {
        let index = self.draft.sections.len();
        let ends: Vec<String> = head.ends.iter().map(|end| end.value.clone()).collect();
        let takes = head.takes.iter().map(|name| name.value.clone()).collect();
        let part = Part {
            section: index,
            ends: ends.clone(),
            takes,
        };
        self.parts.insert(path.to_owned(), part);
        // The place in the table is taken first, so that flows that are run come after it.
        let placeholder = Section {
            name: head.flow.value.clone(),
            start: StepId(0),
            otherwise: None,
        };
        self.draft.sections.push(placeholder);
        self.open.push(path.to_owned());
        self.versions(head, findings);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let exits = self.agents(document, head, &folder, findings);
        let raws = self.read_steps(document, head, &exits, &folder, findings);
        let prefix = if main {
            String::new()
        } else {
            format!("{}/", head.flow.value)
        };
        self.link(head, index, &prefix, raws, &ends, findings);
        if main {
            self.draft.source = Some(Arc::clone(&document.source));
            self.draft.locale.clone_from(&head.locale);
            self.follow_ups(document, head, &exits, &folder, findings);
        } else if let Some(after) = &head.after_call {
            let place = Place::new(&document.source, after.span);
            findings.push(
                Finding::error("unknown-key", place, "a flow that another one runs has no `after_call`")
                    .label("never done")
                    .help("move it to the flow that takes the call"),
            );
        }
        self.sounds(findings, head, index);
        // What a flow that is run begins with is known when all that run it are read.
        if main {
            let takes = |section: usize| {
                let part = self.parts.values().find(|part| part.section == section);
                part.map(|part| part.takes.clone()).unwrap_or_default()
            };
            scope::check(&self.draft, &takes, findings);
        }
        self.open.pop();
    }

    fn versions(&self, head: &Head, findings: &mut Findings) {
        if let Some(version) = head.version.as_ref().filter(|version| version.value != 1) {
            findings.push(
                Finding::error("wrong-type", version.place.clone(), "the flow language has version 1")
                    .label("unknown version")
                    .help("write `version: 1`"),
            );
        }
        if let Some(start) = &head.start.whatsapp {
            findings.push(
                Finding::error(
                    "not-available-yet",
                    start.place.clone(),
                    "conversations by messages are not available in this version",
                )
                .label("cannot run")
                .help("remove `whatsapp` from `start`"),
            );
        }
    }

    fn agents(
        &mut self,
        document: &Document,
        head: &Head,
        folder: &str,
        findings: &mut Findings,
    ) -> BTreeMap<String, Vec<String>> {
        let mut exits = BTreeMap::new();
        let Some(entries) = head.agents.as_ref().and_then(Node::as_map) else {
            return exits;
        };
        let locale = head.locale.as_ref().map_or("", |locale| locale.value.as_str());
        let mut cx = Reader::new(document);
        let (nameless, entries): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| agent::is_part(entry));
        agent::report_nameless(&nameless, &mut cx);
        for entry in entries {
            let name = Located::new(entry.key.text.clone(), cx.place(entry.key.span));
            let read = cx.within("agents", entry.key.span, |cx| {
                cx.within(&entry.key.text, entry.key.span, |cx| {
                    agent::read(self, folder, locale, &name, &entry.value, cx)
                })
            });
            // An agent with a fault still has its name, so that the steps that use it are not blamed too.
            exits.insert(
                name.value.clone(),
                read.as_ref().map(|read| read.exits.clone()).unwrap_or_default(),
            );
            for sound in read.iter().flat_map(|read| &read.sounds) {
                self.sound(sound, findings);
            }
            if let Some((first, _)) = self.draft.agents.iter().find(|(known, _)| known.value == name.value) {
                findings.push(
                    Finding::error(
                        "duplicate-key",
                        name.place.clone(),
                        format!("the agent `{}` is declared in two flow files", name.value),
                    )
                    .label("declared again")
                    .related(first.place.clone(), "declared first")
                    .consequence("the caller would talk with the wrong one")
                    .help("give one of them another name"),
                );
            }
            self.draft.agents.push((name, read.map(|read| read.agent)));
        }
        findings.extend(cx.into_findings());
        exits
    }

    fn read_steps(
        &mut self,
        document: &Document,
        head: &Head,
        exits: &BTreeMap<String, Vec<String>>,
        folder: &str,
        findings: &mut Findings,
    ) -> Vec<RawStep> {
        let view = View::new(self, exits, folder);
        let mut cx = Reader::new(document);
        let mut raws = Vec::new();
        match head.steps.as_map() {
            Some(entries) if !entries.is_empty() => cx.within("steps", head.steps.span, |cx| {
                for entry in entries {
                    raws.extend(steps::read(entry, cx, &view));
                }
            }),
            _ => cx.report(
                Finding::error("missing-key", cx.place(head.steps.span), "a flow needs steps")
                    .label("a map of step names")
                    .help("add for example `greeting: {play: tts/greeting.mp3, next: goodbye}`"),
            ),
        }
        findings.extend(view.findings.into_inner());
        findings.extend(cx.into_findings());
        raws
    }

    /// Resolves the section's names and adds its steps to the table.
    fn link(
        &mut self,
        head: &Head,
        index: usize,
        prefix: &str,
        raws: Vec<RawStep>,
        ends: &[String],
        findings: &mut Findings,
    ) {
        let base = self.draft.steps.len();
        let mut ids = BTreeMap::new();
        for (offset, raw) in raws.iter().enumerate() {
            if let Ok(id) = u16::try_from(base + offset) {
                ids.insert(raw.name.value.clone(), StepId(id));
            }
        }
        let mut names = Names {
            ids: &ids,
            otherwise: None,
        };
        names.otherwise = head
            .otherwise
            .as_ref()
            .and_then(|target| resolve(target, &names, target, findings));
        let start = match &head.start.call {
            Some(start) => resolve(start, &names, start, findings),
            None => {
                findings.push(
                    Finding::error("no-entry", head.flow.place.clone(), "nothing says where a call begins")
                        .label("this flow")
                        .consequence("no caller could be answered")
                        .help("add `start: {call: first_step}`"),
                );
                None
            }
        };
        for raw in raws {
            let wiring = wire(&raw, &names, findings);
            let skip = raw.next.as_ref().and_then(|next| ids.get(&next.value).copied());
            self.check_skip(&raw, findings);
            let Some(kind) = raw.kind else { continue };
            if let Some(end) = kind.ends() {
                check_end(end, ends, findings);
            }
            let when = raw.when.zip(skip);
            let name = format!("{prefix}{}", raw.name.value);
            self.draft.steps.push(Step {
                name,
                place: raw.name.place,
                kind,
                wiring,
                when,
                section: index,
            });
        }
        // Where a kind could not be read the ids are off; such a flow has an error and never runs.
        if let Some(section) = self.draft.sections.get_mut(index) {
            section.start = start.unwrap_or(StepId(0));
            section.otherwise = names.otherwise;
        }
    }

    fn check_skip(&self, raw: &RawStep, findings: &mut Findings) {
        if raw.when.is_some() && raw.next.is_none() {
            findings.push(
                Finding::error("missing-key", raw.name.place.clone(), "a step with `when` needs `next`")
                    .label("where does a call go that skips it?")
                    .help("add `next: some_step`"),
            );
        }
    }

    fn follow_ups(
        &mut self,
        document: &Document,
        head: &Head,
        exits: &BTreeMap<String, Vec<String>>,
        folder: &str,
        findings: &mut Findings,
    ) {
        let Some(node) = &head.after_call else { return };
        let view = View::new(self, exits, folder);
        let mut cx = Reader::new(document);
        let mut items = Vec::new();
        match node.as_seq() {
            Some(nodes) => cx.within("after_call", node.span, |cx| {
                items.extend(nodes.iter().enumerate().map(|(index, node)| {
                    cx.within(&index.to_string(), node.span, |cx| steps::read_item(node, cx, &view))
                }));
            }),
            None => cx.report(
                Finding::error("wrong-type", cx.place(node.span), "`after_call` is a list")
                    .label("not a list")
                    .help("write each item on a line of its own that begins with `- `"),
            ),
        }
        findings.extend(view.findings.into_inner());
        findings.extend(cx.into_findings());
        for (number, item) in items.into_iter().enumerate() {
            let Some((when, kind, place)) = item else { continue };
            let name = format!("after_call {} ({})", number + 1, kind.name());
            self.draft.after_call.push(AfterItem {
                name,
                when,
                kind,
                place,
            });
        }
    }

    /// The section of a flow that another one runs; it is read when the first step asks for it.
    pub fn run(&mut self, path: &str, findings: &mut Findings) -> Option<Part> {
        if self.open.iter().any(|open| open == path) || self.open.len() >= DEEPEST {
            return None;
        }
        if let Some(known) = self.parts.get(path) {
            return Some(known.clone());
        }
        self.flow_file(path, false, findings)?;
        self.parts.get(path).cloned()
    }
}

fn check_end(end: &Located<String>, ends: &[String], findings: &mut Findings) {
    if ends.contains(&end.value) {
        return;
    }
    let message = format!("the flow does not declare the end `{}`", end.value);
    let finding = Finding::error("unknown-outcome", end.place.clone(), message).label("not under `ends`");
    findings.push(match nearest(&end.value, ends.iter().map(String::as_str)) {
        Some(near) => finding.nearest(Some(near)),
        None => finding.help(format!("add it at the flow's head: `ends: [{}]`", end.value)),
    });
}
