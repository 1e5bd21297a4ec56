//! One flow under a replay: what runs, what renders its documents, and the text that it was written in.

use super::traced::traced;
use crate::call::{Flow, StepId};
use crate::compile::Compiled;
use crate::twiml::Templates;
use std::collections::BTreeMap;

/// A flow in one version.
#[derive(Debug)]
pub struct Side {
    /// The flow, whose steps leave marks.
    pub(super) flow: Flow,
    /// What renders its documents.
    pub(super) templates: Templates,
    /// The text of every file it was compiled from.
    pub(super) sources: BTreeMap<String, String>,
    /// Its file.
    pub path: String,
}

/// Some lines of YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The step's name.
    pub step: String,
    /// Its file.
    pub file: String,
    /// Its first line, from 1.
    pub line: usize,
    /// The step as it is written, its indentation taken off.
    pub text: Vec<String>,
}

/// More lines of one step are cut.
const MOST_LINES: usize = 12;

impl Side {
    /// A compiled flow; none where it has errors.
    pub fn new(path: &str, compiled: Compiled) -> Option<Self> {
        Some(Self {
            flow: traced(compiled.flow?),
            templates: compiled.templates,
            sources: compiled.sources,
            path: path.to_owned(),
        })
    }

    /// The flow's name.
    pub fn name(&self) -> &str {
        &self.flow.name
    }

    /// The version, in a few characters.
    pub fn version(&self) -> &str {
        let hash = self.flow.hash.as_str();
        hash.get(..12).unwrap_or(hash)
    }

    /// The step as it is written.
    pub fn excerpt(&self, step: StepId) -> Excerpt {
        let step = self.flow.step(step);
        let first = step.place.line();
        let source = step.place.source();
        let depth = |line: &str| line.len() - line.trim_start().len();
        let margin = depth(source.line(first));
        let mut text = vec![source.line(first).trim().to_owned()];
        let last = source.text().lines().count();
        for number in first + 1..=last {
            let line = source.line(number);
            if !line.trim().is_empty() && depth(line) <= margin {
                break;
            }
            text.push(line.get(margin..).unwrap_or_default().trim_end().to_owned());
        }
        while text
            .last()
            .is_some_and(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            text.pop();
        }
        if text.len() > MOST_LINES {
            text.truncate(MOST_LINES - 1);
            text.push("…".to_owned());
        }
        Excerpt {
            step: step.name.clone(),
            file: source.name().to_owned(),
            line: first,
            text,
        }
    }

    pub(super) fn step_name(&self, step: StepId) -> &str {
        &self.flow.step(step).name
    }

    pub(super) fn kind_name(&self, step: StepId) -> &'static str {
        self.flow.step(step).kind.name()
    }
}
