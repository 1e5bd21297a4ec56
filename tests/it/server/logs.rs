//! The words that operators search the log for.

use std::io;
use std::sync::{Arc, Mutex};

use engine::server::{ServerConfig, sign};
use secrecy::SecretString;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::{client, open_door, start, until};

/// A log kept in memory, one JSON object per line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

impl Log {
    /// Records what this thread logs, and with it what the server of a single-threaded test does.
    fn record() -> (Log, tracing::subscriber::DefaultGuard) {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// The lines whose message begins with a word.
    fn lines(&self, word: &str) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().expect("lock").clone()).expect("text");
        let all = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        all.filter(|line| {
            line["message"]
                .as_str()
                .is_some_and(|message| message.split(':').next() == Some(word))
        })
        .collect()
    }
}

#[tokio::test]
async fn each_request_is_logged_at_its_beginning_and_end() {
    let (log, _guard) = Log::record();
    let server = start(open_door()).await;
    let url = server.url("/webhook/call_status?From=%2B972501234567");
    client()
        .post(url)
        .form(&[("CallSid", "CA1")])
        .send()
        .await
        .expect("answer");
    until(|| !log.lines("RES").is_empty()).await;
    let (req, res) = (log.lines("REQ"), log.lines("RES"));
    assert_eq!((req.len(), res.len()), (1, 1));
    assert_eq!(
        (req[0]["path"].as_str(), req[0]["method"].as_str()),
        (Some("/webhook/call_status"), Some("POST"))
    );
    assert_eq!(
        (res[0]["path"].as_str(), res[0]["status"].as_u64()),
        (Some("/webhook/call_status"), Some(204))
    );
    assert!(res[0]["ms"].is_u64());
    let text = String::from_utf8(log.0.lock().expect("lock").clone()).expect("text");
    assert!(!text.contains("972501234567"), "numbers stay out of the log: {text}");
}

#[tokio::test]
async fn a_refusal_names_the_urls_that_were_checked() {
    let (log, _guard) = Log::record();
    let config = ServerConfig {
        auth_token: Some(SecretString::from("a secret token")),
        public_base: Some("voice.example.com".parse().expect("base")),
        ..ServerConfig::default()
    };
    let server = start(config).await;
    let wrong = sign("another token", "https://voice.example.com/webhook/next", &[]);
    let request = client()
        .get(server.url("/webhook/next?n=2&From=%2B972501234567"))
        .header("X-Twilio-Signature", wrong);
    assert_eq!(request.send().await.expect("answer").status(), 403);
    let line = log.lines("SIGNATURE_REFUSED").pop().expect("a line");
    let checked = line["checked"].as_str().expect("text");
    assert!(
        checked.contains("https://voice.example.com/webhook/next?n=2&From=…"),
        "{checked}"
    );
    assert!(
        checked.contains("https://voice.example.com:443/webhook/next?n=2"),
        "{checked}"
    );
    assert!(
        line["reason"]
            .as_str()
            .expect("text")
            .contains("help: compare the URL with PUBLIC_BASE_URL")
    );
    let text = String::from_utf8(log.0.lock().expect("lock").clone()).expect("text");
    assert!(
        !text.contains("a secret token") && !text.contains("972501234567"),
        "{text}"
    );
}

#[tokio::test]
async fn open_doors_missing_files_and_safe_answers_are_loud() {
    let (log, _guard) = Log::record();
    let server = start(open_door()).await;
    client()
        .get(server.url("/static/tts/greeting.mp3"))
        .send()
        .await
        .expect("answer");
    client().get(server.url("/webhook/typo")).send().await.expect("answer");
    assert_eq!(log.lines("SIGNATURES_OFF").len(), 1);
    let missing = log.lines("STATIC_MISSING").pop().expect("a line");
    assert_eq!(
        (missing["level"].as_str(), missing["file"].as_str()),
        (Some("ERROR"), Some("/tts/greeting.mp3"))
    );
    let safe = log.lines("SAFE_ANSWER").pop().expect("a line");
    assert_eq!(
        (safe["level"].as_str(), safe["path"].as_str()),
        (Some("ERROR"), Some("/webhook/typo"))
    );

    start(ServerConfig::default()).await;
    until(|| log.lines("SIGNATURES_UNVERIFIABLE").len() == 1).await;
}
