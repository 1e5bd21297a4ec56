//! A flow as a picture: one model of steps and ways, one small renderer per format, and one line here for each.
//!
//! To add a format: write its file after the model of `dot.rs`, and give it a line under `formats!`.

use std::fmt;

use crate::flow::suggest;

mod build;
mod detail;
mod dot;
mod json;
mod layout;
mod marks;
mod mermaid;
mod model;
mod svg;
mod text;
mod visits;
mod ways;

pub use build::{NoPicture, build};
pub use marks::Seen;
pub use model::{By, Cluster, Edge, FollowUp, Graph, Marks, Node, Path, Way};
pub use visits::{FlowVisits, UnreadableVisits, Visits};

/// Declares the formats, each with its name, its file endings and its renderer.
macro_rules! formats {
    ($( $(#[doc = $doc:literal])* $format:ident = $name:literal, [$($ending:literal),+] => $render:path; )+) => {
        /// How a graph is written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Format {
            $( $(#[doc = $doc])* $format, )+
        }

        impl Format {
            /// Every format.
            pub const ALL: &'static [Self] = &[$( Self::$format ),+];

            /// The name it is chosen by.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$format => $name, )+ }
            }

            /// The format that a file with this ending holds, such as `svg`.
            pub fn of_ending(ending: &str) -> Option<Self> {
                match ending { $( $($ending)|+ => Some(Self::$format), )+ _ => None }
            }

            /// Writes a graph; it ends with a line break.
            pub fn render(self, graph: &Graph) -> String {
                match self { $( Self::$format => $render(graph), )+ }
            }
        }
    };
}

formats! {
    /// Text that GitHub, GitLab and many editors draw.
    Mermaid = "mermaid", ["mmd", "mermaid"] => mermaid::render;
    /// Graphviz.
    Dot = "dot", ["dot", "gv"] => dot::render;
    /// One JSON document.
    Json = "json", ["json"] => json::render;
    /// A drawing that needs nothing else, for light and dark pages.
    Svg = "svg", ["svg"] => svg::render;
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().find(|format| format.as_str() == name);
        found.copied().ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

/// No format has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFormat {
    name: String,
}

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = || Format::ALL.iter().map(|format| format.as_str());
        write!(f, "there is no format `{}`; ", self.name)?;
        if let Some(nearest) = suggest::nearest(&self.name, known()) {
            write!(f, "did you mean `{nearest}`? ")?;
        }
        write!(f, "known: {}", suggest::listed(&self.name, known()))
    }
}

impl std::error::Error for UnknownFormat {}

#[cfg(test)]
mod tests;
