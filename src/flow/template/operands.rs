//! A condition taken apart at its `and`, `or` and `not`, for whoever judges it with some of its operands unknown.

use super::walk::Walk;
use super::{Json, env};
use minijinja::Expression;
use minijinja::machinery::parse_expr;
use minijinja::value::{Serde, Value};

/// What a condition is made of.
pub(super) enum Operands {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    One(Operand),
}

/// A part of a condition without `and`, `or` and `not`.
pub struct Operand {
    /// What it reads: the path, and whether it copes with its absence.
    pub reads: Vec<(Vec<String>, bool)>,
    expression: Expression<'static, 'static>,
}

impl Operands {
    /// Takes a condition apart that parses; none where a part of it does not stand alone.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = bare(text.trim());
        let words = words(text);
        let parts = |word: &str| -> Option<Vec<Self>> {
            let mut from = 0;
            let mut parts = Vec::new();
            for (at, _) in words.iter().filter(|(_, found)| *found == word) {
                parts.push(Self::of(text.get(from..*at)?)?);
                from = at + word.len();
            }
            parts.push(Self::of(text.get(from..)?)?);
            Some(parts)
        };
        let has = |word: &str| words.iter().any(|(_, found)| *found == word);
        if has("if") {
            return Self::one(text);
        }
        if has("or") {
            return parts("or").map(Self::Any);
        }
        if has("and") {
            return parts("and").map(Self::All);
        }
        match words.first() {
            Some((0, "not")) => Some(Self::Not(Box::new(Self::of(text.get(3..)?)?))),
            _ => Self::one(text),
        }
    }

    fn one(text: &str) -> Option<Self> {
        let mut walk = Walk::default();
        walk.expression(&parse_expr(text).ok()?);
        let reads = walk.reads.into_iter().map(|read| (read.path, read.optional)).collect();
        let expression = env::environment().compile_expression_owned(text.to_owned()).ok()?;
        Some(Self::One(Operand { reads, expression }))
    }

    /// What it comes to where only some operands are known; none where that depends on the others.
    pub(super) fn foregone(&self, context: &Json, knows: &dyn Fn(&Operand) -> bool) -> Option<bool> {
        let each = |parts: &[Self], settles: bool| {
            let mut all = true;
            for part in parts {
                match part.foregone(context, knows) {
                    Some(value) if value == settles => return Some(settles),
                    Some(_) => {}
                    None => all = false,
                }
            }
            all.then_some(!settles)
        };
        match self {
            Self::All(parts) => each(parts, false),
            Self::Any(parts) => each(parts, true),
            Self::Not(part) => part.foregone(context, knows).map(|value| !value),
            Self::One(operand) if knows(operand) => {
                let value = operand.expression.eval(Value::from(Serde(context)));
                // What cannot be reckoned does not hold; the condition as a whole has told of it before.
                Some(value.is_ok_and(|value| value.is_true()))
            }
            Self::One(_) => None,
        }
    }
}

/// Without brackets around all of it.
fn bare(text: &str) -> &str {
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    match inner {
        Some(inner) if closed(inner) => bare(inner.trim()),
        _ => text,
    }
}

/// Whether every bracket is closed that is opened, and none before.
fn closed(text: &str) -> bool {
    let mut depth = 0_i32;
    let mut least = 0;
    // A comma makes it a list.
    let mut list = false;
    scan(text, |_, c, _| {
        depth += change(c);
        least = least.min(depth);
        list |= c == ',' && depth == 0;
    });
    least == 0 && depth == 0 && !list
}

fn change(c: char) -> i32 {
    match c {
        '(' | '[' | '{' => 1,
        ')' | ']' | '}' => -1,
        _ => 0,
    }
}

/// The words outside quotes and brackets that decide how a condition is made up, and where they begin.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut depth = 0_i32;
    let mut found = Vec::new();
    scan(text, |at, c, before| {
        depth += change(c);
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        if depth == 0 && c.is_alphabetic() && !before.is_some_and(is_word) {
            let rest = text.get(at..).unwrap_or_default();
            let word = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next();
            found.extend(
                word.filter(|word| matches!(*word, "and" | "or" | "not" | "if"))
                    .map(|word| (at, word)),
            );
        }
    });
    found
}

/// Every character outside quotes: where it is, which, and the one before.
fn scan(text: &str, mut each: impl FnMut(usize, char, Option<char>)) {
    let mut quote = None;
    let mut escaped = false;
    let mut before = None;
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None => each(at, c, before),
        }
        before = Some(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is known is what is under `known`, and what `x` and `y` are not.
    fn foregone(text: &str) -> Option<bool> {
        let context = json!({"known": {"yes": true, "n": 3, "word": "x or y"}});
        let knows = |operand: &Operand| operand.reads.iter().all(|(path, _)| path[0] == "known");
        Operands::of(text).expect("it parses").foregone(&context, &knows)
    }

    #[test]
    fn an_unknown_operand_leaves_open_what_depends_on_it() {
        for (text, expected) in [
            ("known.yes", Some(true)),
            ("not known.yes", Some(false)),
            ("x.a", None),
            ("known.yes or x.a == 'a and b'", Some(true)),
            ("known.yes and x.a", None),
            ("not (known.n > 2 or x.a) or x.b and known.n == 4", Some(false)),
            ("(known.n == (1 + 2)) and (known.word == \"x or y\")", Some(true)),
            ("known.no is defined or (x.a not in [1, 2])", None),
            ("known.no is not defined and not known.no is defined", Some(true)),
            ("known.no == 'it\\'s or' or known.no in ['a', 'or']", Some(false)),
            ("(known.yes if x.a else known.yes)", None),
            ("known.notes or known.order", Some(false)),
        ] {
            assert_eq!(foregone(text), expected, "{text}");
        }
    }
}
