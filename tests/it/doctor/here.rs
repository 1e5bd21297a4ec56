//! A project and its environment, without a deployment; and the command itself.

use super::{Env, failures, result};
use crate::stage::{Plan as Scene, Stage};
use engine::doctor::{Plan, Verdict};
use serde_json::Value;
use std::process::{Command, Output};

fn here(stage: &Stage) -> Plan {
    Plan {
        flow: Some(stage.folder.path().join("flows/main.yaml")),
        ..Plan::new(None)
    }
}

fn env(stage: &Stage) -> Env {
    let mut env = Env::of(stage, &stage.carrier.rest_url);
    env.set("PORT", &stage.port.to_string());
    env.set("PUBLIC_BASE_URL", "https://voice.example.com");
    env.set("DATABASE_URL", &format!("sqlite:{}", stage.database.display()));
    env
}

#[tokio::test]
async fn a_project_before_its_first_start() {
    let stage = Scene::new().set().await;
    let files = || std::fs::read_dir(stage.folder.path()).expect("a folder").count();
    let before = files();
    let checkup = env(&stage).examine(here(&stage)).await;
    assert_eq!(failures(&checkup), [], "{checkup:#?}");
    assert!(
        result(&checkup, "database")
            .seen
            .contains("is made when the engine starts")
    );
    assert!(result(&checkup, "port").seen.ends_with("is free"));
    assert_eq!(files(), before, "no database was made");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let stage = Scene::new()
        .flow(crate::stage::RECEPTIONIST.replace(
            "      provider: scripted      # answers by rules: needs no key\n",
            "      provider: scripted\n",
        ))
        .set()
        .await;
    let taken = std::net::TcpListener::bind(("0.0.0.0", stage.port)).expect("the port");
    let mut env = env(&stage);
    env.unset("TWILIO_AUTH_TOKEN");
    env.set("PUBLIC_BASE_URL", "http://voice.example.com");
    env.set("DATABASE_URL", "sqlite:/no/such/folder/engine.db");
    let mut plan = here(&stage);
    plan.timeout = std::time::Duration::from_millis(300);
    let checkup = env.examine(plan).await;
    drop(taken);
    assert_eq!(
        failures(&checkup),
        [
            ("secrets", Some(11200)),
            ("public-address", Some(31922)),
            ("database", None),
            ("port", None)
        ],
        "{checkup:#?}"
    );
    assert!(result(&checkup, "secrets").seen.contains("TWILIO_AUTH_TOKEN"));
}

#[tokio::test]
async fn providers_are_asked_for_what_costs_nothing() {
    let flow = "flow: talk\nversion: 1\nlocale: en-US\nstart: {call: talk}\nsteps:\n  talk:\n    converse: {agent: a}\n    \
                on: {completed: bye, no_reply: bye, no_stream_start: bye, no_media: bye, failed: bye}\n  bye:\n    hangup: {}\nagents:\n  a:\n    \
                instructions: Help.\n    listen: {provider: openai}\n    think: {provider: openai, model: m}\n    \
                speak: {provider: openai}\n";
    let stage = Scene::new().flow(flow).set().await;
    let models = super::proxy::Proxy::new()
        .request(|path, head| match path {
            "/v1/models" if head.to_ascii_lowercase().contains("authorization: bearer right") => {
                super::proxy::answer("200 OK", "application/json", "{}")
            }
            _ => super::proxy::answer("401 Unauthorized", "application/json", "{}"),
        })
        .start(1)
        .await;
    let mut env = env(&stage);
    env.set("OPENAI_BASE_URL", &format!("{}/v1", models.url));
    for (key, verdict) in [("right", Verdict::Ok), ("wrong", Verdict::Fail)] {
        env.set("OPENAI_API_KEY", key);
        let checkup = env.examine(here(&stage)).await;
        let outcome = result(&checkup, "provider");
        assert_eq!(outcome.verdict, verdict, "{checkup:#?}");
    }
    env.unset("OPENAI_API_KEY");
    env.unset("OPENAI_BASE_URL");
    let asked = models.requests.lock().expect("lock").clone();
    assert_eq!(
        asked,
        ["GET /v1/models HTTP/1.1", "GET /v1/models HTTP/1.1"],
        "one service, asked once"
    );
}

fn command(stage: &Stage, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_engine"))
        .arg("doctor")
        .args(arguments)
        .current_dir(stage.folder.path())
        .env_clear()
        .env("TWILIO_ACCOUNT_SID", &stage.carrier.account_sid)
        .env("TWILIO_AUTH_TOKEN", &stage.carrier.auth_token)
        .env("TWILIO_API_URL", &stage.carrier.rest_url)
        .output()
        .expect("the command")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_by_its_code_whether_something_failed() {
    let mut stage = Scene::new().start().await;
    let url = stage.url("/webhook/incoming_call");
    let good = command(&stage, &[&url, "--format", "json", "--report", "junit=doctor.xml"]);
    let text = String::from_utf8(good.stdout).expect("UTF-8");
    assert_eq!(good.status.code(), Some(0), "{text}");
    assert_eq!(good.stderr, b"", "nothing but what was asked for");
    let json: Value = serde_json::from_str(&text).expect("JSON alone");
    assert_eq!(json["format_version"], "1.0");
    assert_eq!(json["summary"]["fail"], 0);
    assert!(!text.contains(&stage.carrier.auth_token), "no secret is printed");
    let report = std::fs::read_to_string(stage.folder.path().join("doctor.xml")).expect("a report");
    assert!(report.contains("<testsuite name=\"socket\""));
    let again = command(&stage, &[&url, "--format", "json"]);
    let again: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    let names = |json: &Value| -> Vec<Value> {
        let probes = json["probes"].as_array().cloned().unwrap_or_default();
        probes.iter().map(|probe| probe["probe"].clone()).collect()
    };
    assert_eq!(names(&again), names(&json), "the order is always the same");

    stage.kill().await;
    let bad = command(&stage, &[&url]);
    let text = String::from_utf8(bad.stdout).expect("UTF-8");
    assert_eq!(bad.status.code(), Some(1), "{text}");
    assert!(
        text.lines().last().is_some_and(|line| line.contains("1 failure")),
        "{text}"
    );
    assert_eq!(command(&stage, &["ftp://h.example"]).status.code(), Some(2));
    assert_eq!(command(&stage, &[&url, "--timeout", "5 years"]).status.code(), Some(2));
}
