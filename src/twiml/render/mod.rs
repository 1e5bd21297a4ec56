//! Renders verbs as a TwiML document. What a verb looks like is written in a template, never in Rust.

mod bundled;
mod error;
mod links;
mod markup;
mod vet;

pub use error::{RenderError, TemplateError};
pub use links::Links;

use super::DOCUMENT_LIMIT;
use markup::Markup;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use vet::Vetted;

/// What one template may spend, in instructions of the template engine: far more than any verb needs.
const FUEL: u64 = 100_000;

/// One verb or noun to render: a template, its variables, and what stands inside.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Verb {
    /// The name of the template, such as `play`.
    pub template: String,
    /// The variables of the template. One that is `null` counts as absent.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub with: serde_json::Map<String, serde_json::Value>,
    /// The verbs and nouns inside, which the template sees rendered, as `inner`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Verb>,
}

impl Verb {
    /// A verb without variables.
    pub fn new(template: impl Into<String>) -> Verb {
        Verb {
            template: template.into(),
            ..Verb::default()
        }
    }

    /// The verb with one more variable; a value of `None` leaves it absent.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Verb {
        self.with.insert(name.to_owned(), value.into());
        self
    }

    /// The verb with one more verb inside.
    #[must_use]
    pub fn child(mut self, verb: Verb) -> Verb {
        self.children.push(verb);
        self
    }
}

/// The templates of a project: the bundled ones, each of which an author may replace.
#[derive(Clone, Debug)]
pub struct Templates {
    environment: Environment<'static>,
    vetted: BTreeMap<String, Vetted>,
    /// Whether an author's own template is among them, whose output must be looked at before it leaves.
    own: bool,
}

impl Templates {
    /// The templates that come with the engine. They are read once per process.
    pub fn bundled() -> Templates {
        static BUNDLED: LazyLock<Templates> = LazyLock::new(Templates::read_bundled);
        BUNDLED.clone()
    }

    fn read_bundled() -> Templates {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        // Every template escapes, whatever its name; an unknown format keeps the engine's own escaper out.
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("xml".into()));
        environment.set_formatter(markup::write);
        environment.set_fuel(Some(FUEL));
        vet::add_words(&mut environment);
        links::add_functions(&mut environment);
        environment.add_function("attr", markup::attribute);
        let mut templates = Templates {
            environment,
            vetted: BTreeMap::new(),
            own: false,
        };
        for (name, text) in bundled::TEMPLATES {
            templates.add(name, text).expect("a test loads every bundled template");
        }
        templates
    }

    /// The same templates with one replaced, or with one more: `play` replaces the bundled template everywhere,
    /// `play@greeting` is a variant of it for one step, and any other name is a template of the author's own.
    ///
    /// # Errors
    /// The template does not parse, switches the escaping off, or names a filter, function or variable that is not there.
    pub fn overridden(mut self, name: &str, text: &str) -> Result<Templates, TemplateError> {
        self.add(name, text)?;
        self.own = true;
        Ok(self)
    }

    /// The names of all templates, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.vetted.keys().map(String::as_str)
    }

    /// The variables that a template uses, `inner` among them where it has a place for what stands inside.
    /// `None` where there is no such template.
    pub fn declared(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.vetted.get(name)?.variables().collect())
    }

    /// A whole voice document.
    ///
    /// # Errors
    /// A template is unknown, lacks a variable, or fails; the document is too long for the carrier; or an author's
    /// template yields what is no XML.
    pub fn render(&self, verbs: &[Verb], links: &Links) -> Result<String, RenderError> {
        let body = self.verbs(verbs, &Value::from_object(links.clone()))?;
        let document = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{body}</Response>");
        if document.len() > DOCUMENT_LIMIT {
            return Err(RenderError::TooLong { bytes: document.len() });
        }
        if self.own {
            super::read(&document).map_err(|problem| RenderError::NotXml {
                templates: verbs.iter().map(|verb| verb.template.clone()).collect(),
                reason: problem.message,
            })?;
        }
        Ok(document)
    }

    /// A whole document that answers a message.
    ///
    /// # Errors
    /// As [`Templates::render`]; and for a verb that belongs to a call.
    pub fn render_messages(&self, verbs: &[Verb], links: &Links) -> Result<String, RenderError> {
        let spoken = verbs
            .iter()
            .find(|verb| !["message", "redirect"].contains(&base(&verb.template)));
        match spoken.filter(|verb| bundled::is_bundled(base(&verb.template))) {
            Some(verb) => Err(RenderError::NotAMessage {
                template: verb.template.clone(),
            }),
            None => self.render(verbs, links),
        }
    }

    fn add(&mut self, name: &str, text: &str) -> Result<(), TemplateError> {
        let vetted = vet::vet(name, text)?;
        let original = self.vetted.get(base(name)).filter(|_| bundled::is_bundled(base(name)));
        if let Some(known) = original {
            // The bundled template fixes what the engine passes, so anything else would never be there.
            vetted.must_use_only(name, known)?;
        }
        self.environment
            .add_template_owned(name.to_owned(), text.to_owned())
            .map_err(|error| TemplateError::syntax(name, &error))?;
        // Replacing a bundled template must not change what its variants may use.
        match self.vetted.get_mut(name).filter(|_| bundled::is_bundled(name)) {
            Some(known) => known.replace_uses(vetted),
            None => {
                self.vetted.insert(name.to_owned(), vetted);
            }
        }
        Ok(())
    }

    fn verbs(&self, verbs: &[Verb], links: &Value) -> Result<String, RenderError> {
        verbs.iter().map(|verb| self.verb(verb, links)).collect()
    }

    fn verb(&self, verb: &Verb, links: &Value) -> Result<String, RenderError> {
        let name = verb.template.as_str();
        let template = self
            .environment
            .get_template(name)
            .map_err(|_| RenderError::unknown(name, self.names()))?;
        let mut context: BTreeMap<&str, Value> = BTreeMap::new();
        for (variable, value) in verb.with.iter().filter(|(_, value)| !value.is_null()) {
            context.insert(variable, Value::from(Serde(value)));
        }
        context.insert(
            "inner",
            Value::from_object(Markup::trusted(self.verbs(&verb.children, links)?)),
        );
        context.insert(links::VARIABLE, links.clone());
        let given: Vec<&str> = context.keys().copied().collect();
        let text = template
            .render(Value::from_pairs(context))
            .map_err(|error| RenderError::failed(name, &error, self.vetted.get(name), &given))?;
        Ok(compact(&text))
    }
}

/// The template that a variant stands for: `play` of `play@greeting`.
fn base(name: &str) -> &str {
    name.split_once('@').map_or(name, |(base, _)| base)
}

/// Removes the line breaks between elements that make a template readable. A value holds none: it is escaped.
fn compact(text: &str) -> String {
    let mut compact = String::with_capacity(text.len());
    for line in text.trim().split('\n') {
        let line = line.trim();
        let between = compact.is_empty() || compact.ends_with('>') || line.starts_with('<');
        if !between && !line.is_empty() {
            compact.push('\n');
        }
        compact.push_str(line);
    }
    compact
}

#[cfg(test)]
mod tests;
