//! The routes for operators.

use engine::server::{Health, ServerConfig};
use serde_json::{Value, json};

use super::{client, open_door, start};

#[tokio::test]
async fn alive_version_and_greeting() {
    let server = start(ServerConfig {
        deploy_id: Some("d-42".to_owned()),
        ..open_door()
    })
    .await;
    for slash in ["", "/"] {
        let healthz = client()
            .get(server.url(&format!("/healthz{slash}")))
            .send()
            .await
            .expect("answer");
        assert_eq!(healthz.status(), 200);
        assert_eq!(healthz.text().await.expect("body").trim(), "ok");
        let version = client()
            .get(server.url(&format!("/version{slash}")))
            .send()
            .await
            .expect("answer");
        let version = version.json::<Value>().await.expect("json");
        assert_eq!(
            (&version["version"], &version["deploy_id"]),
            (&json!(env!("CARGO_PKG_VERSION")), &json!("d-42"))
        );
        assert!(version["build"].is_string());
    }
    let greeting = client().get(server.url("/")).send().await.expect("answer");
    assert_eq!(greeting.text().await.expect("body").lines().count(), 1);
    assert_eq!(
        client()
            .get(server.url("/nothing"))
            .send()
            .await
            .expect("answer")
            .status(),
        404
    );
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let server = start(open_door()).await;
    let parts = |stt: Health| {
        vec![
            ("db".to_owned(), Health::Ok),
            ("stt".to_owned(), stt),
            ("tts".to_owned(), Health::Disabled),
        ]
    };
    for (stt, word, status) in [
        (Health::Ok, "ok", 200),
        (Health::Problem("no key".to_owned()), "no key", 503),
    ] {
        *server.desk.parts.lock().expect("lock") = parts(stt);
        let response = client().get(server.url("/readyz")).send().await.expect("answer");
        assert_eq!(response.status(), status);
        let body = response.json::<Value>().await.expect("json");
        assert_eq!(body, json!({"db": "ok", "stt": word, "tts": "disabled"}));
    }
}
