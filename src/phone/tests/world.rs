//! A flow in memory, and what a test wants to know of a call on it.

use crate::call::{Asset, EndReason, Event, Flow, Phase};
use crate::compile::{Files, ProviderNames, compile};
use crate::phone::{Beginning, Drive, Machine, Mishap, Move, Phone, START, Stage, What};

/// A flow and its stage. Every sound below `tts/` is two seconds long.
pub struct World {
    pub flow: Flow,
    pub stage: Stage,
}

struct Memory<'a>(&'a str);

impl Files for Memory<'_> {
    fn text(&self, path: &str) -> Option<String> {
        (path == "flows/t.yaml").then(|| self.0.to_owned())
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        let asset = Asset {
            millis: Some(2_000),
            lead: 0,
        };
        path.starts_with("tts/").then(|| (asset, path.to_owned()))
    }

    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn providers(&self) -> ProviderNames {
        crate::line::declared("")
    }
}

impl World {
    /// A whole flow file.
    pub fn new(yaml: &str) -> Self {
        let compiled = compile("flows/t.yaml", &Memory(yaml));
        match compiled.flow {
            Some(flow) => Self {
                flow,
                stage: Stage::new(compiled.templates),
            },
            None => panic!("the flow does not compile: {:#?}", compiled.findings),
        }
    }

    /// A flow that begins with this step and can go on to `fine`, `one`, `two` and, by default, `other`: each says its
    /// name and hangs up.
    pub fn step(first: &str) -> Self {
        Self::new(&flow(first))
    }

    /// A call comes in.
    pub fn rings(&self) -> Phone<'_> {
        self.rings_by(&Machine, None)
    }

    /// A call comes in and its first request meets a mishap.
    pub fn rings_by<'a>(&'a self, drive: &'a dyn Drive, mishap: Option<Mishap>) -> Phone<'a> {
        let beginning = Beginning {
            tell: true,
            mishap,
            probe: None,
        };
        Phone::rings_with(&self.flow, &self.stage, drive, &arrival(), beginning)
    }

    /// A call comes in, and these moves are made, each of which must be possible.
    pub fn plays(&self, moves: &[Move]) -> Phone<'_> {
        let mut phone = self.rings();
        for next in moves {
            assert!(
                phone.make(next, None),
                "{next:?} is not possible: {:?}",
                phone.leg.doing()
            );
        }
        assert_eq!(phone.violations, [], "after {moves:?}");
        phone
    }
}

pub fn flow(first: &str) -> String {
    let says = |name: &str| format!("  {name}: {{say: {name}, next: bye}}\n");
    format!(
        "flow: t\nlocale: en-US\nstart: {{call: first}}\notherwise: other\nsteps:\n  first: {first}\n{}{}{}{}  bye: {{hangup: {{}}}}\n",
        says("fine"),
        says("one"),
        says("two"),
        says("other")
    )
}

pub fn arrival() -> crate::call::Arrival {
    let fields = [
        ("CallSid", "CA1"),
        ("From", "+15005550006"),
        ("To", "+15005550009"),
        ("CallStatus", "ringing"),
    ];
    crate::call::Arrival {
        params: fields.into_iter().collect(),
        origin: "https://voice.example.com".to_owned(),
        seed: "00112233445566778899aabbccddeeff".to_owned(),
        contact: None,
        draining: false,
    }
}

/// Everything that the caller heard, in order.
pub fn heard(phone: &Phone<'_>) -> Vec<String> {
    let told = phone.told.iter().flatten();
    told.filter_map(|told| match &told.what {
        What::Hears { what, .. } => Some(what.clone()),
        _ => None,
    })
    .collect()
}

/// What the caller heard last.
pub fn latest(phone: &Phone<'_>) -> String {
    heard(phone).pop().unwrap_or_default()
}

/// Milliseconds since the call came in.
pub fn elapsed(phone: &Phone<'_>) -> u64 {
    phone.now.since(START)
}

/// How the call ended; none while it lives.
pub fn end(phone: &Phone<'_>) -> Option<EndReason> {
    match &phone.call.phase {
        Phase::Ended { reason, .. } => Some(*reason),
        Phase::Live(_) => None,
    }
}

/// The names of the tasks under way.
pub fn tasks(phone: &Phone<'_>) -> Vec<&'static str> {
    phone.tasks.iter().map(|task| task.kind.name()).collect()
}

/// Whether this event is one of the kind that a fault is for.
pub fn is_request(event: &Event) -> bool {
    matches!(event, Event::CarrierAsked { .. })
}
