//! Finding messages that may already exist: the answer to "did the create happen before the crash?"

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Deserialize;

use super::address::Address;
use super::messages::{Channel, MessageProblem, MessageSid};
use super::{CarrierError, TwilioClient};

/// How far the carrier's clock may lag behind ours before a message is missed.
const CLOCK_SLACK: Duration = Duration::from_secs(30);

/// The API's own page size; larger pages take longer than a crash recovery needs.
const PAGE_SIZE: &str = "50";

/// More pages than this for one pair of addresses is not a search any more.
const PAGE_LIMIT: usize = 20;

/// Which messages are meant.
#[derive(Debug, Clone)]
pub struct MessageQuery {
    pub channel: Channel,
    pub to: String,
    /// `None` where a messaging service chose the sender.
    pub from: Option<String>,
    /// When the intent to send was stored: nothing created before it can be the message.
    pub since: Timestamp,
    /// The exact text. `None` for a template, whose text the carrier fills in.
    pub body: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Listed>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    sid: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    direction: Option<String>,
    #[serde(default)]
    date_created: Option<String>,
}

impl TwilioClient {
    /// The messages that match, newest first, whatever became of them since: a failed one was created too.
    ///
    /// Only the addresses are given to the carrier as filters. Its date filter looks at the day of *sending*, which a
    /// message that is still queued does not have.
    pub async fn find_message(&self, query: &MessageQuery) -> Result<Vec<MessageSid>, CarrierError> {
        let bad = CarrierError::BadMessage;
        let to = Address::recipient(&query.to, query.channel).map_err(|p| bad(MessageProblem::Recipient(p)))?;
        let from = match &query.from {
            Some(from) => Some(Address::sender(from, query.channel).map_err(|p| bad(MessageProblem::Sender(p)))?),
            None => None,
        };
        let mut filters = vec![("To", to.as_str()), ("PageSize", PAGE_SIZE)];
        filters.extend(from.as_ref().map(|from| ("From", from.as_str())));

        let limit = self.config.timeouts.messages;
        let mut page: Page = self.get(&["Messages"], &filters, limit).await?;
        let mut found = Vec::new();
        for _ in 0..PAGE_LIMIT {
            let all_older = !page.messages.is_empty() && page.messages.iter().all(|m| !query.is_recent(m));
            found.extend(
                page.messages
                    .into_iter()
                    .filter(|message| query.matches(message))
                    .map(|message| MessageSid(message.sid)),
            );
            // The list runs from the newest to the oldest.
            match page.next_page_uri {
                Some(next) if !all_older => page = self.get_uri(&next, limit).await?,
                _ => return Ok(found),
            }
        }
        // An incomplete list must not pass for "it was not sent".
        Err(CarrierError::Protocol {
            detail: format!("a list of more than {PAGE_LIMIT} pages"),
        })
    }
}

impl MessageQuery {
    fn matches(&self, message: &Listed) -> bool {
        let outbound = message.direction.as_deref().is_none_or(|d| d.starts_with("outbound"));
        let same_text = match &self.body {
            Some(body) => message.body.as_deref().is_some_and(|b| b.trim() == body.trim()),
            None => true,
        };
        outbound && same_text && self.is_recent(message)
    }

    /// A message without a readable date counts as recent: missing one would send it twice.
    fn is_recent(&self, message: &Listed) -> bool {
        let earliest = self.since.checked_sub(CLOCK_SLACK).unwrap_or(Timestamp::MIN);
        message
            .date_created
            .as_deref()
            .and_then(|date| rfc2822::parse(date).ok())
            .is_none_or(|created| created.timestamp() >= earliest)
    }
}
