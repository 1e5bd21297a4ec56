//! What goes wrong with templates, in sentences that their author understands.

use super::vet::Vetted;
use crate::twiml::DOCUMENT_LIMIT;
use std::fmt;

/// A template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// It does not parse.
    Syntax {
        /// The template's name.
        template: String,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// It holds what would let text become markup, or what a verb's template has no use for.
    Forbidden {
        /// The template's name.
        template: String,
        /// The line, from 1.
        line: usize,
        /// The construct.
        what: String,
    },
    /// It names a filter, function or test that does not exist.
    UnknownWord {
        /// The template's name.
        template: String,
        /// The line, from 1.
        line: usize,
        /// "filter", "function" or "test".
        kind: &'static str,
        /// The name that it uses.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// It replaces a bundled template and uses a variable that this one is not given.
    UnknownVariable {
        /// The template's name.
        template: String,
        /// The line, from 1.
        line: usize,
        /// The variable.
        name: String,
        /// The variables that are given.
        known: Vec<String>,
    },
}

impl TemplateError {
    pub(super) fn syntax(template: &str, error: &minijinja::Error) -> TemplateError {
        TemplateError::Syntax {
            template: template.to_owned(),
            line: error.line().unwrap_or(1),
            reason: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        }
    }

    /// The line of the template that the error is about, from 1.
    pub fn line(&self) -> usize {
        match self {
            TemplateError::Syntax { line, .. }
            | TemplateError::Forbidden { line, .. }
            | TemplateError::UnknownWord { line, .. }
            | TemplateError::UnknownVariable { line, .. } => *line,
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateError::Syntax { template, line, reason } => {
                write!(f, "the template `{template}` cannot be read, line {line}: {reason}")
            }
            TemplateError::Forbidden { template, line, what } => write!(
                f,
                "the template `{template}`, line {line}, uses {what}, which templates of verbs may not: \
                 what they print is always escaped, and each is one file"
            ),
            TemplateError::UnknownWord {
                template,
                line,
                kind,
                name,
                known,
            } => {
                write!(
                    f,
                    "the template `{template}`, line {line}, uses the {kind} `{name}`, which does not exist; "
                )?;
                suggest(f, name, known, "there are")
            }
            TemplateError::UnknownVariable {
                template,
                line,
                name,
                known,
            } => {
                write!(
                    f,
                    "the template `{template}`, line {line}, uses `{name}`, which it is not given; "
                )?;
                suggest(f, name, known, "it is given")
            }
        }
    }
}

impl std::error::Error for TemplateError {}

/// A document could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenderError {
    /// There is no template of that name.
    UnknownTemplate {
        /// The name.
        template: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A template prints a variable that it was not given.
    Missing {
        /// The template's name.
        template: String,
        /// The line, from 1.
        line: usize,
        /// The variables that are absent there.
        variables: Vec<String>,
    },
    /// A template fails otherwise: a value of the wrong kind, or a loop without end.
    Failed {
        /// The template's name.
        template: String,
        /// The line, from 1.
        line: usize,
        /// What happened.
        reason: String,
    },
    /// The templates together yield what is no XML.
    NotXml {
        /// The templates of the document.
        templates: Vec<String>,
        /// What a reader says of it.
        reason: String,
    },
    /// The document is longer than the carrier reads (11750).
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A verb of a call stands in the answer to a message.
    NotAMessage {
        /// The template's name.
        template: String,
    },
}

impl RenderError {
    pub(super) fn unknown<'a>(template: &str, known: impl Iterator<Item = &'a str>) -> RenderError {
        RenderError::UnknownTemplate {
            template: template.to_owned(),
            known: known.map(str::to_owned).collect(),
        }
    }

    pub(super) fn failed(
        template: &str,
        error: &minijinja::Error,
        vetted: Option<&Vetted>,
        given: &[&str],
    ) -> RenderError {
        let template = template.to_owned();
        let line = error.line().unwrap_or(1);
        let place = error.range().unwrap_or(0..0);
        let used = vetted.into_iter().flat_map(|vetted| vetted.within(place.clone()));
        let mut variables: Vec<String> = used.filter(|name| !given.contains(name)).map(str::to_owned).collect();
        variables.dedup();
        if error.kind() == minijinja::ErrorKind::UndefinedError && !variables.is_empty() {
            return RenderError::Missing {
                template,
                line,
                variables,
            };
        }
        let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        RenderError::Failed { template, line, reason }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RenderError::UnknownTemplate { template, known } => {
                write!(f, "there is no template `{template}`; ")?;
                suggest(f, template, known, "there are")
            }
            RenderError::Missing {
                template,
                line,
                variables,
            } => {
                let names: Vec<String> = variables.iter().map(|name| format!("`{name}`")).collect();
                write!(
                    f,
                    "the template `{template}`, line {line}, needs {}, which is not set",
                    names.join(" or ")
                )
            }
            RenderError::Failed { template, line, reason } => {
                write!(f, "the template `{template}` fails at line {line}: {reason}")
            }
            RenderError::NotXml { templates, reason } => {
                write!(
                    f,
                    "the document of the templates {} cannot be sent: {reason}",
                    templates.join(", ")
                )
            }
            RenderError::TooLong { bytes } => {
                write!(
                    f,
                    "the document has {bytes} bytes and the carrier reads {DOCUMENT_LIMIT}; say less in one step"
                )
            }
            RenderError::NotAMessage { template } => {
                write!(
                    f,
                    "`{template}` is a verb of a call and cannot answer a message; use `message` or `redirect`"
                )
            }
        }
    }
}

impl std::error::Error for RenderError {}

fn suggest(f: &mut fmt::Formatter<'_>, name: &str, known: &[String], otherwise: &str) -> fmt::Result {
    let near = known.iter().min_by_key(|word| strsim::osa_distance(name, word));
    match near.filter(|word| strsim::osa_distance(name, word) <= (name.chars().count() / 3).max(1)) {
        Some(word) => write!(f, "did you mean `{word}`?"),
        None => write!(f, "{otherwise} {}", known.join(", ")),
    }
}
