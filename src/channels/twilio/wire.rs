//! One request to the API: path, sign-in, form, limits, and what each answer means.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::super::client::{self, BodyFault, Fault, http_client};
use super::super::redact::clean;
use super::super::retry_after::retry_after;
use super::{CarrierError, TwilioClient};

/// The largest answer that is read. A page of 1000 messages stays well below it.
const ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// The body of a failed request (reference: the API's error format; four keys, of which these two matter).
#[derive(Deserialize)]
struct ErrorBody {
    code: Option<u32>,
    #[serde(default)]
    message: String,
}

impl TwilioClient {
    /// `POST /2010-04-01/Accounts/{account}/{path}.json` with a form; the answer's body.
    pub(super) async fn post(
        &self,
        path: &[&str],
        form: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<Bytes, CarrierError> {
        let url = self.account_url(path)?;
        self.perform(client()?.post(url).form(form), timeout).await
    }

    /// `GET` of the same form of path, with a query.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<T, CarrierError> {
        let url = self.account_url(path)?;
        let body = self.perform(client()?.get(url).query(query), timeout).await?;
        parse(&body)
    }

    /// `GET` of a path that the API gave out itself, such as `next_page_uri`; it is used as it stands.
    pub(super) async fn get_uri<T: DeserializeOwned>(&self, uri: &str, timeout: Duration) -> Result<T, CarrierError> {
        if !uri.starts_with('/') {
            // Following it could carry the credentials to another host.
            return Err(CarrierError::Protocol {
                detail: "a page address that is not a path".to_owned(),
            });
        }
        let base = self.api_url()?;
        let url = format!("{}{uri}", base.as_str().trim_end_matches('/'));
        let body = self.perform(client()?.get(url), timeout).await?;
        parse(&body)
    }

    fn api_url(&self) -> Result<Url, CarrierError> {
        let misconfigured = || CarrierError::Misconfigured {
            detail: "`api_url` must be an http or https URL such as `https://api.twilio.com`".to_owned(),
        };
        let url = Url::parse(&self.config.api_url).map_err(|_| misconfigured())?;
        let usable = matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none();
        usable.then_some(url).ok_or_else(misconfigured)
    }

    fn account_url(&self, path: &[&str]) -> Result<Url, CarrierError> {
        let account = self.sign_in()?.account;
        let mut url = self.api_url()?;
        let (last, front) = path.split_last().expect("every caller names a resource");
        url.path_segments_mut()
            .expect("an http URL always has a path")
            .pop_if_empty()
            .extend(["2010-04-01", "Accounts", account])
            .extend(front)
            .push(&format!("{last}.json"));
        Ok(url)
    }

    async fn perform(&self, request: RequestBuilder, timeout: Duration) -> Result<Bytes, CarrierError> {
        let sign_in = self.sign_in()?;
        let response = request
            .basic_auth(sign_in.user, Some(sign_in.password.expose_secret()))
            .timeout(timeout)
            .send()
            .await
            .map_err(|error| unanswered(Fault::of(&error)))?;
        if response.status().is_success() {
            return client::read_limited(response, ANSWER_LIMIT)
                .await
                .map_err(|fault| match fault {
                    BodyFault::Broken(fault) => unanswered(fault),
                    BodyFault::TooLarge => CarrierError::Protocol {
                        detail: "larger than 8 MiB".to_owned(),
                    },
                });
        }
        Err(failure(response).await)
    }
}

/// Reads an answer that reported success.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, CarrierError> {
    serde_json::from_slice(body).map_err(|error| CarrierError::Protocol {
        // Only the place: the text of a JSON error can quote the data.
        detail: format!("line {}, column {} is not as documented", error.line(), error.column()),
    })
}

fn client() -> Result<reqwest::Client, CarrierError> {
    http_client().map_err(|error| CarrierError::Misconfigured {
        detail: error.to_string(),
    })
}

fn unanswered(fault: Fault) -> CarrierError {
    if fault.timed_out {
        CarrierError::Timeout { sent: fault.sent }
    } else {
        CarrierError::Unavailable {
            sent: fault.sent,
            status: None,
        }
    }
}

/// What an answer other than 2xx means. Codes decide, never texts; a body that cannot be read leaves the status.
async fn failure(response: Response) -> CarrierError {
    let status = response.status();
    let wait = retry_after(response.headers(), SystemTime::now());
    let body = client::read_limited(response, ANSWER_LIMIT).await.unwrap_or_default();
    let (code, message) = match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(body) => (body.code, clean(&body.message)),
        Err(_) => (None, String::new()),
    };
    match (status, code) {
        (StatusCode::TOO_MANY_REQUESTS, _) | (_, Some(20429)) => CarrierError::RateLimited { retry_after: wait },
        (StatusCode::UNAUTHORIZED, _) | (StatusCode::FORBIDDEN, Some(20003)) => CarrierError::Auth { code, message },
        (_, Some(21220)) => CarrierError::CallNotInProgress,
        (StatusCode::NOT_FOUND, _) => CarrierError::NotFound { message },
        (status, _) if status.is_server_error() => CarrierError::Unavailable {
            sent: true,
            status: Some(status.as_u16()),
        },
        (status, code) => CarrierError::Refused {
            status: status.as_u16(),
            code,
            message,
        },
    }
}
