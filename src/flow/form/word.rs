//! Enums that are written as one of a few words.

use serde_json::{Value as Json, json};

use super::super::finding::Finding;
use super::super::suggest;
use super::super::yaml::Node;
use super::{FromYaml, Reader, described};

/// Reads one of `words`; the finding `unknown-value` names the nearest and lists them all.
pub fn read_word<T: FromYaml>(
    words: &[(&'static str, T)],
    from_word: impl FnOnce(&str) -> Option<T>,
    node: &Node,
    cx: &mut Reader,
) -> Option<T> {
    let Some(scalar) = node.scalar() else {
        cx.wrong_type::<T>(node);
        return None;
    };
    if let Some(value) = from_word(&scalar.text) {
        return Some(value);
    }
    let names = || words.iter().map(|(word, _)| *word);
    let owner = cx.subject();
    let finding = Finding::error(
        "unknown-value",
        cx.place_of(node),
        format!("{owner} cannot be `{}`", scalar.text),
    )
    .label("not one of the words allowed here")
    .nearest_word(&scalar.text, suggest::nearest(&scalar.text, names()))
    .help(format!("allowed here: {}", suggest::listed(&scalar.text, names())));
    cx.report(finding);
    None
}

/// The schema of a choice of words, each with its documentation.
pub fn words_schema(doc: &[&str], words: &[(&str, &[&str])]) -> Json {
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let docs: Vec<String> = words
        .iter()
        .map(|(_, doc)| doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "))
        .collect();
    // The list of descriptions is what yaml-language-server shows beside each word.
    described(
        json!({"type": "string", "enum": names, "markdownEnumDescriptions": docs}),
        doc,
    )
}

/// Declares an enum that is written as a word, with how it is read and its schema.
///
/// ```
/// engine::words! {
///     /// Which side is heard.
///     pub enum Track {
///         /// The caller.
///         Inbound = "inbound",
///         /// Both sides.
///         Both = "both",
///     }
/// }
/// assert_eq!(Track::from_word("both"), Some(Track::Both));
/// assert_eq!(Track::Inbound.as_str(), "inbound");
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[doc = $doc:literal])*
        $vis:vis enum $name:ident {
            $( $(#[doc = $word_doc:literal])* $variant:ident = $word:literal ),+ $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $vis enum $name {
            $( $(#[doc = $word_doc])* $variant, )+
        }

        impl $name {
            /// Every word and what it stands for.
            pub const ALL: &'static [(&'static str, Self)] = &[$( ($word, Self::$variant) ),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }

            /// What a word stands for.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::flow::form::FromYaml for $name {
            fn from_yaml(
                node: &$crate::flow::yaml::Node,
                cx: &mut $crate::flow::form::Reader,
            ) -> Option<Self> {
                $crate::flow::form::word::read_word(Self::ALL, Self::from_word, node, cx)
            }

            fn schema() -> ::serde_json::Value {
                $crate::flow::form::word::words_schema(
                    &[$($doc),*],
                    &[$( ($word, &[$($word_doc),*]) ),+],
                )
            }

            fn expected() -> &'static str {
                Self::ALL[0].0
            }

            fn what() -> &'static str {
                concat!("one of", $( " `", $word, "`" ),+)
            }

            fn written(&self) -> Option<::serde_json::Value> {
                Some(self.as_str().into())
            }
        }
    };
}
