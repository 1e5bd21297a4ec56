//! `replay --as-test`: what services, models and the carrier did in a call is in its scenario, and the scenario passes as
//! it was written.

use crate::stage::{Plan, RECEPTIONIST, Stage};
use crate::wire::{Answer, Wire};
use engine::carrier::{CallReport, Fault};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Writes the call as a scenario and plays it: the scenario's text.
async fn retold(stage: &Stage, report: &CallReport) -> String {
    let call = report.call_sid.as_str();
    stage.finished(call).await;
    let project = stage.folder.path();
    std::fs::create_dir_all(project.join("scenarios")).expect("a folder");
    let name = format!("scenarios/{call}.yaml");
    let run = |arguments: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
        command.args(arguments).current_dir(project).env_clear();
        command.output().expect("the engine runs")
    };
    let database = stage.database.to_str().expect("a path");
    let written = run(&["replay", "--db", database, call, "--as-test", &name]);
    let said = String::from_utf8_lossy(&written.stderr).into_owned();
    let text = std::fs::read_to_string(project.join(&name)).unwrap_or_default();
    assert_eq!(written.status.code(), Some(0), "{said}");
    assert!(said.contains("it comes as it did in the call"), "{said}\n{text}");
    let played = run(&["test", &name]);
    let told = String::from_utf8_lossy(&played.stdout).into_owned();
    assert_eq!(played.status.code(), Some(0), "{text}\n{told}");
    assert!(told.starts_with("1 scenario: 1 passed; "), "{told}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_answered_is_answered_again() {
    let count = AtomicUsize::new(0);
    let service = Wire::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::json(200, r#"{"name": "Dana Levi", "secret": "x", "age": 47}"#),
        1 => Answer::json(404, "{}"),
        _ => Answer::Reset,
    })
    .await;
    let flow = include_str!("../../examples/service.yaml").replace("https://api.example.com", &service.url(""));
    let stage = Plan::new().flow(flow).start().await;
    for (written, step) in [
        ("services:\n  lookup: {body: {name: \"word word\"}}\n", "known"),
        ("services:\n  lookup: 404\n", "stranger"),
        ("services:\n  lookup: fails\n", "sorry"),
    ] {
        let report = stage.call("wait prompt", &[]).await;
        let text = retold(&stage, &report).await;
        assert!(text.contains(written), "{text}");
        assert!(
            text.contains(&format!("  steps: [lookup, {step}, goodbye]\n")),
            "{text}"
        );
        assert!(text.contains("  ends: hung_up\n"), "{text}");
        assert!(!text.contains("Dana") && !text.contains("secret"), "{text}");
    }
}

const AGENT: &str = r#"flow: agent
version: 1
locale: en-US
start: {call: talk}
otherwise: goodbye
steps:
  talk:
    relay: {agent: guide}
    on: {completed: goodbye, no_reply: goodbye}
  goodbye:
    play: tts/goodbye_en.mp3
    next: end_call
  end_call:
    hangup: {}
agents:
  guide:
    instructions: Be brief.
    listen: carrier
    think: {provider: openai, model: m, base_url: "SERVICE/v1"}
    speak: {provider: carrier, greeting_text: Hello.}
    idle: {after: 7s, say: "Are you still there?", times: 2, then: no_reply}
    actions:
      goodbye: {description: The caller says goodbye., hang_up: true}
      save_lead:
        description: What the caller looks for.
        parameters: {city: string, rooms: integer?}
        set: lead
      free:
        description: Whether one is free.
        parameters: {city: string}
        do: {http: {url: "SERVICE/free?city={{ vars.free.city | urlencode }}", returns: {count: integer}, timeout: 3s}}
"#;

/// A model's answer as a stream of the usual protocol: words, a wish with its arguments, or both.
fn says(words: Option<&str>, wish: Option<(&str, &str)>) -> Answer {
    let chunk = |delta: serde_json::Value, end: Option<&str>| {
        let choice = serde_json::json!({"index": 0, "delta": delta, "finish_reason": end});
        format!("data: {}\n\n", serde_json::json!({"id": "x", "choices": [choice]}))
    };
    let mut body = String::new();
    if let Some(words) = words {
        body.push_str(&chunk(serde_json::json!({"content": words}), None));
    }
    if let Some((name, arguments)) = wish {
        let call = serde_json::json!({
            "index": 0, "id": format!("call_{name}"), "type": "function",
            "function": {"name": name, "arguments": arguments},
        });
        body.push_str(&chunk(serde_json::json!({"tool_calls": [call]}), None));
    }
    let end = if wish.is_some() { "tool_calls" } else { "stop" };
    body.push_str(&chunk(serde_json::json!({}), Some(end)));
    body.push_str("data: [DONE]\n\n");
    Answer::with(200, "text/event-stream", body)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_answered_is_answered_again() {
    let service = Wire::start(move |seen| {
        if seen.target.starts_with("/free") {
            return Answer::json(200, r#"{"count": 4}"#);
        }
        // What is answered hangs on what came last, so that asking twice changes nothing.
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let last = body["messages"].as_array().and_then(|messages| messages.last());
        let last = last.map(|last| (last["content"].as_str(), last["tool_call_id"].as_str()));
        let flats = "There are four of them in Haifa, and one has a balcony as long as the flat itself, with a view.";
        match last {
            Some((_, Some("call_save_lead"))) => says(None, Some(("free", r#"{"city": "Haifa"}"#))),
            Some((_, Some(_))) => says(Some(flats), None),
            Some((Some(said), None)) if said.contains("look for") => {
                says(None, Some(("save_lead", r#"{"city": "Haifa", "rooms": 3}"#)))
            }
            Some((Some(said), None)) if said.contains("large") => {
                says(Some("Very well, Dana, that is noted down."), None)
            }
            _ => says(Some("Goodbye then, Dana."), Some(("goodbye", "{}"))),
        }
    })
    .await;
    let stage = Plan::new()
        .flow(AGENT.replace("SERVICE", &service.url("")))
        .env("OPENAI_API_KEY", "k")
        .start()
        .await;
    let caller = "wait turn; speak I am Dana and look for a flat; interrupt after 2s; speak the large one is fine; \
                  wait turn; speak Goodbye";
    let report = stage.call(caller, &[]).await;
    let text = retold(&stage, &report).await;
    for part in [
        "; interrupt after ",
        "services:\n  free: {body: {count: 4}}\n",
        "model:\n  - {action: save_lead, with: {city: word, rooms: 3}}\n  - {action: free, with: {city: word}}\n",
        "  - {action: goodbye, say: ",
        "  steps: [talk, goodbye, end_call]\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    for word in ["Dana", "Haifa", "balcony", "noted"] {
        assert!(!text.contains(word), "{word} is in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_breaks_again() {
    let mut stage = Plan::new().flow(RECEPTIONIST).start().await;
    let caller = "wait verb Record; speak Please call me back";
    for (fault, written) in [
        (Fault::RefuseStream, "faults: [refuse-stream]\n"),
        (Fault::DropStream(Duration::from_secs(2)), "faults: [\"drop-stream=2"),
        (Fault::NoMedia, "faults: [no-media]\n"),
    ] {
        let report = stage.call(caller, &[fault]).await;
        let text = retold(&stage, &report).await;
        assert!(text.contains(written), "{text}");
        assert!(text.contains("  recordings: 1\n"), "{text}");
    }
    // The engine is killed while the agent talks, and started again.
    let call = stage.dial(stage.spec(caller, &[]));
    let talks = "SELECT count(*) FROM call_event WHERE event LIKE '%stream_started%'";
    let talks = || stage.value(talks, &[]).as_i64().unwrap_or_default();
    let before = talks();
    stage.until("the agent talks", || talks() > before).await;
    stage.kill().await;
    stage.start().await;
    let report = call.await.expect("the call's task");
    let text = retold(&stage, &report).await;
    assert!(text.contains("faults: [\"restart="), "{text}");
    assert!(
        text.contains("  steps: [greeting, talk, voicemail, goodbye, end_call]\n"),
        "{text}"
    );
}
