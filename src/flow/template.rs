//! Texts and conditions that are filled in during a call. They are read, and checked, before any call.

use std::fmt;
use std::sync::Arc;

use minijinja::machinery::{parse, parse_expr};
use minijinja::value::{Serde, Value};
use minijinja::{Error, ErrorKind, Expression};
use serde_json::{Value as Json, json};

use self::locate::Offsets;
use self::operands::Operands;
use self::walk::Walk;
use super::finding::Severity;
use super::form::{FromYaml, Reader};
use super::source::Place;
use super::yaml::Node;

mod env;
mod error;
mod hours;
mod locate;
mod operands;
mod problems;
mod values;
mod walk;

pub use env::{FILTERS, FUNCTIONS, TESTS};
pub use error::EvalError;
pub use hours::moment;
pub use operands::Operand;

/// The longest template, in bytes. The parser counts lines and columns in 16 bits.
const MAX_TEMPLATE: usize = 32 * 1024;

/// The longest expression, in bytes; keeps the depth of its syntax tree within the stack.
const MAX_EXPRESSION: usize = 1024;

/// How many statements a template may hold, for the same reason.
const MAX_STATEMENTS: usize = 200;

/// A value that a template or condition reads from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// `call.from` as `["call", "from"]`; it ends before a part that is computed.
    pub path: Vec<String>,
    /// True where its absence is dealt with: by `default`, or under `is defined`.
    pub optional: bool,
    /// Where it is written, inside the scalar.
    pub place: Place,
}

/// A text with `{{ … }}` in it.
#[derive(Clone)]
pub struct Template(Arc<Parts>);

/// An expression that holds or does not.
#[derive(Clone)]
pub struct Condition(Arc<Parts>, Arc<Expression<'static, 'static>>, Option<Arc<Operands>>);

/// What both kinds keep.
struct Parts {
    text: String,
    place: Place,
    offsets: Offsets,
    uses: Vec<Use>,
    /// A text without any template syntax is given out as it is.
    literal: bool,
}

impl Template {
    /// The text as written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// What it reads from outside, in the order of the text.
    pub fn uses(&self) -> &[Use] {
        &self.0.uses
    }

    /// True where there is nothing to fill in, so that the text is what will be said.
    pub fn is_literal(&self) -> bool {
        self.0.literal
    }

    /// Fills it in.
    ///
    /// # Errors
    /// Where a value is not there or of a kind that cannot be used, or the template works too long.
    pub fn render(&self, context: &Json) -> Result<String, EvalError> {
        if self.0.literal {
            return Ok(self.0.text.clone());
        }
        env::environment()
            .render_named_str("template", &self.0.text, Value::from(Serde(context)))
            .map_err(|error| self.0.eval_error(&error))
    }
}

impl Condition {
    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Where it is written.
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// What it reads from outside, in the order of the text.
    pub fn uses(&self) -> &[Use] {
        &self.0.uses
    }

    /// Whether it holds. A result that is not a boolean holds unless it is empty, zero or nothing.
    ///
    /// # Errors
    /// Where a value is not there, the result itself included, or the expression works too long.
    pub fn holds(&self, context: &Json) -> Result<bool, EvalError> {
        self.evaluate(context).map(|value| value.is_true())
    }

    /// Whether it holds where only the operands of its `and`, `or` and `not` are known of which `knows` says so; none
    /// where that depends on the others.
    pub fn foregone(&self, context: &Json, knows: &dyn Fn(&Operand) -> bool) -> Option<bool> {
        self.2.as_ref()?.foregone(context, knows)
    }

    /// The result itself, for a step that stores it.
    ///
    /// # Errors
    /// As [`Condition::holds`].
    pub fn value(&self, context: &Json) -> Result<Json, EvalError> {
        let value = self.evaluate(context)?;
        serde_json::to_value(&value).map_err(|error| EvalError::Failed {
            message: error.to_string(),
            place: self.0.place.clone(),
        })
    }

    fn evaluate(&self, context: &Json) -> Result<Value, EvalError> {
        let value = self
            .1
            .eval(Value::from(Serde(context)))
            .map_err(|error| self.0.eval_error(&error))?;
        // An expression that is only a name that nothing provides is no error to minijinja.
        if value.is_undefined() {
            return Err(EvalError::Undefined {
                what: self.0.text.trim().to_owned(),
                place: self.0.place.clone(),
            });
        }
        Ok(value)
    }
}

impl Parts {
    fn place_at(&self, start: usize, end: usize) -> Place {
        Place::new(self.place.source(), self.offsets.span(start, end))
    }

    fn eval_error(&self, error: &Error) -> EvalError {
        let range = error.range().filter(|range| range.end > range.start);
        let place = range
            .clone()
            .map_or_else(|| self.place.clone(), |range| self.place_at(range.start, range.end));
        match error.kind() {
            ErrorKind::UndefinedError => EvalError::Undefined {
                what: range
                    .and_then(|range| self.text.get(range))
                    .unwrap_or(&self.text)
                    .trim()
                    .to_owned(),
                place,
            },
            ErrorKind::OutOfFuel => EvalError::OutOfFuel { place },
            kind => EvalError::Failed {
                message: error.detail().map_or_else(|| kind.to_string(), str::to_owned),
                place,
            },
        }
    }
}

/// Reads the text of a node and reports what is wrong with it; none where it can never be filled in.
fn read(node: &Node, cx: &mut Reader, walk: impl FnOnce(&str) -> Result<Walk, Error>) -> Option<Parts> {
    let scalar = node.scalar()?;
    let place = cx.place_of(node);
    let raw = place.text();
    let offsets = Offsets::new(&scalar.text, raw, node.span.start, scalar.style);
    let mut parts = Parts {
        text: scalar.text.clone(),
        place,
        offsets,
        uses: Vec::new(),
        literal: !["{{", "{%", "{#"].iter().any(|mark| scalar.text.contains(mark)),
    };
    let walk = match walk(&parts.text) {
        Ok(walk) => walk,
        Err(error) => {
            cx.report(problems::syntax(&parts, &error));
            return None;
        }
    };
    parts.uses = walk
        .reads
        .iter()
        .map(|read| Use {
            path: read.path.clone(),
            optional: read.optional,
            place: parts.place_at(read.range.0, read.range.1),
        })
        .collect();
    let mut good = true;
    for problem in walk.problems {
        let finding = problems::finding(&parts, problem);
        good &= finding.severity == Severity::Warning;
        cx.report(finding);
    }
    good.then_some(parts)
}

/// Refuses what the parser could not bear.
fn too_large(text: &str) -> Option<String> {
    if text.len() > MAX_TEMPLATE {
        return Some(format!(
            "a template may have {MAX_TEMPLATE} bytes, and this one has {}",
            text.len()
        ));
    }
    if text.matches("{%").count() > MAX_STATEMENTS {
        return Some(format!("a template may hold {MAX_STATEMENTS} statements"));
    }
    let longest = text
        .split("{{")
        .flat_map(|part| part.split("{%"))
        .skip(1)
        .map(|part| part.find("}}").or_else(|| part.find("%}")).unwrap_or(part.len()))
        .max();
    (longest > Some(MAX_EXPRESSION)).then(|| format!("an expression may have {MAX_EXPRESSION} bytes"))
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::SyntaxError, message)
}

impl FromYaml for Template {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        if node.scalar().is_none() {
            cx.wrong_type::<Self>(node);
            return None;
        }
        let parts = read(node, cx, |text| {
            let mut walk = Walk::default();
            if ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) {
                if let Some(message) = too_large(text) {
                    return Err(refused(message));
                }
                walk.statement(&parse(text, "template", env::syntax())?);
            }
            Ok(walk)
        })?;
        Some(Self(Arc::new(parts)))
    }

    fn schema() -> Json {
        String::schema()
    }

    fn expected() -> &'static str {
        "\"Hello {{ contact.name | default('') }}\""
    }

    fn what() -> &'static str {
        "text"
    }

    fn written(&self) -> Option<Json> {
        Some(json!(self.text()))
    }
}

impl FromYaml for Condition {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        let Some(scalar) = node.scalar() else {
            cx.wrong_type::<Self>(node);
            return None;
        };
        if let Some(finding) = problems::braces(scalar, cx.place_of(node)) {
            cx.report(finding);
            return None;
        }
        let parts = read(node, cx, |text| {
            if text.len() > MAX_EXPRESSION {
                return Err(refused(format!("an expression may have {MAX_EXPRESSION} bytes")));
            }
            let mut walk = Walk::default();
            walk.expression(&parse_expr(text)?);
            Ok(walk)
        })?;
        match env::environment().compile_expression_owned(parts.text.clone()) {
            Ok(expression) => {
                let operands = Operands::of(&parts.text).map(Arc::new);
                Some(Self(Arc::new(parts), Arc::new(expression), operands))
            }
            Err(error) => {
                cx.report(problems::syntax(&parts, &error));
                None
            }
        }
    }

    fn schema() -> Json {
        json!({"type": ["string", "boolean"], "examples": ["call.seconds > 5"]})
    }

    fn expected() -> &'static str {
        "call.seconds > 5"
    }

    fn what() -> &'static str {
        "a condition"
    }

    fn written(&self) -> Option<Json> {
        Some(json!(self.text()))
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text() && self.place() == other.place()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text() && self.place() == other.place()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?})", self.text())
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({:?})", self.text())
    }
}

#[cfg(test)]
mod tests;
