//! The project's own TwiML templates: one that is wrong is a finding before a caller meets it.

use super::files::Recorded;
use crate::flow::{Finding, Findings, Place, Source};
use crate::twiml::Templates;

/// The bundled templates, each replaced by the project's of the same name.
pub(super) fn read(files: &Recorded<'_>, findings: &mut Findings) -> Templates {
    let mut templates = Templates::bundled();
    for file in files.list("templates") {
        let Some(name) = file.strip_suffix(".xml") else {
            continue;
        };
        let path = format!("templates/{file}");
        let Some(text) = files.text(&path) else { continue };
        match templates.clone().overridden(name, &text) {
            Ok(more) => templates = more,
            Err(error) => {
                let source = Source::new(path.as_str(), text.as_str());
                let place = Place::of_line(&source, error.line());
                findings.push(
                    Finding::error("template-syntax", place, error.to_string())
                        .label("here")
                        .consequence("callers would hear the fallback instead of this verb")
                        .help("see templates/README.md for what a template can use"),
                );
            }
        }
    }
    templates
}
