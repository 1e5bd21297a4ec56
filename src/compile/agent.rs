//! Agents: how each listens, thinks and speaks. What is not built in yet is refused, never silent at call time.

use crate::call::Agent;
use crate::flow::{Duration, Finding, FromYaml, Located, Node, Reader, form};
use crate::talk::Clip;
use crate::talk::script::{Answer, Greeting, Idle, Match, Rule, Script};
use std::sync::Arc;

form! {
    /// How an agent hears the caller.
    pub struct ListenForm {
        /// Who listens; `energy` hears that somebody speaks, not what.
        provider: Option<Located<String>>,
        /// Silence that ends the caller's turn.
        end_of_turn: Duration = Duration::from_millis(500),
        /// The longest turn.
        longest_turn: Duration = Duration::from_millis(30_000),
        /// The language.
        language: Option<String>,
    }
}

form! {
    /// An answer and when it is given. All conditions of a rule must hold.
    pub struct AnswerForm {
        /// The caller's how-manieth turn, from 1.
        turn: Option<u32>,
        /// Keys that the caller pressed.
        keys: Option<String>,
        /// The caller spoke at least this long.
        spoke: Option<Duration>,
        /// What is played.
        play: Option<Located<String>>,
        /// What the sound says, for the transcript.
        text: Option<String>,
        /// Ends the conversation with this outcome of the step.
        exit: Option<Located<String>>,
    }
}

form! {
    /// What is done where no rule applies.
    pub struct OtherwiseForm {
        /// What is played.
        play: Option<Located<String>>,
        /// What the sound says, for the transcript.
        text: Option<String>,
        /// Ends the conversation with this outcome of the step.
        exit: Option<Located<String>>,
    }
}

form! {
    /// How an agent finds its answers.
    pub struct ThinkForm {
        /// Who thinks; `scripted` follows `answers`.
        provider: Option<Located<String>>,
        /// Rules, first match wins.
        answers: Vec<AnswerForm> = Vec::new(),
        /// Where no rule applies.
        otherwise: OtherwiseForm,
    }
}

form! {
    /// How an agent speaks.
    pub struct SpeakForm {
        /// Who speaks; `prompts` plays the files that the answers name.
        provider: Option<Located<String>>,
        /// Played first, when the conversation begins.
        greeting: Option<Located<String>>,
        /// What the greeting says, for the transcript.
        greeting_text: Option<String>,
        /// Whether the caller can interrupt the greeting.
        greeting_interruptible: bool = true,
    }
}

form! {
    /// When the caller may interrupt.
    pub struct BargeInForm {
        /// Speech of this length stops the agent.
        after: Duration = Duration::from_millis(200),
    }
}

form! {
    /// What happens when the caller says nothing.
    pub struct IdleForm {
        /// After this long.
        after: Duration = Duration::from_millis(7_000),
        /// What is played.
        play: Option<Located<String>>,
        /// What the sound says, for the transcript.
        text: Option<String>,
        /// How often, before the conversation ends.
        times: u32 = 2,
        /// The outcome it then ends with.
        then: String = "no_reply".to_owned(),
    }
}

form! {
    /// Who talks on a media stream.
    pub struct AgentForm {
        /// How it hears the caller.
        listen: Option<ListenForm>,
        /// How it finds its answers.
        think: ThinkForm,
        /// How it speaks.
        speak: Option<SpeakForm>,
        /// When the caller may interrupt.
        barge_in: Option<BargeInForm>,
        /// What happens when the caller says nothing.
        idle: Option<IdleForm>,
        /// The longest conversation.
        longest: Duration = Duration::from_millis(600_000),
    }
}

/// An agent as read: what the checker needs, and what runs.
pub(super) struct Read {
    pub exits: Vec<String>,
    pub sounds: Vec<Located<String>>,
    pub agent: Arc<Agent>,
}

/// Reads one agent.
pub(super) fn read(name: &Located<String>, node: &Node, cx: &mut Reader) -> Option<Read> {
    let form = AgentForm::from_yaml(node, cx)?;
    let listen = form.listen.unwrap_or(ListenForm {
        provider: None,
        end_of_turn: Duration::from_millis(500),
        longest_turn: Duration::from_millis(30_000),
        language: None,
    });
    let speak = form.speak.unwrap_or(SpeakForm {
        provider: None,
        greeting: None,
        greeting_text: None,
        greeting_interruptible: true,
    });
    for (part, provider, built_in) in [
        ("listen", listen.provider.as_ref(), "energy"),
        ("think", form.think.provider.as_ref(), "scripted"),
        ("speak", speak.provider.as_ref(), "prompts"),
    ] {
        if let Some(provider) = provider.filter(|provider| provider.value != built_in) {
            cx.report(
                Finding::error(
                    "not-available-yet",
                    provider.place.clone(),
                    format!("the provider `{}` is not available in this version", provider.value),
                )
                .label(format!("`{part}` cannot use it"))
                .consequence("the caller would hear nothing from this agent")
                .help(format!("use `{built_in}`, which is built in and needs no key")),
            );
        }
    }
    let mut clips = Clips {
        paths: Vec::new(),
        texts: Vec::new(),
        sounds: Vec::new(),
    };
    let mut exits = Vec::new();
    let greeting = speak.greeting.as_ref().map(|file| Greeting {
        clip: clips.add(file, speak.greeting_text.as_deref()),
        interruptible: speak.greeting_interruptible,
    });
    let mut rules = Vec::new();
    for answer in &form.think.answers {
        rules.push(Rule {
            when: Match {
                turn: answer.turn,
                digits: answer.keys.clone(),
                utterance_at_least: answer.spoke.map(|spoke| spoke.as_millis()),
            },
            answer: said(
                &mut clips,
                &mut exits,
                answer.play.as_ref(),
                answer.text.as_deref(),
                answer.exit.as_ref(),
            ),
        });
    }
    let last = &form.think.otherwise;
    let otherwise = said(
        &mut clips,
        &mut exits,
        last.play.as_ref(),
        last.text.as_deref(),
        last.exit.as_ref(),
    );
    let mut script = Script::new(otherwise);
    script.greeting = greeting;
    script.rules = rules;
    if let Some(idle) = &form.idle {
        script.idle = Idle {
            after: idle.after.as_millis(),
            clip: idle.play.as_ref().map(|file| clips.add(file, idle.text.as_deref())),
            times: idle.times,
            exit: idle.then.as_str().into(),
        };
    }
    exits.push(script.idle.exit.to_string());
    script.end_of_turn = listen.end_of_turn.as_millis();
    script.longest_turn = listen.longest_turn.as_millis();
    script.longest = form.longest.as_millis();
    if let Some(barge_in) = &form.barge_in {
        script.barge_in_after = barge_in.after.as_millis();
    }
    // The sounds are checked one by one elsewhere; here they only have to be there.
    let stand_ins: Vec<Clip> = clips
        .texts
        .iter()
        .map(|text| Clip::new(vec![0xFF; 160], text.as_str()))
        .collect();
    if let Err(error) = script.check(&stand_ins) {
        cx.report(
            Finding::error(
                "wrong-type",
                name.place.clone(),
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
        sounds: clips.sounds,
        agent: Arc::new(Agent {
            name: name.value.clone(),
            script: Arc::new(script),
            clips: clips.paths,
            texts: clips.texts,
        }),
    })
}

/// The sounds of an agent, each once.
struct Clips {
    paths: Vec<String>,
    texts: Vec<String>,
    sounds: Vec<Located<String>>,
}

impl Clips {
    fn add(&mut self, file: &Located<String>, text: Option<&str>) -> usize {
        if let Some(index) = self.paths.iter().position(|path| *path == file.value) {
            return index;
        }
        self.paths.push(file.value.clone());
        self.texts
            .push(text.map_or_else(|| format!("[{}]", file.value), str::to_owned));
        self.sounds.push(file.clone());
        self.paths.len() - 1
    }
}

fn said(
    clips: &mut Clips,
    exits: &mut Vec<String>,
    play: Option<&Located<String>>,
    text: Option<&str>,
    exit: Option<&Located<String>>,
) -> Answer {
    exits.extend(exit.map(|exit| exit.value.clone()));
    Answer {
        say: play.iter().map(|file| clips.add(file, text)).collect(),
        exit: exit.map(|exit| exit.value.as_str().into()),
    }
}
