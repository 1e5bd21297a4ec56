//! The engine's own difficulties and hostile requests: the caller still hears something, and the operator is told what
//! to do.

use std::sync::Arc;
use std::time::Duration;

use engine::carrier::{Carrier, CarrierConfig, Fault, Outcome};
use engine::channels::twilio::{Credentials, TwilioClient, TwilioConfig};
use engine::line::{Config, Disk, Engine, Flows, Front, Parts};
use engine::server::{Server, ServerConfig, Shutdown, bind};
use engine::store::{FaultyStore, Operation, SqliteStore, Store, StoreError};
use futures_util::{SinkExt, StreamExt};
use secrecy::SecretString;
use tokio_tungstenite::tungstenite::Message;

use crate::stage::{Plan, Stage, TALKER, began, client, heard_within, story};

/// `limits.silence` of the receptionist.
const SILENCE: Duration = Duration::from_secs(8);

/// An engine in this process, so that its store can be broken on command.
struct Inside {
    carrier: Arc<Carrier>,
    store: Arc<FaultyStore>,
    engine: Arc<Engine>,
    address: std::net::SocketAddr,
    shutdown: Shutdown,
    _folder: tempfile::TempDir,
}

impl Inside {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let carrier = Carrier::start(CarrierConfig::default()).await.expect("a carrier");
        let real = SqliteStore::open(folder.path().join("engine.db"))
            .await
            .expect("a store");
        let store = Arc::new(FaultyStore::new(Arc::new(real)));
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let (flows, _) =
            Flows::load(Arc::new(Disk::new(root)), "flows/receptionist.yaml", Default::default()).expect("a flow");
        flows.save(&*store).await.expect("the store takes it");
        let token = SecretString::from(carrier.auth_token.clone());
        let engine = Engine::new(Parts {
            config: Config {
                static_roots: vec![root.join("static")],
                retries: Some("rc=5&rp=all".to_owned()),
                ..Config::default()
            },
            store: Arc::<FaultyStore>::clone(&store),
            flows,
            carrier: TwilioClient::new(TwilioConfig {
                account_sid: Some(carrier.account_sid.clone()),
                credentials: Some(Credentials::AuthToken(token.clone())),
                api_url: carrier.rest_url.clone(),
                ..TwilioConfig::default()
            }),
            transcriber: None,
            providers: Default::default(),
        });
        engine.start().await.expect("a start");
        let listener = bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shutdown = Shutdown::new();
        let config = ServerConfig {
            auth_token: Some(token),
            ..ServerConfig::default()
        };
        let server = Server::new(config, Arc::new(Front(Arc::clone(&engine))));
        tokio::spawn(server.run(listener, shutdown.clone()));
        Self {
            carrier: Arc::new(carrier),
            store,
            engine,
            address,
            shutdown,
            _folder: folder,
        }
    }

    fn dial(&self, caller: &str, faults: &[Fault]) -> tokio::task::JoinHandle<engine::carrier::CallReport> {
        let mut spec = engine::carrier::CallSpec::new(format!("http://{}/webhook/incoming_call", self.address));
        spec.status_callback = Some(format!("http://{}/webhook/call_status", self.address));
        spec.from = crate::stage::number();
        spec.caller = caller.parse().expect("a script");
        spec.faults = faults.to_vec();
        spec.max_length = Duration::from_secs(70);
        let carrier = Arc::clone(&self.carrier);
        tokio::spawn(async move { engine::carrier::place(spec, &carrier).await.expect("a call") })
    }

    async fn until_ended(&self, call: &str) {
        let wait = async {
            loop {
                if let Ok(Some(log)) = self.store.call_log(call).await
                    && log.ended_at.is_some()
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait)
            .await
            .expect("the call ends");
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.engine.stop();
        self.shutdown.stop();
    }
}

fn outage() -> StoreError {
    StoreError::Interrupted
}

#[tokio::test(flavor = "multi_thread")]
async fn no_caller_is_left_in_silence_while_the_store_is_out() {
    let inside = Inside::start().await;
    // Out from the start, and out in the middle of a conversation.
    let before = inside.dial(TALKER, &[]);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while inside.store.calls(1).await.expect("a store").is_empty() {
        assert!(std::time::Instant::now() < deadline, "the call arrives");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    inside.store.break_down(&outage());
    let ready = client()
        .get(format!("http://{}/readyz", inside.address))
        .send()
        .await
        .expect("an answer");
    assert_eq!(ready.status(), 503);
    let during = inside.dial("wait verb Record; speak A message for you", &[]);
    let (before, during) = (before.await.expect("a call"), during.await.expect("a call"));
    for report in [&before, &during] {
        heard_within(report, SILENCE);
        assert_ne!(report.outcome, Outcome::ApplicationError, "{}", story(report));
        assert_eq!(report.messages.len(), 0, "nothing is done that is not stored");
    }
    assert!(began(&during, "Record"), "{}", story(&during));

    // What the store missed is written once it is back, and what follows the calls is done then.
    inside.store.heal();
    for report in [&before, &during] {
        inside.until_ended(&report.call_sid).await;
        let from = inside
            .store
            .call_log(&report.call_sid)
            .await
            .expect("a store")
            .expect("a call")
            .from;
        let to = format!("whatsapp:{}", from.unwrap_or_default());
        let wait = async {
            while inside
                .carrier
                .messages()
                .iter()
                .filter(|message| message.to == to)
                .count()
                == 0
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait)
            .await
            .expect("the follow-up is sent");
    }
    assert_eq!(inside.carrier.messages().len(), 2, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_changes_nothing_for_the_caller() {
    let inside = Inside::start().await;
    let call = inside.dial(TALKER, &[]);
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        inside.store.lose_answers(Operation::Commit, 1, outage());
    }
    let report = call.await.expect("a call");
    inside.store.heal();
    heard_within(&report, SILENCE);
    assert_ne!(report.outcome, Outcome::ApplicationError, "{}", story(&report));
    inside.until_ended(&report.call_sid).await;
    assert!(inside.carrier.messages().len() <= 1, "never twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_engine_from_starting_is_said_with_what_helps() {
    // The port.
    let mut first = Plan::new().start().await;
    let mut second = Plan::new().env("PORT", first.port.to_string()).set().await;
    second.launch();
    assert_eq!(second.ended().await, Some(69));
    assert!(
        second.log.text().contains(&first.port.to_string()),
        "{}",
        second.log.text()
    );
    first.kill().await;

    // A database that is none, and one that is not there and cannot be made.
    let folder = tempfile::tempdir().expect("a folder");
    let junk = folder.path().join("junk.db");
    std::fs::write(&junk, b"this is no database at all, whatever it is called".repeat(100)).expect("a file");
    let nowhere = folder.path().join("no/such/folder/engine.db");
    for path in [&junk, &nowhere] {
        let mut stage = Plan::new().database(path).set().await;
        stage.launch();
        assert_eq!(stage.ended().await, Some(69), "{}", path.display());
        let text = stage.log.text();
        assert!(text.contains("error: ") && text.contains("help: "), "{text}");
    }
    assert_eq!(
        std::fs::read(&junk).expect("the file").len(),
        4_900,
        "a file that is no database is left as it is"
    );

    // A flow that is wrong.
    let mut stage = Plan::new().flow("flow: x\nsteps: {a: {plya: 1}}\n").set().await;
    stage.launch();
    assert_eq!(stage.ended().await, Some(78), "{}", stage.log.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_are_answered_and_break_nothing() {
    let stage = Plan::new()
        .flow(
            "flow: echo
version: 1
locale: en-US
start: {call: hello}
limits: {call: 1m, silence: 8s}
otherwise: over
steps:
  hello: {say: {text: \"Hello {{ call.caller_name }} from {{ call.from }}\", voice: \"Polly.Joanna\"}, next: over}
  over: {hangup: {}}
",
        )
        .start()
        .await;
    let long = "x".repeat(10_000);
    let names = [
        "</Say><Hangup/><Say>",
        "{{ 7 * 7 }}{% for x in range(1000000) %}a{% endfor %}",
        "nul\u{0}and\u{1b}more",
        "&amp;<![CDATA[]]>\"'",
        long.as_str(),
        "\u{202e}\u{fffe}\u{200f}",
        "",
    ];
    for (at, name) in names.iter().enumerate() {
        for from in ["+972501234567", name] {
            let sid = format!("CA{at:030}{}", from.len() % 90 + 10);
            let answer = stage
                .post(
                    "/webhook/incoming_call",
                    &[
                        ("CallSid", &sid),
                        ("CallerName", name),
                        ("From", from),
                        ("To", "+9723"),
                        ("CallStatus", "ringing"),
                    ],
                )
                .await;
            assert_eq!(answer.status(), 200, "{name:?}");
            let body = answer.text().await.expect("text");
            let xml = roxmltree::Document::parse(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
            let verbs: Vec<&str> = xml
                .root_element()
                .children()
                .filter(roxmltree::Node::is_element)
                .map(|verb| verb.tag_name().name())
                .collect();
            assert!(
                verbs == ["Say", "Hangup"] || verbs == ["Hangup"],
                "{verbs:?} for {name:?}"
            );
            assert!(!body.contains("49"), "{body}");
        }
    }

    // Requests without what they need, with nonsense in it, and too large ones.
    for (path, params) in [
        ("/webhook/call_status", vec![("CallSid", "CA1")]),
        (
            "/webhook/call_status",
            vec![("CallSid", "CA1"), ("CallStatus", "dancing"), ("SequenceNumber", "-7")],
        ),
        (
            "/webhook/handle_recording?n=99999999999999999999",
            vec![("CallSid", "CA1"), ("RecordingSid", "../../etc")],
        ),
        ("/webhook/stream_ended?n=0", vec![("CallSid", "CA1")]),
        ("/webhook/incoming_call", vec![("From", "+1")]),
        ("/webhook/incoming_call", vec![("CallSid", long.as_str())]),
        ("/webhook/next?n=7", vec![("CallSid", "CA2"), ("Digits", long.as_str())]),
    ] {
        let answer = stage.post(path, &params).await;
        assert!(
            matches!(answer.status().as_u16(), 200 | 204),
            "{path} {}",
            answer.status()
        );
    }
    let huge = client()
        .post(stage.url("/webhook/incoming_call"))
        .body(vec![b'a'; 4 * 1024 * 1024])
        .send()
        .await;
    assert!(huge.is_err() || huge.is_ok_and(|answer| matches!(answer.status().as_u16(), 200 | 403 | 413)));

    // The line still works.
    let report = stage.call("", &[]).await;
    assert_eq!(report.outcome, Outcome::EngineHungUp, "{}", story(&report));
    assert!(stage.log.lines("STEP_FAILED").len() <= 2 * names.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_on_the_media_socket_gets_no_conversation_and_harms_none() {
    let stage = Plan::new().start().await;
    let call = stage.dial(stage.spec(TALKER, &[]));
    let log = stage.log.clone();
    stage.until("it talks", || log.lines("WS_START").len() == 1).await;
    let sid = call_in_progress(&stage);
    let start = |call: &str, token: &str| {
        format!(
            r#"{{"event":"start","sequenceNumber":"1","streamSid":"MZx","start":{{"accountSid":"AC","streamSid":"MZx","callSid":"{call}","tracks":["inbound"],"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"customParameters":{{"call_sid":"{call}","token":"{token}"}}}}}}"#
        )
    };
    let junk: Vec<Message> = vec![
        Message::text("this is no JSON"),
        Message::text(r#"{"event":"media","media":{"payload":"AAAA"}}"#),
        Message::text(start("CAnobody", "0")),
        Message::text(start(&sid, "00000000000000000000000000000000")),
        Message::text(r#"{"event":"start","start":{}}"#),
        Message::binary(vec![0_u8; 4096]),
        Message::text("[".repeat(20_000)),
    ];
    for message in junk {
        let url = format!("ws://127.0.0.1:{}/ws/twilio-media", stage.port);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("the handshake");
        let shown: String = message.to_string().chars().take(60).collect();
        socket.send(message).await.expect("it is sent");
        let closed = async {
            while let Some(Ok(message)) = socket.next().await {
                assert!(!message.is_text(), "{shown} got an answer: {message}");
            }
        };
        tokio::time::timeout(Duration::from_secs(15), closed)
            .await
            .unwrap_or_else(|_| panic!("the socket stays open after {shown}"));
    }
    let report = call.await.expect("the call's task");
    assert_eq!(report.outcome, Outcome::EngineHungUp, "{}", story(&report));
    assert!(
        !began(&report, "Record"),
        "the conversation went on undisturbed\n{}",
        story(&report)
    );
}

fn call_in_progress(stage: &Stage) -> String {
    let sid = stage.value("SELECT call FROM call_state WHERE ended = 0", &[]);
    sid.as_str().expect("a call").to_owned()
}
