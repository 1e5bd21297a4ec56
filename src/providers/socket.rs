//! WebSockets to providers: the handshake with its refusals as typed errors, and sends that never wait for ever.

use super::ProviderError;
use crate::channels::client::install_crypto;
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

/// What a peer takes longer for than this, it will not take: half-dead connections are found by it.
pub(crate) const SEND_LIMIT: Duration = Duration::from_secs(5);

/// The largest message that is read, in bytes: a long piece of sound in base64 is far smaller.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;

/// An open connection.
#[derive(Debug)]
pub(crate) struct ProviderSocket {
    inner: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_heard: Instant,
}

impl ProviderSocket {
    /// Connects within `limit`. Errors: the address, the network, or whatever status the service refused with.
    pub(crate) async fn connect(url: Url, headers: &[(&str, String)], limit: Duration) -> Result<Self, ProviderError> {
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|_| ProviderError::BadRequest {
                detail: "the provider's address is not a WebSocket URL".to_owned(),
            })?;
        for (name, value) in headers {
            let bad = || ProviderError::BadRequest {
                detail: format!("the header `{name}` cannot be sent: its value has characters that no header may have"),
            };
            let name = HeaderName::try_from(*name).map_err(|_| bad())?;
            let mut value = HeaderValue::try_from(value.as_str()).map_err(|_| bad())?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        // Without it the first connection over TLS could not be made.
        install_crypto();
        // One conversation needs neither the buffers of a server nor their delays: what is small is sent at once.
        let config = WebSocketConfig::default()
            .read_buffer_size(16 * 1024)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_LIMIT))
            .max_frame_size(Some(MESSAGE_LIMIT));
        match timeout(limit, connect_async_with_config(request, Some(config), true)).await {
            Ok(Ok((inner, _))) => Ok(Self {
                inner,
                last_heard: Instant::now(),
            }),
            Ok(Err(error)) => Err(refused(error)),
            Err(_) => Err(ProviderError::Timeout { limit }),
        }
    }

    /// Sends a text. Errors: nobody is there, or nothing is taken for five seconds.
    pub(crate) async fn text(&mut self, text: impl Into<tungstenite::Utf8Bytes>) -> Result<(), ProviderError> {
        self.send(Message::Text(text.into())).await
    }

    /// Sends bytes. Errors: nobody is there, or nothing is taken for five seconds.
    pub(crate) async fn binary(&mut self, bytes: impl Into<bytes::Bytes>) -> Result<(), ProviderError> {
        self.send(Message::Binary(bytes.into())).await
    }

    /// Asks whether anybody is there; the answer counts for [`ProviderSocket::last_heard`]. Errors: as with a text.
    pub(crate) async fn ping(&mut self) -> Result<(), ProviderError> {
        self.send(Message::Ping(bytes::Bytes::new())).await
    }

    /// When anything at all came last, pings and their answers among it; at first, when the connection was made.
    pub(crate) fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// The next text or bytes; `None` after an orderly close. Safe to cancel: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, ProviderError> {
        loop {
            let message = self.inner.next().await;
            self.last_heard = Instant::now();
            match message {
                None => return Ok(None),
                Some(Ok(Message::Close(frame))) => {
                    return match frame {
                        Some(frame) if u16::from(frame.code) != 1000 => {
                            Err(closed(u16::from(frame.code), &frame.reason))
                        }
                        _ => Ok(None),
                    };
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(message)) => return Ok(Some(message)),
                Some(Err(error)) => return Err(broken(&error)),
            }
        }
    }

    /// Closes in order, within a second.
    pub(crate) async fn close(mut self) {
        // Whoever does not answer a close is left alone.
        let _left = timeout(Duration::from_secs(1), self.inner.close(None)).await;
    }

    async fn send(&mut self, message: Message) -> Result<(), ProviderError> {
        match timeout(SEND_LIMIT, self.inner.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(ProviderError::Timeout { limit: SEND_LIMIT }),
        }
    }
}

/// `wss://…` for an `https` base and `ws://…` for an `http` one; WebSocket URLs stay. Path and query of the base are kept.
pub(crate) fn socket_url(base: &str, path: &str) -> Result<Url, ProviderError> {
    let bad = || ProviderError::BadRequest {
        detail: "the provider's base URL is not an http, https, ws or wss URL".to_owned(),
    };
    let mut url = Url::parse(base.trim()).map_err(|_| bad())?;
    let scheme = match url.scheme() {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        _ => return Err(bad()),
    };
    url.set_scheme(scheme).map_err(|()| bad())?;
    if !url.has_host() {
        return Err(bad());
    }
    let joined = format!("{}/{path}", url.path().trim_end_matches('/'));
    url.set_path(&joined);
    Ok(url)
}

fn refused(error: tungstenite::Error) -> ProviderError {
    match error {
        tungstenite::Error::Http(response) => {
            let body = response.body().clone().unwrap_or_default();
            let status = match response.status() {
                // A success that is no upgrade is an answer of somebody else.
                status if status.is_success() => StatusCode::FOUND,
                status => status,
            };
            let headers: HeaderMap = response.headers().clone();
            ProviderError::from_answer(status, &headers, &body)
        }
        error => broken(&error),
    }
}

fn broken(error: &tungstenite::Error) -> ProviderError {
    match error {
        // A connection that is cut is no fault of the protocol, though the library calls it one.
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => ProviderError::Transient {
            detail: error.to_string(),
        },
        tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_) | tungstenite::Error::Capacity(_) => {
            ProviderError::Protocol {
                detail: error.to_string(),
            }
        }
        _ => ProviderError::Transient {
            detail: error.to_string(),
        },
    }
}

/// What a close code means: 1008 is mostly a key or a quota, codes from 3000 on are the service's own.
fn closed(code: u16, reason: &str) -> ProviderError {
    let detail = format!("closed with {code}: {}", crate::channels::redact::clean(reason));
    match code {
        1008 | 4001 | 4003 | 3000 => ProviderError::Auth { detail },
        1003 | 1007 | 1009 | 4000 | 3006 | 3007 => ProviderError::BadRequest { detail },
        4002 | 4008 | 4029 | 3009 => ProviderError::Quota {
            retry_after: None,
            detail,
        },
        _ => ProviderError::Transient { detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_becomes_a_sockets_and_the_rest_of_the_base_stays() {
        let cases = [
            ("https://api.deepgram.com/v1", "wss://api.deepgram.com/v1/listen"),
            ("http://127.0.0.1:9/v1/?x=1", "ws://127.0.0.1:9/v1/listen?x=1"),
            ("wss://h.example", "wss://h.example/listen"),
        ];
        for (base, expected) in cases {
            assert_eq!(socket_url(base, "listen").map(String::from), Ok(expected.to_owned()));
        }
        for base in ["", "h.example", "ftp://h.example", "mailto:a@b"] {
            assert!(socket_url(base, "x").is_err(), "{base}");
        }
    }
}
