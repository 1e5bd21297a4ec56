//! `Calls/{CA}.json`: reads a call, redirects it with `Url` or `Twiml`, or ends it with `Status`.

use serde_json::{Value, json};

use super::{Answer, Query};
use crate::carrier::account::{CallRecord, Order, rfc2822};
use crate::carrier::exchange::Method;
use crate::twiml::INLINE_LIMIT;

/// The call's facts.
pub(super) fn read(query: &Query, sid: &str) -> Answer {
    let state = query.account.state();
    match state.calls.get(sid) {
        Some(record) => Answer::json(200, &facts(query, sid, record)),
        None => query.not_found(),
    }
}

/// Changes a live call.
pub(super) fn update(query: &Query, sid: &str) -> Answer {
    let order = match order(query) {
        Ok(order) => order,
        Err(answer) => return answer,
    };
    let state = query.account.state();
    let Some(record) = state.calls.get(sid) else {
        return query.not_found();
    };
    let Some(order) = order else {
        return Answer::json(200, &facts(query, sid, record));
    };
    let live = matches!(
        (&order, record.status.as_str()),
        (_, "in-progress") | (Order::Complete, "queued" | "ringing")
    );
    if !live || record.orders.try_send(order).is_err() {
        return Answer::error(400, 21220, "Call is not in-progress. Cannot redirect.");
    }
    Answer::json(200, &facts(query, sid, record))
}

fn order(query: &Query) -> Result<Option<Order>, Answer> {
    match query.field("Status") {
        Some("completed" | "canceled") => return Ok(Some(Order::Complete)),
        Some(_) => return Err(Answer::error(400, 20422, "Invalid Status")),
        None => {}
    }
    match (query.field("Url"), query.field("Twiml")) {
        (Some(_), Some(_)) => Err(Answer::error(400, 20422, "Url and Twiml cannot be given together")),
        (None, Some(twiml)) if twiml.chars().count() > INLINE_LIMIT => {
            Err(Answer::error(400, 32018, "Twiml is longer than 4000 characters"))
        }
        (None, Some(twiml)) => Ok(Some(Order::Document(twiml.to_owned()))),
        (Some(url), None) => {
            let valid =
                url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if !valid {
                return Err(Answer::error(400, 21205, "Url is not a valid URL"));
            }
            Ok(Some(Order::Fetch {
                url: url.to_owned(),
                method: Method::read(query.field("Method")),
                fallback: query.field("FallbackUrl").map(str::to_owned),
            }))
        }
        (None, None) => Ok(None),
    }
}

fn facts(query: &Query, sid: &str, record: &CallRecord) -> Value {
    let seconds = record
        .ended
        .map(|ended| (ended.as_second() - record.started.as_second()).to_string());
    let uri = format!("/2010-04-01/Accounts/{}/Calls/{sid}", query.account.sid);
    json!({
        "sid": sid, "account_sid": query.account.sid, "api_version": "2010-04-01", "parent_call_sid": null,
        "to": record.to, "to_formatted": record.to, "from": record.from, "from_formatted": record.from,
        "phone_number_sid": null, "status": record.status, "direction": "inbound",
        "start_time": rfc2822(record.started), "end_time": record.ended.map(rfc2822), "duration": seconds,
        "price": null, "price_unit": "USD", "answered_by": null, "forwarded_from": null, "caller_name": null,
        "group_sid": null, "queue_time": "0", "trunk_sid": null,
        "date_created": rfc2822(record.started), "date_updated": rfc2822(record.ended.unwrap_or(record.started)),
        "uri": format!("{uri}.json"),
        "subresource_uris": {"recordings": format!("{uri}/Recordings.json"), "streams": format!("{uri}/Streams.json")},
    })
}
