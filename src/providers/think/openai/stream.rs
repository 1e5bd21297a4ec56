//! The chunks of a chat completion: words as they come, wishes put together from their fragments.

use crate::providers::ProviderError;
use crate::providers::think::Thought;
use crate::providers::think::fault::error_of;
use crate::providers::think::relay::{Measure, Progress, Reader, tokens, wish};
use crate::providers::think::sse::Event;
use crate::talk::Usage;
use serde_json::Value;

/// One answer, as far as it came.
pub(super) struct Completion {
    asked: usize,
    turn: usize,
    measure: Measure,
    calls: Vec<Fragments>,
    given: usize,
    progress: Progress,
    usage: Option<Usage>,
}

/// A wish that is still coming.
#[derive(Default)]
struct Fragments {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl Completion {
    /// The answer to a request of `asked` bytes, the `turn`th message of its conversation.
    pub fn new(asked: usize, turn: usize) -> Self {
        Self {
            asked,
            turn,
            measure: Measure::default(),
            calls: Vec::new(),
            given: 0,
            progress: Progress::Nothing,
            usage: None,
        }
    }

    fn choice(&mut self, choice: &Value, thoughts: &mut Vec<Thought>) -> Result<(), ProviderError> {
        if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
            // A refusal is in words, and the caller is to hear them.
            for text in ["content", "refusal"].into_iter().filter_map(|name| delta.get(name)) {
                self.words(text, thoughts)?;
            }
            for fragment in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                self.fragment(fragment)?;
            }
        }
        match choice.get("finish_reason").and_then(Value::as_str) {
            Some("content_filter") if self.progress == Progress::Nothing => Err(ProviderError::BadRequest {
                detail: "the service's filter held the whole answer back".to_owned(),
            }),
            Some(reason) if !reason.is_empty() => {
                self.complete(thoughts);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Words are a string, or with some servers a list of typed parts.
    fn words(&mut self, content: &Value, thoughts: &mut Vec<Thought>) -> Result<(), ProviderError> {
        let texts = match content {
            Value::String(text) => vec![text.as_str()],
            Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
            _ => Vec::new(),
        };
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            self.measure.words(text.len())?;
            self.some();
            thoughts.push(Thought::Text(text.to_owned()));
        }
        Ok(())
    }

    fn fragment(&mut self, fragment: &Value) -> Result<(), ProviderError> {
        let function = fragment.get("function").unwrap_or(&Value::Null);
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        let (id, name, arguments) = (
            text(fragment, "id"),
            text(function, "name"),
            text(function, "arguments"),
        );
        self.measure.wishes(id.len() + name.len() + arguments.len())?;
        self.some();
        let index = fragment.get("index").and_then(Value::as_u64);
        let at = match self.position(index, &id) {
            Some(at) => at,
            None => {
                self.measure.another(self.calls.len())?;
                self.calls.push(Fragments {
                    index,
                    ..Fragments::default()
                });
                self.calls.len() - 1
            }
        };
        let call = &mut self.calls[at];
        // Some servers repeat the head with every fragment.
        if call.id.is_empty() {
            call.id = id;
        }
        if call.name.is_empty() {
            call.name = name;
        }
        call.arguments.push_str(&arguments);
        Ok(())
    }

    /// The wish that a fragment goes on with: that of its index, unless it has an id of its own, as with servers that
    /// number every wish 0. Without an index: that of its id, or the last.
    fn position(&self, index: Option<u64>, id: &str) -> Option<usize> {
        let same = |call: &Fragments| id.is_empty() || call.id.is_empty() || call.id == id;
        match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index && same(call)),
            None if id.is_empty() => self.calls.len().checked_sub(1),
            None => self.calls.iter().rposition(|call| call.id == id),
        }
    }

    fn some(&mut self) {
        if self.progress == Progress::Nothing {
            self.progress = Progress::Some;
        }
    }

    fn complete(&mut self, thoughts: &mut Vec<Thought>) {
        for call in self.calls.drain(..).filter(|call| !call.name.is_empty()) {
            thoughts.push(Thought::Wish(wish(
                &call.id,
                &call.name,
                &call.arguments,
                self.turn,
                self.given,
            )));
            self.given += 1;
        }
        if self.progress != Progress::Over {
            self.progress = Progress::Complete;
        }
    }
}

impl Reader for Completion {
    fn read(&mut self, event: &Event, thoughts: &mut Vec<Thought>) -> Result<(), ProviderError> {
        if event.data.trim() == "[DONE]" {
            self.complete(thoughts);
            self.progress = Progress::Over;
            return Ok(());
        }
        let chunk: Value = serde_json::from_str(&event.data).map_err(|_| ProviderError::Protocol {
            detail: "an event of the answer is not JSON".to_owned(),
        })?;
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(error_of(error));
        }
        let usage = chunk.get("usage").filter(|usage| usage.is_object());
        if let Some(usage) = usage.or_else(|| chunk.pointer("/x_groq/usage")) {
            self.usage = usage_of(usage).or(self.usage);
        }
        // What comes after the end is late: a second end, or words that belong to nothing.
        let choices = chunk.get("choices").and_then(Value::as_array);
        match choices.and_then(|choices| choices.first()) {
            Some(choice) if matches!(self.progress, Progress::Nothing | Progress::Some) => {
                self.choice(choice, thoughts)
            }
            _ => Ok(()),
        }
    }

    fn progress(&self) -> Progress {
        self.progress
    }

    fn usage(&self) -> Usage {
        self.usage.unwrap_or(Usage {
            prompt: tokens(self.asked),
            cached: 0,
            completion: self.measure.tokens(),
            estimated: true,
        })
    }
}

fn usage_of(usage: &Value) -> Option<Usage> {
    let number = |place: &str| {
        let number = usage.pointer(place).and_then(Value::as_u64)?;
        Some(u32::try_from(number).unwrap_or(u32::MAX))
    };
    Some(Usage {
        prompt: number("/prompt_tokens")?,
        cached: number("/prompt_tokens_details/cached_tokens").unwrap_or(0),
        completion: number("/completion_tokens").unwrap_or(0),
        estimated: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(chunks: &[Value]) -> (Vec<Thought>, Completion) {
        let mut completion = Completion::new(400, 3);
        let mut thoughts = Vec::new();
        for chunk in chunks {
            let event = Event {
                name: String::new(),
                data: chunk.as_str().map_or_else(|| chunk.to_string(), str::to_owned),
            };
            completion.read(&event, &mut thoughts).expect("no error");
        }
        (thoughts, completion)
    }

    fn delta(delta: Value) -> Value {
        json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
    }

    fn end(reason: &str) -> Value {
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    }

    fn call(id: &str, name: &str, arguments: &str) -> Thought {
        Thought::Wish(wish(id, name, arguments, 3, 0))
    }

    #[test]
    fn wishes_are_put_together_however_servers_number_them() {
        let piece = |index: Option<u64>, id: Option<&str>, name: Option<&str>, arguments: &str| {
            delta(
                json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]}),
            )
        };
        let cases = [
            // By index, interleaved, the head with the first fragment only.
            vec![
                piece(Some(0), Some("a"), Some("one"), ""),
                piece(Some(1), Some("b"), Some("two"), "{\"x\""),
                piece(Some(0), None, None, "{}"),
                piece(Some(1), None, None, ":1}"),
            ],
            // Every wish numbered 0.
            vec![
                piece(Some(0), Some("a"), Some("one"), "{}"),
                piece(Some(0), Some("b"), Some("two"), "{\"x\":1}"),
            ],
            // No numbers; the head repeated.
            vec![
                piece(None, Some("a"), Some("one"), "{"),
                piece(None, Some("a"), Some("one"), "}"),
                piece(None, Some("b"), Some("two"), "{\"x\":"),
                piece(None, None, None, "1}"),
            ],
        ];
        for mut chunks in cases {
            chunks.push(end("tool_calls"));
            let (thoughts, _) = read(&chunks);
            assert_eq!(thoughts, [call("a", "one", "{}"), call("b", "two", "{\"x\":1}")]);
        }
    }

    #[test]
    fn wishes_without_an_id_get_one_each_and_without_arguments_an_empty_object() {
        let (thoughts, _) = read(&[
            delta(
                json!({"tool_calls": [{"index": 0, "function": {"name": "one"}}, {"index": 1, "function": {"name": "two"}}]}),
            ),
            end("tool_calls"),
        ]);
        let calls: Vec<_> = thoughts
            .iter()
            .map(|thought| match thought {
                Thought::Wish(call) => (call.id.as_ref(), call.name.as_ref(), call.arguments.as_ref()),
                Thought::Text(text) => panic!("{text}"),
            })
            .collect();
        assert_eq!(calls, [("call_3_0", "one", "{}"), ("call_3_1", "two", "{}")]);
    }

    #[test]
    fn what_comes_after_the_end_is_dropped_but_for_the_numbers() {
        let (thoughts, completion) = read(&[
            delta(json!({"role": "assistant", "content": ""})),
            delta(json!({"content": null})),
            delta(json!({"content": "Hi"})),
            delta(json!({"content": [{"type": "text", "text": " there"}]})),
            json!({"choices": [{"delta": {"content": "."}, "finish_reason": "stop"}]}),
            delta(json!({"content": "late"})),
            end("stop"),
            json!({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}}),
            json!("[DONE]"),
            json!("[DONE]"),
        ]);
        let texts: Vec<Thought> = ["Hi", " there", "."].map(|text| Thought::Text(text.to_owned())).into();
        assert_eq!(thoughts, texts);
        assert_eq!(completion.progress(), Progress::Over);
        let expected = Usage {
            prompt: 9,
            cached: 4,
            completion: 2,
            estimated: false,
        };
        assert_eq!(completion.usage(), expected);
    }

    #[test]
    fn a_role_alone_is_no_progress_and_numbers_are_reckoned_where_none_came() {
        let (_, completion) = read(&[
            delta(json!({"role": "assistant", "content": ""})),
            json!({"usage": null}),
        ]);
        assert_eq!(completion.progress(), Progress::Nothing);
        let (_, completion) = read(&[delta(json!({"content": "שלום"}))]);
        let expected = Usage {
            prompt: 100,
            cached: 0,
            completion: 2,
            estimated: true,
        };
        assert_eq!((completion.progress(), completion.usage()), (Progress::Some, expected));
    }
}
