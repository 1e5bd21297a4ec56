//! An agent that follows rules and plays files: it needs no provider, so none can let it down.

use super::forms::{AgentForm, AnswerForm};
use super::{Read, Sounds};
use crate::call::{Agent, Talker};
use crate::flow::{Finding, Located, Place, Reader};
use crate::talk::Clip;
use crate::talk::script::{Answer, Greeting, Idle, Match, Rule, Script, ScriptError};
use std::sync::Arc;

/// Whether this agent needs nobody.
pub(super) fn fits(form: &AgentForm) -> bool {
    let is = |provider: Option<&Located<String>>, built_in| provider.is_none_or(|provider| provider.value == built_in);
    let listen = form.listen.as_ref();
    let think = form.think.as_ref();
    let speak = form.speak.as_ref();
    let says = |think: &super::forms::ThinkForm| {
        think
            .answers
            .iter()
            .any(|answer: &AnswerForm| answer.say.is_some() || !answer.hears.is_empty())
            || think.otherwise.as_ref().is_some_and(|last| last.say.is_some())
    };
    form.realtime.is_none()
        && form.actions.is_none()
        && is(listen.and_then(|listen| listen.provider.as_ref()), "energy")
        && is(think.and_then(|think| think.provider.as_ref()), "scripted")
        && is(speak.and_then(|speak| speak.provider.as_ref()), "prompts")
        && !think.is_some_and(says)
}

/// Reads one agent.
pub(super) fn read(name: &Located<String>, form: &AgentForm, turn: Option<Place>, cx: &mut Reader) -> Option<Read> {
    let mut sounds = Sounds::default();
    let mut exits = Vec::new();
    let Some(think) = &form.think else {
        cx.report(
            Finding::error(
                "missing-key",
                name.place.clone(),
                format!("the agent `{}` has nobody who thinks", name.value),
            )
            .label("this agent")
            .consequence("the caller would get no answer")
            .help("add `think: {answers: […], otherwise: {exit: completed}}`, or a provider"),
        );
        return None;
    };
    let speak = form.speak.as_ref();
    let greeting = speak.and_then(|speak| {
        let text = speak.greeting_text.as_ref().map(|text| text.value.as_str());
        speak.greeting.as_ref().map(|file| Greeting {
            clip: sounds.file(file, text),
            interruptible: speak.greeting_interruptible,
        })
    });
    let mut rules = Vec::new();
    for answer in &think.answers {
        rules.push(Rule {
            when: Match {
                turn: answer.turn,
                digits: answer.keys.clone(),
                utterance_at_least: answer.spoke.map(|spoke| spoke.as_millis()),
            },
            answer: said(
                &mut sounds,
                &mut exits,
                answer.play.as_ref(),
                answer.text.as_deref(),
                answer.exit.as_ref(),
            ),
        });
    }
    let otherwise = think.otherwise.as_ref().map_or_else(Answer::default, |last| {
        said(
            &mut sounds,
            &mut exits,
            last.play.as_ref(),
            last.text.as_deref(),
            last.exit.as_ref(),
        )
    });
    let mut script = Script::new(otherwise);
    script.greeting = greeting;
    script.rules = rules;
    if let Some(idle) = &form.idle {
        script.idle = Idle {
            after: idle.after.as_millis(),
            clip: idle.play.as_ref().map(|file| sounds.file(file, idle.text.as_deref())),
            times: idle.times,
            exit: idle.then.as_str().into(),
        };
    }
    exits.push(script.idle.exit.to_string());
    if let Some(listen) = &form.listen {
        script.end_of_turn = listen.end_of_turn.as_millis();
        script.longest_turn = listen.longest_turn.as_millis();
    }
    script.longest = form.longest.as_millis();
    if let Some(after) = form.barge_in.as_ref().and_then(|barge_in| barge_in.after) {
        script.barge_in_after = after.as_millis();
    }
    // The sounds are checked one by one elsewhere; here they only have to be there.
    let stand_ins: Vec<Clip> = (sounds.texts.iter())
        .map(|text| Clip::new(vec![0xFF; 160], text.as_str()))
        .collect();
    if let Err(error) = script.check(&stand_ins) {
        let turn = turn.filter(|_| matches!(error, ScriptError::EndOfTurn { .. }));
        cx.report(
            Finding::error(
                "wrong-type",
                turn.unwrap_or_else(|| name.place.clone()),
                format!("the agent cannot talk: {error}"),
            )
            .label("this agent")
            .consequence("the caller would be left to the fallback")
            .help("give every answer a `play` or an `exit`, and `end_of_turn` between 300ms and 600ms"),
        );
        return None;
    }
    Some(Read {
        exits,
        agent: Arc::new(Agent {
            name: name.value.clone(),
            talker: Talker::Scripted(Arc::new(script)),
            clips: sounds.paths,
            texts: sounds.texts,
        }),
        sounds: sounds.named,
    })
}

fn said(
    sounds: &mut Sounds,
    exits: &mut Vec<String>,
    play: Option<&Located<String>>,
    text: Option<&str>,
    exit: Option<&Located<String>>,
) -> Answer {
    exits.extend(exit.map(|exit| exit.value.clone()));
    Answer {
        say: play.iter().map(|file| sounds.file(file, text)).collect(),
        exit: exit.map(|exit| exit.value.as_str().into()),
    }
}
