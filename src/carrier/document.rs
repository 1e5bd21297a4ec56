//! Documents: what an answer means as TwiML, by its status, its content type and its text.

use url::Url;

use super::exchange::{Failure, Reply};
use crate::audio::sound;
use crate::twiml::{self, Element, Problem, Setting};

/// What the carrier does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// Where relative addresses start from; none for a document put in by REST.
    pub(crate) base: Option<Url>,
    pub(crate) content: Content,
    /// What the carrier's schema has to say about it.
    pub(crate) problems: Vec<Problem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// Verbs to execute.
    Verbs(Vec<Element>),
    /// Sound to play before hanging up.
    Sound(Vec<u8>),
    /// Text to speak before hanging up.
    Text(String),
}

/// Reads an answer to a request for a document.
///
/// # Errors
/// The carrier's code for an answer it cannot use: 11200, 11770, 12100, 12102, 12300 and their like.
pub(crate) fn of_reply(reply: &Reply, first: bool) -> Result<Document, Failure> {
    let fail = |code, detail: String| Err(Failure::new(code, reply.url.as_str(), detail));
    if reply.status != 200 {
        return fail(11200, format!("HTTP {} where a document was asked for", reply.status));
    }
    let Some(kind) = &reply.content_type else {
        return fail(11200, "the answer has no Content-Type".to_owned());
    };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let text = || std::str::from_utf8(&reply.body).map_err(|_| Failure::new(12100, reply.url.as_str(), "not UTF-8"));
    let base = Some(reply.url.clone());
    if is_sound(&kind) {
        return match sound::decode(&reply.body) {
            Ok(sound) => Ok(Document {
                base,
                content: Content::Sound(sound),
                problems: Vec::new(),
            }),
            Err(error) => fail(13420, error.to_string()),
        };
    }
    match kind.as_str() {
        "text/xml" | "application/xml" | "text/html" => {
            if reply.body.is_empty() {
                let code = if reply.chunked { 11770 } else { 12100 };
                return fail(code, "the body is empty".to_owned());
            }
            let setting = if first {
                Setting::FirstDocument
            } else {
                Setting::Webhook
            };
            of_text(text()?, base, setting)
                .map_err(|problem| Failure::new(problem.code, reply.url.as_str(), problem.message))
        }
        "text/plain" => {
            let text = text()?;
            Ok(
                of_text(text, base.clone(), Setting::Webhook).unwrap_or_else(|_| Document {
                    base,
                    content: Content::Text(text.to_owned()),
                    problems: Vec::new(),
                }),
            )
        }
        other => fail(12300, format!("the content type is `{other}`")),
    }
}

/// Reads a document's text.
///
/// # Errors
/// The problem that makes it unusable.
pub(crate) fn of_text(text: &str, base: Option<Url>, setting: Setting) -> Result<Document, Problem> {
    let root = twiml::read(text)?;
    let problems = twiml::check(&root, setting);
    Ok(Document {
        base,
        content: Content::Verbs(root.children),
        problems,
    })
}

/// The sound types that the carrier plays.
pub(crate) fn is_sound(kind: &str) -> bool {
    matches!(
        kind,
        "audio/mpeg"
            | "audio/wav"
            | "audio/wave"
            | "audio/x-wav"
            | "audio/aiff"
            | "audio/x-aifc"
            | "audio/x-aiff"
            | "audio/x-gsm"
            | "audio/gsm"
            | "audio/ulaw"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn reply(status: u16, kind: Option<&str>, body: &'static str) -> Reply {
        Reply {
            url: Url::parse("http://h.example/voice").expect("a URL"),
            status,
            content_type: kind.map(str::to_owned),
            chunked: body.is_empty(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn an_answer_is_a_document_or_a_code() {
        const XML: &str = "<Response><Hangup/></Response>";
        for (status, kind, body, code) in [
            (200, Some("text/xml; charset=utf-8"), XML, None),
            (200, Some("application/xml"), XML, None),
            (200, Some("text/html"), XML, None),
            (200, Some("text/plain"), XML, None),
            (200, Some("text/plain"), "good morning", None),
            (200, Some("application/json"), "{}", Some(12300)),
            (200, None, XML, Some(11200)),
            (204, Some("text/xml"), "", Some(11200)),
            (200, Some("text/xml"), "", Some(11770)),
            (200, Some("text/xml"), "<Response>", Some(12100)),
            (200, Some("text/html"), "<html></html>", Some(12102)),
            (200, Some("audio/wav"), "noise", Some(13420)),
        ] {
            let read = of_reply(&reply(status, kind, body), false);
            assert_eq!(read.as_ref().err().map(|failure| failure.code), code, "{kind:?} {body}");
        }
        let text = of_reply(&reply(200, Some("text/plain"), "good morning"), false).expect("text is spoken");
        assert_eq!(text.content, Content::Text("good morning".to_owned()));
    }
}
