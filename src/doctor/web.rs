//! How a deployment is asked: as the carrier does it, without following redirects, and never for longer than the plan says.

use super::{Plan, PlanError};
use crate::carrier::signature;
use crate::channels::client::install_crypto;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Client, Method};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The name under which the carrier asks.
pub const CARRIER: &str = "TwilioProxy/1.1";

/// The most that is read of an answer, in bytes: 40 minutes of sound at 16 bits and 8000 Hz.
const LARGEST: usize = 40 * 60 * 16_000;

/// Asks.
#[derive(Debug, Clone)]
pub struct Web {
    /// Trusts whom carriers trust.
    strict: Client,
    /// Trusts everybody; only for requests that prove nothing.
    lax: Client,
    pub tls: Arc<ClientConfig>,
    timeout: Duration,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub took: Duration,
}

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The carrier's code for it.
    pub code: u32,
    /// What happened.
    pub why: String,
}

/// One request.
pub struct Ask {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    form: Option<Vec<(String, String)>>,
    is_lax: bool,
}

impl Ask {
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            url: url.into(),
            headers: Vec::new(),
            form: None,
            is_lax: false,
        }
    }

    pub fn head(url: impl Into<String>) -> Self {
        Self {
            method: Method::HEAD,
            ..Self::get(url)
        }
    }

    pub fn post(url: impl Into<String>, form: &[(&str, &str)]) -> Self {
        let form = form
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            method: Method::POST,
            form: Some(form.collect()),
            ..Self::get(url)
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Signs this URL with the form, as the carrier does.
    pub fn signed_as(self, token: &str, url: &str) -> Self {
        let value = signature(token, url, self.form.as_deref().unwrap_or_default());
        self.header("x-twilio-signature", value)
    }

    /// Trusts any certificate: the request proves nothing to whoever answers.
    pub fn lax(mut self, lax: bool) -> Self {
        self.is_lax = lax;
        self
    }
}

impl Web {
    pub fn new(plan: &Plan) -> Result<Self, PlanError> {
        install_crypto();
        let roots = plan.roots.clone().unwrap_or_else(|| RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        });
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        // As the carrier: HTTP/1.1 alone. Each connection is new, so that a proxy's habits show.
        let builder = || {
            Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .http1_only()
                .pool_max_idle_per_host(0)
                .connect_timeout(plan.timeout)
                .timeout(plan.timeout)
        };
        let failed = |error: reqwest::Error| PlanError {
            problem: format!("no HTTP client can be made: {error}"),
            help: "see whether the machine has memory and random numbers left".to_owned(),
        };
        Ok(Self {
            strict: builder()
                .tls_backend_preconfigured(tls.clone())
                .build()
                .map_err(failed)?,
            lax: builder()
                .tls_certs_only(std::iter::empty())
                .tls_danger_accept_invalid_certs(true)
                .build()
                .map_err(failed)?,
            tls: Arc::new(tls),
            timeout: plan.timeout,
        })
    }

    /// The request's response before its body, for what is more than an answer.
    pub async fn open(&self, ask: Ask) -> Result<reqwest::Response, Silence> {
        let client = if ask.is_lax { &self.lax } else { &self.strict };
        let named = ask.headers.iter().any(|(name, _)| *name == "user-agent");
        let mut request = client.request(ask.method, &ask.url).header("accept", "*/*");
        if !named {
            request = request.header("user-agent", CARRIER);
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        if let Some(form) = ask.form {
            let body = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(form)
                .finish();
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
                .body(body);
        }
        request.send().await.map_err(|error| self.silence(&error))
    }

    /// Asks, and reads the whole answer.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, Silence> {
        let began = Instant::now();
        let mut response = self.open(ask).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.silence(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                return Err(Silence {
                    code: 11200,
                    why: format!("the answer is longer than {} MB", LARGEST / 1_000_000),
                });
            }
        }
        Ok(Answer {
            status,
            headers,
            body,
            took: began.elapsed(),
        })
    }

    fn silence(&self, error: &reqwest::Error) -> Silence {
        let cause = root_cause(error);
        let lower = cause.to_ascii_lowercase();
        if error.is_timeout() {
            let code = if error.is_connect() { 11201 } else { 11205 };
            let why = format!("no answer within {} ms", self.timeout.as_millis());
            return Silence { code, why };
        }
        let code = if lower.contains("refused") {
            11202
        } else if lower.contains("lookup") || lower.contains("name or service") {
            11210
        } else if lower.contains("certificate") || lower.contains("tls") || lower.contains("handshake") {
            11220
        } else if lower.contains("invalid http") || lower.contains("parse") {
            11206
        } else {
            11205
        };
        Silence { code, why: cause }
    }
}

impl Answer {
    /// The type without its parameters, in lower case.
    pub fn kind(&self) -> Option<String> {
        let kind = self.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        Some(kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .ok()
            .filter(serde_json::Value::is_object)
    }

    /// Status, type and where it leads or what it is, in a few words.
    pub fn sketch(&self) -> String {
        let mut words = format!(
            "{} {}",
            self.status,
            self.kind().unwrap_or_else(|| "without a type".to_owned())
        );
        if let Some(to) = self.headers.get(LOCATION).and_then(|value| value.to_str().ok()) {
            words.push_str(&format!(" to `{}`", short(to)));
        } else if let Some(title) = title(&self.text()) {
            words.push_str(&format!(", a page `{}`", short(&title)));
        }
        words
    }

    /// True for a status that ends a call, or loses its form, where a webhook answers with it.
    pub fn is_forbidden(&self) -> bool {
        (300..400).contains(&self.status) || matches!(self.status, 404 | 405 | 426 | 501) || self.status >= 500
    }

    /// What to do about a status that no webhook may have.
    pub fn help(&self) -> &'static str {
        match self.status {
            301..=399 => {
                "give the carrier the address it is redirected to: a redirect turns POST into GET and loses the form"
            }
            404 => "let the proxy pass this path to the engine, or start the engine behind it",
            405 => "let the proxy pass POST and GET on this path",
            426 => "let the proxy speak HTTP/1.1 with upgrades to the engine",
            502..=504 => "start the engine, or give the proxy the right port",
            _ => "look at the log of what answered there",
        }
    }
}

/// A text of others, cut to what fits a line.
pub fn short(text: &str) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn title(html: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    let from = lower.find("<title>")? + "<title>".len();
    let to = lower[from..].find("</title>")? + from;
    Some(html[from..to].trim().to_owned())
}

pub fn root_cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Milliseconds, for people.
pub fn millis(took: Duration) -> String {
    format!("{} ms", took.as_millis())
}
