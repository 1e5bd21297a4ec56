//! What was said so far, in the strict form that models' protocols ask for.

use crate::talk::Message;

/// In place of a result that never came: the caller interrupted, or the action was given up.
pub(super) const NO_RESULT: &str = "cancelled: there is no result";

/// What came of the wish `id` of the agent's message at `at`: the first result of that id behind it, before the id is used again.
pub(super) fn result_of<'a>(messages: &'a [Message], at: usize, id: &str) -> &'a str {
    for message in messages.iter().skip(at + 1) {
        match message {
            Message::Result { id: of, text } if &**of == id => return text,
            Message::Agent { calls, .. } if calls.iter().any(|call| &*call.id == id) => break,
            _ => {}
        }
    }
    NO_RESULT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::talk::ActionCall;

    #[test]
    fn an_id_that_is_used_again_has_its_own_result_each_time() {
        let call = ActionCall {
            id: "call_0".into(),
            name: "x".into(),
            arguments: "{}".into(),
        };
        let wish = || Message::Agent {
            text: "".into(),
            calls: vec![call.clone()],
        };
        let result = |text: &str| Message::Result {
            id: "call_0".into(),
            text: text.into(),
        };
        let messages = [
            wish(),
            Message::Caller("no".into()),
            wish(),
            result("second"),
            wish(),
            result("third"),
        ];
        let results = [0, 2, 4].map(|at| result_of(&messages, at, "call_0"));
        assert_eq!(results, [NO_RESULT, "second", "third"]);
    }
}
