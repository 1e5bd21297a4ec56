//! The speaking stage.

use super::*;

/// Speaks each piece as its number in bytes, until a piece that it does not manage.
struct Voice {
    breaks_at: Option<u32>,
    /// How often it breaks there, and how many bytes of the piece it has given by then.
    breaks: AtomicUsize,
    given: usize,
    heard: Mutex<Vec<Say>>,
}

impl Voice {
    fn new(breaks_at: Option<u32>) -> Arc<Self> {
        Self::breaking(breaks_at, usize::MAX, 0)
    }

    fn breaking(breaks_at: Option<u32>, breaks: usize, given: usize) -> Arc<Self> {
        Arc::new(Self {
            breaks_at,
            breaks: AtomicUsize::new(breaks),
            given,
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
                let breaks = self.breaks_at == Some(piece) && self.breaks.load(Ordering::SeqCst) > 0;
                let length = if breaks { self.given } else { 8 };
                let ulaw = Bytes::from(vec![piece as u8; length]);
                let _taken = spoken
                    .send(Spoken::Sound {
                        generation,
                        piece,
                        ulaw,
                    })
                    .await;
                if breaks {
                    self.breaks.fetch_sub(1, Ordering::SeqCst);
                    return Err(broken());
                }
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
        text: "words that take two seconds".into(),
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

/// What is told of an answer of so many pieces: `true` is sound of a piece, `false` that it was spoken.
async fn told(crew: &mut Crew, served: &mut Vec<String>, pieces: u32) -> Vec<(u32, bool)> {
    for piece in 0..pieces {
        crew.services.order(say(1, piece));
    }
    crew.services.order(Order::SayNoMore { generation: 1 });
    let mut told = Vec::new();
    while told.last() != Some(&(pieces - 1, false)) {
        match next(crew, served).await {
            Signal::Sound { piece, .. } => told.push((piece, true)),
            Signal::Spoken { piece, .. } | Signal::CutShort { piece, .. } => told.push((piece, false)),
            other => panic!("{other:?}"),
        }
    }
    told
}

#[tokio::test]
async fn a_piece_that_was_half_heard_is_not_begun_again() {
    let (first, second) = (Voice::breaking(Some(1), 1, 3_000), Voice::new(None));
    let mut crew = begin(&voices(&[("a", &first), ("b", &second)]), "");
    let mut served = Vec::new();
    let all = [(0, true), (0, false), (1, true), (1, false), (2, true), (2, false)];
    assert_eq!(told(&mut crew, &mut served, 3).await, all);
    assert_eq!(second.pieces(), [(1, 2)]);
    assert_eq!(served, ["a", "b for a"]);
}

#[tokio::test]
async fn a_piece_of_which_a_scrap_was_heard_is_spoken_anew() {
    let (first, second) = (Voice::breaking(Some(0), 1, 800), Voice::new(None));
    let mut crew = begin(&voices(&[("a", &first), ("b", &second)]), "");
    let all = [(0, true), (0, true), (0, false)];
    assert_eq!(told(&mut crew, &mut Vec::new(), 1).await, all);
    assert_eq!(second.pieces(), [(1, 0)]);
}

#[tokio::test]
async fn the_half_of_an_only_piece_stands_and_the_next_answer_is_spoken() {
    let voice = Voice::breaking(Some(0), 1, 3_000);
    let mut crew = begin(&voices(&[("a", &voice)]), "");
    assert_eq!(told(&mut crew, &mut Vec::new(), 1).await, [(0, true), (0, false)]);
    crew.services.order(say(2, 0));
    for _ in 0..2 {
        let signal = next(&mut crew, &mut Vec::new()).await;
        assert!(
            matches!(
                signal,
                Signal::Sound { generation: 2, .. } | Signal::Spoken { generation: 2, .. }
            ),
            "{signal:?}"
        );
    }
}

#[tokio::test]
async fn a_voice_that_worked_is_tried_again_before_it_is_given_up() {
    let voice = Voice::breaking(Some(1), 1, 0);
    let mut crew = begin(&voices(&[("a", &voice)]), "");
    let mut served = Vec::new();
    let all = [(0, true), (0, false), (1, true), (1, false)];
    assert_eq!(told(&mut crew, &mut served, 2).await, all);
    assert_eq!(voice.pieces()[..], [(1, 0), (1, 1), (1, 1)]);
    assert_eq!(served, ["a"], "nobody else serves");
    // One that keeps breaking is given up.
    let voice = Voice::new(Some(1));
    let mut crew = begin(&voices(&[("a", &voice)]), "");
    for piece in 0..2 {
        crew.services.order(say(1, piece));
    }
    next(&mut crew, &mut Vec::new()).await;
    next(&mut crew, &mut Vec::new()).await;
    let failed = next(&mut crew, &mut Vec::new()).await;
    assert!(has_failed(&failed, Stage::Speak, 1), "{failed:?}");
}

/// Gives a minute of sound for every piece, as fast as it is taken; or ends by itself.
struct Flood {
    ends: bool,
}

impl Speaker for Flood {
    fn speak(
        self: Arc<Self>,
        mut orders: mpsc::Receiver<Say>,
        spoken: mpsc::Sender<Spoken>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        Box::pin(async move {
            while let Some(order) = orders.recv().await {
                if self.ends {
                    return Ok(());
                }
                let Say::Piece { generation, piece, .. } = order else {
                    continue;
                };
                for _ in 0..60 {
                    let ulaw = Bytes::from(vec![1; 8_000]);
                    let sound = Spoken::Sound {
                        generation,
                        piece,
                        ulaw,
                    };
                    let _taken = spoken.send(sound).await;
                }
                let _taken = spoken.send(Spoken::Done { generation, piece }).await;
            }
            Ok(())
        })
    }
}

fn flood(ends: bool) -> Staff {
    Staff {
        speak: vec![named::<dyn Speaker>("a", Arc::new(Flood { ends }))],
        ..Staff::default()
    }
}

#[tokio::test]
async fn sound_is_held_back_far_ahead_of_the_ear_and_a_cancelled_answer_makes_room_at_once() {
    let mut crew = begin(&flood(false), "");
    let began = std::time::Instant::now();
    crew.services.order(say(1, 0));
    let mut given = 0;
    while let Ok(Some(signal)) = tokio::time::timeout(Duration::from_millis(300), crew.signals.recv()).await {
        if let Signal::Sound { ulaw, .. } = signal {
            given += ulaw.len();
        }
    }
    let most = 164_000 + 8 * began.elapsed().as_millis() as usize;
    assert!(given <= most, "{given} bytes are ahead");
    crew.services.order(Order::Cancel { generation: 1 });
    crew.services.order(say(2, 0));
    let mut newer = 0;
    while newer <= 80_000 {
        match next(&mut crew, &mut Vec::new()).await {
            Signal::Sound {
                generation: 2, ulaw, ..
            } => newer += ulaw.len(),
            Signal::Sound {
                generation: 1, ulaw, ..
            } if newer == 0 => given += ulaw.len(),
            other => panic!("{other:?}"),
        }
    }
    let most = 164_000 + 8 * began.elapsed().as_millis() as usize;
    assert!(given <= most, "{given} bytes of an answer that was cancelled");
}

#[tokio::test]
async fn a_voice_that_ends_by_itself_has_failed() {
    let mut crew = begin(&flood(true), "");
    crew.services.order(say(3, 0));
    let failed = next(&mut crew, &mut Vec::new()).await;
    assert!(has_failed(&failed, Stage::Speak, 3), "{failed:?}");
}
