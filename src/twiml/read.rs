//! Reads a document into elements that know their place. Nothing that a server sends makes it panic.

use super::{DOCUMENT_LIMIT, Problem};
use std::ops::Range;

/// Deeper documents are refused: no valid TwiML comes near it, and walking one could exhaust the stack.
const DEPTH_LIMIT: usize = 64;

/// One element of a document.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Element {
    /// The tag, in the case in which it was written.
    pub name: String,
    /// The attributes in the order of the document.
    pub attributes: Vec<(String, String)>,
    /// The character data directly inside, joined. For what a `<Say>` speaks with its markup, see [`Element::words`].
    pub text: String,
    /// The elements directly inside, in order.
    pub children: Vec<Element>,
    /// The bytes of the whole element, tags included.
    pub range: Range<usize>,
    /// The bytes of each attribute, name and value, in the order of `attributes`.
    places: Vec<Range<usize>>,
    /// For each child, how many bytes of `text` stand before it.
    breaks: Vec<usize>,
}

impl Element {
    /// The value of an attribute, where it is present.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The bytes of an attribute, or of the whole element where it has no such attribute.
    pub fn attribute_range(&self, name: &str) -> Range<usize> {
        let index = self.attributes.iter().position(|(known, _)| known == name);
        index
            .and_then(|index| self.places.get(index))
            .unwrap_or(&self.range)
            .clone()
    }

    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All character data inside, that of the elements within included, in the order of the document.
    pub fn words(&self) -> String {
        let mut words = String::new();
        self.speak(&mut words);
        words
    }

    fn speak(&self, words: &mut String) {
        let mut from = 0;
        for (child, &end) in self.children.iter().zip(&self.breaks) {
            words.push_str(self.text.get(from..end).unwrap_or_default());
            child.speak(words);
            from = end;
        }
        words.push_str(self.text.get(from..).unwrap_or_default());
    }
}

/// Reads one TwiML document.
///
/// # Errors
/// 11750 for more than 64 kB, 12100 for what is not well-formed XML (a page of HTML, say), 12102 for a root other
/// than `Response`.
pub fn read(xml: &str) -> Result<Element, Problem> {
    if xml.len() > DOCUMENT_LIMIT {
        return Err(Problem::new(
            11750,
            0..xml.len(),
            format!(
                "the document has {} bytes, the carrier reads {DOCUMENT_LIMIT}",
                xml.len()
            ),
            "answer with fewer verbs and a `<Redirect>` to the rest",
        ));
    }
    let document = roxmltree::Document::parse(xml).map_err(|error| unreadable(xml, &error))?;
    let root = document.root_element();
    if root.tag_name().name() != "Response" {
        return Err(Problem::new(
            12102,
            root.range(),
            format!("the root element is `{}`", root.tag_name().name()),
            "a TwiML document is one `<Response>` element",
        ));
    }
    element(xml, root, DEPTH_LIMIT)
}

fn element(xml: &str, node: roxmltree::Node<'_, '_>, depth: usize) -> Result<Element, Problem> {
    if depth == 0 {
        return Err(Problem::new(
            12100,
            node.range(),
            format!("elements are nested more than {DEPTH_LIMIT} deep"),
            "no TwiML verb nests that deep: look at what wrote the document",
        ));
    }
    let mut read = Element {
        name: node.tag_name().name().to_owned(),
        range: node.range(),
        ..Element::default()
    };
    for attribute in node.attributes() {
        // The name as written: `xml:lang` is one word of SSML, its prefix included.
        let name = xml.get(attribute.range_qname()).unwrap_or(attribute.name());
        read.attributes.push((name.to_owned(), attribute.value().to_owned()));
        read.places.push(attribute.range());
    }
    for child in node.children() {
        if child.is_element() {
            read.breaks.push(read.text.len());
            read.children.push(element(xml, child, depth - 1)?);
        } else if child.is_text() {
            read.text.push_str(child.text().unwrap_or_default());
        }
    }
    Ok(read)
}

fn unreadable(xml: &str, error: &roxmltree::Error) -> Problem {
    let place = offset(xml, error.pos());
    let start = xml.trim_start();
    let help = if start.to_ascii_lowercase().starts_with("<!doctype") || start.to_ascii_lowercase().starts_with("<html")
    {
        "this is a web page, likely an error page of the server or a proxy: answer with TwiML"
    } else if start.len() < xml.len() && start.starts_with("<?xml") {
        "remove what stands before the XML declaration"
    } else if xml.trim().is_empty() {
        "the body is empty: answer at least `<Response/>`"
    } else {
        "write `&` as `&amp;` and `<` as `&lt;` in text and URLs, and close every element"
    };
    Problem::new(
        12100,
        place,
        format!("the document is not well-formed XML: {error}"),
        help,
    )
}

/// The one character at a row and column, both from 1 and counted in characters.
fn offset(xml: &str, at: roxmltree::TextPos) -> Range<usize> {
    let row = usize::try_from(at.row).unwrap_or(1).max(1);
    let column = usize::try_from(at.col).unwrap_or(1).max(1);
    let line: usize = xml.split_inclusive('\n').take(row - 1).map(str::len).sum();
    let rest = xml.get(line..).unwrap_or_default();
    let start = line
        + rest
            .char_indices()
            .nth(column - 1)
            .map_or(rest.len(), |(index, _)| index);
    let length = xml
        .get(start..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    start..start + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_element_knows_its_attributes_text_and_place() {
        let xml = r#"<Response><Say voice="man">Hi &amp; <emphasis level="strong">you</emphasis>!</Say></Response>"#;
        let root = read(xml).expect("well-formed");
        let say = &root.children[0];
        assert_eq!(say.attribute("voice"), Some("man"));
        assert_eq!(&xml[say.attribute_range("voice")], r#"voice="man""#);
        assert_eq!(say.attribute_range("loop"), say.range);
        assert_eq!(say.text, "Hi & !");
        assert_eq!(say.words(), "Hi & you!");
        assert_eq!(
            &xml[say.children[0].range.clone()],
            r#"<emphasis level="strong">you</emphasis>"#
        );
    }

    #[test]
    fn a_prefix_stays_with_the_attribute_and_cdata_and_comments_read_as_text() {
        let xml = "<Response><Say><lang xml:lang=\"he-IL\">a<!-- no --><![CDATA[<b>]]></lang></Say></Response>";
        let root = read(xml).expect("well-formed");
        let lang = &root.children[0].children[0];
        assert_eq!(lang.attribute("xml:lang"), Some("he-IL"));
        assert_eq!(lang.text, "a<b>");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let deep = format!("<Response>{}{}</Response>", "<a>".repeat(9_000), "</a>".repeat(9_000));
        let long = format!("<Response>{}</Response>", " ".repeat(DOCUMENT_LIMIT));
        for (xml, code, help) in [
            ("", 12100, "`<Response/>`"),
            ("<Response>", 12100, "close every element"),
            (
                "<Response><Play>https://a.example/?a=1&b=2</Play></Response>",
                12100,
                "`&amp;`",
            ),
            (
                "\n<?xml version=\"1.0\"?><Response/>",
                12100,
                "before the XML declaration",
            ),
            ("<!DOCTYPE html><html></html>", 12100, "web page"),
            ("<Answer/>", 12102, "`<Response>`"),
            ("<response/>", 12102, "`<Response>`"),
            (deep.as_str(), 12100, "nests"),
            (long.as_str(), 11750, "<Redirect>"),
        ] {
            let problem = read(xml).expect_err(xml.get(..20).unwrap_or(xml));
            assert_eq!(problem.code, code, "{problem}");
            assert!(problem.help.contains(help), "{problem}");
            assert!(problem.range.end <= xml.len());
        }
    }

    #[test]
    fn a_syntax_error_is_placed_by_bytes_though_the_text_is_hebrew() {
        let xml = "<Response>\n<Say>שלום & bye</Say></Response>";
        let problem = read(xml).expect_err("a bare ampersand");
        assert_eq!(xml.get(problem.range.clone()), Some("&"), "{problem}");
    }

    proptest! {
        #[test]
        fn anything_at_all_is_read_or_refused(xml in any::<String>(), tags in "(<[a-zA-Z/&;:\" =!?]{0,6}>?[א-ת]?){0,40}") {
            for text in [xml.clone(), tags.clone(), format!("<Response>{xml}</Response>"), format!("<Response>{tags}</Response>")] {
                if let Err(problem) = read(&text) {
                    prop_assert!(text.get(problem.range).is_some());
                }
            }
        }
    }
}
