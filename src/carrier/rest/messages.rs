//! `Messages.json`: takes messages the way the carrier does, and fails free text outside of the 24-hour window afterwards.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Query};
use crate::carrier::account::{Message, rfc2822};
use crate::carrier::exchange::{Method, Request};
use crate::carrier::ids;
use crate::carrier::network;
use crate::carrier::timeline::Happening;

/// The longest text, in characters (21617).
const BODY_LIMIT: usize = 1600;
/// The most media of one message (21623).
const MEDIA_LIMIT: usize = 10;

/// Checks and accepts a message; what the channel makes of it follows in status callbacks.
pub(super) fn create(query: &Query) -> Answer {
    if let Some((code, message)) = invalid(query) {
        return Answer::error(400, code, message);
    }
    let field = |name: &str| query.field(name).unwrap_or_default().to_owned();
    let message = Message {
        sid: ids::sid("SM"),
        from: query
            .field("From")
            .map_or_else(|| field("MessagingServiceSid"), str::to_owned),
        to: field("To"),
        body: field("Body"),
        content_sid: query.field("ContentSid").map(str::to_owned),
        content_variables: query.field("ContentVariables").map(str::to_owned),
        media: media(query).map(str::to_owned).collect(),
        status: if query.field("From").is_some() {
            "queued"
        } else {
            "accepted"
        }
        .to_owned(),
        error_code: None,
        sent: jiff::Timestamp::now(),
    };
    let answer = Answer::json(201, &facts(query, &message));
    let note = Happening::Message(
        message.sid.clone(),
        message.to.clone(),
        message.content_sid.clone().unwrap_or_else(|| message.body.clone()),
    );
    let mut state = query.account.state();
    for record in state.calls.values().filter(|record| message.to.ends_with(&record.from)) {
        record.timeline.note(note.clone());
    }
    let open = state.windows.contains(&(message.from.clone(), message.to.clone()));
    let allowed = !message.to.starts_with("whatsapp:") || message.content_sid.is_some() || open;
    let sid = message.sid.clone();
    state.messages.push(message);
    drop(state);
    tokio::spawn(deliver(
        query.account.clone(),
        query.http.clone(),
        sid,
        field("StatusCallback"),
        allowed,
    ));
    answer
}

/// One message's facts.
pub(super) fn read(query: &Query, sid: &str) -> Answer {
    let state = query.account.state();
    match state.messages.iter().find(|message| message.sid == sid) {
        Some(message) => Answer::json(200, &facts(query, message)),
        None => query.not_found(),
    }
}

/// Messages by `To`, `From` and `DateSent` (a day, exactly or from `DateSent>` and until `DateSent<`), newest first.
pub(super) fn list(query: &Query) -> Answer {
    let size = query
        .field("PageSize")
        .and_then(|text| text.parse().ok())
        .unwrap_or(50_usize);
    if size > 1000 {
        return Answer::error(400, 20007, "Page size too large");
    }
    let size = size.max(1);
    let page = query
        .field("Page")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0_usize);
    let state = query.account.state();
    let found: Vec<&Message> = state
        .messages
        .iter()
        .rev()
        .filter(|message| matches(query, message))
        .collect();
    let shown: Vec<Value> = found
        .iter()
        .skip(page.saturating_mul(size))
        .take(size)
        .map(|message| facts(query, message))
        .collect();
    let uri = |page: usize| {
        let mut fields = form_urlencoded::Serializer::new(String::new());
        let kept = query
            .fields
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "Page" | "PageSize" | "PageToken"));
        fields.extend_pairs(kept);
        fields
            .append_pair("PageSize", &size.to_string())
            .append_pair("Page", &page.to_string());
        format!(
            "{}?{}",
            query.path,
            fields.append_pair("PageToken", &format!("PA{page}")).finish()
        )
    };
    let start = page.saturating_mul(size);
    Answer::json(
        200,
        &json!({
            "first_page_uri": uri(0), "uri": uri(page),
            "next_page_uri": (start + shown.len() < found.len()).then(|| uri(page + 1)),
            "previous_page_uri": page.checked_sub(1).map(uri),
            "page": page, "page_size": size, "start": start, "end": (start + shown.len()).saturating_sub(1),
            "messages": shown,
        }),
    )
}

fn matches(query: &Query, message: &Message) -> bool {
    let day = message.sent.strftime("%Y-%m-%d").to_string();
    query.fields.iter().all(|(name, value)| {
        let wanted = value.get(..10).unwrap_or(value);
        match name.as_str() {
            "To" => *value == message.to,
            "From" => *value == message.from,
            "DateSent" => day == wanted,
            "DateSent>" => day.as_str() >= wanted,
            "DateSent<" => day.as_str() <= wanted,
            _ => true,
        }
    })
}

/// What the carrier refuses at once.
fn invalid(query: &Query) -> Option<(u32, &'static str)> {
    let whatsapp = |name: &str| query.field(name).map(|address| address.starts_with("whatsapp:"));
    let body = query.field("Body").unwrap_or_default();
    let template = query.field("ContentSid");
    let variables = query.field("ContentVariables");
    if query.field("To").is_none_or(str::is_empty) {
        Some((21604, "A 'To' phone number is required."))
    } else if query.field("From").is_none() && query.field("MessagingServiceSid").is_none() {
        Some((21603, "A 'From' or 'MessagingServiceSid' parameter is required."))
    } else if whatsapp("From").is_some_and(|from| Some(from) != whatsapp("To")) {
        Some((21910, "'From' and 'To' must be of the same channel."))
    } else if query.field("From") == query.field("To") {
        Some(if whatsapp("To") == Some(true) {
            (63031, "From and To are the same.")
        } else {
            (21266, "From and To are the same.")
        })
    } else if template.is_none() && variables.is_some() {
        Some((21654, "ContentSid Required."))
    } else if template.is_some_and(|sid| !sid.starts_with("HX") || sid.len() != 34) {
        Some((21655, "The ContentSid is Invalid."))
    } else if variables.is_some_and(|text| !serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object())) {
        Some((21656, "The ContentVariables Parameter is invalid."))
    } else if template.is_none() && body.is_empty() && media(query).next().is_none() {
        Some((21602, "Message body is required."))
    } else if body.chars().count() > BODY_LIMIT {
        Some((21617, "The concatenated message body exceeds the 1600 character limit."))
    } else if media(query).count() > MEDIA_LIMIT {
        Some((21623, "Number of media files exceeds allowed limit."))
    } else if media(query).any(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        Some((21620, "Invalid media URL(s)."))
    } else {
        None
    }
}

fn media(query: &Query) -> impl Iterator<Item = &str> {
    query
        .fields
        .iter()
        .filter(|(name, _)| name == "MediaUrl")
        .map(|(_, value)| value.as_str())
}

/// Walks a message through its states and tells the engine of each.
async fn deliver(
    account: std::sync::Arc<crate::carrier::account::Account>,
    http: reqwest::Client,
    sid: String,
    callback: String,
    allowed: bool,
) {
    let states: &[&str] = if allowed { &["sent", "delivered"] } else { &["failed"] };
    for status in states {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let error = (!allowed).then_some(63016);
        let mut params = Vec::new();
        if let Some(message) = account.state().messages.iter_mut().find(|message| message.sid == sid) {
            (*status).clone_into(&mut message.status);
            message.error_code = error;
            let pairs = [
                ("MessageSid", message.sid.as_str()),
                ("SmsSid", &message.sid),
                ("AccountSid", &account.sid),
                ("From", &message.from),
                ("To", &message.to),
                ("MessageStatus", status),
                ("SmsStatus", status),
                ("ApiVersion", "2010-04-01"),
            ];
            params.extend(
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
            );
        }
        params.extend(error.map(|code| ("ErrorCode".to_owned(), code.to_string())));
        if callback.is_empty() {
            continue;
        }
        let client = network::detached(http.clone(), &account, &sid, &callback);
        let purpose = "status of message".to_owned();
        let request = Request {
            purpose,
            url: callback.clone(),
            method: Method::Post,
            params,
        };
        // The engine's answer to a message's status changes nothing, and no call's timeline is there to note it.
        let _answer = client.send(&request).await;
    }
}

fn facts(query: &Query, message: &Message) -> Value {
    let uri = format!("/2010-04-01/Accounts/{}/Messages/{}", query.account.sid, message.sid);
    json!({
        "sid": message.sid, "account_sid": query.account.sid, "api_version": "2010-04-01", "body": message.body,
        "date_created": rfc2822(message.sent), "date_sent": rfc2822(message.sent), "date_updated": rfc2822(message.sent),
        "direction": "outbound-api", "error_code": message.error_code,
        "error_message": message.error_code.map(crate::carrier::errors::meaning),
        "from": message.from, "to": message.to, "messaging_service_sid": null,
        "num_media": message.media.len().to_string(), "num_segments": "1", "price": null, "price_unit": "USD",
        "status": message.status, "subresource_uris": {"media": format!("{uri}/Media.json")}, "uri": format!("{uri}.json"),
    })
}
