//! `Recordings/{RE}`: the sound as WAV and the facts as JSON. The sound is not there until the recording is completed.

use serde_json::json;

use super::{Answer, Query};
use crate::carrier::account::rfc2822;

/// `RE….wav` and `RE…` are the sound, `RE….json` the facts.
pub(super) fn read(query: &Query, name: &str) -> Answer {
    let (sid, facts) = match name.rsplit_once('.') {
        Some((sid, "json")) => (sid, true),
        Some((sid, "wav")) => (sid, false),
        Some(_) => return query.not_found(),
        None => (name, false),
    };
    let state = query.account.state();
    let Some(recording) = state.recordings.get(sid) else {
        return query.not_found();
    };
    if !facts {
        return if !recording.completed {
            query.not_found()
        } else if query.field("RequestedChannels") == Some("2") {
            Answer::error(400, 16113, "The recording has one channel")
        } else {
            Answer::wav(recording.wav.clone())
        };
    }
    let uri = format!("/2010-04-01/Accounts/{}/Recordings/{sid}", query.account.sid);
    Answer::json(
        200,
        &json!({
            "sid": sid, "account_sid": query.account.sid, "call_sid": recording.call, "conference_sid": null,
            "api_version": "2010-04-01", "date_created": rfc2822(recording.made), "date_updated": rfc2822(recording.made),
            "start_time": rfc2822(recording.made), "channels": 1, "source": recording.source, "error_code": null,
            "duration": if recording.completed { recording.seconds.to_string() } else { "-1".to_owned() },
            "status": if recording.completed { "completed" } else { "processing" },
            "price": null, "price_unit": "USD", "encryption_details": null, "uri": format!("{uri}.json"),
        }),
    )
}
