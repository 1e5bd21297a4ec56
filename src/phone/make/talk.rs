//! What a conversation does on its stream: it is heard, it wishes, it ends.

use crate::call::{Event, Pii};
use crate::phone::leg::Doing;
use crate::phone::phone::Phone;
use crate::phone::told::What;
use serde_json::{Map, Value};

impl Phone<'_> {
    pub(super) fn agent_speaks(&mut self) -> bool {
        if !matches!(self.leg.doing, Doing::Streaming { .. }) {
            return false;
        }
        self.ear.sound(self.now, self.now);
        self.tell(What::Engine("the agent speaks".to_owned()));
        true
    }

    pub(super) fn talk_ends(&mut self, exit: &str, spoke: bool, quiet: u64) -> bool {
        let Doing::Streaming { sid } = self.leg.doing.clone() else {
            return false;
        };
        if spoke {
            self.ear.interrupt(self.now);
            self.ear.sound(self.now, self.now);
            self.tell(What::Caller("speaks".to_owned()));
        }
        // What is being heard is heard to its end first.
        self.now = self.ear.heard_by(self.now);
        self.now = self.now.plus(quiet.saturating_sub(self.ear.quiet(self.now)));
        self.ear.listen(self.now);
        self.tell(What::Engine(format!("the conversation ends: {exit}")));
        self.happens(&Event::TalkEnded {
            stream_sid: sid,
            exit: exit.to_owned(),
            why: String::new(),
        });
        self.look();
        true
    }

    pub(super) fn wishes(&mut self, action: &str, arguments: &str) -> bool {
        let Doing::Streaming { sid } = self.leg.doing.clone() else {
            return false;
        };
        self.tell(What::Engine(format!("the model wishes for {action}")));
        let arguments = match serde_json::from_str::<Value>(arguments) {
            Ok(value @ Value::Object(_)) => value,
            _ => Value::Object(Map::new()),
        };
        self.happens(&Event::Wished {
            stream_sid: sid,
            id: action.to_owned(),
            action: action.to_owned(),
            arguments: Pii::new(arguments.to_string()),
        });
        self.look();
        true
    }
}
