//! The one environment of templates and conditions: strict, bounded, without escaping, and the names it knows.

use std::sync::OnceLock;

use minijinja::machinery::ast::{CallArg, Expr};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::super::form::Duration;
use super::hours;

/// Instructions that one rendering may take; a text of a page takes a few hundred.
const FUEL: u64 = 50_000;

/// The filters that templates may use.
pub const FILTERS: &[&str] = &[
    "abs",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "date",
    "default",
    "dictsort",
    "digits",
    "duration",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "phone",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
    "zip",
];

/// The tests that may stand after `is`.
pub const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "upper",
];

/// The functions that may be called.
pub const FUNCTIONS: &[&str] = &["between", "dict", "namespace", "open", "range"];

/// Fields that a carrier or a caller fills with text, even where it looks like a number.
pub const TEXT_FIELDS: &[&str] = &[
    "body",
    "caller_id",
    "choice",
    "digits",
    "from",
    "number",
    "phone",
    "sid",
    "speech",
    "status",
    "text",
    "to",
];

/// Filters of minijinja that are for HTML or for debugging.
const REMOVED_FILTERS: &[&str] = &["safe", "escape", "e", "pprint", "attr"];

/// The environment, built once. It holds no template and reads nothing from outside.
pub fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| AutoEscape::None);
        env.set_fuel(Some(FUEL));
        // Errors carry the bytes they are about only in this mode.
        env.set_debug(true);
        env.set_syntax(syntax());
        for name in REMOVED_FILTERS {
            env.remove_filter(name);
        }
        env.remove_global("debug");
        env.add_filter("digits", |text: Value| digits(&text));
        env.add_filter("phone", |text: Value| phone(&text));
        env.add_filter("duration", |value: Value| duration(&value));
        env.add_filter("date", |now: Value, format: &str, zone: &str| {
            hours::date(millis(&now)?, format, zone).map_err(refused)
        });
        env.add_function("open", |now: Value, when: &str, zone: &str| {
            hours::open(millis(&now)?, when, zone).map_err(refused)
        });
        env.add_function("between", |now: Value, from: &str, to: &str, zone: &str| {
            hours::between(millis(&now)?, from, to, zone).map_err(refused)
        });
        env
    })
}

/// How templates are written: as everywhere, and a last line break is kept.
pub fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .build()
        .unwrap_or_default()
}

/// Whether a filter has this name.
pub fn has_filter(name: &str) -> bool {
    FILTERS.contains(&name)
}

/// Whether a test has this name.
pub fn has_test(name: &str) -> bool {
    TESTS.contains(&name) || matches!(name, "==" | "!=" | "<" | "<=" | ">" | ">=")
}

/// Whether a function has this name.
pub fn has_function(name: &str) -> bool {
    FUNCTIONS.contains(&name)
}

/// What is wrong with hours or a zone that are written out in a call of `open` or `between`.
pub fn literal_fault(function: &str, arguments: &[CallArg<'_>]) -> Option<String> {
    let text = |index: usize| match arguments.get(index) {
        Some(CallArg::Pos(Expr::Const(node))) => node.value.as_str().map(str::to_owned),
        _ => None,
    };
    let (hours, zone) = match function {
        "open" => (text(1), text(2)),
        "between" => (
            text(1).zip(text(2)).map(|(from, to)| format!("sun-sat {from}-{to}")),
            text(3),
        ),
        _ => return None,
    };
    let hours = hours.and_then(|hours| hours::check_hours(&hours).err());
    hours.or_else(|| zone.and_then(|zone| hours::check_zone(&zone).err()))
}

/// The digits of a text, in their order.
fn digits(text: &Value) -> String {
    text.to_string().chars().filter(char::is_ascii_digit).collect()
}

/// A telephone number as it is read out: digit by digit, parted by blanks, the `+` left out.
fn phone(text: &Value) -> String {
    let digits: Vec<String> = digits(text).chars().map(String::from).collect();
    digits.join(" ")
}

/// Seconds, or a written length of time, as minutes and seconds: `2:05`, and with hours `1:02:05`.
fn duration(value: &Value) -> Result<String, Error> {
    let seconds = i64::try_from(value.clone())
        .ok()
        .and_then(|seconds| u64::try_from(seconds).ok())
        .or_else(|| Some(Duration::parse(value.as_str()?)?.as_millis() / 1_000))
        .ok_or_else(|| refused(format!("`{value}` is no number of seconds")))?;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Ok(match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    })
}

/// The milliseconds of a moment: a number, or `now` with its `millis`.
fn millis(now: &Value) -> Result<i64, Error> {
    let value = match now.get_attr("millis") {
        Ok(millis) if !millis.is_undefined() => millis,
        _ => now.clone(),
    };
    i64::try_from(value).map_err(|_| refused(format!("`{now}` is no moment; write `now`")))
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_offered_exists_and_no_other() {
        let env = environment();
        let exists = |kind: &str, name: &str| {
            let source = format!("'{name}' is {kind}");
            let source: &str = &source;
            env.compile_expression_owned(source.to_owned())
                .unwrap()
                .eval(())
                .unwrap()
                .is_true()
        };
        for name in FILTERS {
            assert!(exists("filter", name), "filter {name}");
        }
        for name in TESTS {
            assert!(exists("test", name), "test {name}");
        }
        for name in REMOVED_FILTERS {
            assert!(!exists("filter", name), "filter {name}");
        }
        let mut globals: Vec<&str> = env.globals().map(|(name, _)| name).collect();
        globals.sort_unstable();
        assert_eq!(globals, FUNCTIONS);
    }
}
