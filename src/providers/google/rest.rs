//! One REST request to Google: JSON there and back, signed in, bounded in size and time.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::{Access, is_about_the_key};
use crate::channels::client::{self, BodyFault, Fault, http_client};
use crate::providers::ProviderError;

/// Posts `body` and reads the answer, with a second try where a token was refused that seemed good. `timeout` holds for each try.
/// `headers` go along as they are. Errors: whatever the service or the network says.
pub(crate) async fn post<T: DeserializeOwned>(
    access: &Access,
    url: &Url,
    headers: &[(String, String)],
    body: &Value,
    timeout: Duration,
    limit: usize,
) -> Result<T, ProviderError> {
    let text = Bytes::from(body.to_string());
    let mut retried = false;
    loop {
        let pass = access.pass(url.host_str()).await?;
        let client = http_client().map_err(|error| ProviderError::BadRequest {
            detail: error.to_string(),
        })?;
        let mut request = client
            .post(url.clone())
            .header(http::header::CONTENT_TYPE, "application/json; charset=utf-8")
            .timeout(timeout)
            .body(text.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(pass) = &pass {
            request = request.header(pass.name.clone(), pass.value.clone());
        }
        let unanswered = |fault| unanswered(fault, timeout);
        let response = request.send().await.map_err(|error| unanswered(Fault::of(&error)))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = client::read_limited(response, limit).await;
        if status == StatusCode::UNAUTHORIZED && !retried && access.refused(pass.as_ref()).await {
            retried = true;
            continue;
        }
        if !status.is_success() {
            let answer = answer.unwrap_or_default();
            return Err(refusal(ProviderError::from_answer(status, &headers, &answer), &answer));
        }
        let answer = answer.map_err(|fault| match fault {
            BodyFault::TooLarge => ProviderError::Protocol {
                detail: format!("more than {limit} bytes"),
            },
            BodyFault::Broken(fault) => unanswered(fault),
        })?;
        return serde_json::from_slice(&answer).map_err(|error| ProviderError::Protocol {
            detail: format!(
                "line {}, column {}: not the answer expected",
                error.line(),
                error.column()
            ),
        });
    }
}

/// Google's own names for a refusal say more than its HTTP status: a bad API key is a 400, a used-up quota may be a 403.
fn refusal(error: ProviderError, body: &[u8]) -> ProviderError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let status = body
        .pointer("/error/status")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let details = body.pointer("/error/details").and_then(Value::as_array);
    let mut details = details.into_iter().flatten();
    let reason = details
        .find_map(|detail| detail.get("reason")?.as_str())
        .unwrap_or_default();
    match error {
        ProviderError::BadRequest { detail } if is_about_the_key(reason) || is_about_the_key(&detail) => {
            ProviderError::Auth { detail }
        }
        ProviderError::Auth { detail } if status == "RESOURCE_EXHAUSTED" || reason.contains("RATE_LIMIT") => {
            ProviderError::Quota {
                retry_after: None,
                detail,
            }
        }
        error => error,
    }
}

fn unanswered(fault: Fault, limit: Duration) -> ProviderError {
    match fault {
        Fault {
            timed_out: true,
            sent: true,
        } => ProviderError::Timeout { limit },
        Fault { sent: false, .. } => ProviderError::Transient {
            detail: "Google cannot be reached".to_owned(),
        },
        Fault { sent: true, .. } => ProviderError::Transient {
            detail: "the connection broke before the answer was complete".to_owned(),
        },
    }
}
