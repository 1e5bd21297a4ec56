//! Tests of a text session whose answers come from others: a test plays the carrier and the model both.

use super::super::super::host::{Crew, Services};
use super::*;
use crate::talk::agent::{Action, ActionKind, Line as Words, Plan};
use crate::talk::relay::{Answering, Input, Output, TextTalk};
use crate::talk::{ActionCall, Message as Said, Order, Signal, Usage};
use serde_json::Map;

/// Gives every order to the test.
struct Model(mpsc::UnboundedSender<Order>);

impl Services for Model {
    fn hear(&mut self, _frame: &[u8]) {
        panic!("there is no sound here");
    }

    fn order(&mut self, order: Order) {
        self.0.send(order).expect("the test outlives the session");
    }
}

/// Admits one session with an agent.
struct Agent {
    setup: Mutex<Option<RelaySetup>>,
    events: Mutex<Vec<Event>>,
}

impl Host for Agent {
    fn admit(&self, _start: Start) -> BoxFuture<'_, Admission> {
        let setup = self.setup.lock().unwrap().take().unwrap();
        Box::pin(async move { Admission::Relay(setup) })
    }

    fn report<'a>(&'a self, _call_sid: &'a str, event: Event) -> BoxFuture<'a, ()> {
        self.events.lock().unwrap().push(event);
        Box::pin(async {})
    }
}

struct Stage {
    host: Arc<Agent>,
    carrier: Carrier<TcpStream>,
    control: mpsc::Sender<Control>,
    orders: mpsc::UnboundedReceiver<Order>,
    signals: mpsc::Sender<Signal>,
}

fn plan() -> Plan {
    Plan {
        sorry: Some(Words::words("sorry")),
        actions: vec![
            Action::new("note", ActionKind::Set("lead".into())),
            Action::new("bye", ActionKind::HangUp),
            Action::new("book", ActionKind::Do),
        ],
        ..Plan::default()
    }
}

/// A conversation that breaks down at the first word of the caller.
struct Faulty;

impl TextTalk for Faulty {
    fn handle(&mut self, _now: u64, input: Input<'_>, _out: &mut Vec<Output>) {
        assert!(!matches!(input, Input::Prompt { .. }), "it does not understand");
    }

    fn deadline(&self) -> Option<u64> {
        None
    }
}

impl Stage {
    async fn new(plan: Plan, has_crew: bool) -> Self {
        let talk = Answering::new(Arc::new(plan), &[], "be kind".into()).unwrap();
        Self::with(Box::new(talk), has_crew).await
    }

    async fn with(talk: Box<dyn TextTalk>, has_crew: bool) -> Self {
        let (control, controls) = mpsc::channel(4);
        let (ordered, orders) = mpsc::unbounded_channel();
        let (signals, told) = mpsc::channel(4);
        let crew = Crew {
            services: Box::new(Model(ordered)),
            signals: told,
        };
        let setup = RelaySetup {
            talk,
            sources: Vec::new(),
            pulse: Arc::new(Pulse::new()),
            control: controls,
            crew: has_crew.then_some(crew),
        };
        let host = Arc::new(Agent {
            setup: Mutex::new(Some(setup)),
            events: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let agent = host.clone();
        let session = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let socket = accept_async_with_config(stream, Some(config())).await.unwrap();
            run_relay_within(Limits::default(), socket, None, &*agent).await
        });
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async("ws://127.0.0.1/", stream).await.unwrap();
        let mut carrier = Carrier { socket, session };
        carrier.setup("good").await;
        Self {
            host,
            carrier,
            control,
            orders,
            signals,
        }
    }

    async fn ordered(&mut self) -> Order {
        let order = timeout(Duration::from_secs(60), self.orders.recv()).await;
        order.expect("nothing is wanted").expect("the session is over")
    }

    /// The answer that is wanted, and to what.
    async fn asked(&mut self) -> (u32, Arc<[Said]>) {
        match self.ordered().await {
            Order::Think { generation, messages } => (generation, messages),
            other => panic!("{other:?}"),
        }
    }

    async fn token(&self, generation: u32, text: &str) {
        let text = text.to_owned();
        self.signals.send(Signal::Token { generation, text }).await.unwrap();
    }

    async fn thought(&self, generation: u32) {
        let usage = Usage::default();
        self.signals.send(Signal::Thought { generation, usage }).await.unwrap();
    }

    async fn wish(&self, generation: u32, name: &str) {
        let call = ActionCall {
            id: name.into(),
            name: name.into(),
            arguments: "{}".into(),
        };
        self.signals.send(Signal::Wish { generation, call }).await.unwrap();
    }

    fn turns(&self) -> Vec<String> {
        let events = self.host.events.lock().unwrap();
        let turn = |event: &Event| match event {
            Event::Turn(turn) => Some(format!("{} {:?} {}", turn.role.name(), turn.text, turn.interrupted)),
            _ => None,
        };
        events.iter().filter_map(turn).collect()
    }
}

fn part(token: &str, last: bool) -> Value {
    json!({"type": "text", "token": token, "last": last, "interruptible": true})
}

fn caller(text: &str) -> Said {
    Said::Caller(text.into())
}

#[tokio::test]
async fn an_answer_is_streamed_and_cut_off_to_the_word() {
    let mut stage = Stage::new(plan(), true).await;
    stage.carrier.prompt("do you", false).await;
    stage.carrier.prompt("do you have a flat", true).await;
    let (generation, messages) = stage.asked().await;
    assert_eq!(messages[1..], [caller("do you have a flat")]);
    stage.token(generation, "We have ").await;
    stage.token(generation, "two. One is").await;
    assert_eq!(stage.carrier.message().await, part("We have two. ", false));
    stage.token(generation, " in Haifa.").await;
    stage.thought(generation).await;
    assert_eq!(stage.carrier.message().await, part("One is in Haifa.", true));

    let interrupt =
        json!({"type": "interrupt", "utteranceUntilInterrupt": "We have two. One", "durationUntilInterruptMs": "460"});
    stage.carrier.say(interrupt).await;
    assert_eq!(stage.ordered().await, Order::Cancel { generation });
    stage.carrier.prompt("where is it", true).await;
    let (next, messages) = stage.asked().await;
    let heard = Said::Agent {
        text: "We have two. One".into(),
        calls: Vec::new(),
    };
    assert_eq!(
        messages[1..],
        [caller("do you have a flat"), heard, caller("where is it")]
    );
    // What is late is dropped; what comes after it is not.
    stage.token(generation, "Late. ").await;
    stage.wish(next, "note").await;
    stage.token(next, "Goodbye. ").await;
    stage.thought(next).await;
    assert_eq!(stage.carrier.message().await, part("Goodbye. ", false));
    assert_eq!(stage.carrier.message().await, part("", true));
    let (last, _) = stage.asked().await;
    stage.wish(last, "bye").await;
    stage.thought(last).await;
    assert_eq!(
        stage.carrier.message().await,
        json!({"type": "end", "handoffData": "{\"exit\":\"completed\"}"})
    );
    assert_eq!(
        stage.turns(),
        [
            "caller \"do you have a flat\" false",
            "agent \"We have two. One\" true",
            "caller \"where is it\" false",
            "agent \"Goodbye.\" false"
        ]
    );
    let set = Event::Set(Map::from_iter([("lead".to_owned(), json!({}))]));
    assert!(stage.host.events.lock().unwrap().contains(&set));
    let (code, summary) = stage.carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Finished));
    assert_eq!(stage.orders.recv().await, None, "and those who served it are let go");
}

#[tokio::test]
async fn a_model_that_never_stops_keeps_nobody_waiting() {
    let mut stage = Stage::new(plan(), true).await;
    let flood = stage.signals.clone();
    let flooding = tokio::spawn(async move {
        let text = String::from("Nobody asked. ");
        let signal = Signal::Token { generation: 77, text };
        let mut count = 0_u64;
        while flood.send(signal.clone()).await.is_ok() {
            count += 1;
        }
        count
    });
    stage.carrier.prompt("hello there", true).await;
    let (generation, _) = stage.asked().await;
    stage.token(generation, "Hello. ").await;
    assert_eq!(stage.carrier.message().await, part("Hello. ", false));
    stage.control.send(Control::Close).await.unwrap();
    assert_eq!(stage.carrier.message().await, json!({"type": "end"}));
    let (_, summary) = stage.carrier.closed().await;
    assert_eq!(summary.reason, CloseReason::Closed);
    assert!(flooding.await.unwrap() > 0);
}

#[tokio::test]
async fn a_caller_whose_model_is_gone_is_told_so() {
    for has_crew in [true, false] {
        let mut hasty = plan();
        hasty.waits.first_token = 50;
        let mut stage = Stage::new(hasty, has_crew).await;
        (stage.signals, _) = mpsc::channel(1);
        stage.carrier.prompt("hello there", true).await;
        let sorry = json!({"type": "text", "token": "sorry", "last": true, "interruptible": false});
        assert_eq!(stage.carrier.message().await, sorry);
        assert_eq!(
            stage.carrier.message().await,
            json!({"type": "end", "handoffData": "{\"exit\":\"failed\"}"})
        );
        assert_eq!(stage.turns(), ["caller \"hello there\" false", "agent \"sorry\" false"]);
    }
}

#[tokio::test]
async fn a_drain_lets_an_answer_be_told_to_its_end() {
    let mut stage = Stage::new(plan(), true).await;
    stage.carrier.prompt("hello there", true).await;
    let (generation, _) = stage.asked().await;
    stage.token(generation, "One. ").await;
    assert_eq!(stage.carrier.message().await, part("One. ", false));
    stage.control.send(Control::Drain).await.unwrap();
    // The order to drain is not answered; it has been taken when its channel is empty again.
    while stage.control.capacity() < stage.control.max_capacity() {
        tokio::task::yield_now().await;
    }
    stage.token(generation, "Two.").await;
    stage.thought(generation).await;
    assert_eq!(stage.carrier.message().await, part("Two.", true));
    assert_eq!(stage.carrier.message().await, json!({"type": "end"}));
    assert_eq!(stage.turns()[1], "agent \"One. Two.\" false");
    let (_, summary) = stage.carrier.closed().await;
    assert_eq!(summary.reason, CloseReason::Drained);
}

#[tokio::test]
async fn what_is_found_out_and_what_is_done_with_it_are_told_in_their_order() {
    let mut stage = Stage::new(plan(), true).await;
    stage.carrier.prompt("book it for me", true).await;
    let (generation, _) = stage.asked().await;
    stage.wish(generation, "note").await;
    stage.wish(generation, "book").await;
    stage.thought(generation).await;
    match stage.ordered().await {
        Order::Act { call, .. } => assert_eq!(&*call.name, "book"),
        other => panic!("{other:?}"),
    }
    stage.control.send(Control::Close).await.unwrap();
    assert_eq!(stage.carrier.message().await, json!({"type": "end"}));
    let events = stage.host.events.lock().unwrap().clone();
    let order: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            Event::Set(_) => Some("set"),
            Event::Wished { name, .. } => Some(&**name),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["set", "book"]);
}

#[tokio::test]
async fn a_conversation_that_breaks_down_ends_alone() {
    let mut other = Stage::new(plan(), true).await;
    let mut stage = Stage::with(Box::new(Faulty), true).await;
    stage.carrier.prompt("hello there", true).await;
    let (code, summary) = stage.carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Failed));
    let events = stage.host.events.lock().unwrap().clone();
    assert!(
        matches!(
            events[..],
            [Event::Closed {
                reason: CloseReason::Failed,
                ..
            }]
        ),
        "{events:?}"
    );
    assert_eq!(stage.orders.recv().await, None, "those who served it are let go");
    other.carrier.prompt("hello there", true).await;
    other.asked().await;
}
