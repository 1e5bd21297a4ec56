//! Escaping: what a template prints is text, unless it is markup that this room made itself.

use minijinja::value::{Object, ValueKind};
use minijinja::{Error, ErrorKind, Output, State, Value};
use std::fmt::{self, Write};
use std::sync::Arc;

/// Markup that is printed as it stands: rendered children and attributes. A template cannot make any of its own,
/// since the template engine's own mark for safe text is not heeded.
#[derive(Debug)]
pub(super) struct Markup(String);

impl Markup {
    pub(super) fn trusted(text: String) -> Markup {
        Markup(text)
    }
}

impl Object for Markup {
    fn is_true(self: &Arc<Self>) -> bool {
        !self.0.is_empty()
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Prints a value into a document.
pub(super) fn write(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    let written = match value.downcast_object_ref::<Markup>() {
        Some(markup) => out.write_str(&markup.0),
        None => out.write_str(&escape(&text(value)?)),
    };
    written.map_err(|_| Error::new(ErrorKind::WriteFailure, "the document could not be written"))
}

/// ` name="value"` for a template, or nothing where the value is absent. A list is joined with the separator, which is
/// a space unless the template says otherwise.
pub(super) fn attribute(name: &str, value: &Value, separator: Option<&str>) -> Result<Value, Error> {
    let is_name = name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || ":_-.".contains(letter));
    if !is_name {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`{name}` is no name for an attribute"),
        ));
    }
    if value.is_undefined() || value.is_none() {
        return Ok(Value::from_object(Markup::trusted(String::new())));
    }
    let text = match value.kind() {
        ValueKind::Seq => {
            let parts: Result<Vec<String>, Error> = value.try_iter()?.map(|part| text(&part)).collect();
            parts?.join(separator.unwrap_or(" "))
        }
        _ => text(value)?,
    };
    Ok(Value::from_object(Markup::trusted(format!(
        " {name}=\"{}\"",
        escape(&text)
    ))))
}

/// A value as text: strings, numbers and booleans. Anything else is a mistake of the template's author.
fn text(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::String => Ok(value.to_string()),
        // The carrier's spelling; the template engine's own is Python's.
        ValueKind::Bool => Ok(if value.is_true() { "true" } else { "false" }.to_owned()),
        // Seconds that were computed are whole numbers too: 20, not 20.0.
        ValueKind::Number => {
            Ok(i64::try_from(value.clone()).map_or_else(|_| value.to_string(), |whole| whole.to_string()))
        }
        ValueKind::Undefined => Err(Error::new(ErrorKind::UndefinedError, "the value is not set")),
        kind => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("a {kind} cannot be printed: print what is in it"),
        )),
    }
}

/// Text that means itself in XML, in an element and in an attribute alike. Characters that XML 1.0 does not allow
/// (section 2.2) are dropped, since nothing can stand for them.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // A reader of XML turns bare ones into spaces or line feeds.
            '\t' | '\n' | '\r' => {
                let written = write!(escaped, "&#{};", u32::from(letter));
                debug_assert!(written.is_ok(), "a string takes whatever is written to it");
            }
            letter if is_legal(letter) => escaped.push(letter),
            _ => {}
        }
    }
    escaped
}

/// Whether XML 1.0 allows the character, beside tab and line breaks.
pub(super) fn is_legal(letter: char) -> bool {
    matches!(letter, ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
