//! A template's value with its type kept, and templates that fill a whole file.

use super::super::finding::Findings;
use super::super::form::{FromYaml, Reader};
use super::super::source::{Source, Span};
use super::super::yaml::{Document, Node, Scalar, Style, Value as Yaml};
use super::{EvalError, Json, Template, env};
use minijinja::value::{Serde, Value};
use std::sync::Arc;

impl Template {
    /// The value: one that is a single `{{ … }}` keeps its type, anything else is text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn value(&self, context: &Json) -> Result<Json, EvalError> {
        let Some(expression) = self.single_expression() else {
            return self.render(context).map(Json::from);
        };
        let value = env::environment()
            .compile_expression(expression)
            .and_then(|expression| expression.eval(Value::from(Serde(context))))
            .map_err(|error| self.0.eval_error(&error))?;
        if value.is_undefined() {
            return Err(EvalError::Undefined {
                what: expression.trim().to_owned(),
                place: self.0.place.clone(),
            });
        }
        serde_json::to_value(&value).map_err(|error| EvalError::Failed {
            message: error.to_string(),
            place: self.0.place.clone(),
        })
    }

    /// Reads a whole file as a template; none where it can never be filled in.
    pub fn of_file(source: &Arc<Source>) -> (Option<Self>, Findings) {
        let text = source.text().to_owned();
        let span = Span::new(0, text.len());
        let node = Node {
            span,
            value: Yaml::Scalar(Scalar {
                text,
                style: Style::Literal,
            }),
        };
        let document = Document {
            source: Arc::clone(source),
            root: Some(node.clone()),
            comments: Vec::new(),
            complete: true,
        };
        let mut cx = Reader::new(&document);
        let template = Self::from_yaml(&node, &mut cx);
        (template, cx.into_findings())
    }

    /// What stands between the braces, where the whole text is one pair of them.
    fn single_expression(&self) -> Option<&str> {
        let inside = self.text().trim().strip_prefix("{{")?.strip_suffix("}}")?;
        let plain = !inside.contains("{{") && !inside.contains("}}") && !inside.contains("{%");
        plain.then(|| inside.trim_matches('-'))
    }
}
