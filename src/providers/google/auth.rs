//! Signing in at Google: an API key with each request, or a token that a service account's signature is exchanged for.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::key::{ASSERTION_LIFE, AccountKey, Key};
use crate::channels::client::{self, http_client};
use crate::providers::{ProviderError, Service};

/// A token is replaced this long before it ends, so that none ends on its way.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// After a failed renewal, a token that is still good is used this long before the next try.
const RENEW_AGAIN: Duration = Duration::from_secs(10);
/// From connecting to the last byte of a token.
const LIMIT: Duration = Duration::from_secs(5);
/// The largest token answer that is read.
const ANSWER_LIMIT: usize = 64 * 1024;

/// How requests of one service show who they come from.
pub(crate) struct Access {
    key: Option<Key>,
    /// Held while a token is fetched: whoever else needs one waits for the same.
    token: Mutex<Option<Token>>,
}

struct Token {
    value: SecretString,
    ends: Instant,
    renew: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    /// Seconds.
    expires_in: Option<u64>,
}

/// What goes along with one request. It prints nothing of its secret.
#[derive(Clone)]
pub(crate) struct Pass {
    /// Lower case: `authorization` or `x-goog-api-key`.
    pub name: HeaderName,
    /// Marked as sensitive.
    pub value: HeaderValue,
}

impl Access {
    /// Reads the key; nothing is contacted yet. Without a key only servers of one's own can be asked. Errors: an unusable key.
    pub(crate) fn new(key: Option<&SecretString>) -> Result<Self, ProviderError> {
        Ok(Self {
            key: key.map(Key::read).transpose()?,
            token: Mutex::new(None),
        })
    }

    /// [`Access::new`] of a configured service. Errors also: no key, and no address of one's own where none is needed.
    pub(crate) fn of(service: &Service) -> Result<Self, ProviderError> {
        if service.key.is_none() && service.base_url.is_none() {
            return Err(ProviderError::Auth {
                detail: "no key for Google is configured".to_owned(),
            });
        }
        Self::new(service.key.as_ref())
    }

    /// What shows who asks, for a request to this host. Errors: no key for Google itself, or the token that is needed first
    /// cannot be had.
    pub(crate) async fn pass(&self, host: Option<&str>) -> Result<Option<Pass>, ProviderError> {
        match &self.key {
            None if host.is_some_and(|host| host.ends_with(".googleapis.com")) => Err(ProviderError::Auth {
                detail: "no key for Google is configured".to_owned(),
            }),
            None => Ok(None),
            Some(Key::Api(key)) => secret(HeaderName::from_static("x-goog-api-key"), key.expose_secret()).map(Some),
            Some(Key::Account(account)) => {
                let token = self.token(account).await?;
                let value = format!("Bearer {}", token.expose_secret());
                secret(http::header::AUTHORIZATION, &value).map(Some)
            }
        }
    }

    /// The service refused this pass. Whether another one can be had, by asking [`Access::pass`] again.
    pub(crate) async fn refused(&self, pass: Option<&Pass>) -> bool {
        let (Some(Key::Account(_)), Some(pass)) = (&self.key, pass) else {
            return false;
        };
        let mut held = self.token.lock().await;
        // Another request may have replaced it meanwhile.
        let same =
            |token: &Token| pass.value.as_bytes() == format!("Bearer {}", token.value.expose_secret()).as_bytes();
        if held.as_ref().is_some_and(same) {
            *held = None;
        }
        true
    }

    async fn token(&self, account: &AccountKey) -> Result<SecretString, ProviderError> {
        let mut held = self.token.lock().await;
        let now = Instant::now();
        if let Some(token) = held.as_ref().filter(|token| now < token.renew) {
            return Ok(token.value.clone());
        }
        match fetch(account).await {
            Ok(token) => {
                let value = token.value.clone();
                *held = Some(token);
                Ok(value)
            }
            Err(error) => match held.as_mut().filter(|token| now + LIMIT < token.ends) {
                Some(token) => {
                    tracing::warn!(%error, "no new token from Google; the one before is still good");
                    token.renew = now + RENEW_AGAIN;
                    Ok(token.value.clone())
                }
                None => Err(error),
            },
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({:?})", self.key)
    }
}

async fn fetch(account: &AccountKey) -> Result<Token, ProviderError> {
    let client = http_client().map_err(|error| ProviderError::BadRequest {
        detail: error.to_string(),
    })?;
    let asked = Instant::now();
    let assertion = account.assertion(SystemTime::now())?;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", assertion.expose_secret()),
    ];
    let response = client
        .post(account.token_uri.clone())
        .form(&form)
        .timeout(LIMIT)
        .send()
        .await;
    let response = response.map_err(|error| match error.is_timeout() {
        true => ProviderError::Timeout { limit: LIMIT },
        false => ProviderError::Transient {
            detail: "Google's sign-in cannot be reached".to_owned(),
        },
    })?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = client::read_limited(response, ANSWER_LIMIT).await;
    if !status.is_success() {
        let error = ProviderError::from_answer(status, &headers, &body.unwrap_or_default());
        return Err(match error {
            // `invalid_grant` and its kind come as 400: the account, its key or this machine's clock is wrong.
            ProviderError::BadRequest { detail } => ProviderError::Auth { detail },
            error => error,
        });
    }
    let body = body.map_err(|_| ProviderError::Transient {
        detail: "Google's sign-in broke off".to_owned(),
    })?;
    let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|_| ProviderError::Protocol {
        detail: "Google's sign-in gave no token".to_owned(),
    })?;
    let life = answer
        .expires_in
        .map_or(ASSERTION_LIFE, Duration::from_secs)
        .min(ASSERTION_LIFE);
    Ok(Token {
        value: answer.access_token,
        ends: asked + life,
        // Of a short life at least half is used.
        renew: asked + life.saturating_sub(RENEW_BEFORE).max(life / 2),
    })
}

fn secret(name: HeaderName, value: &str) -> Result<Pass, ProviderError> {
    let mut value = HeaderValue::try_from(value).map_err(|_| ProviderError::Protocol {
        detail: "Google's token has characters that no header may have".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(Pass { name, value })
}
