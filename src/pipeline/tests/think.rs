//! The thinking stage.

use super::*;

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

/// What is told of an answer whose models break after these words: its words, and what the last signal is.
async fn broken_after(models: &[(&'static str, bool)]) -> (String, Signal, Vec<usize>) {
    let models: Vec<_> = models
        .iter()
        .map(|(words, breaks)| Model::new(&[words], if *breaks { Err(broken()) } else { Ok(()) }))
        .collect();
    let named: Vec<_> = ["a", "b"].into_iter().zip(&models).collect();
    let mut crew = begin(&thinkers(&named), "");
    crew.services.order(think(7));
    let mut words = String::new();
    loop {
        match next(&mut crew, &mut Vec::new()).await {
            Signal::Token { text, .. } => words.push_str(&text),
            last => {
                let asked = models.iter().map(|model| model.asked.load(Ordering::SeqCst));
                return (words, last, asked.collect());
            }
        }
    }
}

#[tokio::test]
async fn a_model_that_breaks_before_anything_can_be_spoken_is_replaced_unnoticed() {
    let (words, last, asked) = broken_after(&[("Good", true), ("Hello.", false)]).await;
    assert_eq!((&*words, &*asked), ("Hello.", &[1, 1][..]));
    assert!(
        matches!(last, Signal::Thought { generation: 7, usage } if !usage.estimated),
        "{last:?}"
    );
}

#[tokio::test]
async fn what_was_said_of_an_answer_that_breaks_stands_and_nobody_repeats_it() {
    for words in ["Good day. How", "We have looked at the calendar and there is room"] {
        let (told, last, asked) = broken_after(&[(words, true), ("Hello.", false)]).await;
        assert_eq!((&*told, &*asked), (words, &[1, 0][..]));
        let Signal::Thought { generation: 7, usage } = last else {
            panic!("{last:?}");
        };
        let completion = words.len().div_ceil(4) as u32;
        assert!(
            usage.estimated && usage.completion == completion && usage.prompt > 0,
            "{usage:?}"
        );
    }
}

#[tokio::test]
async fn where_nobody_does_better_a_whole_sentence_is_an_answer_and_a_scrap_is_a_failure() {
    let (words, last, _) = broken_after(&[("Yes.", true), ("No", true)]).await;
    assert_eq!(words, "Yes.");
    assert!(matches!(last, Signal::Thought { generation: 7, .. }), "{last:?}");
    let (words, last, _) = broken_after(&[("Yes", true), ("", true)]).await;
    assert_eq!(words, "");
    assert!(has_failed(&last, Stage::Think, 7), "{last:?}");
}

/// Wishes the same thing under the same name in every answer, or breaks down.
struct Wisher(&'static str);

impl Thinker for Wisher {
    fn think(
        self: Arc<Self>,
        _: Request,
        thoughts: mpsc::Sender<Thought>,
    ) -> BoxFuture<'static, Result<Usage, ProviderError>> {
        assert!(!self.0.is_empty(), "a fault of the program");
        Box::pin(async move {
            let _taken = thoughts.send(Thought::Wish(wish(self.0))).await;
            Ok(Usage::default())
        })
    }
}

fn wish(id: &str) -> ActionCall {
    ActionCall {
        id: id.into(),
        name: "book".into(),
        arguments: "{}".into(),
    }
}

#[tokio::test]
async fn a_wish_that_repeats_a_name_gets_another_one_and_only_then() {
    let staff = Staff {
        think: vec![named::<dyn Thinker>("a", Arc::new(Wisher("call_0")))],
        ..Staff::default()
    };
    let mut crew = begin(&staff, "");
    let of_agent = Message::Agent {
        text: "".into(),
        calls: vec![wish("call_0")],
    };
    let of_result = Message::Result {
        id: "call_0".into(),
        text: "ok".into(),
    };
    let other = Message::Agent {
        text: "call_0".into(),
        calls: vec![wish("call_1")],
    };
    for (generation, message, id) in [
        (4, other, "call_0"),
        (5, of_agent, "call_0_5"),
        (6, of_result, "call_0_6"),
    ] {
        let messages = Arc::new([Message::Caller("hello".into()), message]);
        crew.services.order(Order::Think { generation, messages });
        let call = wish(id);
        assert_eq!(
            next(&mut crew, &mut Vec::new()).await,
            Signal::Wish { generation, call }
        );
        next(&mut crew, &mut Vec::new()).await;
    }
}

#[tokio::test]
async fn a_model_that_breaks_down_is_replaced_like_one_that_fails() {
    let sound = Model::new(&["Yes."], Ok(()));
    let mut staff = thinkers(&[("b", &sound)]);
    staff.think.insert(0, named::<dyn Thinker>("a", Arc::new(Wisher(""))));
    let mut crew = begin(&staff, "");
    crew.services.order(think(2));
    let mut served = Vec::new();
    let (generation, text) = (2, "Yes.".to_owned());
    assert_eq!(next(&mut crew, &mut served).await, Signal::Token { generation, text });
    assert_eq!(served, ["a", "b for a"]);
}

#[tokio::test]
async fn a_cancelled_answer_is_dropped_and_the_next_one_is_begun() {
    let mut model = Model::new(&["Well, \n"], Ok(()));
    Arc::get_mut(&mut model).expect("nobody else has it").stalls = true;
    let mut crew = begin(&thinkers(&[("a", &model)]), "");
    crew.services.order(think(1));
    next(&mut crew, &mut Vec::new()).await;
    crew.services.order(Order::Cancel { generation: 1 });
    crew.services.order(think(3));
    let text = "Well, \n".to_owned();
    assert_eq!(
        next(&mut crew, &mut Vec::new()).await,
        Signal::Token { generation: 3, text }
    );
    assert_eq!(model.dropped.load(Ordering::SeqCst), 1);
}
