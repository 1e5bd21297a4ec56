//! The listening stage.

use super::*;

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
        let mut staff = ears(&[("a", &first), ("b", &second)]);
        staff.listen[0].patience.first = Duration::from_millis(50);
        let mut crew = begin(&staff, "");
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

#[tokio::test]
async fn a_listener_gets_the_time_that_it_was_given() {
    /// Answers a flush after a second and a half.
    struct Slow;
    impl Listener for Slow {
        fn listen(
            self: Arc<Self>,
            mut orders: mpsc::Receiver<Hear>,
            heard: mpsc::Sender<Heard>,
        ) -> BoxFuture<'static, Result<(), ProviderError>> {
            Box::pin(async move {
                while let Some(order) = orders.recv().await {
                    if let Hear::Flush { utterance, flush } = order {
                        tokio::time::sleep(Duration::from_millis(1_500)).await;
                        let words = Heard::Words {
                            utterance: Some(utterance),
                            text: "slowly".to_owned(),
                            flush: Some(flush),
                        };
                        let _taken = heard.send(words).await;
                    }
                }
                Ok(())
            })
        }
    }
    let mut staff = ears(&[("b", &Ear::new(Some(Ok(()))))]);
    staff.listen.insert(
        0,
        waited_for::<dyn Listener>("a", Arc::new(Slow), Duration::from_secs(30)),
    );
    let mut crew = begin(&staff, "");
    utter(&mut crew);
    let mut served = Vec::new();
    let words = next(&mut crew, &mut served).await;
    assert!(
        matches!(&words, Signal::Words { text, .. } if text == "slowly"),
        "{words:?}"
    );
    assert_eq!(served, ["a"]);
}
