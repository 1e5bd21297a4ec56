//! From an agent's form to the plan that the conversation follows.

use super::Sounds;
use super::actions::Actions;
use super::forms::{ActivityWord, AgentForm, BargeInForm, FillerForm, ListenForm};
use super::services::Services;
use crate::audio::vad::{Kind, VadConfig};
use crate::call::AgentAction;
use crate::flow::{Duration, Finding, Located, Place, Reader};
use crate::talk::Clip;
use crate::talk::agent::{Action, ActionKind, BargeIn, Filler, Greeting, Idle, Line, Listening, Plan, PlanError};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What became of a form.
pub(super) struct Planned {
    pub plan: Arc<Plan>,
    pub exits: Vec<String>,
    pub actions: Vec<AgentAction>,
}

/// Builds the plan; none where it could not be followed.
pub(super) fn read(
    name: &Located<String>,
    form: &AgentForm,
    services: &mut Services,
    actions: Actions,
    sounds: &mut Sounds,
    turn: Option<Place>,
    cx: &mut Reader,
) -> Option<Planned> {
    let mut lines = Lines {
        sounds,
        can_speak: services.speak.is_some() || services.by_carrier,
        says: actions.says.clone(),
    };
    let Actions {
        talk, call, mut exits, ..
    } = actions;
    let transcribes = services.listen.is_some() || services.by_carrier;
    let mut plan = Plan {
        listen: form.listen.as_ref().map(listening).unwrap_or_default(),
        barge_in: barge_in(form.barge_in.as_ref(), transcribes),
        actions: talk,
        longest: form.longest.as_millis(),
        transcribes,
        eager: form.think.as_ref().is_some_and(|think| think.eager),
        ..Plan::default()
    };
    if let Some(speak) = &form.speak {
        let text = speak.greeting_text.as_ref();
        let line = match (&speak.greeting, text) {
            (Some(file), text) => lines.line(Some(file), text.map(|text| text.value.as_str()), None),
            (None, text) => lines.line(None, None, text),
        };
        plan.greeting = line.map(|line| Greeting {
            line,
            interruptible: speak.greeting_interruptible,
        });
    }
    if let Some(idle) = &form.idle {
        plan.idle = Idle {
            after: idle.after.as_millis(),
            line: lines.line(idle.play.as_ref(), idle.text.as_deref(), idle.say.as_ref()),
            times: idle.times,
            exit: idle.then.as_str().into(),
        };
    }
    exits.push(plan.idle.exit.to_string());
    if let Some(FillerForm {
        after,
        play,
        text,
        say,
        again,
    }) = &form.filler
    {
        let line = lines.line(play.as_ref(), text.as_deref(), say.as_ref());
        plan.filler = Filler {
            after: after.as_millis(),
            action: line.clone(),
            line,
            again: again.as_millis(),
        };
    }
    if let Some(sorry) = &form.sorry {
        plan.sorry = lines.line(sorry.play.as_ref(), sorry.text.as_deref(), sorry.say.as_ref());
    }
    if let Some(think) = services.think.as_mut().filter(|think| think.provider == "scripted") {
        think.options.extend(rules(form, &mut plan, &mut exits, &mut lines, cx));
    }
    if let (Some(place), false, None) = (&lines.says, lines.can_speak, &services.realtime) {
        cx.report(
            Finding::error("missing-key", place.clone(), "nobody speaks these words")
                .label("`say` needs somebody who speaks")
                .consequence("the caller would hear nothing here")
                .help("add for example `speak: {provider: openai, voice: alloy}`, or name a file with `play`"),
        );
        return None;
    }
    // The sounds are checked one by one elsewhere; here they only have to be there.
    let stand_ins: Vec<Clip> = (lines.sounds.texts.iter())
        .map(|text| Clip::new(vec![0xFF; 160], text.as_str()))
        .collect();
    if let Err(error) = plan.check(&stand_ins) {
        cx.report(cannot(name, turn, &error));
        return None;
    }
    Some(Planned {
        plan: Arc::new(plan),
        exits,
        actions: call,
    })
}

fn cannot(name: &Located<String>, turn: Option<Place>, error: &PlanError) -> Finding {
    let turn = turn.filter(|_| matches!(error, PlanError::Silence { .. }));
    let help = match error {
        PlanError::Silence { .. } => "write `end_of_turn` between 300ms and 600ms",
        PlanError::BargeIn { .. } => "make `confirm` at least as long as `after`",
        _ => "give everything that is said a `play` or a `say`, and every wait a length",
    };
    Finding::error(
        "wrong-type",
        turn.unwrap_or_else(|| name.place.clone()),
        format!("the agent cannot talk: {error}"),
    )
    .label("this agent")
    .consequence("the caller would be left to the fallback")
    .help(help)
}

fn listening(form: &ListenForm) -> Listening {
    let usual = Listening::default();
    let kind = match form.activity {
        Some(ActivityWord::Energy) => Kind::Energy,
        Some(ActivityWord::Silero) | None => Kind::Silero,
    };
    Listening {
        activity: VadConfig { kind, ..usual.activity },
        silence: form.end_of_turn.as_millis(),
        digits: form.after_digits.as_millis(),
        unfinished: form.after_half_sentence.as_millis(),
        hard: form.at_most.as_millis(),
        longest_turn: form.longest_turn.as_millis(),
        ..usual
    }
}

/// Where nobody writes down words, nothing but its length tells an interruption from a nod: less of it has to do.
const WORDLESS_PAUSE: u64 = 200;
const WORDLESS_CONFIRM: u64 = 500;

fn barge_in(form: Option<&BargeInForm>, transcribes: bool) -> BargeIn {
    let words = |words: &[String]| words.iter().map(|word| word.as_str().into()).collect();
    let mut usual = BargeIn::default();
    if !transcribes {
        (usual.pause_after, usual.confirm_after) = (WORDLESS_PAUSE, WORDLESS_CONFIRM);
    }
    let Some(form) = form else { return usual };
    let pause_after = form.after.map_or(usual.pause_after, Duration::as_millis);
    let confirm_after = form
        .confirm
        .map_or(usual.confirm_after.max(pause_after), Duration::as_millis);
    BargeIn {
        pause_after,
        confirm_after,
        words: form.words,
        ignore_first: form.ignore_first.as_millis(),
        resume_after: form.resume.as_millis(),
        stop: form.stop.as_deref().map_or(usual.stop, words),
        backchannels: form.backchannels.as_deref().map_or(usual.backchannels, words),
        ..BargeIn::default()
    }
}

/// The rules of an agent that thinks by script, as its provider reads them.
fn rules(
    form: &AgentForm,
    plan: &mut Plan,
    exits: &mut Vec<String>,
    lines: &mut Lines<'_>,
    cx: &mut Reader,
) -> Map<String, Value> {
    let Some(think) = &form.think else { return Map::new() };
    let mut rules = Vec::new();
    let mut rule = |say: &Option<Located<String>>, play: &Option<Located<String>>, exit: &Option<Located<String>>| {
        if let Some(play) = play {
            cx.report(
                Finding::error(
                    "wrong-type",
                    play.place.clone(),
                    "an agent with a voice says its answers",
                )
                .label("a file cannot be an answer here")
                .help("write the words as `say: …`"),
            );
        }
        if let Some(say) = say {
            lines.says.get_or_insert_with(|| say.place.clone());
        }
        let action = exit.as_ref().map(|exit| {
            let name = format!("exit_{}", exit.value);
            if plan.actions.iter().all(|action| *action.name != *name) {
                let kind = ActionKind::Exit(exit.value.as_str().into());
                plan.actions.push(Action::new(name.as_str(), kind));
                exits.push(exit.value.clone());
            }
            json!({"name": name, "arguments": {}})
        });
        json!({"say": say.as_ref().map_or("", |say| say.value.as_str()), "action": action})
    };
    for answer in &think.answers {
        let mut one = rule(&answer.say, &answer.play, &answer.exit);
        let mut words: Vec<String> = answer.hears.clone();
        words.extend(answer.keys.clone());
        one["words"] = json!(words);
        one["turn"] = json!(answer.turn);
        rules.push(one);
    }
    let otherwise = think
        .otherwise
        .as_ref()
        .map(|last| rule(&last.say, &last.play, &last.exit));
    let mut options = Map::new();
    options.insert("answers".to_owned(), Value::Array(rules));
    options.insert("otherwise".to_owned(), otherwise.unwrap_or(Value::Null));
    options
}

/// What is to be heard: files by number, words for whoever speaks.
struct Lines<'a> {
    sounds: &'a mut Sounds,
    can_speak: bool,
    /// The first words that somebody has to speak.
    says: Option<Place>,
}

impl Lines<'_> {
    fn line(
        &mut self,
        play: Option<&Located<String>>,
        text: Option<&str>,
        say: Option<&Located<String>>,
    ) -> Option<Line> {
        if let Some(file) = play {
            return Some(Line::clip(self.sounds.file(file, text)));
        }
        let say = say?;
        self.says.get_or_insert_with(|| say.place.clone());
        Some(Line::words(say.value.as_str()))
    }
}
