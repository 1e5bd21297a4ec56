//! The webhook client: asks the engine the way the carrier does, with its signature, limits, retries and cookies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{self, HeaderMap};
use url::Url;

use super::diagnose::{body, diagnose};
use super::exchange::{Exchange, Failure, Method, Params, Reply, Request};
use super::faults::{Fault, Faults};
use super::front::{self, Front};
use super::ids;
use super::network::{self, CONNECT};
use super::overrides::Overrides;
use super::sign;
use super::timeline::{Happening, Timeline};

/// The largest document, in bytes (11750).
const DOCUMENT_LIMIT: usize = 65_536;
/// The largest sound file: 40 minutes of 16-bit sound at 8000 Hz.
const MEDIA_LIMIT: usize = 40 * 60 * 16_000;
/// How many redirects are followed (11215 beyond).
const REDIRECTS: usize = 10;
/// Pause before the first retry, doubled for each further one. The carrier does not publish its own; this is an assumption.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// The requests of one call. Copies share cookies and the list of exchanges.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    token: String,
    faults: Faults,
    fronts: Vec<Front>,
    timeline: Timeline,
    /// By host.
    cookies: Arc<Mutex<HashMap<String, Params>>>,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

/// One attempt's failure with the class that a retry policy speaks of.
struct Missed {
    failure: Failure,
    again: bool,
}

impl Client {
    pub(crate) fn new(
        http: reqwest::Client,
        token: &str,
        faults: Faults,
        fronts: Vec<Front>,
        timeline: Timeline,
    ) -> Self {
        Self {
            http,
            token: token.to_owned(),
            faults,
            fronts,
            timeline,
            cookies: Arc::default(),
            exchanges: Arc::default(),
        }
    }

    /// Everything asked so far.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The signature this client would put on `url`, faults included; `None` where it does not sign.
    pub(crate) fn sign(&self, url: &str, params: &[(String, String)]) -> Option<String> {
        if self.faults.has(Fault::NoSignature) {
            return None;
        }
        let token = if self.faults.has(Fault::WrongSignature) {
            "another token"
        } else {
            &self.token
        };
        Some(sign::signature(token, url, params))
    }

    /// The front behind which `url` is really served, if any.
    pub(crate) fn front(&self, url: &Url) -> Option<&str> {
        self.fronts.iter().find_map(|front| front.target(url))
    }

    /// Sends a webhook: signed, with a deadline, retried as its fragment says. Any status below 400 is an answer.
    pub(crate) async fn send(&self, request: &Request) -> Result<Reply, Failure> {
        if let Some(delay) = self.faults.webhook_delay() {
            tokio::time::sleep(delay).await;
        }
        let token = ids::idempotency_token();
        if self.faults.has(Fault::RepeatWebhooks) {
            let (client, copy, token) = (self.clone(), request.clone(), token.clone());
            tokio::spawn(async move {
                // The answer to the copy is thrown away, as the carrier does.
                let _unused = client.tell(&copy, &token).await;
            });
        }
        self.tell(request, &token).await
    }

    /// Fetches a sound file: plain GET, no parameters, no signature.
    pub(crate) async fn media(&self, url: &str) -> Result<Reply, Failure> {
        let request = Request {
            purpose: "media".to_owned(),
            url: url.to_owned(),
            method: Method::Get,
            params: Params::new(),
        };
        self.tell(&request, "").await
    }

    async fn tell(&self, request: &Request, token: &str) -> Result<Reply, Failure> {
        let started = Instant::now();
        let result = self.attempts(request, token).await;
        let took = started.elapsed();
        let status = match &result {
            Ok(reply) => Some(reply.status),
            Err(failure) => failure.detail.strip_prefix("HTTP ").and_then(|text| text.parse().ok()),
        };
        self.timeline.note(Happening::Webhook {
            purpose: request.purpose.clone(),
            method: request.method.name().to_owned(),
            url: request.url.clone(),
            status,
            millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        let reply = result.as_ref().ok();
        let exchange = Exchange {
            purpose: request.purpose.clone(),
            method: request.method,
            url: request.url.clone(),
            params: request.params.clone(),
            status,
            content_type: reply.and_then(|reply| reply.content_type.clone()),
            body: reply.map_or_else(String::new, |reply| text_of(&reply.body)),
            took,
            error: result.as_ref().err().map(|failure| failure.code),
        };
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(exchange);
        result
    }

    async fn attempts(&self, request: &Request, token: &str) -> Result<Reply, Failure> {
        let url = Url::parse(&request.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| Failure::new(11100, &request.url, "not an absolute http or https URL"))?;
        let overrides =
            Overrides::read(url.fragment()).map_err(|code| Failure::new(code, &request.url, "unknown word in `rp`"))?;
        let all = async {
            let mut pause = RETRY_PAUSE;
            for left in (0..=overrides.retries).rev() {
                match self.follow(request, &url, token, &overrides).await {
                    Err(missed) if missed.again && left > 0 => {
                        tokio::time::sleep(pause).await;
                        pause *= 2;
                    }
                    Err(missed) => return Err(missed.failure),
                    Ok(reply) => return Ok(reply),
                }
            }
            Err(Failure::new(11205, &request.url, "no attempt was made"))
        };
        tokio::time::timeout(overrides.total, all).await.unwrap_or_else(|_| {
            Err(Failure::new(
                11203,
                &request.url,
                format!("{} ms", overrides.total.as_millis()),
            ))
        })
    }

    /// One attempt with its redirects: 301, 302 and 303 go on as GET without the form, 307 and 308 unchanged.
    async fn follow(&self, request: &Request, url: &Url, token: &str, overrides: &Overrides) -> Result<Reply, Missed> {
        let mut url = url.clone();
        let mut method = request.method;
        let mut params = request.params.as_slice();
        for _ in 0..=REDIRECTS {
            url.set_fragment(None);
            let once = self.once(&url, method, params, token, overrides);
            let (reply, location) = tokio::time::timeout(overrides.read, once).await.unwrap_or_else(|_| {
                Err(Missed {
                    failure: Failure::new(11205, url.as_str(), "no answer in time"),
                    again: overrides.policy.read,
                })
            })?;
            let Some(location) = location else {
                return match reply.status {
                    status @ 400..=599 => Err(Missed {
                        failure: Failure::new(11200, url.as_str(), format!("HTTP {status}")),
                        again: if status < 500 {
                            overrides.policy.client
                        } else {
                            overrides.policy.server
                        },
                    }),
                    _ => Ok(reply),
                };
            };
            url = url.join(&location).map_err(|_| Missed {
                failure: Failure::new(11100, &location, "the redirect's address cannot be read"),
                again: false,
            })?;
            if !matches!(reply.status, 307 | 308) {
                method = Method::Get;
                params = &[];
            }
        }
        let failure = Failure::new(11215, url.as_str(), "more than 10 redirects");
        Err(Missed { failure, again: false })
    }

    async fn once(
        &self,
        url: &Url,
        method: Method,
        params: &[(String, String)],
        token: &str,
        overrides: &Overrides,
    ) -> Result<(Reply, Option<String>), Missed> {
        let mut public = url.clone();
        if method == Method::Get && !params.is_empty() {
            public.query_pairs_mut().extend_pairs(params);
        }
        let form = if method == Method::Post { params } else { &[] };
        let http = self.connecting_within(overrides.connect, url)?;
        let sent = self.build(&http, &public, method, form, token).send().await;
        let missed = |failure, again| Missed { failure, again };
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                let again = if error.is_connect() {
                    overrides.policy.connect
                } else {
                    overrides.policy.read
                };
                return Err(missed(diagnose(url, &error), again));
            }
        };
        self.keep_cookies(url, response.headers());
        let status = response.status().as_u16();
        let text = |name: header::HeaderName| {
            let value = response.headers().get(name)?;
            Some(value.to_str().unwrap_or_default().to_owned())
        };
        let location = text(header::LOCATION).filter(|_| (300..400).contains(&status));
        let content_type = text(header::CONTENT_TYPE);
        let chunked = text(header::TRANSFER_ENCODING).is_some_and(|coding| coding.contains("chunked"));
        let sound = content_type.as_deref().is_some_and(|kind| kind.starts_with("audio/"));
        let limit = if sound || token.is_empty() {
            MEDIA_LIMIT
        } else {
            DOCUMENT_LIMIT
        };
        let body = body(response, limit, url)
            .await
            .map_err(|failure| missed(failure, overrides.policy.read))?;
        let reply = Reply {
            url: url.clone(),
            status,
            content_type,
            chunked,
            body,
        };
        Ok((reply, location))
    }

    /// The shared client, or one of its own for a webhook that overrides the time to connect.
    fn connecting_within(&self, time: Duration, url: &Url) -> Result<reqwest::Client, Missed> {
        if time == CONNECT {
            return Ok(self.http.clone());
        }
        network::web_client(time).map_err(|error| Missed {
            failure: diagnose(url, &error),
            again: false,
        })
    }

    fn build(
        &self,
        http: &reqwest::Client,
        public: &Url,
        method: Method,
        form: &[(String, String)],
        token: &str,
    ) -> reqwest::RequestBuilder {
        let mut url = public.clone();
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: &str| {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        };
        put("user-agent", "TwilioProxy/1.1");
        put("accept", "*/*");
        if let Some(target) = self.front(public)
            && let Ok(mut plain) = Url::parse(&format!("http://{target}"))
        {
            plain.set_path(public.path());
            plain.set_query(public.query());
            put("host", &front::authority(public));
            put("x-forwarded-host", &front::authority(public));
            put("x-forwarded-proto", public.scheme());
            url = plain;
        }
        if !token.is_empty() {
            put("i-twilio-idempotency-token", token);
            if let Some(signature) = self.sign(&sign::signed_url(public.as_str()), form) {
                put("x-twilio-signature", &signature);
            }
        }
        if let Some(cookies) = self.cookies(public) {
            put("cookie", &cookies);
        }
        match method {
            Method::Get => http.get(url).headers(headers),
            Method::Post => {
                put("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
                let body = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(form)
                    .finish();
                http.post(url).headers(headers).body(body)
            }
        }
    }

    fn cookies(&self, url: &Url) -> Option<String> {
        let jar = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = jar.get(url.host_str()?).filter(|kept| !kept.is_empty())?;
        let pairs: Vec<String> = kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Some(pairs.join("; "))
    }

    fn keep_cookies(&self, url: &Url, headers: &HeaderMap) {
        let mut jar = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for line in headers.get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                let kept = jar.entry(url.host_str().unwrap_or_default().to_owned()).or_default();
                kept.retain(|(known, _)| known != name.trim());
                kept.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
    }
}

fn text_of(body: &Bytes) -> String {
    std::str::from_utf8(body).map_or_else(|_| String::new(), str::to_owned)
}
