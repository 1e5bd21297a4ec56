//! Sending a message by SMS or WhatsApp: the carrier's rules are judged here first, then one request creates it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::address::{Address, AddressProblem};
use super::{CarrierError, TwilioClient, wire};

/// The longest body, in characters (21617 beyond).
pub const BODY_LIMIT: usize = 1600;

/// The most media files of one message (21623 beyond); WhatsApp takes one.
const MEDIA_LIMIT: usize = 10;

/// The network that a message travels on; both of its addresses belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Sms,
    Whatsapp,
}

/// A message to be created. Addresses are written as a flow has them: E.164, with or without `whatsapp:`.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub channel: Channel,
    pub to: String,
    pub sender: Sender,
    pub content: Content,
    /// Absolute URL that the carrier tells about delivery.
    pub status_callback: Option<String>,
}

/// Who a message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A number of the account; on SMS also a short code or an alphanumeric name.
    Address(String),
    /// A messaging service, `MG…`.
    Service(String),
}

/// What a message says.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Free text, media, or both. On WhatsApp it reaches a person only within 24 hours of that person's last message.
    Free { body: String, media: Vec<String> },
    /// An approved template, `HX…`, with the values of its variables by name.
    Template {
        content_sid: String,
        variables: BTreeMap<String, String>,
    },
}

/// The carrier's name for a created message, `SM…` or `MM…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageSid(pub String);

/// A rule that a message breaks, known before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageProblem {
    Recipient(AddressProblem),
    Sender(AddressProblem),
    /// Not `MG` and 32 hexadecimal digits.
    ServiceSid,
    SameAddress(Channel),
    NoContent,
    BodyTooLong {
        characters: usize,
    },
    TooMuchMedia {
        files: usize,
        limit: usize,
    },
    /// A media or status URL without `http://` or `https://`.
    MediaUrl,
    StatusCallback,
    /// Not `HX` and 32 hexadecimal digits.
    ContentSid,
}

impl MessageProblem {
    /// The code that the carrier gives for the same mistake.
    pub fn code(&self) -> u32 {
        match self {
            MessageProblem::Recipient(AddressProblem::OtherChannel)
            | MessageProblem::Sender(AddressProblem::OtherChannel) => 21910,
            MessageProblem::Recipient(AddressProblem::NotE164) => 21211,
            MessageProblem::Sender(AddressProblem::NotE164) => 21212,
            MessageProblem::ServiceSid => 21705,
            MessageProblem::SameAddress(Channel::Sms) => 21266,
            MessageProblem::SameAddress(Channel::Whatsapp) => 63031,
            MessageProblem::NoContent => 21619,
            MessageProblem::BodyTooLong { .. } => 21617,
            MessageProblem::TooMuchMedia { .. } => 21623,
            MessageProblem::MediaUrl => 21620,
            MessageProblem::StatusCallback => 21609,
            MessageProblem::ContentSid => 21655,
        }
    }
}

impl fmt::Display for MessageProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MessageProblem::Recipient(AddressProblem::NotE164) => f.write_str("the recipient is not an E.164 number"),
            MessageProblem::Sender(AddressProblem::NotE164) => f.write_str("the sender is not an E.164 number"),
            MessageProblem::Recipient(AddressProblem::OtherChannel)
            | MessageProblem::Sender(AddressProblem::OtherChannel) => {
                f.write_str("sender and recipient are not on the same channel")
            }
            MessageProblem::ServiceSid => f.write_str("the messaging service is not `MG` and 32 hexadecimal digits"),
            MessageProblem::SameAddress(_) => f.write_str("sender and recipient are the same"),
            MessageProblem::NoContent => f.write_str("there is neither text nor media"),
            MessageProblem::BodyTooLong { characters } => {
                write!(f, "a text of {characters} characters is over the limit of {BODY_LIMIT}")
            }
            MessageProblem::TooMuchMedia { files, limit } => {
                write!(f, "{files} media files where {limit} are allowed")
            }
            MessageProblem::MediaUrl => f.write_str("a media URL is not absolute http(s)"),
            MessageProblem::StatusCallback => f.write_str("the status callback is not an absolute http(s) URL"),
            MessageProblem::ContentSid => f.write_str("the template is not `HX` and 32 hexadecimal digits"),
        }?;
        write!(f, " ({})", self.code())
    }
}

impl fmt::Debug for Message {
    /// Says who and how, but neither the number nor the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.content {
            Content::Free { .. } => "free",
            Content::Template { content_sid, .. } => content_sid,
        };
        f.debug_struct("Message")
            .field("channel", &self.channel)
            .field("to", &super::super::redact::mask_address(&self.to))
            .field("content", &kind)
            .finish_non_exhaustive()
    }
}

impl Message {
    /// The request's form, or the rule that the message breaks.
    fn form(&self) -> Result<Vec<(&'static str, String)>, MessageProblem> {
        let to = Address::recipient(&self.to, self.channel).map_err(MessageProblem::Recipient)?;
        let mut form = vec![("To", to.as_str().to_owned())];
        match &self.sender {
            Sender::Address(from) => {
                let from = Address::sender(from, self.channel).map_err(MessageProblem::Sender)?;
                if from == to {
                    return Err(MessageProblem::SameAddress(self.channel));
                }
                form.push(("From", from.as_str().to_owned()));
            }
            Sender::Service(sid) if is_sid(sid, "MG") => form.push(("MessagingServiceSid", sid.clone())),
            Sender::Service(_) => return Err(MessageProblem::ServiceSid),
        }
        match &self.content {
            Content::Free { body, media } => self.add_free(body, media, &mut form)?,
            Content::Template { content_sid, .. } if !is_sid(content_sid, "HX") => {
                return Err(MessageProblem::ContentSid);
            }
            Content::Template { content_sid, variables } => {
                form.push(("ContentSid", content_sid.clone()));
                if !variables.is_empty() {
                    form.push(("ContentVariables", serde_json::json!(variables).to_string()));
                }
            }
        }
        if let Some(callback) = &self.status_callback {
            if !is_web_url(callback) {
                return Err(MessageProblem::StatusCallback);
            }
            form.push(("StatusCallback", callback.clone()));
        }
        Ok(form)
    }

    fn add_free(
        &self,
        body: &str,
        media: &[String],
        form: &mut Vec<(&'static str, String)>,
    ) -> Result<(), MessageProblem> {
        if body.trim().is_empty() && media.is_empty() {
            return Err(MessageProblem::NoContent);
        }
        let characters = body.chars().count();
        if characters > BODY_LIMIT {
            return Err(MessageProblem::BodyTooLong { characters });
        }
        let limit = match self.channel {
            Channel::Sms => MEDIA_LIMIT,
            Channel::Whatsapp => 1,
        };
        if media.len() > limit {
            return Err(MessageProblem::TooMuchMedia {
                files: media.len(),
                limit,
            });
        }
        if !media.iter().all(|url| is_web_url(url)) {
            return Err(MessageProblem::MediaUrl);
        }
        if !body.is_empty() {
            form.push(("Body", body.to_owned()));
        }
        form.extend(media.iter().map(|url| ("MediaUrl", url.clone())));
        Ok(())
    }
}

impl TwilioClient {
    /// Creates a message. Exactly one request is made, never two: see [`CarrierError::may_have_happened`] for what a
    /// caller does after a failure.
    pub async fn send_message(&self, message: &Message) -> Result<MessageSid, CarrierError> {
        #[derive(Deserialize)]
        struct Created {
            sid: String,
        }
        let form = message.form().map_err(CarrierError::BadMessage)?;
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let limit = self.config.timeouts.messages;
        let body = self.post(&["Messages"], &form, limit).await?;
        let created: Created = wire::parse(&body)?;
        tracing::debug!(?message, sid = created.sid, "message created");
        Ok(MessageSid(created.sid))
    }
}

/// Two letters and 32 hexadecimal digits.
fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_web_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(channel: Channel, to: &str, from: &str, body: &str) -> Message {
        Message {
            channel,
            to: to.to_owned(),
            sender: Sender::Address(from.to_owned()),
            content: Content::Free {
                body: body.to_owned(),
                media: Vec::new(),
            },
            status_callback: None,
        }
    }

    const TO: &str = "+972501234567";
    const FROM: &str = "+972312345678";

    #[test]
    fn every_rule_has_the_carriers_code() {
        use Channel::*;
        let with_media = |channel, urls: &[&str]| Message {
            content: Content::Free {
                body: String::new(),
                media: urls.iter().map(|url| url.to_string()).collect(),
            },
            ..text(channel, TO, FROM, "")
        };
        let picture = "https://example.com/a.jpg";
        let cases = [
            (text(Sms, "0501234567", FROM, "hi"), 21211),
            (text(Sms, TO, "not a sender!", "hi"), 21212),
            (text(Sms, TO, "whatsapp:+972312345678", "hi"), 21910),
            (text(Sms, "whatsapp:+972501234567", FROM, "hi"), 21910),
            (text(Sms, TO, TO, "hi"), 21266),
            (text(Whatsapp, TO, "whatsapp:+972501234567", "hi"), 63031),
            (text(Sms, TO, FROM, "  "), 21619),
            (text(Sms, TO, FROM, &"ש".repeat(1601)), 21617),
            (with_media(Sms, &[picture; 11]), 21623),
            (with_media(Whatsapp, &[picture; 2]), 21623),
            (with_media(Sms, &["a.jpg"]), 21620),
            (with_media(Sms, &["ftp://example.com/a.jpg"]), 21620),
            (
                Message {
                    status_callback: Some("/status".to_owned()),
                    ..text(Sms, TO, FROM, "hi")
                },
                21609,
            ),
            (
                Message {
                    sender: Sender::Service("MG12".to_owned()),
                    ..text(Sms, TO, FROM, "hi")
                },
                21705,
            ),
            (
                Message {
                    content: Content::Template {
                        content_sid: "followup".to_owned(),
                        variables: BTreeMap::new(),
                    },
                    ..text(Whatsapp, TO, FROM, "")
                },
                21655,
            ),
        ];
        for (message, code) in cases {
            let problem = message.form().expect_err(&code.to_string());
            assert_eq!(problem.code(), code, "{problem}");
            assert!(!problem.to_string().contains("50123"), "{problem}");
        }
    }

    #[test]
    fn limits_are_inclusive() {
        assert!(text(Channel::Sms, TO, FROM, &"ש".repeat(1600)).form().is_ok());
    }

    #[test]
    fn debug_shows_neither_number_nor_text() {
        let shown = format!("{:?}", text(Channel::Whatsapp, TO, FROM, "private words"));
        assert!(!shown.contains("private") && !shown.contains("50123"), "{shown}");
    }
}
