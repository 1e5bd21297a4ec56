//! Speech recognition against services that act by script, over real sockets.

mod assemblyai;
pub mod deepgram;
mod flux;
mod server;
mod utterances;

use engine::providers::listen::{Frame, Hear, Heard, KINDS, listener};
use engine::providers::{ErrorClass, ProviderError, Service};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Longer than anything that works takes.
const LONG: Duration = Duration::from_secs(20);

/// A listener at work, and whoever orders it about.
struct Ear {
    orders: Option<mpsc::Sender<Hear>>,
    heard: mpsc::Receiver<Heard>,
    run: JoinHandle<Result<(), ProviderError>>,
    place: usize,
}

impl Ear {
    fn new(service: &Service) -> Ear {
        let listener = listener(service).expect("it can be set up");
        let (orders, taken) = mpsc::channel(2000);
        let (told, heard) = mpsc::channel(64);
        let run = tokio::spawn(listener.listen(taken, told));
        Ear {
            orders: Some(orders),
            heard,
            run,
            place: 0,
        }
    }

    async fn order(&self, order: Hear) {
        let orders = self.orders.as_ref().expect("it was not ended");
        // A listener that has ended takes nothing; the test looks at its end.
        let _ended = orders.send(order).await;
    }

    /// The caller's line for so long; each byte tells its place.
    async fn sound(&mut self, millis: usize) {
        for _ in 0..millis / 20 {
            let sound = pattern(self.place, self.place + 160);
            self.place += 160;
            self.order(Hear::Sound(Frame::new(&sound))).await;
        }
    }

    async fn begin(&self, utterance: u32, before: u32) {
        self.order(Hear::Begin { utterance, before }).await;
    }

    async fn flush(&self, utterance: u32, flush: u32) {
        self.order(Hear::Flush { utterance, flush }).await;
    }

    async fn end(&self, utterance: u32) {
        self.order(Hear::End { utterance }).await;
    }

    async fn next(&mut self) -> Heard {
        let next = tokio::time::timeout(LONG, self.heard.recv()).await;
        next.expect("something is heard").expect("it goes on listening")
    }

    /// What is heard up to the answer to this flush, which comes last.
    async fn answer(&mut self, flush: u32) -> Vec<Heard> {
        let mut all = Vec::new();
        loop {
            all.push(self.next().await);
            if matches!(all.last(), Some(Heard::Words { flush: Some(answered), .. }) if *answered == flush) {
                return all;
            }
        }
    }

    /// Its error.
    async fn failure(self) -> ProviderError {
        let ended = tokio::time::timeout(LONG, self.run).await.expect("it ends");
        ended.expect("no panic").expect_err("a failure")
    }

    /// Ends it in order.
    async fn stop(mut self) {
        self.orders = None;
        let ended = tokio::time::timeout(LONG, self.run).await.expect("it ends");
        assert_eq!(ended.expect("no panic"), Ok(()));
    }
}

/// The sound from one place to another.
fn pattern(from: usize, to: usize) -> Vec<u8> {
    (from..to).map(|place| (place % 251) as u8).collect()
}

fn words(utterance: impl Into<Option<u32>>, text: &str, flush: impl Into<Option<u32>>) -> Heard {
    Heard::Words {
        utterance: utterance.into(),
        text: text.to_owned(),
        flush: flush.into(),
    }
}

fn service(kind: &str, base_url: String) -> Service {
    Service {
        name: "ears".to_owned(),
        kind: kind.to_owned(),
        base_url: Some(base_url),
        key: Some("secret-key".into()),
        ..Service::default()
    }
}

fn options(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(options) => options,
        other => panic!("{other} is no object"),
    }
}

#[test]
fn each_kind_is_known_by_its_name_and_wants_what_it_needs() {
    for kind in KINDS {
        let bare = Service {
            kind: kind.name.to_owned(),
            ..Service::default()
        };
        let error = listener(&bare).err().expect("neither key nor program");
        let expected = match kind.key_env {
            Some(_) => ErrorClass::Auth,
            None => ErrorClass::BadRequest,
        };
        assert_eq!(error.class(), expected, "{}", kind.name);
    }
    let unknown = service("nobody", String::new());
    assert_eq!(
        listener(&unknown).err().map(|error| error.class()),
        Some(ErrorClass::BadRequest)
    );
    for kind in ["deepgram", "deepgram_flux", "assemblyai", "openai"] {
        let odd = service(kind, "ftp://h.example".to_owned());
        assert_eq!(
            listener(&odd).err().map(|error| error.class()),
            Some(ErrorClass::BadRequest),
            "{kind}"
        );
    }
}
