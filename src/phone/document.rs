//! From rendered TwiML to acts.

use super::act::{Act, Dial, Gather, Record, Sound, Stream, Way};
use super::stage::Stage;
use crate::call::{Flow, Route, Ticket};
use crate::twiml::Element;
use std::sync::Arc;

/// How long a sound is taken to be whose length nobody knows, as in the call machine.
const UNKNOWN_SOUND: u64 = 10_000;
/// Speech is about this many milliseconds a character: 14 characters a second.
const PER_CHARACTER: u64 = 72;
/// One key of `<Play digits>`.
const PER_KEY: u64 = 250;
/// `w` and `W` in `<Play digits>`: half a second and a second in which nothing is heard.
const WAITS: [(char, u64); 2] = [('w', 500), ('W', 1_000)];
/// No verb lasts longer than the call's limit and this: by then the engine has given the call up.
const AFTER_THE_LIMIT: u64 = 600_000;
/// So often at most a sound with pauses in it is taken to be repeated: the longest pause is known long before.
const REPEATED: usize = 100;

/// The acts of a document.
pub(super) fn acts(stage: &Stage, flow: &Flow, root: &Element) -> Vec<Act> {
    let reader = Reader { stage, flow };
    root.children.iter().flat_map(|verb| reader.verb(verb)).collect()
}

struct Reader<'a> {
    stage: &'a Stage,
    flow: &'a Flow,
}

impl Reader<'_> {
    fn verb(&self, verb: &Element) -> Vec<Act> {
        let act = match verb.name.as_str() {
            "Say" | "Play" => return self.sounds(verb).into_iter().map(Act::Sound).collect(),
            "Pause" => Act::Silence(self.seconds(verb, "length", 1)),
            "Gather" => Act::Gather(self.gather(verb)),
            "Record" => Act::Record(Record {
                beep: verb.attribute("playBeep") != Some("false"),
                quiet: self.seconds(verb, "timeout", 5),
                longest: self.seconds(verb, "maxLength", 3600),
                finish: verb.attribute("finishOnKey").unwrap_or("1234567890*#").into(),
                back: self.required(verb),
            }),
            "Dial" => Act::Dial(Dial {
                party: verb.words().trim().into(),
                timeout: self.seconds(verb, "timeout", 30),
                limit: self.seconds(verb, "timeLimit", 14_400),
                aside: verb
                    .children
                    .iter()
                    .find_map(|noun| noun.attribute("url"))
                    .map(|url| self.way(url)),
                back: self.back(verb),
            }),
            "Connect" => match verb.children.first() {
                Some(noun) => Act::Stream(self.stream(verb, noun)),
                None => Act::Go(self.back(verb)),
            },
            "Enqueue" => Act::Enqueue {
                wait: verb
                    .attribute("waitUrl")
                    .filter(|url| !url.is_empty())
                    .map(|url| self.way(url)),
                back: self.back(verb),
            },
            "Pay" => Act::Pay { back: self.back(verb) },
            "Refer" => Act::Refer { back: self.back(verb) },
            "Redirect" => Act::Go(self.way(verb.text.trim())),
            "Hangup" => Act::HangUp,
            "Reject" => Act::Reject,
            "Leave" => Act::Leave,
            // `<Start>` and `<Stop>` take no time; anything else is skipped by the carrier.
            _ => return Vec::new(),
        };
        vec![act]
    }

    fn sounds(&self, verb: &Element) -> Vec<Sound> {
        let times = verb
            .attribute("loop")
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(1);
        // Endless sound is the longest call's.
        let times = if times == 0 { 1000 } else { times };
        let Some(mut sound) = self.sound(verb) else {
            return Vec::new();
        };
        let once = sound.millis;
        sound.millis = once.saturating_mul(times);
        if sound.quiet.as_ref() == [(0, once)] {
            sound.quiet = [(0, sound.millis)].into();
        } else if !sound.quiet.is_empty() {
            let rounds = (0..times).take(REPEATED).map(|round| once.saturating_mul(round));
            let quiet = rounds.flat_map(|from| {
                sound
                    .quiet
                    .iter()
                    .map(move |(at, many)| (from.saturating_add(*at), *many))
            });
            sound.quiet = quiet.collect();
        }
        vec![sound]
    }

    fn sound(&self, verb: &Element) -> Option<Sound> {
        if verb.name == "Say" {
            let words = verb.words().split_whitespace().collect::<Vec<_>>().join(" ");
            return (!words.is_empty()).then(|| said(&words));
        }
        if let Some(digits) = verb.attribute("digits") {
            return Some(tones(digits));
        }
        let url = verb.text.trim();
        let path = match url.strip_prefix(self.stage.statics()) {
            Some(path) => unescaped(path),
            None => url.to_owned(),
        };
        let asset = self.flow.assets.get(path.as_str());
        let lead = asset.map_or(0, |asset| asset.lead);
        Some(Sound {
            what: path.into(),
            spoken: false,
            millis: asset.and_then(|asset| asset.millis).unwrap_or(UNKNOWN_SOUND),
            quiet: (lead > 0).then_some((0, lead)).into_iter().collect(),
        })
    }

    fn gather(&self, verb: &Element) -> Gather {
        let input = verb.attribute("input").unwrap_or("dtmf");
        let timeout = self.seconds(verb, "timeout", 5);
        Gather {
            prompts: verb.children.iter().flat_map(|child| self.sounds_only(child)).collect(),
            pauses: verb
                .children
                .iter()
                .filter(|child| child.name == "Pause")
                .map(|child| self.seconds(child, "length", 1))
                .fold(0, u64::saturating_add),
            keys: input.contains("dtmf"),
            speech: input.contains("speech"),
            digits: verb.attribute("numDigits").and_then(|text| text.parse().ok()),
            finish: verb.attribute("finishOnKey").unwrap_or("#").chars().next(),
            timeout,
            speech_end: match verb.attribute("speechTimeout") {
                Some("auto") => 1000,
                Some(text) => text
                    .parse()
                    .map_or(timeout, |seconds: u64| seconds.saturating_mul(1000)),
                None => timeout,
            },
            always: verb.attribute("actionOnEmptyResult") == Some("true"),
            back: self.required(verb),
        }
    }

    fn sounds_only(&self, verb: &Element) -> Vec<Sound> {
        match verb.name.as_str() {
            "Say" | "Play" => self.sounds(verb),
            _ => Vec::new(),
        }
    }

    fn stream(&self, verb: &Element, noun: &Element) -> Stream {
        let token = noun
            .children
            .iter()
            .find(|child| child.name == "Parameter" && child.attribute("name") == Some("token"))
            .and_then(|child| child.attribute("value"));
        let own = noun.attribute("url").is_some_and(|url| self.stage.is_own_socket(url));
        Stream {
            relay: noun.name == "ConversationRelay",
            token: token.filter(|_| own).map(Arc::from),
            welcome: noun
                .attribute("welcomeGreeting")
                .filter(|words| !words.trim().is_empty())
                .map(said),
            back: self.back(verb),
        }
    }

    /// Where the call goes on after a verb that cannot do without an `action`: the current document where it names none.
    fn required(&self, verb: &Element) -> Way {
        self.back(verb)
    }

    fn back(&self, verb: &Element) -> Way {
        match verb.attribute("action").filter(|action| !action.is_empty()) {
            Some(action) => self.way(action),
            None => Way::Next,
        }
    }

    /// A number of seconds, in milliseconds. Nobody is there to notice what goes on after the call's limit.
    fn seconds(&self, verb: &Element, name: &str, default: u64) -> u64 {
        let value = verb.attribute(name).and_then(|text| text.trim().parse::<u64>().ok());
        let longest = self.flow.limits.call.saturating_add(AFTER_THE_LIMIT);
        value.unwrap_or(default).saturating_mul(1000).min(longest)
    }

    /// The engine's own addresses are told from others by the host that documents are rendered for.
    fn way(&self, url: &str) -> Way {
        let url = url.split('#').next().unwrap_or_default();
        let Some(rest) = url.strip_prefix(self.stage.webhooks()) else {
            return Way::Elsewhere(url.into());
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let n = query
            .split('&')
            .find_map(|field| field.strip_prefix("n="))
            .and_then(|n| n.parse().ok())
            .unwrap_or(1);
        let route = match path {
            "incoming_call" => Route::IncomingCall,
            "stream_ended" => Route::StreamEnded,
            "handle_recording" => Route::HandleRecording,
            "next" => Route::Next,
            "aside" => return Way::Aside(n),
            _ => return Way::Elsewhere(url.into()),
        };
        Way::Ticket(Ticket { route, n })
    }
}

/// Words that the carrier speaks.
pub(super) fn said(words: &str) -> Sound {
    Sound {
        what: words.into(),
        spoken: true,
        millis: PER_CHARACTER
            .saturating_mul(words.chars().count() as u64)
            .saturating_add(500),
        quiet: Arc::default(),
    }
}

/// The tones of `<Play digits>`.
fn tones(digits: &str) -> Sound {
    let (mut millis, mut quiet) = (0_u64, Vec::<(u64, u64)>::new());
    for key in digits.chars() {
        let Some((_, wait)) = WAITS.into_iter().find(|(letter, _)| *letter == key) else {
            millis = millis.saturating_add(PER_KEY);
            continue;
        };
        match quiet.last_mut() {
            Some((from, many)) if from.saturating_add(*many) == millis => *many += wait,
            _ => quiet.push((millis, wait)),
        }
        millis = millis.saturating_add(wait);
    }
    Sound {
        what: format!("keys {digits}").into(),
        spoken: false,
        millis,
        quiet: quiet.into(),
    }
}

/// Percent-encoded bytes as they were: the reverse of what addresses are made with.
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
