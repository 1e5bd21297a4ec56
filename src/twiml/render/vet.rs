//! Reads a template before it is used: which variables it needs, and that it can neither escape nor misspell anything.

use super::{TemplateError, links};
use minijinja::machinery::ast::{CallArg, Expr, Stmt};
use minijinja::machinery::{Span, parse};
use minijinja::{Environment, filters, tests};
use std::collections::BTreeSet;
use std::ops::Range;

/// One place where a template uses a variable.
#[derive(Clone, Debug)]
struct Use {
    name: String,
    /// From 1.
    line: usize,
    /// In bytes from the beginning.
    offset: usize,
}

/// Where a template uses which variable, and what it may use.
#[derive(Clone, Debug, Default)]
pub(super) struct Vetted {
    uses: Vec<Use>,
    offered: BTreeSet<String>,
}

impl Vetted {
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let used: BTreeSet<&str> = self.uses.iter().map(|used| used.name.as_str()).collect();
        used.into_iter()
    }

    /// The variables within some bytes of the template.
    pub(super) fn within(&self, range: Range<usize>) -> impl Iterator<Item = &str> {
        let used = self.uses.iter().filter(move |used| range.contains(&used.offset));
        used.map(|used| used.name.as_str())
    }

    /// Takes the uses of a template that replaces this one, and goes on offering the same variables.
    pub(super) fn replace_uses(&mut self, other: Vetted) {
        self.uses = other.uses;
    }

    /// Fails for a variable that the bundled template of that name is not given.
    pub(super) fn must_use_only(&self, template: &str, known: &Vetted) -> Result<(), TemplateError> {
        // What may stand inside is always there, whether or not the bundled template has a place for it.
        let stranger = |used: &&Use| used.name != "inner" && !known.offered.contains(&used.name);
        match self.uses.iter().find(stranger) {
            Some(used) => Err(TemplateError::UnknownVariable {
                template: template.to_owned(),
                line: used.line,
                name: used.name.clone(),
                known: known.offered.iter().cloned().collect(),
            }),
            None => Ok(()),
        }
    }
}

/// The filters that templates may use. None of them marks text as safe.
const FILTERS: [&str; 16] = [
    "capitalize",
    "default",
    "first",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lower",
    "replace",
    "round",
    "sort",
    "string",
    "trim",
    "upper",
    "urlencode",
];
/// The tests that templates may use.
const TESTS: [&str; 11] = [
    "defined",
    "undefined",
    "none",
    "string",
    "number",
    "sequence",
    "mapping",
    "boolean",
    "true",
    "false",
    "in",
];

/// Gives an empty environment the filters and tests above, and no other.
pub(super) fn add_words(environment: &mut Environment<'static>) {
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("int", filters::int);
    environment.add_filter("items", filters::items);
    environment.add_filter("join", filters::join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("round", filters::round);
    environment.add_filter("sort", filters::sort);
    environment.add_filter("string", filters::string);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("urlencode", filters::urlencode);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
    environment.add_test("none", tests::is_none);
    environment.add_test("string", tests::is_string);
    environment.add_test("number", tests::is_number);
    environment.add_test("sequence", tests::is_sequence);
    environment.add_test("mapping", tests::is_mapping);
    environment.add_test("boolean", tests::is_boolean);
    environment.add_test("true", tests::is_true);
    environment.add_test("false", tests::is_false);
    environment.add_test("in", tests::is_in);
}

/// Reads a template.
pub(super) fn vet(name: &str, text: &str) -> Result<Vetted, TemplateError> {
    let tree = parse(text, name, Default::default()).map_err(|error| TemplateError::syntax(name, &error))?;
    let mut reader = Reader {
        template: name,
        bound: Vec::new(),
        uses: Vec::new(),
    };
    reader.statement(&tree)?;
    let offered = reader.uses.iter().map(|used| used.name.clone()).collect();
    Ok(Vetted {
        uses: reader.uses,
        offered,
    })
}

struct Reader<'a> {
    template: &'a str,
    /// Names that the template itself binds, innermost last.
    bound: Vec<String>,
    uses: Vec<Use>,
}

impl Reader<'_> {
    fn statements(&mut self, statements: &[Stmt<'_>]) -> Result<(), TemplateError> {
        let outside = self.bound.len();
        let read = statements.iter().try_for_each(|statement| self.statement(statement));
        self.bound.truncate(outside);
        read
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> Result<(), TemplateError> {
        match statement {
            Stmt::Template(template) => self.statements(&template.children),
            Stmt::EmitRaw(_) | Stmt::Continue(_) | Stmt::Break(_) => Ok(()),
            Stmt::EmitExpr(emit) => self.expression(&emit.expr),
            Stmt::IfCond(branch) => {
                self.expression(&branch.expr)?;
                self.statements(&branch.true_body)?;
                self.statements(&branch.false_body)
            }
            Stmt::ForLoop(each) => {
                self.expression(&each.iter)?;
                let outside = self.bound.len();
                self.bound.push("loop".to_owned());
                self.bind(&each.target);
                each.filter_expr.iter().try_for_each(|filter| self.expression(filter))?;
                self.statements(&each.body)?;
                self.bound.truncate(outside);
                self.statements(&each.else_body)
            }
            Stmt::WithBlock(block) => {
                let outside = self.bound.len();
                for (target, value) in &block.assignments {
                    self.expression(value)?;
                    self.bind(target);
                }
                self.statements(&block.body)?;
                self.bound.truncate(outside);
                Ok(())
            }
            Stmt::Set(set) => {
                self.expression(&set.expr)?;
                self.bind(&set.target);
                Ok(())
            }
            Stmt::AutoEscape(block) => Err(self.forbidden("{% autoescape %}", block.span())),
            Stmt::SetBlock(block) => Err(self.forbidden("{% set %} with a body", block.span())),
            Stmt::FilterBlock(block) => Err(self.forbidden("{% filter %}", block.span())),
            Stmt::Block(block) => Err(self.forbidden("{% block %}", block.span())),
            Stmt::Import(import) => Err(self.forbidden("{% import %}", import.span())),
            Stmt::FromImport(import) => Err(self.forbidden("{% from %}", import.span())),
            Stmt::Extends(extends) => Err(self.forbidden("{% extends %}", extends.span())),
            Stmt::Include(include) => Err(self.forbidden("{% include %}", include.span())),
            Stmt::Macro(block) => Err(self.forbidden("{% macro %}", block.span())),
            Stmt::CallBlock(block) => Err(self.forbidden("{% call %}", block.span())),
            Stmt::Do(call) => Err(self.forbidden("{% do %}", call.span())),
        }
    }

    fn expression(&mut self, expression: &Expr<'_>) -> Result<(), TemplateError> {
        match expression {
            Expr::Const(_) => Ok(()),
            Expr::Var(variable) => {
                if !self.bound.iter().any(|name| name == variable.id) {
                    let place = variable.span();
                    self.uses.push(Use {
                        name: variable.id.to_owned(),
                        line: usize::from(place.start_line),
                        offset: usize::try_from(place.start_offset).unwrap_or(0),
                    });
                }
                Ok(())
            }
            Expr::Slice(slice) => {
                self.expression(&slice.expr)?;
                [&slice.start, &slice.stop, &slice.step]
                    .into_iter()
                    .flatten()
                    .try_for_each(|part| self.expression(part))
            }
            Expr::UnaryOp(operation) => self.expression(&operation.expr),
            Expr::BinOp(operation) => {
                self.expression(&operation.left)?;
                self.expression(&operation.right)
            }
            Expr::Compare(comparison) => {
                self.expression(&comparison.expr)?;
                comparison
                    .ops
                    .iter()
                    .try_for_each(|operand| self.expression(&operand.expr))
            }
            Expr::IfExpr(branch) => {
                self.expression(&branch.test_expr)?;
                self.expression(&branch.true_expr)?;
                branch.false_expr.iter().try_for_each(|branch| self.expression(branch))
            }
            Expr::Filter(filter) => {
                self.known("filter", filter.name, &FILTERS, filter.span())?;
                filter.expr.iter().try_for_each(|value| self.expression(value))?;
                self.arguments(&filter.args)
            }
            Expr::Test(test) => {
                self.known("test", test.name, &TESTS, test.span())?;
                self.expression(&test.expr)?;
                self.arguments(&test.args)
            }
            Expr::GetAttr(access) => self.expression(&access.expr),
            Expr::GetItem(access) => {
                self.expression(&access.expr)?;
                self.expression(&access.subscript_expr)
            }
            Expr::Call(call) => {
                let Expr::Var(function) = &call.expr else {
                    return Err(self.forbidden("a call of anything but a function", call.span()));
                };
                let known: Vec<&str> = links::FUNCTIONS.into_iter().chain(["attr"]).collect();
                self.known("function", function.id, &known, call.span())?;
                self.arguments(&call.args)
            }
            Expr::List(list) => list.items.iter().try_for_each(|item| self.expression(item)),
            Expr::Tuple(tuple) => tuple.items.iter().try_for_each(|item| self.expression(item)),
            Expr::Map(map) => map
                .keys
                .iter()
                .chain(&map.values)
                .try_for_each(|item| self.expression(item)),
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) -> Result<(), TemplateError> {
        arguments.iter().try_for_each(|argument| match argument {
            CallArg::Pos(value) | CallArg::Kwarg(_, value) | CallArg::PosSplat(value) | CallArg::KwargSplat(value) => {
                self.expression(value)
            }
        })
    }

    fn bind(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(variable) => self.bound.push(variable.id.to_owned()),
            Expr::List(list) => list.items.iter().for_each(|item| self.bind(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.bind(item)),
            _ => {}
        }
    }

    fn known(&self, kind: &'static str, name: &str, known: &[&str], place: Span) -> Result<(), TemplateError> {
        if known.contains(&name) {
            return Ok(());
        }
        if kind == "filter" && ["safe", "escape", "e"].contains(&name) {
            return Err(self.forbidden(&format!("the filter `{name}`"), place));
        }
        Err(TemplateError::UnknownWord {
            template: self.template.to_owned(),
            line: usize::from(place.start_line),
            kind,
            name: name.to_owned(),
            known: known.iter().map(|word| (*word).to_owned()).collect(),
        })
    }

    fn forbidden(&self, what: &str, place: Span) -> TemplateError {
        TemplateError::Forbidden {
            template: self.template.to_owned(),
            line: usize::from(place.start_line),
            what: what.to_owned(),
        }
    }
}
