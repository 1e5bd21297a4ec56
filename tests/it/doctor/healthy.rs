//! A deployment without fault, and the promise that nothing is written.

use super::proxy::{Proxy, answer};
use super::{Env, failures, of, plan, result, stage};
use crate::stage::{Plan as Scene, Stage};
use engine::doctor::Verdict;
use serde_json::{Value, json};

/// The rows of every table.
fn rows(stage: &Stage) -> Vec<(String, Value)> {
    let tables = stage.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        &[],
    );
    let names = tables.into_iter().filter_map(|row| row[0].as_str().map(str::to_owned));
    names
        .map(|name| {
            let count = stage.value(&format!("SELECT COUNT(*) FROM {name}"), &[]);
            (name, count)
        })
        .collect()
}

/// A REST API with one account, whose number leads to `url`.
async fn account(url: &str) -> super::proxy::Running {
    let number = json!({"incoming_phone_numbers": [{
        "phone_number": "+97231234567", "voice_method": "POST", "status_callback_method": "POST",
        "voice_url": format!("{url}/webhook/incoming_call#rc=5&rp=all"),
        "voice_fallback_url": "https://handler.example/sorry",
        "status_callback": format!("{url}/webhook/call_status"),
    }]});
    let account = json!({"status": "active", "type": "Full", "friendly_name": "Clinic"});
    Proxy::new()
        .request(move |path, _| match path {
            path if path.ends_with("/IncomingPhoneNumbers.json") => {
                answer("200 OK", "application/json", &number.to_string())
            }
            _ => answer("200 OK", "application/json", &account.to_string()),
        })
        .start(1)
        .await
}

#[tokio::test]
async fn nothing_is_found_and_nothing_is_written() {
    let stage = stage().await;
    let before = rows(&stage);
    assert!(before.len() > 8, "{before:?}");
    let url = stage.url("");
    let rest = account(&url).await;
    let checkup = Env::of(&stage, &rest.url).examine(plan(&stage, &url)).await;
    let skipped: Vec<_> = of(&checkup, Verdict::Skipped).iter().map(|one| one.probe).collect();
    assert_eq!(skipped, ["tls"], "{checkup:#?}");
    assert_eq!(
        checkup.count(Verdict::Fail) + checkup.count(Verdict::Warn),
        0,
        "{checkup:#?}"
    );
    assert!(checkup.count(Verdict::Ok) > 20);
    assert!(result(&checkup, "prompt").seen.starts_with("6 sounds"));
    assert!(result(&checkup, "number").seen.contains("leads here"));
    assert_eq!(rows(&stage), before);
    // All of it is reading, at the carrier too.
    let asked = rest.requests.lock().expect("lock").clone();
    assert!(
        asked.len() >= 2 && asked.iter().all(|line| line.starts_with("GET ")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn an_engine_that_knows_its_public_address_is_asked_from_inside() {
    let stage = Scene::new()
        .env("PUBLIC_BASE_URL", "https://voice.example.com")
        .start()
        .await;
    let checkup = Env::of(&stage, &stage.carrier.rest_url)
        .examine(plan(&stage, &stage.url("")))
        .await;
    assert_eq!(failures(&checkup), [], "{checkup:#?}");
    assert!(
        result(&checkup, "signed")
            .seen
            .contains("https://voice.example.com/webhook/doctor")
    );
    assert!(result(&checkup, "prompt").seen.starts_with("6 sounds"));
}

#[tokio::test]
async fn an_engine_that_lets_anybody_in_is_told_and_left_alone() {
    let stage = Scene::new()
        .settings("carrier: {verify_signatures: false}\n")
        .start()
        .await;
    let before = rows(&stage);
    let checkup = Env::of(&stage, &stage.carrier.rest_url)
        .examine(plan(&stage, &stage.url("")))
        .await;
    assert_eq!(failures(&checkup), [("unsigned", None)], "{checkup:#?}");
    assert_eq!(result(&checkup, "webhooks").verdict, Verdict::Skipped);
    assert_eq!(rows(&stage), before);
}

#[tokio::test]
async fn another_flow_than_the_one_at_hand_is_said() {
    let stage = stage().await;
    let file = stage.folder.path().join("flows/main.yaml");
    let text = std::fs::read_to_string(&file)
        .expect("a flow")
        .replace("call: 15m", "call: 14m");
    std::fs::write(&file, text).expect("an edit");
    let checkup = Env::of(&stage, &stage.carrier.rest_url)
        .examine(plan(&stage, &stage.url("")))
        .await;
    let flow = checkup
        .outcomes()
        .filter(|one| one.probe == "flow")
        .last()
        .expect("a result");
    assert_eq!(flow.verdict, Verdict::Warn, "{flow:?}");
    assert!(flow.seen.contains("the flow at hand is"));
}

#[tokio::test]
async fn what_runs_is_told_to_the_token_alone() {
    let stage = stage().await;
    let url = stage.url("/webhook/doctor");
    let client = crate::stage::client();
    for request in [
        client.get(&url),
        client.post(&url),
        client.post(&url).header("x-engine-proof", "AAAA"),
    ] {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 403);
        let text = answer.text().await.expect("text");
        assert_eq!(text.trim(), engine::server::REFUSED);
    }
    // The proof of another nonce, and of another token.
    let token = stage.carrier.auth_token.clone();
    for proof in [
        engine::server::proof(&token, "one"),
        engine::server::proof("another", "two"),
    ] {
        let asked = client
            .post(&url)
            .header("x-engine-proof", proof)
            .form(&[("Nonce", "two")]);
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.text().await.expect("text").trim(), engine::server::REFUSED);
    }
    // Rightly proven and wrongly signed, it says what it checked, and no more.
    let asked = client
        .post(&url)
        .header("x-engine-proof", engine::server::proof(&token, "two"));
    let answer = asked.form(&[("Nonce", "two")]).send().await.expect("an answer");
    assert_eq!(answer.status(), 403);
    let told: Value = answer.json().await.expect("JSON");
    assert_eq!(told["url"]["checked"][0], url);
    assert_eq!(told["flows"], Value::Null);
    // Rightly signed, it tells what runs, and never the token.
    let answer = stage.post("/webhook/doctor", &[("Nonce", "three")]).await;
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.expect("text");
    assert!(!text.contains(&token));
    let told: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(told["url"]["matched"], url);
    assert_eq!(told["flows"][0]["name"], "receptionist");
    assert_eq!(told["flows"][0]["sounds"].as_array().map(Vec::len), Some(6));
}
