//! The sounds that a flow names: each is there, or a finding says which is meant.

use super::head::Head;
use super::section::Build;
use crate::flow::{Finding, Findings, Located, nearest};

impl Build<'_> {
    /// Every sound that a step names exists.
    pub(super) fn sounds(&mut self, findings: &mut Findings, head: &Head, section: usize) {
        let mut named: Vec<Located<String>> = Vec::new();
        for step in self.draft.steps.iter().filter(|step| step.section == section) {
            named.extend(step.kind.touches().assets.into_iter().cloned());
        }
        named.extend(head.apology.clone());
        for sound in named {
            self.sound(&sound, findings);
        }
    }

    pub(super) fn sound(&mut self, sound: &Located<String>, findings: &mut Findings) {
        let path = sound.value.as_str();
        if path.starts_with("https://") || path.starts_with("http://") || self.draft.assets.contains_key(path) {
            return;
        }
        if let Some(asset) = self.files.asset(path) {
            self.draft.assets.insert(path.to_owned(), asset);
            return;
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let near = self.files.list(&format!("static/{folder}"));
        let near: Vec<String> = near
            .into_iter()
            .map(|name| {
                if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                }
            })
            .collect();
        let finding = Finding::error(
            "unknown-asset",
            sound.place.clone(),
            format!("there is no sound `static/{path}`"),
        )
        .label("no such file")
        .consequence("the caller would hear nothing here (11200)");
        findings.push(match nearest(path, near.iter().map(String::as_str)) {
            Some(near) => finding.nearest(Some(near)),
            None => finding.help(format!("put the file at `static/{path}`")),
        });
    }
}
