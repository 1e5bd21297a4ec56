//! A small world around a conversation: a caller, a model that hears, answers and does not stop when it is told to, and a
//! carrier that plays what it is given word by word. Every word that is really played is written down.

use crate::audio::vad::{Kind, VadConfig};
use crate::talk::agent::{Line, Plan};
use crate::talk::live::LiveConversation;
use crate::talk::{
    ActionCall, Clip, End, Input, LiveOrder, LiveSignal, Order, Output, Play, Role, Signal, Stage, State, Talk, Turn,
    Usage,
};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Every word lasts so long, whoever says it.
pub const WORD: usize = 200;

pub const GREETING: usize = 0;
pub const IDLE: usize = 1;
pub const SORRY: usize = 2;
pub const FILLER: usize = 3;
pub const LONGEST: usize = 4;

pub fn clips() -> Vec<Clip> {
    let clip = |text: &str| {
        let sound: Vec<u8> = text.split_whitespace().flat_map(|_| vec![0x10; WORD * 8]).collect();
        Clip::new(sound, text)
    };
    [
        "good day to you all",
        "still there",
        "sorry about that",
        "one moment",
        "time is over",
    ]
    .map(clip)
    .to_vec()
}

/// A plan without a greeting whose every line is a clip.
pub fn plan() -> Plan {
    let mut plan = Plan::default();
    // The callers here are tones, which are no speech to the network.
    plan.listen.activity = VadConfig {
        kind: Kind::Energy,
        shortest: 60,
        ..VadConfig::default()
    };
    plan.idle.line = Some(Line::clip(IDLE));
    plan.sorry = Some(Line::clip(SORRY));
    plan.longest_line = Some(Line::clip(LONGEST));
    plan
}

/// What the model does in a response.
#[derive(Clone, Debug)]
pub enum Thought {
    Say(&'static str),
    Wish(&'static str, &'static str, &'static str),
    /// It says nothing more, not even that.
    Hang,
}

pub struct World {
    pub talk: LiveConversation,
    pub now: u64,
    /// What the model does, one response after the other; the last is repeated.
    pub mind: VecDeque<Vec<Thought>>,
    /// The model tells when the caller speaks, and when that is over.
    pub has_ears: bool,
    /// It answers what it hears without being asked.
    pub is_eager: bool,
    /// How long it takes to begin to answer.
    pub thinks: u64,
    /// When the caller's words come, after the end of the turn.
    pub transcript: Option<u64>,
    pub has_marks: bool,
    /// What actions give; None: nothing.
    pub act: Option<Result<String, String>>,
    pub seen: Vec<(u64, Output)>,
    /// Every word that was really played.
    pub played: Vec<String>,
    mail: Vec<(u64, Signal)>,
    queue: VecDeque<Item>,
    said: Vec<(String, usize)>,
    responses: usize,
    /// Responses before this one were cancelled; those of them that had not been told of are never told of.
    cancelled: usize,
    begun: HashSet<Arc<str>>,
    speaks: Option<String>,
    /// Wishes that were told while the conversation went on.
    pub wished: HashSet<Arc<str>>,
}

enum Item {
    Word(String, usize),
    Mark(Play),
}

impl World {
    /// A conversation whose model is there after 300 ms.
    pub fn new(plan: Plan, mind: &[&[Thought]]) -> Self {
        let mut world = Self::without_model(plan, mind);
        world.post(300, Signal::Live(LiveSignal::Ready));
        world
    }

    pub fn without_model(plan: Plan, mind: &[&[Thought]]) -> Self {
        let mut world = Self {
            talk: LiveConversation::new(Arc::new(plan), &clips()).unwrap(),
            now: 5000,
            mind: mind.iter().map(|thoughts| thoughts.to_vec()).collect(),
            has_ears: true,
            is_eager: true,
            thinks: 300,
            transcript: Some(400),
            has_marks: true,
            act: Some(Ok("done".into())),
            seen: Vec::new(),
            played: Vec::new(),
            mail: Vec::new(),
            queue: VecDeque::new(),
            said: Vec::new(),
            responses: 0,
            cancelled: 0,
            begun: HashSet::new(),
            speaks: None,
            wished: HashSet::new(),
        };
        world.input(Input::Started);
        world
    }

    /// Gives the conversation an input, and does what it wants done.
    pub fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.talk.handle(self.now, input, &mut out);
        for output in out {
            self.seen.push((self.now, output.clone()));
            match output {
                Output::Play { clip, play } => {
                    let text = clips()[clip].text.clone();
                    let words = text.split_whitespace().map(|word| Item::Word(word.into(), WORD));
                    self.queue.extend(words);
                    self.queue.push_back(Item::Mark(play));
                }
                Output::Sound { ulaw } => self.sound(&ulaw),
                Output::Mark { play } => self.queue.push_back(Item::Mark(play)),
                Output::Clear => {
                    let swept: Vec<Item> = self.queue.drain(..).collect();
                    for item in swept {
                        if let Item::Mark(play) = item {
                            self.input(Input::Played(play));
                        }
                    }
                }
                Output::Order(Order::Live(order)) => self.order(order),
                Output::Order(Order::Act { generation, call }) => {
                    if let Some(result) = self.act.clone() {
                        let id = call.id;
                        self.post(400, Signal::Acted { generation, id, result });
                    }
                }
                _ => {}
            }
        }
    }

    fn sound(&mut self, ulaw: &[u8]) {
        for part in ulaw.chunks(100 * 8) {
            // The number of a word stands at its beginning.
            let word = match part[0] {
                0 => {
                    let (word, response) = &self.said[usize::from(part[1]) * 256 + usize::from(part[2])];
                    assert!(
                        *response >= self.cancelled,
                        "`{word}` of a cancelled response is given to the carrier"
                    );
                    word.clone()
                }
                _ => String::new(),
            };
            self.queue.push_back(Item::Word(word, part.len() / 8));
        }
    }

    fn order(&mut self, order: LiveOrder) {
        match order {
            LiveOrder::Cancel => {
                self.cancelled = self.responses;
                let begun = &self.begun;
                self.mail
                    .retain(|(_, signal)| response_of(signal).is_none_or(|response| begun.contains(response)));
            }
            LiveOrder::Respond { instructions } => {
                let line = instructions
                    .as_ref()
                    .and_then(|words| words.strip_prefix("Say exactly: "));
                match line {
                    Some(line) => self.respond(vec![Thought::Say(String::from(line).leak())]),
                    None => self.think(),
                }
            }
            LiveOrder::Result { respond: true, .. } => self.think(),
            LiveOrder::Result { .. } | LiveOrder::Truncate { .. } | LiveOrder::Typed { .. } => {}
        }
    }

    /// The model answers what it heard.
    pub fn think(&mut self) {
        let thoughts = match self.mind.len() {
            0 => vec![Thought::Say("well")],
            1 => self.mind[0].clone(),
            _ => self.mind.pop_front().unwrap(),
        };
        self.respond(thoughts);
    }

    fn respond(&mut self, thoughts: Vec<Thought>) {
        let number = self.responses;
        self.responses += 1;
        let (response, item): (Arc<str>, Arc<str>) = (format!("r{number}").into(), format!("i{number}").into());
        // That a response begins is told long before anything comes of it.
        let mut at = self.thinks;
        self.post_live(
            60,
            LiveSignal::Responding {
                response: response.clone(),
            },
        );
        for thought in thoughts {
            match thought {
                Thought::Say(text) => {
                    for word in text.split_whitespace() {
                        let index = self.said.len();
                        self.said.push((word.to_owned(), number));
                        let mut sound = vec![0xFF; WORD * 8];
                        sound[..3].copy_from_slice(&[0, (index / 256) as u8, (index % 256) as u8]);
                        let (response, item) = (response.clone(), item.clone());
                        let text = format!("{word} ");
                        self.post_live(
                            at,
                            LiveSignal::Words {
                                item: item.clone(),
                                text,
                            },
                        );
                        let ulaw = sound.into();
                        self.post_live(at, LiveSignal::Sound { response, item, ulaw });
                        at += 40;
                    }
                }
                Thought::Wish(id, name, arguments) => {
                    let response = response.clone();
                    let call = ActionCall {
                        id: id.into(),
                        name: name.into(),
                        arguments: arguments.into(),
                    };
                    self.post_live(at, LiveSignal::Wish { response, call });
                }
                Thought::Hang => return,
            }
        }
        let usage = Usage {
            prompt: 10,
            ..Usage::default()
        };
        let complete = true;
        self.post_live(
            at,
            LiveSignal::Done {
                response,
                usage,
                complete,
            },
        );
    }

    pub fn post(&mut self, after: u64, signal: Signal) {
        self.mail.push((self.now + after, signal));
    }

    fn post_live(&mut self, after: u64, signal: LiveSignal) {
        self.post(after, Signal::Live(signal));
    }

    pub fn live(&mut self, signal: LiveSignal) {
        self.input(Input::Signal(&Signal::Live(signal)));
    }

    /// A signal that the model of this world would not send now.
    pub fn stray(&mut self, signal: LiveSignal) {
        let signal = Signal::Live(signal);
        self.note(&signal);
        self.input(Input::Signal(&signal));
    }

    fn note(&mut self, signal: &Signal) {
        if let Some(response) = response_of(signal) {
            self.begun.insert(response.clone());
        }
        if let Signal::Live(LiveSignal::Wish { call, .. }) = signal
            && self.talk.deadline().is_some()
        {
            self.wished.insert(call.id.clone());
        }
    }

    pub fn fail(&mut self) {
        let (stage, generation, error) = (Stage::Live, 0, "gone".into());
        self.input(Input::Signal(&Signal::Failed {
            stage,
            generation,
            error,
        }));
    }

    pub fn keys(&mut self, keys: &str) {
        keys.chars().for_each(|key| self.input(Input::Digit(key)));
    }

    /// Lets time pass with a frame of this level every 20 ms; None: no frames at all.
    pub fn pass(&mut self, millis: u64, code: Option<u8>) {
        let end = self.now + millis;
        while self.now < end {
            self.now += 20;
            self.play();
            let now = self.now;
            // One by one: what comes of the first may take back the second.
            while let Some(at) = self.mail.iter().position(|(at, _)| *at <= now) {
                let (_, signal) = self.mail.remove(at);
                self.note(&signal);
                if signal == Signal::Live(LiveSignal::SpeechStopped) {
                    self.stopped();
                }
                self.input(Input::Signal(&signal));
            }
            if let Some(code) = code {
                let frame: Vec<u8> = (0..160).map(|n| if n % 2 == 0 { code } else { 0xFF }).collect();
                self.input(Input::Frame(&frame));
            }
            if self.talk.deadline().is_some_and(|deadline| deadline <= now) {
                self.input(Input::Tick);
            }
        }
    }

    /// The model has heard the end of the caller's turn.
    fn stopped(&mut self) {
        let text = self.speaks.take().unwrap_or_default();
        if let Some(after) = self.transcript {
            let half = text.split_whitespace().next().unwrap_or_default().to_owned();
            self.post_live(
                after / 2,
                LiveSignal::Caller {
                    text: half,
                    last: false,
                },
            );
            self.post_live(after, LiveSignal::Caller { text, last: true });
        }
        if self.is_eager {
            self.think();
        }
    }

    /// Twenty milliseconds at the caller's ear.
    fn play(&mut self) {
        let mut left = 20;
        loop {
            match self.queue.front_mut() {
                Some(Item::Mark(play)) => {
                    let play = *play;
                    self.queue.pop_front();
                    if self.has_marks {
                        self.input(Input::Played(play));
                    }
                }
                Some(Item::Word(word, millis)) if left > 0 => {
                    if !word.is_empty() {
                        self.played.push(std::mem::take(word));
                    }
                    let step = left.min(*millis);
                    *millis -= step;
                    left -= step;
                    if *millis == 0 {
                        self.queue.pop_front();
                    }
                }
                _ => return,
            }
        }
    }

    pub fn quiet(&mut self, millis: u64) {
        self.pass(millis, Some(0xFF));
    }

    pub fn speech(&mut self, millis: u64) {
        self.pass(millis, Some(0x90));
    }

    /// The caller says this, a word every 200 ms; a model with ears hears it after 100 ms, and its end after 500.
    pub fn say(&mut self, text: &str) {
        let millis = (text.split_whitespace().count() * WORD) as u64;
        if self.has_ears {
            self.post_live(100, LiveSignal::SpeechStarted);
            self.post_live(millis + 500, LiveSignal::SpeechStopped);
        }
        self.speaks = Some(text.to_owned());
        self.speech(millis);
    }

    pub fn all_turns(&self) -> impl Iterator<Item = &Turn> {
        self.seen.iter().filter_map(|(_, output)| match output {
            Output::Turn(turn) => Some(turn),
            _ => None,
        })
    }

    pub fn turns(&self) -> Vec<(Role, &str, bool)> {
        let all = self.all_turns();
        all.map(|turn| (turn.role, &*turn.text, turn.interrupted)).collect()
    }

    /// When outputs like this were seen, since the beginning.
    pub fn times(&self, wanted: impl Fn(&Output) -> bool) -> Vec<u64> {
        let fits = self.seen.iter().filter(|(_, output)| wanted(output));
        fits.map(|(at, _)| at - 5000).collect()
    }

    pub fn orders(&self) -> Vec<&LiveOrder> {
        let mut orders = Vec::new();
        for (_, output) in &self.seen {
            if let Output::Order(Order::Live(order)) = output {
                orders.push(order);
            }
        }
        orders
    }

    /// What the model was told about its wishes.
    pub fn results(&self) -> Vec<(&str, &str, bool)> {
        let mut results = Vec::new();
        for order in self.orders() {
            if let LiveOrder::Result { id, text, respond } = order {
                results.push((&**id, &**text, *respond));
            }
        }
        results
    }

    pub fn responds(&self) -> usize {
        let is_respond = |order: &&LiveOrder| matches!(order, LiveOrder::Respond { .. });
        self.orders().into_iter().filter(is_respond).count()
    }

    pub fn finished(&self) -> Option<(&str, End)> {
        let mut ends = self.seen.iter().filter_map(|(_, output)| match output {
            Output::Finish { exit, why } => Some((&**exit, *why)),
            _ => None,
        });
        let first = ends.next();
        assert_eq!(ends.next(), None, "a conversation ends once");
        first
    }

    pub fn states(&self) -> Vec<State> {
        let state = |(_, output): &(u64, Output)| match output {
            Output::State(state) => Some(*state),
            _ => None,
        };
        self.seen.iter().filter_map(state).collect()
    }

    pub fn heard(&self) -> String {
        self.played.join(" ")
    }
}

fn response_of(signal: &Signal) -> Option<&Arc<str>> {
    match signal {
        Signal::Live(
            LiveSignal::Responding { response }
            | LiveSignal::Sound { response, .. }
            | LiveSignal::Wish { response, .. }
            | LiveSignal::Done { response, .. },
        ) => Some(response),
        _ => None,
    }
}
