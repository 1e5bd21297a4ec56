//! Reading the flow language: YAML with the place of every value, typed forms, templates, and findings.

pub mod finding;
pub mod form;
mod nodes;
pub mod removal;
pub mod source;
pub mod suggest;
pub mod suppress;
pub mod template;
pub mod yaml;

pub use crate::{form, words};
pub use finding::{Edit, Finding, Findings, Fix, Safety, Scene, Severity};
pub use form::{Duration, FromYaml, Located, Reader};
pub use source::{Place, Source, Span};
pub use suggest::nearest;
pub use suppress::{Allowed, suppress};
pub use template::{Condition, EvalError, Operand, Template, Use};
pub use yaml::{Comment, Document, Entry, Node, Value, parse};
