//! Who is let in: signed requests, directly and behind a proxy, and nobody else.

use engine::server::{Hook, MessageHook, ServerConfig, TrustedProxies, sign};
use secrecy::SecretString;

use super::{Running, client, start};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn locked(base: Option<&str>) -> ServerConfig {
    ServerConfig {
        auth_token: Some(SecretString::from(TOKEN)),
        public_base: base.map(|base| base.parse().expect("base")),
        ..ServerConfig::default()
    }
}

fn form() -> Vec<(String, String)> {
    [
        ("CallSid", "CA1"),
        ("MessageSid", "SM1"),
        ("Body", "\u{5e9}\u{5dc}\u{5d5}\u{5dd} "),
        ("Digits", "1#"),
        ("Extra", ""),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec()
}

async fn post(server: &Running, path: &str, signed: &str, headers: &[(&str, &str)]) -> u16 {
    let mut request = client()
        .post(server.url(path))
        .form(&form())
        .header("X-Twilio-Signature", signed);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("answer").status().as_u16()
}

#[tokio::test]
async fn every_webhook_but_stream_status_wants_a_signature() {
    let server = start(locked(Some("voice.example.com"))).await;
    let voice = Hook::ALL.map(|hook| (hook.path(), hook != Hook::StreamStatus));
    let message = MessageHook::ALL.map(|hook| (hook.path(), true));
    for (path, signed) in voice.into_iter().chain(message) {
        for slash in ["", "/"] {
            let path = format!("{path}{slash}");
            let before = server.asked().len();
            let right = sign(TOKEN, &format!("https://voice.example.com{path}"), &form());
            assert!(matches!(post(&server, &path, &right, &[]).await, 200 | 204), "{path}");
            assert_eq!(server.asked().len(), before + 1);
            let wrong = sign("another token", &format!("https://voice.example.com{path}"), &form());
            for bad in [wrong.as_str(), "", "junk"] {
                let status = post(&server, &path, bad, &[]).await;
                assert_eq!(status == 403, signed, "{path} {bad}");
            }
            let missing = client()
                .post(server.url(&path))
                .form(&form())
                .send()
                .await
                .expect("answer");
            assert_eq!(missing.status() == 403, signed, "{path}");
            let expected = if signed { before + 1 } else { before + 5 };
            assert_eq!(server.asked().len(), expected, "a refused request is not passed on");
        }
    }
    assert_eq!(server.counts.snapshot().webhook_refused, 8 * 2 * 4);
}

#[tokio::test]
async fn the_url_may_be_signed_with_and_without_port() {
    let server = start(locked(Some("https://voice.example.com:8443/phone"))).await;
    for url in [
        "https://voice.example.com:8443/phone",
        "https://voice.example.com/phone",
    ] {
        let right = sign(TOKEN, &format!("{url}/webhook/next?n=2"), &form());
        assert_eq!(post(&server, "/webhook/next?n=2", &right, &[]).await, 200, "{url}");
    }
    let other = sign(TOKEN, "https://voice.example.com:9/phone/webhook/next?n=2", &form());
    assert_eq!(post(&server, "/webhook/next?n=2", &other, &[]).await, 403);
    let other_query = sign(TOKEN, "https://voice.example.com/phone/webhook/next?n=3", &form());
    assert_eq!(post(&server, "/webhook/next?n=2", &other_query, &[]).await, 403);
    assert_eq!(server.asked()[0].1.origin, "https://voice.example.com:8443/phone");
}

#[tokio::test]
async fn behind_a_proxy_the_forwarded_url_counts() {
    let server = start(locked(None)).await;
    let right = sign(TOKEN, "https://voice.example.com/webhook/next", &form());
    let forwarded = [
        ("X-Forwarded-Proto", "https, http"),
        ("X-Forwarded-Host", "voice.example.com, inner"),
    ];
    assert_eq!(post(&server, "/webhook/next", &right, &forwarded).await, 200);
    assert_eq!(server.asked()[0].1.origin, "https://voice.example.com");
    // A proxy that ends TLS and says nothing about it, but keeps the host.
    assert_eq!(
        post(&server, "/webhook/next", &right, &[("Host", "voice.example.com")]).await,
        200
    );
    let direct = sign(TOKEN, &server.url("/webhook/next"), &form());
    assert_eq!(post(&server, "/webhook/next", &direct, &[]).await, 200);

    let suspicious = ServerConfig {
        trusted_proxies: TrustedProxies::default(),
        ..locked(None)
    };
    let server = start(suspicious).await;
    assert_eq!(post(&server, "/webhook/next", &right, &forwarded).await, 403);
    let direct = sign(TOKEN, &server.url("/webhook/next"), &form());
    assert_eq!(post(&server, "/webhook/next", &direct, &forwarded).await, 200);
    assert_eq!(server.asked()[0].1.origin, format!("http://{}", server.address));
}

#[tokio::test]
async fn a_host_of_the_callers_choice_is_not_believed_where_one_is_configured() {
    let server = start(locked(Some("voice.example.com"))).await;
    let elsewhere = sign(TOKEN, "https://other.example/webhook/next", &form());
    assert_eq!(
        post(&server, "/webhook/next", &elsewhere, &[("Host", "other.example")]).await,
        403
    );
}

#[tokio::test]
async fn a_get_is_signed_by_its_raw_query() {
    let server = start(locked(Some("voice.example.com"))).await;
    let target = "/webhook/incoming_call?CallSid=CA1&From=%2B972501234567&Body=It%27s+1";
    let right = sign(TOKEN, &format!("https://voice.example.com{target}"), &[]);
    let get = |target: &str, signed: &str| {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Twilio-Signature: {signed}\r\n\r\n");
        let server = &server;
        async move { server.raw(request).await }
    };
    assert!(get(target, &right).await.starts_with("HTTP/1.1 200"));
    assert!(
        get("/webhook/incoming_call?CallSid=CA2", &right)
            .await
            .starts_with("HTTP/1.1 403")
    );
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1.param("From"), Some("+972501234567"));
}

#[tokio::test]
async fn a_body_that_is_no_form_is_signed_by_its_hash() {
    let server = start(locked(Some("voice.example.com"))).await;
    let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    let target = format!("/webhook/next?CallSid=CA1&bodySHA256={hash}");
    let right = sign(TOKEN, &format!("https://voice.example.com{target}"), &[]);
    for (body, status) in [("{}", 200), ("{ }", 403), ("", 403)] {
        let request = client()
            .post(server.url(&target))
            .header("content-type", "application/json");
        let response = request
            .header("X-Twilio-Signature", &right)
            .body(body)
            .send()
            .await
            .expect("answer");
        assert_eq!(response.status(), status, "{body:?}");
    }
}

#[tokio::test]
async fn without_a_token_nobody_is_let_in_but_by_choice() {
    let server = start(ServerConfig::default()).await;
    let signed = sign("", &server.url("/webhook/next"), &form());
    assert_eq!(post(&server, "/webhook/next", &signed, &[]).await, 403);
    assert_eq!(post(&server, "/webhook/stream_status", &signed, &[]).await, 204);
    let open = start(ServerConfig {
        verify_signatures: false,
        ..ServerConfig::default()
    })
    .await;
    assert_eq!(post(&open, "/webhook/next", "junk", &[]).await, 200);
}
