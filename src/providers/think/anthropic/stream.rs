//! The events of a streamed message: words as they come, each wish when its block ends.

use crate::providers::ProviderError;
use crate::providers::think::Thought;
use crate::providers::think::fault::error_of;
use crate::providers::think::relay::{Measure, Progress, Reader, tokens, wish};
use crate::providers::think::sse::Event;
use crate::talk::Usage;
use serde_json::Value;

/// One answer, as far as it came.
pub(super) struct Turn {
    asked: usize,
    turn: usize,
    measure: Measure,
    open: Vec<Block>,
    given: usize,
    progress: Progress,
    prompt: Option<Usage>,
    completion: Option<u32>,
}

/// A wish that is still coming.
struct Block {
    index: u64,
    id: String,
    name: String,
    arguments: String,
}

impl Turn {
    /// The answer to a request of `asked` bytes, the `turn`th message of its conversation.
    pub fn new(asked: usize, turn: usize) -> Self {
        Self {
            asked,
            turn,
            measure: Measure::default(),
            open: Vec::new(),
            given: 0,
            progress: Progress::Nothing,
            prompt: None,
            completion: None,
        }
    }

    fn block_begins(&mut self, event: &Value, thoughts: &mut Vec<Thought>) -> Result<(), ProviderError> {
        let block = event.get("content_block").unwrap_or(&Value::Null);
        if text(block, "type") != "tool_use" {
            return self.words(text(block, "text"), thoughts);
        }
        self.measure.another(self.open.len() + self.given)?;
        let (id, name) = (text(block, "id").to_owned(), text(block, "name").to_owned());
        self.measure.wishes(id.len() + name.len())?;
        self.some();
        // The input is given whole here where it does not come in pieces.
        let input = block
            .get("input")
            .filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
        let arguments = input.map(Value::to_string).unwrap_or_default();
        self.measure.wishes(arguments.len())?;
        self.open.push(Block {
            index: index(event),
            id,
            name,
            arguments,
        });
        Ok(())
    }

    fn block_goes_on(&mut self, event: &Value, thoughts: &mut Vec<Thought>) -> Result<(), ProviderError> {
        let delta = event.get("delta").unwrap_or(&Value::Null);
        match text(delta, "type") {
            "text_delta" => self.words(text(delta, "text"), thoughts),
            "input_json_delta" => {
                let piece = text(delta, "partial_json");
                self.measure.wishes(piece.len())?;
                let at = index(event);
                if let Some(block) = self.open.iter_mut().find(|block| block.index == at) {
                    block.arguments.push_str(piece);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn block_ends(&mut self, at: u64, thoughts: &mut Vec<Thought>) {
        let Some(at) = self.open.iter().position(|block| block.index == at) else {
            return;
        };
        let block = self.open.remove(at);
        let call = wish(&block.id, &block.name, &block.arguments, self.turn, self.given);
        thoughts.push(Thought::Wish(call));
        self.given += 1;
    }

    fn words(&mut self, words: &str, thoughts: &mut Vec<Thought>) -> Result<(), ProviderError> {
        if !words.is_empty() {
            self.measure.words(words.len())?;
            self.some();
            thoughts.push(Thought::Text(words.to_owned()));
        }
        Ok(())
    }

    fn some(&mut self) {
        if self.progress == Progress::Nothing {
            self.progress = Progress::Some;
        }
    }

    fn counts(&mut self, usage: &Value) {
        let number = |name: &str| {
            let number = usage.get(name).and_then(Value::as_u64)?;
            Some(u32::try_from(number).unwrap_or(u32::MAX))
        };
        if let Some(fresh) = number("input_tokens") {
            let cached = number("cache_read_input_tokens").unwrap_or(0);
            let kept = number("cache_creation_input_tokens").unwrap_or(0);
            self.prompt = Some(Usage {
                prompt: fresh.saturating_add(cached).saturating_add(kept),
                cached,
                ..Usage::default()
            });
        }
        // The number at the start is a beginning only; the one at the end is the sum.
        self.completion = number("output_tokens").or(self.completion);
    }
}

impl Reader for Turn {
    fn read(&mut self, event: &Event, thoughts: &mut Vec<Thought>) -> Result<(), ProviderError> {
        let value: Value = serde_json::from_str(&event.data).map_err(|_| ProviderError::Protocol {
            detail: "an event of the answer is not JSON".to_owned(),
        })?;
        match text(&value, "type") {
            "error" => return Err(error_of(value.get("error").unwrap_or(&Value::Null))),
            "message_start" => {
                if let Some(usage) = value.pointer("/message/usage") {
                    self.counts(usage);
                }
            }
            "content_block_start" => self.block_begins(&value, thoughts)?,
            "content_block_delta" => self.block_goes_on(&value, thoughts)?,
            "content_block_stop" => self.block_ends(index(&value), thoughts),
            "message_delta" => {
                let refused = value.pointer("/delta/stop_reason").and_then(Value::as_str) == Some("refusal");
                if refused && self.progress == Progress::Nothing {
                    return Err(ProviderError::BadRequest {
                        detail: "the service's filter held the whole answer back".to_owned(),
                    });
                }
                if let Some(usage) = value.get("usage") {
                    self.counts(usage);
                }
                if value.pointer("/delta/stop_reason").is_some_and(Value::is_string) {
                    self.progress = Progress::Complete;
                }
            }
            "message_stop" => self.progress = Progress::Over,
            // `ping`, and whatever will be added.
            _ => {}
        }
        Ok(())
    }

    fn progress(&self) -> Progress {
        self.progress
    }

    fn usage(&self) -> Usage {
        let complete = matches!(self.progress, Progress::Complete | Progress::Over);
        match (self.prompt, self.completion) {
            (Some(prompt), Some(completion)) if complete => Usage { completion, ..prompt },
            (prompt, _) => Usage {
                completion: self.measure.tokens(),
                estimated: true,
                ..prompt.unwrap_or(Usage {
                    prompt: tokens(self.asked),
                    ..Usage::default()
                })
            },
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

fn index(event: &Value) -> u64 {
    event.get("index").and_then(Value::as_u64).unwrap_or(0)
}
