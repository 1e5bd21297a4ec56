//! `run --watch`: edits take effect for new calls, wrong ones for none, and calls in progress keep what they began with.

use engine::carrier::Outcome;

use crate::stage::{Plan, RECEPTIONIST, Stage, TALKER, client, document, story};

fn write(stage: &Stage, path: &str, text: &str) {
    std::fs::write(stage.folder.path().join(path), text).expect("a file");
}

/// The document that a new call gets now.
async fn first_document(stage: &Stage) -> String {
    let report = stage.call("wait 200ms; hangup", &[]).await;
    document(&report, "voice").body.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_for_new_calls() {
    let mut stage = Plan::new().watch().start().await;
    let log = stage.log.clone();
    let begun_before = stage.dial(stage.spec(TALKER, &[]));
    stage.until("it talks", || log.lines("WS_START").len() == 1).await;

    // The flow.
    let edited = RECEPTIONIST
        .replace("play: tts/greeting_he.mp3", "play: tts/answer_he.mp3")
        .replace("play: tts/goodbye_he.mp3", "play: tts/transfer_he.mp3");
    write(&stage, "flows/main.yaml", &edited);
    stage
        .until("the edit is taken", || log.lines("RELOADED").len() == 1)
        .await;
    let now = first_document(&stage).await;
    assert!(
        now.contains("answer_he.mp3") && !now.contains("greeting_he.mp3"),
        "{now}"
    );

    // A wrong edit, one that only a call would show, and one that is half written.
    for (wrong, what) in [
        (edited.replace("silence: 4s", "silence: 9s"), "hears nothing for 9.0 s"),
        (edited.replace("next: talk", "next: tolk"), "tolk"),
        (edited[..edited.len() / 3].to_owned(), ""),
    ] {
        let refused = log.lines("RELOAD_REJECTED").len();
        write(&stage, "flows/main.yaml", &wrong);
        stage
            .until("the edit is refused", || log.lines("RELOAD_REJECTED").len() > refused)
            .await;
        stage.until("the finding is shown", || log.text().contains(what)).await;
        assert!(
            first_document(&stage).await.contains("answer_he.mp3"),
            "the version before stays"
        );
    }
    write(&stage, "flows/main.yaml", &edited);

    // A prompt: its content is part of the version, and its new bytes are served.
    let reloads = log.lines("RELOADED").len();
    let sound = std::fs::read(stage.folder.path().join("static/tts/greeting_en.mp3")).expect("a prompt");
    std::fs::write(stage.folder.path().join("static/tts/answer_he.mp3"), &sound).expect("a prompt");
    stage
        .until("the prompt is taken", || log.lines("RELOADED").len() > reloads)
        .await;
    let served = client()
        .get(stage.url("/static/tts/answer_he.mp3"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(served.bytes().await.expect("bytes").len(), sound.len());

    // The call that began before keeps its goodbye, though the process is another one by then.
    stage.kill().await;
    stage.start().await;
    let report = begun_before.await.expect("the call's task");
    assert_eq!(report.outcome, Outcome::EngineHungUp, "{}", story(&report));
    let told = story(&report);
    assert!(
        told.contains("goodbye_he.mp3") && !told.contains("transfer_he.mp3"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_of_the_project_is_taken_too() {
    let flow = "flow: short
version: 1
locale: he-IL
start: {call: hello}
limits: {call: 1m, silence: 8s}
otherwise: over
steps:
  hello: {twiml: own_hello, next: over}
  over: {hangup: {}}
";
    let mut plan = Plan::new().flow(flow).watch().set().await;
    write(&plan, "templates/own_hello.xml", "<Pause length=\"1\"/>\n");
    plan.start().await;
    let stage = plan;
    assert!(first_document(&stage).await.contains("<Pause length=\"1\"/>"));
    write(&stage, "templates/own_hello.xml", "<Pause length=\"2\"/>\n");
    stage
        .until("the edit is taken", || !stage.log.lines("RELOADED").is_empty())
        .await;
    assert!(first_document(&stage).await.contains("<Pause length=\"2\"/>"));
}
