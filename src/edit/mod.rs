//! Changing what an author wrote: the formatter, edits on the bytes of a file, and the search for those that mend it.
//!
//! The formatter never prints values anew. It lays the file out in lines, moves them, and is refused where the result
//! does not hold the same values, comments and findings.

mod apply;
mod flow_style;
mod format;
mod layout;
mod lines;
mod mend;
mod order;
mod print;
mod read;
mod written;

pub use apply::apply;
pub use format::{Reason, Refusal, format};
pub use mend::{Mended, Why, mend};

#[cfg(test)]
mod tests;
