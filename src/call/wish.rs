//! What a model wishes for in a conversation: its arguments are kept, the declared step is done, the result goes back.

use super::agent::Talker;
use super::cx::Draft;
use super::effect::{Effect, MediaOrder};
use super::event::TaskResult;
use super::flow::Flow;
use super::ids::{Outcome, TaskKey};
use super::kind::{Back, Next, StepError};
use super::machine::Machine;
use super::pii::Pii;
use super::state::{WaitOn, Wish};
use serde_json::{Value, json};

impl Machine<'_> {
    /// The conversation has granted a wish.
    pub(super) fn wished(&mut self, stream_sid: &str, id: &str, action: &str, arguments: &Pii<String>) {
        let agent = match self.running_stream() {
            Some(stream) if stream.is(stream_sid) => stream.agent.clone(),
            _ => return self.acted(id, Err("the conversation is over".to_owned())),
        };
        let wish = Wish {
            id: id.to_owned(),
            agent: agent.unwrap_or_default(),
            action: action.to_owned(),
        };
        let flow = self.flow;
        let Some(declared) = action_of(flow, &wish) else {
            return self.acted(id, Err(format!("there is no action `{action}`")));
        };
        let arguments: Value = serde_json::from_str(arguments.reveal()).unwrap_or_default();
        self.call.vars.insert(declared.keeps.clone(), arguments);
        let Some(work) = &declared.work else {
            return self.acted(id, Ok("done".to_owned()));
        };
        self.work(&wish, |machine| {
            let mut draft = Draft::default();
            work.enter(&mut machine.cx(&mut draft, 1))
        });
    }

    /// Whether the task was one of a wish; then the conversation is told what came of it.
    pub(super) fn wish_ended(&mut self, key: &TaskKey, result: &TaskResult) -> bool {
        let Some(wish) = self.call.wishes.remove(key) else {
            return false;
        };
        if let Some(work) = action_of(self.flow, &wish).and_then(|declared| declared.work.as_ref()) {
            self.work(&wish, |machine| {
                let mut draft = Draft::default();
                work.resume(&mut machine.cx(&mut draft, 1), Back::Task(result))
            });
        }
        true
    }

    /// Does a part of the step. `step` in the flow's templates stays what it was.
    fn work(&mut self, wish: &Wish, part: impl FnOnce(&mut Self) -> Result<Next, StepError>) {
        let before = std::mem::take(&mut self.call.result);
        let next = part(self);
        let result = std::mem::replace(&mut self.call.result, before);
        match next {
            Ok(Next::Wait(wait)) => match wait.on {
                WaitOn::Task { key, .. } => {
                    self.call.wishes.insert(key, wish.clone());
                }
                _ => self.acted(&wish.id, Err("this cannot be done during a conversation".to_owned())),
            },
            Ok(Next::Go(outcome)) => {
                let told = told(&outcome, &result);
                self.acted(&wish.id, Ok(told));
            }
            Ok(_) => self.acted(&wish.id, Err("this cannot be done during a conversation".to_owned())),
            Err(error) => {
                self.warn("ACTION_FAILED", format!("{}: {error}", wish.action));
                self.acted(&wish.id, Err(error.to_string()));
            }
        }
    }

    fn acted(&mut self, id: &str, result: Result<String, String>) {
        self.effect(Effect::Media(MediaOrder::Acted {
            id: id.to_owned(),
            result,
        }));
    }
}

/// What the model reads: the outcome and what it brought.
fn told(outcome: &Outcome, result: &Value) -> String {
    json!({"outcome": outcome.as_str(), "result": result}).to_string()
}

fn action_of<'a>(flow: &'a Flow, wish: &Wish) -> Option<&'a super::agent::AgentAction> {
    let Talker::Providers(providers) = &flow.agents.get(&wish.agent)?.talker else {
        return None;
    };
    providers.actions.iter().find(|declared| declared.name == wish.action)
}
