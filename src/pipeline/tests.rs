//! What a conversation is told when its providers do well, fail, stall and take over. The providers here are scripts at
//! the stages' own seams; their wire protocols are tried elsewhere, against servers.

use super::*;
use crate::providers::ProviderError;
use crate::providers::listen::Heard;
use crate::providers::speak::{Say, Spoken};
use crate::providers::think::{Request, Thought};
use crate::talk::{ActionCall, LiveSignal, Message, Usage};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn broken() -> ProviderError {
    ProviderError::Transient {
        detail: "reset".to_owned(),
    }
}

fn refused() -> ProviderError {
    ProviderError::Auth {
        detail: "wrong key".to_owned(),
    }
}

fn named<P: ?Sized>(name: &str, provider: Arc<P>) -> Named<P> {
    Named {
        name: name.into(),
        provider,
    }
}

/// The next signal that is not about who serves; those are collected.
async fn next(crew: &mut Crew, served: &mut Vec<String>) -> Signal {
    loop {
        let signal = tokio::time::timeout(Duration::from_secs(30), crew.signals.recv()).await;
        match signal.expect("a signal within its time").expect("a crew that lives") {
            Signal::Serving {
                provider, instead_of, ..
            } => served.push(match instead_of {
                Some(before) => format!("{provider} for {before}"),
                None => provider.to_string(),
            }),
            signal => return signal,
        }
    }
}

/// Says its words and then ends as it is told to.
struct Model {
    words: Vec<&'static str>,
    end: Result<(), ProviderError>,
    asked: AtomicUsize,
    dropped: Arc<AtomicUsize>,
    stalls: bool,
}

impl Model {
    fn new(words: &[&'static str], end: Result<(), ProviderError>) -> Arc<Self> {
        Arc::new(Self {
            words: words.to_vec(),
            end,
            asked: AtomicUsize::new(0),
            dropped: Arc::default(),
            stalls: false,
        })
    }
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Thinker for Model {
    fn think(
        self: Arc<Self>,
        _: Request,
        thoughts: mpsc::Sender<Thought>,
    ) -> BoxFuture<'static, Result<Usage, ProviderError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let dropped = Dropped(Arc::clone(&self.dropped));
        Box::pin(async move {
            let _dropped = dropped;
            for word in &self.words {
                let _taken = thoughts.send(Thought::Text((*word).to_owned())).await;
            }
            if self.stalls {
                std::future::pending::<()>().await;
            }
            self.end.clone().map(|()| Usage::default())
        })
    }
}

fn think(generation: u32) -> Order {
    Order::Think {
        generation,
        messages: Arc::new([Message::Caller("hello".into())]),
    }
}

fn thinkers(models: &[(&str, &Arc<Model>)]) -> Staff {
    let one = |(name, model): &(&str, &Arc<Model>)| named::<dyn Thinker>(name, Arc::<Model>::clone(model));
    Staff {
        think: models.iter().map(one).collect(),
        ..Staff::default()
    }
}

#[tokio::test]
async fn a_model_that_fails_before_its_first_word_is_replaced_within_the_same_answer() {
    let (first, second) = (Model::new(&[], Err(broken())), Model::new(&["good", " day"], Ok(())));
    let mut crew = begin(&thinkers(&[("a", &first), ("b", &second)]), "");
    let mut served = Vec::new();
    for generation in 1..=2 {
        crew.services.order(think(generation));
        for text in ["good", " day"] {
            let text = text.to_owned();
            assert_eq!(next(&mut crew, &mut served).await, Signal::Token { generation, text });
        }
        let usage = Usage::default();
        assert_eq!(
            next(&mut crew, &mut served).await,
            Signal::Thought { generation, usage }
        );
    }
    assert_eq!(
        served,
        ["a", "b for a", "a", "b for a"],
        "a broken connection may be mended by the next answer"
    );
    assert_eq!(first.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_empty_answer_is_left_to_another_model_unless_it_follows_an_action() {
    let (first, second) = (Model::new(&[], Ok(())), Model::new(&["yes"], Ok(())));
    let mut crew = begin(&thinkers(&[("a", &first), ("b", &second)]), "");
    let mut served = Vec::new();
    crew.services.order(think(1));
    let word = next(&mut crew, &mut served).await;
    assert!(matches!(word, Signal::Token { generation: 1, .. }), "{word:?}");
    next(&mut crew, &mut served).await;
    let result = Message::Result {
        id: "w".into(),
        text: "ok".into(),
    };
    crew.services.order(Order::Think {
        generation: 2,
        messages: [result].into(),
    });
    let over = next(&mut crew, &mut served).await;
    assert!(matches!(over, Signal::Thought { generation: 2, .. }), "{over:?}");
    assert_eq!(served, ["a", "b for a", "a"]);
}

#[tokio::test]
async fn a_model_that_refuses_the_key_is_not_asked_again() {
    let (first, second) = (Model::new(&[], Err(refused())), Model::new(&["yes"], Ok(())));
    let mut crew = begin(&thinkers(&[("a", &first), ("b", &second)]), "");
    for generation in 1..=3 {
        crew.services.order(think(generation));
        next(&mut crew, &mut Vec::new()).await;
        next(&mut crew, &mut Vec::new()).await;
    }
    assert_eq!(
        (first.asked.load(Ordering::SeqCst), second.asked.load(Ordering::SeqCst)),
        (1, 3)
    );
}

#[tokio::test]
async fn an_answer_that_was_cut_short_has_failed_and_nobody_repeats_it() {
    let (first, second) = (Model::new(&["good"], Err(broken())), Model::new(&["yes"], Ok(())));
    let mut crew = begin(&thinkers(&[("a", &first), ("b", &second)]), "");
    crew.services.order(think(7));
    next(&mut crew, &mut Vec::new()).await;
    let failed = next(&mut crew, &mut Vec::new()).await;
    assert!(
        matches!(
            failed,
            Signal::Failed {
                stage: Stage::Think,
                generation: 7,
                ..
            }
        ),
        "{failed:?}"
    );
    assert_eq!(second.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_cancelled_answer_is_dropped_and_the_next_one_is_begun() {
    let mut model = Model::new(&["well"], Ok(()));
    Arc::get_mut(&mut model).expect("nobody else has it").stalls = true;
    let mut crew = begin(&thinkers(&[("a", &model)]), "");
    crew.services.order(think(1));
    next(&mut crew, &mut Vec::new()).await;
    crew.services.order(Order::Cancel { generation: 1 });
    crew.services.order(think(3));
    let text = "well".to_owned();
    assert_eq!(
        next(&mut crew, &mut Vec::new()).await,
        Signal::Token { generation: 3, text }
    );
    assert_eq!(model.dropped.load(Ordering::SeqCst), 1);
}

/// Speaks each piece as its number in bytes, until a piece that it does not manage.
struct Voice {
    breaks_at: Option<u32>,
    heard: Mutex<Vec<Say>>,
}

impl Voice {
    fn new(breaks_at: Option<u32>) -> Arc<Self> {
        Arc::new(Self {
            breaks_at,
            heard: Mutex::default(),
        })
    }

    fn pieces(&self) -> Vec<(u32, u32)> {
        let heard = self.heard.lock().expect("no panic before");
        let piece = |say: &Say| match say {
            Say::Piece { generation, piece, .. } => Some((*generation, *piece)),
            _ => None,
        };
        heard.iter().filter_map(piece).collect()
    }
}

impl Speaker for Voice {
    fn speak(
        self: Arc<Self>,
        mut orders: mpsc::Receiver<Say>,
        spoken: mpsc::Sender<Spoken>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        Box::pin(async move {
            while let Some(order) = orders.recv().await {
                self.heard.lock().expect("no panic before").push(order.clone());
                let Say::Piece { generation, piece, .. } = order else {
                    continue;
                };
                if self.breaks_at == Some(piece) {
                    return Err(broken());
                }
                let ulaw = Bytes::from(vec![piece as u8; 8]);
                let _taken = spoken
                    .send(Spoken::Sound {
                        generation,
                        piece,
                        ulaw,
                    })
                    .await;
                let _taken = spoken.send(Spoken::Done { generation, piece }).await;
            }
            Ok(())
        })
    }
}

fn say(generation: u32, piece: u32) -> Order {
    Order::Say {
        generation,
        piece,
        text: "words".into(),
    }
}

fn voices(voices: &[(&str, &Arc<Voice>)]) -> Staff {
    let one = |(name, voice): &(&str, &Arc<Voice>)| named::<dyn Speaker>(name, Arc::<Voice>::clone(voice));
    Staff {
        speak: voices.iter().map(one).collect(),
        ..Staff::default()
    }
}

#[tokio::test]
async fn what_one_voice_leaves_unsaid_the_next_one_says() {
    let (first, second) = (Voice::new(Some(1)), Voice::new(None));
    let mut crew = begin(&voices(&[("a", &first), ("b", &second)]), "");
    for piece in 0..3 {
        crew.services.order(say(1, piece));
    }
    let mut served = Vec::new();
    for piece in 0..3 {
        let sound = next(&mut crew, &mut served).await;
        assert!(
            matches!(&sound, Signal::Sound { piece: of, ulaw, .. } if *of == piece && ulaw[0] == piece as u8),
            "{sound:?}"
        );
        assert_eq!(
            next(&mut crew, &mut served).await,
            Signal::Spoken { generation: 1, piece }
        );
    }
    assert_eq!(served, ["a", "b for a"]);
    assert_eq!(second.pieces(), [(1, 1), (1, 2)], "what was said is not said again");
}

#[tokio::test]
async fn where_no_voice_is_left_it_is_told_once_and_the_next_answer_is_tried_again() {
    let (first, second) = (Voice::new(Some(0)), Voice::new(Some(0)));
    let mut crew = begin(&voices(&[("a", &first), ("b", &second)]), "");
    for generation in [4, 5] {
        crew.services.order(say(generation, 0));
        let failed = next(&mut crew, &mut Vec::new()).await;
        assert!(
            matches!(failed, Signal::Failed { stage: Stage::Speak, generation: of, .. } if of == generation),
            "{failed:?}"
        );
    }
    assert_eq!(first.pieces(), [(4, 0), (5, 0)]);
}

#[tokio::test]
async fn a_cancelled_piece_is_not_given_to_the_next_voice() {
    let (first, second) = (Voice::new(Some(9)), Voice::new(None));
    let mut crew = begin(&voices(&[("a", &first), ("b", &second)]), "");
    crew.services.order(say(1, 0));
    next(&mut crew, &mut Vec::new()).await;
    next(&mut crew, &mut Vec::new()).await;
    crew.services.order(Order::Cancel { generation: 1 });
    crew.services.order(say(2, 9));
    next(&mut crew, &mut Vec::new()).await;
    assert_eq!(second.pieces(), [(2, 9)]);
}

/// Remembers what it hears; answers a flush or fails at it, or says nothing at all.
struct Ear {
    at_flush: Option<Result<(), ProviderError>>,
    heard: Mutex<Vec<Hear>>,
}

impl Ear {
    fn new(at_flush: Option<Result<(), ProviderError>>) -> Arc<Self> {
        Arc::new(Self {
            at_flush,
            heard: Mutex::default(),
        })
    }
}

impl Listener for Ear {
    fn listen(
        self: Arc<Self>,
        mut orders: mpsc::Receiver<Hear>,
        heard: mpsc::Sender<Heard>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        Box::pin(async move {
            while let Some(order) = orders.recv().await {
                self.heard.lock().expect("no panic before").push(order);
                let Hear::Flush { utterance, flush } = order else {
                    continue;
                };
                match &self.at_flush {
                    None => {}
                    Some(Err(error)) => return Err(error.clone()),
                    Some(Ok(())) => {
                        let words = Heard::Words {
                            utterance: Some(utterance),
                            text: "hello".to_owned(),
                            flush: Some(flush),
                        };
                        let _taken = heard.send(words).await;
                    }
                }
            }
            Ok(())
        })
    }
}

fn ears(ears: &[(&str, &Arc<Ear>)]) -> Staff {
    let one = |(name, ear): &(&str, &Arc<Ear>)| named::<dyn Listener>(name, Arc::<Ear>::clone(ear));
    Staff {
        listen: ears.iter().map(one).collect(),
        ..Staff::default()
    }
}

/// Two seconds of sound, of which the last 400 ms are an utterance, and a flush.
fn utter(crew: &mut Crew) {
    for frame in 0..100 {
        crew.services.hear(&[frame; 160]);
        if frame == 89 {
            crew.services.order(Order::Begin {
                utterance: 3,
                before: 200,
            });
        }
    }
    crew.services.order(Order::Flush { utterance: 3, flush: 1 });
}

/// What the second listener has to hear: the utterance with what came just before it, and the question.
fn the_utterance(ear: &Ear) {
    let heard = ear.heard.lock().expect("no panic before");
    let sound: Vec<u8> = heard
        .iter()
        .filter_map(|order| match order {
            Hear::Sound(frame) => Some(frame.sound()[0]),
            _ => None,
        })
        .collect();
    assert_eq!(sound, (80..100).collect::<Vec<u8>>());
    assert!(
        heard.contains(&Hear::Begin {
            utterance: 3,
            before: 400
        }),
        "{heard:?}"
    );
    assert_eq!(heard.last(), Some(&Hear::Flush { utterance: 3, flush: 1 }));
}

#[tokio::test]
async fn the_next_listener_hears_the_utterance_from_its_start() {
    for failing in [Some(Err(broken())), None] {
        let (first, second) = (Ear::new(failing), Ear::new(Some(Ok(()))));
        let mut crew = begin(&ears(&[("a", &first), ("b", &second)]), "");
        utter(&mut crew);
        let mut served = Vec::new();
        let words = next(&mut crew, &mut served).await;
        assert!(
            matches!(&words, Signal::Words { utterance: Some(3), text, flush: Some(1) } if text == "hello"),
            "{words:?}"
        );
        assert_eq!(served, ["a", "b for a"]);
        the_utterance(&second);
    }
}

#[tokio::test]
async fn where_no_listener_is_left_it_is_told() {
    let ear = Ear::new(Some(Err(broken())));
    let mut crew = begin(&ears(&[("a", &ear)]), "");
    utter(&mut crew);
    let failed = next(&mut crew, &mut Vec::new()).await;
    assert!(
        matches!(
            failed,
            Signal::Failed {
                stage: Stage::Listen,
                generation: 3,
                ..
            }
        ),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_listener_that_takes_nothing_never_holds_up_the_call() {
    struct Deaf;
    impl Listener for Deaf {
        fn listen(
            self: Arc<Self>,
            orders: mpsc::Receiver<Hear>,
            _: mpsc::Sender<Heard>,
        ) -> BoxFuture<'static, Result<(), ProviderError>> {
            Box::pin(async move {
                let _kept = orders;
                std::future::pending().await
            })
        }
    }
    let staff = Staff {
        listen: vec![named::<dyn Listener>("deaf", Arc::new(Deaf))],
        ..Staff::default()
    };
    let mut crew = begin(&staff, "");
    for _ in 0..10 * SOUND {
        crew.services.hear(&[0; 160]);
    }
    crew.services.order(Order::Flush { utterance: 1, flush: 1 });
}

/// Says what it did.
struct Clerk;

impl Doer for Clerk {
    fn act(&self, call: &ActionCall) -> BoxFuture<'static, Result<String, String>> {
        let name = call.name.to_string();
        Box::pin(async move {
            if name == "slow" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(name)
        })
    }
}

#[tokio::test]
async fn actions_run_side_by_side_and_each_is_answered() {
    let staff = Staff {
        doer: Some(Arc::new(Clerk)),
        ..Staff::default()
    };
    let mut crew = begin(&staff, "");
    for name in ["slow", "quick"] {
        let call = ActionCall {
            id: name.into(),
            name: name.into(),
            arguments: "{}".into(),
        };
        crew.services.order(Order::Act { generation: 1, call });
    }
    for name in ["quick", "slow"] {
        let acted = Signal::Acted {
            generation: 1,
            id: name.into(),
            result: Ok(name.to_owned()),
        };
        assert_eq!(next(&mut crew, &mut Vec::new()).await, acted);
    }
}

/// Tells its signals, then fails.
struct Mind(Vec<LiveSignal>);

impl Duplex for Mind {
    fn run(
        self: Arc<Self>,
        _: Setup,
        _: mpsc::Receiver<ToModel>,
        told: mpsc::Sender<LiveSignal>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        Box::pin(async move {
            for signal in &self.0 {
                let _taken = told.send(signal.clone()).await;
            }
            Err(broken())
        })
    }
}

#[tokio::test]
async fn another_model_takes_over_only_where_the_first_has_said_nothing() {
    let sound = LiveSignal::Sound {
        response: "r".into(),
        item: "i".into(),
        ulaw: Bytes::from_static(&[1]),
    };
    let staff = Staff {
        live: vec![
            named::<dyn Duplex>("a", Arc::new(Mind(vec![LiveSignal::Ready]))),
            named::<dyn Duplex>("b", Arc::new(Mind(vec![LiveSignal::Ready, sound.clone()]))),
            named::<dyn Duplex>("c", Arc::new(Mind(vec![]))),
        ],
        ..Staff::default()
    };
    let mut crew = begin(&staff, "");
    let mut served = Vec::new();
    for expected in [LiveSignal::Ready, LiveSignal::Ready, sound] {
        assert_eq!(next(&mut crew, &mut served).await, Signal::Live(expected));
    }
    let failed = next(&mut crew, &mut served).await;
    assert!(
        matches!(failed, Signal::Failed { stage: Stage::Live, .. }),
        "{failed:?}"
    );
    assert_eq!(served, ["a", "b for a"]);
}
