//! Fetching a recording: from the carrier's own hosts only, bounded in size and time, and only if it is sound.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::client::{self, BodyFault, Fault, http_client};

/// The largest recording that is fetched unless configured otherwise: what transcription services accept (25 MiB,
/// which is 27 minutes of the carrier's WAV).
pub const DEFAULT_LIMIT: usize = 25 * 1024 * 1024;

/// How many redirects are followed.
const MAX_HOPS: usize = 5;

/// A recording as the carrier stores it.
#[derive(Clone, PartialEq, Eq)]
pub struct Recording {
    pub bytes: Bytes,
    pub format: RecordingFormat,
}

/// The container, judged by the first bytes and not by what a header claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingFormat {
    Wav,
    Mp3,
}

impl RecordingFormat {
    pub fn mime(self) -> &'static str {
        match self {
            RecordingFormat::Wav => "audio/wav",
            RecordingFormat::Mp3 => "audio/mpeg",
        }
    }
}

/// From where, as whom and within which bounds a recording is fetched.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The carrier's API; its host is trusted, over plain HTTP only where the API itself is used so.
    pub api: &'a Url,
    /// Further hosts of the carrier, compared exactly.
    pub more_hosts: &'a [String],
    /// Basic user and password. Accounts may serve recordings without.
    pub sign_in: Option<(&'a str, &'a SecretString)>,
    /// Bytes.
    pub limit: usize,
    /// From the first connection to the last byte, redirects included.
    pub timeout: Duration,
}

/// Why a recording could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingError {
    BadUrl,
    /// Nothing was sent: the host is none of the carrier's, or the scheme would show the credentials.
    HostNotAllowed {
        host: String,
    },
    /// 404: the carrier has not finished it. Its callback may come before the file.
    NotThereYet,
    /// 401 or 403.
    Auth {
        status: u16,
    },
    /// Another answer that repeating does not change.
    Refused {
        status: u16,
    },
    TooManyRedirects,
    TooLarge {
        limit: usize,
    },
    /// The bytes are neither WAV nor MP3; `media_type` is what the answer said about itself.
    NotAudio {
        media_type: String,
    },
    Timeout,
    /// No connection, a broken one, 429 or 5xx.
    Unavailable {
        status: Option<u16>,
    },
    /// The HTTP client cannot be set up.
    Client {
        detail: String,
    },
}

impl RecordingError {
    /// Whether fetching it later may succeed without anyone changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            RecordingError::NotThereYet | RecordingError::Timeout | RecordingError::Unavailable { .. } => true,
            RecordingError::BadUrl
            | RecordingError::HostNotAllowed { .. }
            | RecordingError::Auth { .. }
            | RecordingError::Refused { .. }
            | RecordingError::TooManyRedirects
            | RecordingError::TooLarge { .. }
            | RecordingError::NotAudio { .. }
            | RecordingError::Client { .. } => false,
        }
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordingError::BadUrl => f.write_str("the recording's address is not a URL"),
            RecordingError::HostNotAllowed { host } => {
                write!(f, "`{host}` is not a host of the carrier")
            }
            RecordingError::NotThereYet => f.write_str("the carrier does not have the recording yet"),
            RecordingError::Auth { status } => {
                write!(f, "the carrier does not accept the credentials (status {status})")
            }
            RecordingError::Refused { status } => {
                write!(f, "the carrier refused with status {status}")
            }
            RecordingError::TooManyRedirects => write!(f, "more than {MAX_HOPS} redirects"),
            RecordingError::TooLarge { limit } => {
                write!(f, "the recording is larger than {limit} bytes")
            }
            RecordingError::NotAudio { media_type } => {
                write!(f, "the answer is neither WAV nor MP3, it calls itself `{media_type}`")
            }
            RecordingError::Timeout => f.write_str("the recording did not arrive in time"),
            RecordingError::Unavailable { status: Some(status) } => {
                write!(f, "the carrier failed with status {status}")
            }
            RecordingError::Unavailable { status: None } => f.write_str("the connection to the carrier failed"),
            RecordingError::Client { detail } => f.write_str(detail),
        }
    }
}

impl std::error::Error for RecordingError {}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({:?}, {} bytes)", self.format, self.bytes.len())
    }
}

/// Fetches a recording. A URL without an extension, as callbacks carry it, is asked for as WAV.
///
/// Credentials go to the host of `recording_url` only: a redirect to another origin is followed without them, and
/// only to another of the carrier's hosts or to named storage over https.
pub async fn fetch(source: &Source<'_>, recording_url: &str) -> Result<Recording, RecordingError> {
    let mut url = Url::parse(recording_url).map_err(|_| RecordingError::BadUrl)?;
    if !source.is_carrier(&url) {
        return Err(not_allowed(&url));
    }
    prefer_wav(&mut url);
    match tokio::time::timeout(source.timeout, follow(source, url)).await {
        Ok(outcome) => outcome,
        Err(_elapsed) => Err(RecordingError::Timeout),
    }
}

async fn follow(source: &Source<'_>, mut url: Url) -> Result<Recording, RecordingError> {
    let client = http_client().map_err(|error| RecordingError::Client {
        detail: error.to_string(),
    })?;
    let mut sign_in = source.sign_in;
    for _ in 0..=MAX_HOPS {
        let mut request = client.get(url.clone());
        if let Some((user, password)) = sign_in {
            request = request.basic_auth(user, Some(password.expose_secret()));
        }
        let response = request.send().await.map_err(|error| unanswered(Fault::of(&error)))?;
        let Some(target) = client::redirect_target(&response) else {
            return read(response, source.limit).await;
        };
        if !source.is_carrier(&target) && !is_named_storage(&target) {
            return Err(not_allowed(&target));
        }
        if target.origin() != url.origin() {
            sign_in = None;
        }
        url = target;
    }
    Err(RecordingError::TooManyRedirects)
}

async fn read(response: Response, limit: usize) -> Result<Recording, RecordingError> {
    let status = response.status();
    match status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Err(RecordingError::NotThereYet),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(RecordingError::Auth {
                status: status.as_u16(),
            });
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            return Err(RecordingError::Unavailable {
                status: Some(status.as_u16()),
            });
        }
        _ if status.is_server_error() => {
            return Err(RecordingError::Unavailable {
                status: Some(status.as_u16()),
            });
        }
        _ => {
            return Err(RecordingError::Refused {
                status: status.as_u16(),
            });
        }
    }
    let media_type = response
        .headers()
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map_or_else(|| "nothing".to_owned(), super::redact::clean);
    let bytes = client::read_limited(response, limit)
        .await
        .map_err(|fault| match fault {
            BodyFault::TooLarge => RecordingError::TooLarge { limit },
            BodyFault::Broken(fault) => unanswered(fault),
        })?;
    match sniff(&bytes) {
        Some(format) => Ok(Recording { bytes, format }),
        None => Err(RecordingError::NotAudio { media_type }),
    }
}

impl Source<'_> {
    /// Whether credentials may be sent to this URL's host.
    fn is_carrier(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        // `user@host` forms have no place in a recording's address; refusing them leaves nothing to misread.
        let plain = url.username().is_empty() && url.password().is_none();
        let own = self.api.host_str() == Some(host);
        let twilio = host.ends_with(".twilio.com");
        let listed = self.more_hosts.iter().any(|listed| listed.eq_ignore_ascii_case(host));
        let safe_scheme = match url.scheme() {
            "https" => true,
            "http" => (own || listed) && self.api.scheme() == "http",
            _ => false,
        };
        plain && safe_scheme && (own || twilio || listed)
    }
}

/// Storage that a carrier redirects to: https and a public name, never an address or this machine.
fn is_named_storage(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => url.scheme() == "https" && name.contains('.') && !name.ends_with(".local"),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => false,
    }
}

fn prefer_wav(url: &mut Url) {
    let path = url.path().to_owned();
    let last = path.rsplit('/').next().unwrap_or("");
    if !last.is_empty() && !last.contains('.') {
        url.set_path(&format!("{path}.wav"));
    }
}

/// WAV by its RIFF header; MP3 by an ID3 tag or the sync word and layer III of a first frame (ISO 11172-3).
fn sniff(bytes: &[u8]) -> Option<RecordingFormat> {
    match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(RecordingFormat::Wav),
        [b'I', b'D', b'3', _, ..] => Some(RecordingFormat::Mp3),
        [0xff, second, third, _, ..]
            if second & 0xe6 == 0xe2 && second & 0x18 != 0x08 && third & 0xf0 != 0xf0 && third & 0x0c != 0x0c =>
        {
            Some(RecordingFormat::Mp3)
        }
        _ => None,
    }
}

fn unanswered(fault: Fault) -> RecordingError {
    if fault.timed_out {
        RecordingError::Timeout
    } else {
        RecordingError::Unavailable { status: None }
    }
}

fn not_allowed(url: &Url) -> RecordingError {
    let host = url.host_str().unwrap_or("no host");
    RecordingError::HostNotAllowed {
        host: format!("{}://{host}", url.scheme()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(api: &str, url: &str) -> bool {
        let api = Url::parse(api).expect("a URL");
        let source = Source {
            api: &api,
            more_hosts: &["media.example.net".to_owned()],
            sign_in: None,
            limit: 1,
            timeout: Duration::from_secs(1),
        };
        source.is_carrier(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn only_the_carriers_hosts_get_credentials() {
        let twilio = "https://api.twilio.com";
        for url in [
            "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1",
            "https://api.dublin.ie1.twilio.com/x",
            "https://API.TWILIO.COM/x",
            "https://media.example.net/x",
        ] {
            assert!(allowed(twilio, url), "{url}");
        }
        for url in [
            "http://api.twilio.com/x",
            "https://twilio.com.evil.example/x",
            "https://eviltwilio.com/x",
            "https://api.twilio.com@evil.example/x",
            "https://user:word@api.twilio.com/x",
            "https://127.0.0.1/x",
            "https://169.254.169.254/latest",
            "http://media.example.net/x",
            "file:///etc/passwd",
            "ftp://api.twilio.com/x",
        ] {
            assert!(!allowed(twilio, url), "{url}");
        }
        assert!(allowed("http://127.0.0.1:4010", "http://127.0.0.1:4010/x"));
        assert!(!allowed("http://127.0.0.1:4010", "http://api.twilio.com/x"));
        assert!(!allowed("https://carrier.example", "http://carrier.example/x"));
    }

    #[test]
    fn storage_is_public_and_encrypted() {
        let storage = |url| is_named_storage(&Url::parse(url).expect("a URL"));
        assert!(storage("https://bucket.s3.amazonaws.com/RE1?X-Amz-Signature=1"));
        for url in [
            "http://bucket.s3.amazonaws.com/RE1",
            "https://localhost/x",
            "https://10.0.0.1/x",
            "https://[::1]/x",
            "https://2130706433/x",
            "https://printer.local/x",
        ] {
            assert!(!storage(url), "{url}");
        }
    }

    #[test]
    fn wav_is_asked_for_unless_a_format_is_named() {
        let cases = [
            ("https://a.twilio.com/R/RE1", "https://a.twilio.com/R/RE1.wav"),
            (
                "https://a.twilio.com/R/RE1?RequestedChannels=1",
                "https://a.twilio.com/R/RE1.wav?RequestedChannels=1",
            ),
            ("https://a.twilio.com/R/RE1.mp3", "https://a.twilio.com/R/RE1.mp3"),
            ("https://a.twilio.com/R/", "https://a.twilio.com/R/"),
        ];
        for (from, to) in cases {
            let mut url = Url::parse(from).expect("a URL");
            prefer_wav(&mut url);
            assert_eq!(url.as_str(), to);
        }
    }

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        assert_eq!(sniff(b"RIFF\x24\0\0\0WAVEfmt "), Some(RecordingFormat::Wav));
        assert_eq!(sniff(b"ID3\x04\0\0"), Some(RecordingFormat::Mp3));
        assert_eq!(sniff(&[0xff, 0xfb, 0x90, 0x64]), Some(RecordingFormat::Mp3));
        assert_eq!(sniff(&[0xff, 0xf3, 0x40, 0xc0]), Some(RecordingFormat::Mp3));
        for other in [
            &b""[..],
            b"RIFF",
            b"RIFF\0\0\0\0AVI ",
            b"<html>",
            b"{}",
            &[0xff, 0xff, 0xff, 0xff],
            &[0xff, 0xf1, 0x50, 0x80],
        ] {
            assert_eq!(sniff(other), None, "{other:?}");
        }
    }
}
