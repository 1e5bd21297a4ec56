//! The account at the carrier: whether the credentials open it, and whether it may call. Reads alone.

use super::case::Case;
use super::outcome::Outcome;
use super::web::{root_cause, short};
use crate::channels::client::http_client;
use crate::line::config::Settings;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// What the carrier said: a status and JSON.
pub struct Said {
    pub status: u16,
    pub json: Value,
}

/// Who signs in, and where.
struct Account {
    sid: String,
    token: String,
    api: Url,
}

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    let settings = match &case.settings {
        Ok(settings) => settings,
        Err(_) => return vec![Outcome::skipped("carrier-account", "the settings cannot be read")],
    };
    if let Err(missing) = account(settings) {
        return vec![Outcome::skipped("carrier-account", missing)];
    }
    vec![match fetch(settings, "", &[], case.plan.timeout).await {
        Err(why) => Outcome::fail(
            "carrier-account",
            format!("the carrier's REST API does not answer: {why}"),
        )
        .help("open the firewall for it: without it no call is redirected to its fallback"),
        Ok(said) => judge(&said),
    }]
}

fn judge(said: &Said) -> Outcome {
    let error = said.json["code"].as_u64().and_then(|code| u32::try_from(code).ok());
    match said.status {
        200 => {
            let status = said.json["status"].as_str().unwrap_or("unknown");
            let name = short(said.json["friendly_name"].as_str().unwrap_or("the account"));
            match (status, said.json["type"].as_str()) {
                ("active", Some("Trial")) => {
                    Outcome::warn("carrier-account", format!("signed in to `{name}`, a trial account"))
                        .help("callers hear the carrier's own words first, and only verified numbers can be called")
                }
                ("active", _) => Outcome::ok("carrier-account", format!("signed in to `{name}`, active")),
                (other, _) => Outcome::fail("carrier-account", format!("`{name}` is {}", short(other)))
                    .help("see the carrier's console: calls are not taken"),
            }
        }
        401 | 403 => Outcome::fail(
            "carrier-account",
            format!("the carrier refuses the credentials with {}", said.status),
        )
        .code(error.unwrap_or(20003))
        .help("set TWILIO_ACCOUNT_SID and the account's primary auth token, TWILIO_AUTH_TOKEN"),
        404 => {
            let outcome = Outcome::warn(
                "carrier-account",
                "the carrier shows no such account, but lets it sign in",
            );
            outcome
                .code(error.unwrap_or(20404))
                .help("see TWILIO_ACCOUNT_SID and TWILIO_API_URL")
        }
        status => Outcome::fail("carrier-account", format!("the carrier answers {status}")).help("see its status page"),
    }
}

/// Reads a resource of the account. Errors: why nothing can be read.
pub async fn fetch(
    settings: &Settings,
    resource: &str,
    query: &[(&str, &str)],
    timeout: Duration,
) -> Result<Said, String> {
    let account = account(settings)?;
    let mut url = account.api;
    let path = format!(
        "{}/2010-04-01/Accounts/{}{resource}.json",
        url.path().trim_end_matches('/'),
        account.sid
    );
    url.set_path(&path);
    let client = http_client().map_err(|error| error.to_string())?;
    let request = client
        .get(url)
        .query(query)
        .basic_auth(&account.sid, Some(&account.token))
        .timeout(timeout);
    let response = request.send().await.map_err(|error| match error.is_timeout() {
        true => format!("no answer within {} ms", timeout.as_millis()),
        false => root_cause(&error),
    })?;
    let status = response.status().as_u16();
    // An answer that is no JSON leaves the status.
    let body = response.bytes().await.map_err(|error| root_cause(&error))?;
    Ok(Said {
        status,
        json: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

/// The account's credentials. Errors: which are missing.
fn account(settings: &Settings) -> Result<Account, String> {
    let sid = settings.carrier.account_sid.clone().filter(|sid| !sid.is_empty());
    let sid = sid.ok_or("no account is known here: set TWILIO_ACCOUNT_SID")?;
    let token = settings.server.auth_token.as_ref();
    let token = token.ok_or("no auth token is known here: set TWILIO_AUTH_TOKEN")?;
    let api = Url::parse(&settings.carrier.api_url).ok().filter(Url::has_host);
    Ok(Account {
        sid,
        token: token.expose_secret().to_owned(),
        api: api.ok_or("TWILIO_API_URL is no address")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use serde_json::json;

    #[test]
    fn what_the_carrier_says_of_an_account() {
        let judged = |status, json| {
            let outcome = judge(&Said { status, json });
            (outcome.verdict, outcome.code)
        };
        assert_eq!(
            judged(200, json!({"status": "active", "type": "Full"})),
            (Verdict::Ok, None)
        );
        assert_eq!(
            judged(200, json!({"status": "active", "type": "Trial"})),
            (Verdict::Warn, None)
        );
        assert_eq!(judged(200, json!({"status": "suspended"})), (Verdict::Fail, None));
        assert_eq!(judged(401, json!({"code": 20003})), (Verdict::Fail, Some(20003)));
        assert_eq!(judged(403, Value::Null), (Verdict::Fail, Some(20003)));
        assert_eq!(judged(404, json!({"code": 20404})), (Verdict::Warn, Some(20404)));
        assert_eq!(judged(503, Value::Null), (Verdict::Fail, None));
    }
}
