//! What a template reads and calls, found in its syntax tree.
//!
//! minijinja's own list of undeclared variables passes over the base of a slice, and names of filters and functions
//! are only looked up when a template runs; both are found here before any call.

use minijinja::machinery::ast::{BinOpKind, Call, CallArg, CompareOpKind, Expr, Stmt};
use minijinja::value::ValueKind;

use super::env;

/// A value that a template reads from outside.
#[derive(Debug, PartialEq, Eq)]
pub struct Read {
    /// `call.from` as its parts.
    pub path: Vec<String>,
    /// True where the template copes with its absence.
    pub optional: bool,
    /// Bytes of the template's text.
    pub range: (usize, usize),
}

/// Something a template does that cannot work, or hardly as meant.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// Bytes of the template's text.
    pub range: (usize, usize),
}

#[derive(Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// No filter has this name.
    Filter(String),
    /// No test has this name.
    Test(String),
    /// No function has this name.
    Function(String),
    /// A method is called on a value; values have none.
    Method(String),
    /// A statement that reaches for other templates.
    OtherTemplate(&'static str),
    /// A field that holds text is compared with a number, which stands at these bytes.
    TextWithNumber(String, (usize, usize)),
    /// The text of opening hours or the name of a zone, with what is wrong about it.
    Hours(String),
}

/// Walks templates and expressions.
#[derive(Default)]
pub struct Walk {
    /// What is read, in the order of the text.
    pub reads: Vec<Read>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    locals: Vec<String>,
    /// Paths that a condition around this place has tested.
    guarded: Vec<Vec<String>>,
}

impl Walk {
    /// Walks a statement and all inside it.
    pub fn statement(&mut self, statement: &Stmt<'_>) {
        match statement {
            Stmt::Template(node) => self.body(&node.children),
            Stmt::EmitExpr(node) => self.expression(&node.expr),
            Stmt::EmitRaw(_) | Stmt::Continue(_) | Stmt::Break(_) => {}
            Stmt::ForLoop(node) => {
                self.expression(&node.iter);
                let depth = self.locals.len();
                self.locals.push("loop".into());
                self.bind(&node.target);
                if let Some(filter) = &node.filter_expr {
                    self.expression(filter);
                }
                self.body(&node.body);
                self.locals.truncate(depth);
                self.body(&node.else_body);
            }
            Stmt::IfCond(node) => {
                self.expression(&node.expr);
                let depth = self.guard(&node.expr);
                self.body(&node.true_body);
                self.guarded.truncate(depth);
                self.body(&node.false_body);
            }
            Stmt::WithBlock(node) => {
                let depth = self.locals.len();
                for (target, value) in &node.assignments {
                    self.expression(value);
                    self.bind(target);
                }
                self.body(&node.body);
                self.locals.truncate(depth);
            }
            Stmt::Set(node) => {
                self.expression(&node.expr);
                self.bind(&node.target);
            }
            Stmt::SetBlock(node) => {
                if let Some(filter) = &node.filter {
                    self.expression(filter);
                }
                self.body(&node.body);
                self.bind(&node.target);
            }
            Stmt::AutoEscape(node) => self.body(&node.body),
            Stmt::FilterBlock(node) => {
                self.expression(&node.filter);
                self.body(&node.body);
            }
            Stmt::Block(node) => self.body(&node.body),
            Stmt::Import(node) => self.other_template("import", &node.expr),
            Stmt::FromImport(node) => self.other_template("from", &node.expr),
            Stmt::Extends(node) => self.other_template("extends", &node.name),
            Stmt::Include(node) => self.other_template("include", &node.name),
            Stmt::Macro(node) => self.declare(node.name, &node.args, &node.defaults, &node.body),
            Stmt::CallBlock(node) => {
                self.call(&node.call, range(node.call.span()));
                let inner = &node.macro_decl;
                self.declare(inner.name, &inner.args, &inner.defaults, &inner.body);
            }
            Stmt::Do(node) => self.call(&node.call, range(node.call.span())),
        }
    }

    /// Walks an expression.
    pub fn expression(&mut self, expression: &Expr<'_>) {
        self.visit(expression, false);
    }

    fn body(&mut self, statements: &[Stmt<'_>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn declare(&mut self, name: &str, args: &[Expr<'_>], defaults: &[Expr<'_>], body: &[Stmt<'_>]) {
        self.locals.push(name.to_owned());
        let depth = self.locals.len();
        self.locals.push("caller".into());
        defaults.iter().for_each(|default| self.expression(default));
        args.iter().for_each(|arg| self.bind(arg));
        self.body(body);
        self.locals.truncate(depth);
    }

    fn other_template(&mut self, word: &'static str, name: &Expr<'_>) {
        self.problem(ProblemKind::OtherTemplate(word), range(name.span()));
    }

    /// `optional` says that the surroundings cope with an undefined result.
    fn visit(&mut self, expression: &Expr<'_>, optional: bool) {
        match expression {
            Expr::Const(_) => {}
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => self.read(expression, optional),
            Expr::Slice(node) => {
                self.visit(&node.expr, optional);
                for part in [&node.start, &node.stop, &node.step].into_iter().flatten() {
                    self.expression(part);
                }
            }
            Expr::UnaryOp(node) => self.expression(&node.expr),
            Expr::BinOp(node) => {
                if matches!(
                    node.op,
                    BinOpKind::Eq | BinOpKind::Ne | BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte
                ) {
                    self.compare(&node.left, &node.right);
                }
                self.visit(&node.left, false);
                // What is left of `and` has held when the right side is looked at.
                let depth = match node.op {
                    BinOpKind::ScAnd => self.guard(&node.left),
                    _ => self.guarded.len(),
                };
                self.visit(&node.right, false);
                self.guarded.truncate(depth);
            }
            Expr::Compare(node) => {
                let mut left = &node.expr;
                self.expression(left);
                for operand in &node.ops {
                    if !matches!(operand.op, CompareOpKind::In | CompareOpKind::NotIn) {
                        self.compare(left, &operand.expr);
                    }
                    self.expression(&operand.expr);
                    left = &operand.expr;
                }
            }
            Expr::IfExpr(node) => {
                self.expression(&node.test_expr);
                let depth = self.guard(&node.test_expr);
                self.visit(&node.true_expr, optional);
                self.guarded.truncate(depth);
                if let Some(other) = &node.false_expr {
                    self.visit(other, optional);
                }
            }
            Expr::Filter(node) => {
                if !env::has_filter(node.name) {
                    let name = node.name.to_owned();
                    self.problem(ProblemKind::Filter(name), range(node.span()));
                }
                let copes = matches!(node.name, "default" | "d");
                if let Some(inner) = &node.expr {
                    self.visit(inner, copes);
                }
                self.arguments(&node.args);
            }
            Expr::Test(node) => {
                if !env::has_test(node.name) {
                    let name = node.name.to_owned();
                    self.problem(ProblemKind::Test(name), range(node.span()));
                }
                self.visit(&node.expr, matches!(node.name, "defined" | "undefined"));
                self.arguments(&node.args);
            }
            Expr::Call(node) => self.call(node, range(node.span())),
            Expr::List(node) => node.items.iter().for_each(|item| self.expression(item)),
            Expr::Tuple(node) => node.items.iter().for_each(|item| self.expression(item)),
            Expr::Map(node) => node
                .keys
                .iter()
                .chain(&node.values)
                .for_each(|item| self.expression(item)),
        }
    }

    fn call(&mut self, call: &Call<'_>, at: (usize, usize)) {
        match &call.expr {
            Expr::Var(name) if self.is_local(name.id) => {}
            Expr::Var(name) => {
                if !env::has_function(name.id) {
                    self.problem(ProblemKind::Function(name.id.to_owned()), at);
                } else if let Some(fault) = env::literal_fault(name.id, &call.args) {
                    self.problem(ProblemKind::Hours(fault), at);
                }
            }
            Expr::GetAttr(method) => {
                let local = matches!(&method.expr, Expr::Var(base) if self.is_local(base.id));
                if !local {
                    self.problem(ProblemKind::Method(method.name.to_owned()), at);
                }
                self.expression(&method.expr);
            }
            other => self.expression(other),
        }
        self.arguments(&call.args);
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) {
        for argument in arguments {
            match argument {
                CallArg::Pos(value)
                | CallArg::Kwarg(_, value)
                | CallArg::PosSplat(value)
                | CallArg::KwargSplat(value) => {
                    self.expression(value);
                }
            }
        }
    }

    fn read(&mut self, expression: &Expr<'_>, optional: bool) {
        match path(expression) {
            Some(path) => {
                if self.is_local(&path[0]) || (path.len() == 1 && env::has_function(&path[0])) {
                    return;
                }
                let guarded = self.guarded.iter().any(|tested| path.starts_with(tested));
                self.reads.push(Read {
                    path,
                    optional: optional || guarded,
                    range: range(expression.span()),
                });
            }
            // The path ends at something computed: what comes before it is read, and so is the computed part.
            None => match expression {
                Expr::GetAttr(node) => self.visit(&node.expr, optional),
                Expr::GetItem(node) => {
                    self.visit(&node.expr, optional);
                    self.expression(&node.subscript_expr);
                }
                _ => {}
            },
        }
    }

    fn compare(&mut self, left: &Expr<'_>, right: &Expr<'_>) {
        for (one, other) in [(left, right), (right, left)] {
            let number = matches!(other, Expr::Const(node) if node.value.kind() == ValueKind::Number);
            let Some(path) = path(one).filter(|_| number) else {
                continue;
            };
            let text = path.len() > 1
                && path
                    .last()
                    .is_some_and(|field| env::TEXT_FIELDS.contains(&field.as_str()));
            if text && !self.is_local(&path[0]) {
                let from = range(left.span()).0.min(range(right.span()).0);
                let to = range(left.span()).1.max(range(right.span()).1);
                let number = range(other.span());
                self.problem(ProblemKind::TextWithNumber(path.join("."), number), (from, to));
            }
        }
    }

    /// Remembers the paths that an expression has shown to be there when it holds; returns how many there were.
    fn guard(&mut self, condition: &Expr<'_>) -> usize {
        let depth = self.guarded.len();
        let mut open = vec![condition];
        while let Some(expression) = open.pop() {
            match expression {
                Expr::Test(test) if test.name == "defined" => self.guarded.extend(path(&test.expr)),
                Expr::BinOp(node) if matches!(node.op, BinOpKind::ScAnd) => open.extend([&node.left, &node.right]),
                _ => {}
            }
        }
        depth
    }

    fn bind(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(name) => self.locals.push(name.id.to_owned()),
            Expr::List(list) => list.items.iter().for_each(|item| self.bind(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.bind(item)),
            _ => {}
        }
    }

    fn is_local(&self, name: &str) -> bool {
        self.locals.iter().any(|local| local == name)
    }

    fn problem(&mut self, kind: ProblemKind, range: (usize, usize)) {
        self.problems.push(Problem { kind, range });
    }
}

/// `call.from` and `call["from"]` as parts; none where a part is computed.
fn path(expression: &Expr<'_>) -> Option<Vec<String>> {
    match expression {
        Expr::Var(name) => Some(vec![name.id.to_owned()]),
        Expr::GetAttr(node) => {
            let mut path = path(&node.expr)?;
            path.push(node.name.to_owned());
            Some(path)
        }
        Expr::GetItem(node) => {
            let Expr::Const(subscript) = &node.subscript_expr else {
                return None;
            };
            let mut path = path(&node.expr)?;
            path.push(subscript.value.as_str()?.to_owned());
            Some(path)
        }
        _ => None,
    }
}

fn range(span: minijinja::machinery::Span) -> (usize, usize) {
    (span.start_offset as usize, span.end_offset as usize)
}
