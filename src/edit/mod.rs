//! Changing what an author wrote: the formatter, edits on the bytes of a file, and the search for those that mend it.
//!
//! The formatter never prints values anew. It lays the file out in lines, moves them, and is refused where the result
//! does not hold the same values, comments and findings.

mod flow_style;
mod format;
mod layout;
mod order;
mod print;
mod read;
mod written;

pub use format::{Reason, Refusal, format};

#[cfg(test)]
mod tests;
