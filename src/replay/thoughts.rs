//! What models answered in a stored call, turn by turn: words and wishes, as far as the call's events tell of them.

use super::compare::Alone;
use super::run::Moment;
use super::side::Side;
use crate::call::{Effect, Event, MediaOrder, Providers};
use crate::talk::agent::ActionKind;
use serde_json::{Map, Value, json};

/// What a model answered once it was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thought {
    /// Its words, as far as they were heard.
    pub say: Option<String>,
    /// The action that it wished for, with the arguments.
    pub action: Option<(String, Value)>,
    /// It failed.
    pub fails: bool,
    /// The caller spoke into it: there was more to say.
    pub interrupted: bool,
}

/// All that is known of a call's models.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thoughts {
    /// The answers, in order.
    pub answers: Vec<Thought>,
    /// The stage of a conversation that nobody served: `listen` or `speak`.
    pub failing: Option<&'static str>,
}

/// So many failures in a row are more than any agent tries.
const FAILURES: usize = 3;

/// Reads them out of a call.
pub(super) fn thoughts(side: &Side, alone: &Alone) -> Thoughts {
    let mut reader = Reader {
        agent: None,
        asked: false,
        wishes: Vec::new(),
        latest: None,
        thoughts: Thoughts::default(),
    };
    for moment in alone.beats.iter().filter_map(|beat| beat.then.as_ref()) {
        reader.take(side, moment);
    }
    reader.thoughts
}

struct Reader<'a> {
    /// Who talks, where a model does.
    agent: Option<&'a Providers>,
    /// The caller had a turn that has no answer yet.
    asked: bool,
    /// Wishes of the answer that is under way.
    wishes: Vec<(String, Value)>,
    /// The latest answer, while nothing came after it.
    latest: Option<usize>,
    thoughts: Thoughts,
}

impl<'a> Reader<'a> {
    fn take(&mut self, side: &'a Side, moment: &Moment) {
        for effect in &moment.effects {
            if let Effect::Media(MediaOrder::Admit { agent, .. }) = effect {
                let providers = side.flow.agents.get(agent).and_then(|agent| agent.providers());
                self.agent = providers.filter(|one| one.think.is_some() || one.realtime.is_some());
                self.asked = false;
                self.latest = None;
            }
        }
        let Some(agent) = self.agent else { return };
        match &moment.event {
            Event::Wished { action, arguments, .. } => {
                let arguments = serde_json::from_str(arguments.reveal()).unwrap_or_default();
                self.wishes.push((action.clone(), arguments));
            }
            Event::TalkSet { vars, .. } => {
                for (name, values) in vars {
                    let sets = |kind: &ActionKind| matches!(kind, ActionKind::Set(variable) if **variable == **name);
                    if let Some(action) = action(agent, sets) {
                        self.wishes.push((action, values.clone()));
                    }
                }
            }
            Event::TurnTaken { role, .. } if role == "caller" => {
                self.answered(None, false);
                self.asked = true;
                self.latest = None;
            }
            Event::TurnTaken {
                text,
                facts,
                interrupted,
                ..
            } if self.asked || !facts.is_empty() || !self.wishes.is_empty() => {
                self.answered(Some(text.reveal().clone()), *interrupted);
                self.asked = false;
                self.latest = self.thoughts.answers.len().checked_sub(1);
            }
            Event::TalkEnded { exit, why, .. } => {
                self.ended(agent, exit, why);
                self.agent = None;
            }
            // The conversation is cut off, whatever was under way.
            Event::EngineRestarted | Event::StreamClosed { .. } | Event::CarrierAsked { .. } => {
                self.answered(None, false);
                self.agent = None;
            }
            _ => {}
        }
    }

    /// The answer under way is over: each wish was one, and so is what was said after them.
    fn answered(&mut self, say: Option<String>, interrupted: bool) {
        let wished = !self.wishes.is_empty();
        for action in self.wishes.drain(..) {
            self.thoughts.answers.push(Thought {
                action: Some(action),
                ..Thought::default()
            });
        }
        if say.is_some() || wished {
            self.thoughts.answers.push(Thought {
                say: Some(say.unwrap_or_default()),
                interrupted,
                ..Thought::default()
            });
        }
    }

    fn ended(&mut self, agent: &Providers, exit: &str, why: &str) {
        let latest = self.latest.take().filter(|_| self.wishes.is_empty());
        match why {
            "exit" => {
                let leads = |kind: &ActionKind| match kind {
                    ActionKind::Exit(known) => **known == *exit,
                    ActionKind::HangUp => exit == "completed",
                    ActionKind::Set(_) | ActionKind::Do => false,
                };
                let Some(name) = action(agent, leads) else { return };
                let action = Some((name.clone(), least(agent, &name)));
                match latest.and_then(|index| self.thoughts.answers.get_mut(index)) {
                    // The last words and the wish to leave are one answer.
                    Some(thought) => thought.action = action,
                    None => {
                        let wishes = std::mem::take(&mut self.wishes).into_iter().map(Some);
                        self.thoughts
                            .answers
                            .extend(wishes.chain([action]).map(|action| Thought {
                                action,
                                ..Thought::default()
                            }));
                    }
                }
            }
            "think_failed" | "live_failed" | "no_answer" => {
                // What was said last is the agent's own apology.
                if latest.is_some() {
                    self.thoughts.answers.pop();
                }
                let failure = Thought {
                    fails: true,
                    ..Thought::default()
                };
                self.thoughts.answers.extend(vec![failure; FAILURES]);
            }
            "speak_failed" => self.thoughts.failing = Some("speak"),
            "listen_failed" => self.thoughts.failing = Some("listen"),
            _ => {}
        }
    }
}

fn action(agent: &Providers, is: impl Fn(&ActionKind) -> bool) -> Option<String> {
    let action = agent.plan.actions.iter().find(|action| is(&action.kind))?;
    Some(action.name.to_string())
}

/// The least that an action needs to know: what the model said of a way out is not stored.
fn least(agent: &Providers, name: &str) -> Value {
    let schema = agent.actions.iter().find(|action| action.name == name);
    let Some(schema) = schema.map(|action| &action.parameters) else {
        return json!({});
    };
    let required = schema["required"].as_array().into_iter().flatten();
    let fields = required.filter_map(Value::as_str).map(|name| {
        let field = &schema["properties"][name];
        let value = match (field["enum"].get(0), field["type"].as_str()) {
            (Some(first), _) => first.clone(),
            (None, Some("integer" | "number")) => json!(1),
            (None, Some("boolean")) => json!(true),
            _ => json!(super::stand_in::WORD),
        };
        (name.to_owned(), value)
    });
    Value::Object(fields.collect::<Map<String, Value>>())
}
