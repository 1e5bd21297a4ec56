//! Flow files in memory: what the compiler reads instead of a disk.

use crate::call::{Asset, Flow};
use crate::compile::{Compiled, Files, compile};
use crate::twiml::Templates;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A project's files. Every sound below `static/tts/` is there and two seconds long.
#[derive(Clone, Debug, Default)]
pub struct Project {
    texts: BTreeMap<String, String>,
}

impl Project {
    /// A project whose call flow is `flows/main.yaml`.
    pub fn new(yaml: impl Into<String>) -> Self {
        Self::default().file("flows/main.yaml", yaml)
    }

    /// The project with one more file.
    pub fn file(mut self, path: &str, text: impl Into<String>) -> Self {
        self.texts.insert(path.to_owned(), text.into());
        self
    }

    /// What the compiler says to it.
    pub fn compiled(&self) -> Compiled {
        compile("flows/main.yaml", self)
    }

    /// The flow; a test whose flow does not compile fails with the findings.
    pub fn flow(&self) -> (Arc<Flow>, Templates) {
        let compiled = self.compiled();
        match compiled.flow {
            Some(flow) => (Arc::new(flow), compiled.templates),
            None => panic!("the flow does not compile: {:#?}", compiled.findings),
        }
    }
}

impl Files for Project {
    fn text(&self, path: &str) -> Option<String> {
        self.texts.get(path).cloned()
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        let millis = Some(2_000);
        path.starts_with("tts/")
            .then(|| (Asset { millis, lead: 0 }, path.to_owned()))
    }

    fn providers(&self) -> crate::compile::ProviderNames {
        crate::line::declared("")
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let inside = |path: &String| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            (!name.contains('/')).then(|| name.to_owned())
        };
        self.texts.keys().filter_map(inside).collect()
    }
}
