//! Signing in with a service account: one signed assertion for all who wait, a new one when it is time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::providers::transcribe::{Audio, GoogleConfig, Transcriber, TranscriberConfig, transcriber};
use engine::providers::{ErrorClass, ProviderError};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::Value;

use super::{TEST_KEY, account};
use crate::wire::{Answer, Wire};

/// 100 ms of silence in 16 bits at 8 kHz.
fn audio() -> Audio {
    Audio {
        bytes: engine::audio::wav::write_mono(8000, &[0; 800]).into(),
        mime: "audio/wav".to_owned(),
    }
}

/// One server for tokens, below `/token`, and for everything else: tokens are numbered, `refused` of them are not accepted.
async fn google(token: impl Fn(usize) -> Answer + Send + Sync + 'static, refused: &'static [&'static str]) -> Wire {
    let tokens = AtomicUsize::new(0);
    Wire::start(move |seen| {
        if seen.target == "/token" {
            return token(tokens.fetch_add(1, Ordering::SeqCst));
        }
        match seen
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
        {
            Some(token) if !refused.contains(&token) => Answer::json(200, "{}"),
            _ => Answer::json(
                401,
                r#"{"error":{"code":401,"message":"no","status":"UNAUTHENTICATED"}}"#,
            ),
        }
    })
    .await
}

fn token(number: usize, life: u64) -> Answer {
    Answer::json(
        200,
        &format!(r#"{{"access_token":"token-{number}","expires_in":{life},"token_type":"Bearer"}}"#),
    )
}

fn service(server: &Wire) -> Arc<dyn Transcriber> {
    transcriber(TranscriberConfig::Google(GoogleConfig {
        base_url: server.url("/v1"),
        key: Some(account(&server.url("/token")).into()),
        ..GoogleConfig::default()
    }))
}

fn tokens_of(server: &Wire) -> Vec<String> {
    let requests = server.requests();
    let used = requests.iter().filter(|seen| seen.target != "/token");
    used.map(|seen| seen.header("authorization").unwrap_or("none").to_owned())
        .collect()
}

#[tokio::test]
async fn the_assertion_is_signed_by_the_account_for_the_token_address() {
    let server = google(|number| token(number, 3600), &[]).await;
    service(&server).transcribe(audio(), None).await.expect("a transcript");

    let requests = server.requests();
    let asked = requests.iter().find(|seen| seen.target == "/token").expect("a sign-in");
    let form = asked.form();
    let field = |name: &str| {
        form.iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(field("grant_type"), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    let assertion = field("assertion").expect("an assertion");
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("{assertion}")
    };

    let der = TEST_KEY
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect::<String>();
    let der = base64_simd::STANDARD.decode_to_vec(der).expect("base64");
    let pair = RsaKeyPair::from_pkcs8(&der).expect("the test key");
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    let base64 = base64_simd::URL_SAFE_NO_PAD;
    let signature = base64.decode_to_vec(signature).expect("base64");
    public
        .verify(format!("{header}.{claims}").as_bytes(), &signature)
        .expect("signed with the account's key");

    let json =
        |part: &str| -> Value { serde_json::from_slice(&base64.decode_to_vec(part).expect("base64")).expect("JSON") };
    let (header, claims) = (json(header), json(claims));
    assert_eq!((&header["alg"], &header["kid"]), (&"RS256".into(), &"key-7".into()));
    assert_eq!(claims["iss"], "speech@test.iam.gserviceaccount.com");
    assert_eq!(claims["aud"], server.url("/token"));
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/cloud-platform");
    let (from, to) = (
        claims["iat"].as_u64().expect("a time"),
        claims["exp"].as_u64().expect("a time"),
    );
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    assert_eq!(to - from, 3600);
    assert!((now - 120..=now).contains(&from), "{from} at {now}");
    assert_eq!(tokens_of(&server), ["Bearer token-0"]);
}

#[tokio::test]
async fn all_who_wait_share_one_token_and_keep_it() {
    let server = google(|number| token(number, 3600), &[]).await;
    let service = service(&server);
    let all = (0..8).map(|_| service.transcribe(audio(), None));
    for result in futures_util::future::join_all(all).await {
        result.expect("a transcript");
    }
    service.transcribe(audio(), None).await.expect("a transcript");
    assert_eq!(tokens_of(&server), ["Bearer token-0"; 9]);
    assert_eq!(server.requests().len(), 10, "one sign-in");
}

#[tokio::test]
async fn a_token_without_life_is_replaced_before_the_next_request() {
    let server = google(|number| token(number, 0), &[]).await;
    let service = service(&server);
    for _ in 0..2 {
        service.transcribe(audio(), None).await.expect("a transcript");
    }
    assert_eq!(tokens_of(&server), ["Bearer token-0", "Bearer token-1"]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let server = google(|number| token(number, 3600), &["token-0"]).await;
    service(&server).transcribe(audio(), None).await.expect("a transcript");
    assert_eq!(tokens_of(&server), ["Bearer token-0", "Bearer token-1"]);

    let server = google(|number| token(number, 3600), &["token-0", "token-1"]).await;
    let failed = service(&server)
        .transcribe(audio(), None)
        .await
        .expect_err("refused twice");
    assert_eq!(failed.class(), ErrorClass::Auth);
    assert_eq!(tokens_of(&server).len(), 2);
}

#[tokio::test]
async fn every_failure_to_sign_in_has_its_class() {
    use ErrorClass::*;
    let cases = [
        (
            Answer::json(
                400,
                r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#,
            ),
            Auth,
        ),
        (Answer::json(401, ""), Auth),
        (Answer::json(429, ""), Quota),
        (Answer::json(503, ""), Transient),
        (Answer::json(200, "<html>"), Protocol),
        (Answer::json(200, r#"{"id_token":"x"}"#), Protocol),
        (Answer::json(200, r#"{"access_token":"line\nbreak"}"#), Protocol),
        (Answer::Reset, Transient),
    ];
    for (answer, class) in cases {
        let answered = answer.clone();
        let server = google(move |_| answer.clone(), &[]).await;
        let failed = service(&server).transcribe(audio(), None).await.expect_err("no token");
        assert_eq!(failed.class(), class, "{answered:?}: {failed}");
        assert!(tokens_of(&server).is_empty(), "nothing is asked without a token");
    }
}

#[tokio::test]
async fn an_api_key_goes_along_as_a_header_and_never_in_the_address() {
    let server = Wire::answering([Answer::json(200, "{}")]).await;
    let service = transcriber(TranscriberConfig::Google(GoogleConfig {
        base_url: server.url("/v1"),
        key: Some("AIza-test".into()),
        ..GoogleConfig::default()
    }));
    service.transcribe(audio(), None).await.expect("a transcript");
    let seen = server.request();
    assert_eq!(seen.header("x-goog-api-key"), Some("AIza-test"));
    assert_eq!(
        (seen.target.as_str(), seen.header("authorization")),
        ("/v1/speech:recognize", None)
    );
}

#[tokio::test]
async fn google_itself_is_not_asked_without_a_usable_key() {
    for key in [None, Some("two words".into()), Some("{}".into())] {
        let service = transcriber(TranscriberConfig::Google(GoogleConfig {
            key,
            ..GoogleConfig::default()
        }));
        let failed = service.transcribe(audio(), None).await;
        assert!(matches!(failed, Err(ProviderError::Auth { .. })), "{failed:?}");
    }
}
