//! Where no engine answers: what there is instead is told, and nothing is sent that could be a call.

use super::proxy::{Proxy, answer};
use super::{Env, failures, of, plan, result, stage};
use crate::stage::Plan as Scene;
use engine::doctor::Verdict;

#[tokio::test]
async fn another_applications_page_is_described_and_left_alone() {
    let stage = Scene::new().set().await;
    let page = "<html><head><title>Welcome to nginx!</title></head></html>";
    let proxy = Proxy::new().request(move |path, _| match path {
        "/" => answer("200 OK", "text/html", page),
        _ => answer("404 Not Found", "text/html", page),
    });
    let proxy = proxy.start(1).await;
    let checkup = Env::of(&stage, &stage.carrier.rest_url)
        .examine(plan(&stage, &proxy.url))
        .await;
    let engine = result(&checkup, "engine");
    assert_eq!((engine.verdict, engine.code), (Verdict::Fail, Some(11200)));
    assert!(
        engine.seen.contains("404 text/html, a page `Welcome to nginx!`"),
        "{engine:?}"
    );
    assert_eq!(result(&checkup, "tcp").verdict, Verdict::Ok);
    assert_eq!(result(&checkup, "signed").verdict, Verdict::Skipped);
    let webhooks: Vec<_> = checkup
        .outcomes()
        .filter(|one| one.probe == "webhooks")
        .map(|one| (one.verdict, one.code))
        .collect();
    assert_eq!(webhooks, [(Verdict::Fail, Some(11200)), (Verdict::Fail, Some(15003))]);
    assert_eq!(
        of(&checkup, Verdict::Fail)
            .iter()
            .filter(|one| one.probe == "prompt")
            .count(),
        6
    );
    assert_eq!(result(&checkup, "handshake").code, Some(31920));
    let asked = proxy.requests.lock().expect("lock").clone();
    assert!(asked.len() > 10);
    for line in asked {
        assert!(line.starts_with("GET ") || line.starts_with("HEAD "), "{line}");
        assert!(!line.starts_with("GET /webhook/"), "{line}");
    }
}

#[tokio::test]
async fn where_nothing_listens_the_rest_is_skipped_with_the_reason() {
    let stage = Scene::new().set().await;
    let checkup = Env::of(&stage, &stage.carrier.rest_url)
        .examine(plan(&stage, &stage.url("")))
        .await;
    assert_eq!(failures(&checkup), [("tcp", Some(11202))], "{checkup:#?}");
    let reason = format!("nothing answers on port {} of `127.0.0.1`", stage.port);
    for probe in ["engine", "signed", "webhooks", "document", "prompt", "handshake"] {
        let outcome = result(&checkup, probe);
        assert_eq!(
            (outcome.verdict, outcome.seen.as_str()),
            (Verdict::Skipped, reason.as_str()),
            "{probe}"
        );
    }
    // What does not depend on it was looked at.
    assert_ne!(result(&checkup, "carrier-account").verdict, Verdict::Skipped);
}

#[tokio::test]
async fn without_a_token_what_can_be_seen_is_seen() {
    let stage = stage().await;
    let mut env = Env::of(&stage, &stage.carrier.rest_url);
    env.unset("TWILIO_AUTH_TOKEN");
    let checkup = env.examine(plan(&stage, &stage.url(""))).await;
    assert_eq!(failures(&checkup), [], "{checkup:#?}");
    assert_eq!(result(&checkup, "unsigned").verdict, Verdict::Ok);
    assert_eq!(result(&checkup, "signed").verdict, Verdict::Skipped);
    assert_eq!(result(&checkup, "webhooks").verdict, Verdict::Ok);
    assert!(result(&checkup, "prompt").seen.starts_with("6 sounds"));
    assert_eq!(result(&checkup, "frames").verdict, Verdict::Ok);
}
