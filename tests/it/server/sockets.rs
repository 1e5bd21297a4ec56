//! The media socket's handshake and what it carries.

use engine::server::{ServerConfig, SocketSignature, sign};
use futures_util::{SinkExt, StreamExt};
use secrecy::SecretString;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Running, builder, client, open_door, start, until};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PATHS: [&str; 4] = [
    "/ws/twilio-media",
    "/ws/twilio-media/",
    "/ws/twilio-relay",
    "/ws/twilio-relay/",
];

fn handshake(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: voice.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// The head of the answer to a raw handshake.
async fn head(server: &Running, request: String) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(server.address).await.expect("connect");
    stream.write_all(request.as_bytes()).await.expect("write");
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        let byte = stream.read_u8().await.expect("more of the head");
        text.push(char::from(byte));
    }
    text.to_ascii_lowercase()
}

#[tokio::test]
async fn both_paths_upgrade_and_echo_only_what_was_offered() {
    let server = start(open_door()).await;
    for path in PATHS {
        let plain = head(
            &server,
            handshake(path, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        )
        .await;
        assert!(plain.starts_with("http/1.1 101"), "{plain}");
        assert!(
            plain.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{plain}"
        );
        assert!(
            !plain.contains("sec-websocket-protocol") && !plain.contains("extensions"),
            "{plain}"
        );
        for (offer, echoed) in [
            ("Sec-WebSocket-Protocol: audio.twilio.com\r\n", true),
            ("Sec-WebSocket-Protocol: chat, audio.twilio.com\r\n", true),
            (
                "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: audio.twilio.com,x\r\n",
                true,
            ),
            ("Sec-WebSocket-Protocol: chat\r\n", false),
            ("Sec-WebSocket-Protocol: audio.twilio.com.evil\r\n", false),
        ] {
            let answer = head(&server, handshake(path, offer)).await;
            assert!(answer.starts_with("http/1.1 101"), "{answer}");
            assert_eq!(
                answer.contains("sec-websocket-protocol: audio.twilio.com\r\n"),
                echoed,
                "{offer}"
            );
            assert_eq!(
                answer.matches("sec-websocket-protocol").count(),
                usize::from(echoed),
                "{offer}"
            );
        }
    }
    until(|| server.desk.sockets.lock().expect("lock").len() == 24).await;
    let sockets = server.desk.sockets.lock().expect("lock").clone();
    assert_eq!(
        sockets
            .iter()
            .filter(|(protocol, _)| *protocol == Some("audio.twilio.com"))
            .count(),
        12
    );
}

#[tokio::test]
async fn messages_go_both_ways_and_huge_ones_end_the_socket() {
    let server = start(open_door()).await;
    for path in PATHS {
        let (mut socket, response) = connect_async(format!("ws://{}{path}", server.address))
            .await
            .expect("open");
        assert_eq!(response.status(), 101);
        for _ in 0..100 {
            socket.send(Message::text(r#"{"event":"media"}"#)).await.expect("send");
            let echo = socket.next().await.expect("an echo").expect("sound");
            assert_eq!(echo.to_text().expect("text"), r#"{"event":"media"}"#);
        }
        let largest = "x".repeat(64 * 1024);
        socket.send(Message::text(largest.clone())).await.expect("send");
        assert_eq!(
            socket.next().await.expect("an echo").expect("sound").len(),
            largest.len()
        );
        socket.send(Message::text(largest + "x")).await.expect("send");
        let end = socket.next().await;
        assert!(
            matches!(end, None | Some(Err(_)) | Some(Ok(Message::Close(_)))),
            "{end:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_handshake_gets_400_and_never_426() {
    let server = start(open_door()).await;
    let whole = handshake("/ws/twilio-media", "Connection: close\r\n");
    let without = |line: &str| whole.replace(line, "X-Gone: 1\r\n");
    for (what, request) in [
        ("no upgrade", without("Upgrade: websocket\r\n")),
        ("no connection", without("Connection: keep-alive, Upgrade\r\n")),
        ("no key", without("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")),
        ("short key", whole.replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=")),
        ("old version", whole.replace("Version: 13", "Version: 8")),
        (
            "post",
            whole
                .replace("GET ", "POST ")
                .replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n"),
        ),
    ] {
        let answer = server.raw(request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{what}: {answer}");
        assert!(answer.contains("this is a WebSocket"), "{what}: {answer}");
    }
    for path in PATHS {
        assert_eq!(
            client().get(server.url(path)).send().await.expect("answer").status(),
            400
        );
        assert_eq!(
            client().post(server.url(path)).send().await.expect("answer").status(),
            400
        );
        let http2 = builder().http2_prior_knowledge().build().expect("client");
        let answer = http2.get(server.url(path)).send().await.expect("answer");
        assert_eq!(
            (answer.status().as_u16(), answer.version()),
            (400, http::Version::HTTP_2)
        );
    }
    assert!(server.desk.sockets.lock().expect("lock").is_empty());
}

async fn open(server: &Running, signature: Option<&str>) -> Result<(), u16> {
    let mut request = format!("ws://{}/ws/twilio-media", server.address)
        .into_client_request()
        .expect("request");
    request
        .headers_mut()
        .insert("host", "voice.example.com".parse().expect("host"));
    if let Some(signature) = signature {
        request
            .headers_mut()
            .insert("x-twilio-signature", signature.parse().expect("signature"));
    }
    match connect_async(request).await {
        Ok(_) => Ok(()),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_signature_is_weighed_and_refused_only_by_choice() {
    let config = ServerConfig {
        auth_token: Some(SecretString::from(TOKEN)),
        public_base: Some("voice.example.com".parse().expect("base")),
        ..ServerConfig::default()
    };
    let url = "wss://voice.example.com/ws/twilio-media";
    let slash = format!("{url}/");
    let right = [sign(TOKEN, url, &[]), sign(TOKEN, &slash, &[])];
    let https = sign(TOKEN, &url.replace("wss", "https"), &[]);
    let wrong = sign("another token", url, &[]);

    let server = start(config.clone()).await;
    assert_eq!(open(&server, None).await, Ok(()));
    assert_eq!(open(&server, Some(&right[0])).await, Ok(()));
    assert_eq!(open(&server, Some(&right[1])).await, Ok(()));
    assert_eq!(open(&server, Some(&wrong)).await, Ok(()));
    assert_eq!(open(&server, Some(&https)).await, Ok(()));
    until(|| server.desk.sockets.lock().expect("lock").len() == 5).await;
    let mut seen = server
        .desk
        .sockets
        .lock()
        .expect("lock")
        .iter()
        .map(|(_, s)| *s)
        .collect::<Vec<_>>();
    seen.sort_by_key(|signature| format!("{signature:?}"));
    use SocketSignature::{Absent, Valid, Wrong};
    assert_eq!(seen, [Absent, Valid, Valid, Wrong, Wrong]);
    assert_eq!(server.counts.snapshot().socket_wrong_signature, 2);

    let strict = ServerConfig {
        enforce_ws_signature: true,
        ws_signed_as_https: true,
        ..config
    };
    let server = start(strict).await;
    assert_eq!(open(&server, Some(&right[0])).await, Ok(()));
    assert_eq!(open(&server, Some(&https)).await, Ok(()));
    assert_eq!(open(&server, Some(&wrong)).await, Err(403));
    assert_eq!(open(&server, None).await, Err(403));
}

#[tokio::test]
async fn a_panic_in_one_socket_leaves_the_others_alone() {
    let server = start(open_door()).await;
    let url = format!("ws://{}/ws/twilio-media", server.address);
    let (mut good, _) = connect_async(&url).await.expect("open");
    let (mut bad, _) = connect_async(&url).await.expect("open");
    bad.send(Message::text("panic")).await.expect("send");
    assert!(!matches!(bad.next().await, Some(Ok(Message::Text(_)))));
    good.send(Message::text("still here")).await.expect("send");
    assert_eq!(
        good.next()
            .await
            .expect("echo")
            .expect("sound")
            .to_text()
            .expect("text"),
        "still here"
    );
    assert_eq!(server.counts.snapshot().panics, 1);
}
