//! The words of the utterance as they are told and asked for.

use tokio::time::Instant;

use super::super::super::Heard;
use super::super::part::append;
use super::{Act, Hearing};

impl Hearing {
    /// Answers the flushes whose words are there, or that have waited long enough.
    pub(super) fn resolve(&mut self, now: Instant, acts: &mut Vec<Act>) {
        let Some(number) = self.current() else { return };
        let text = self.text();
        let parts = &self.parts;
        let limit = self.limits.flush;
        let mut answered = false;
        self.flushes.retain(|flush| {
            let there = parts.iter().filter(|part| part.id < flush.before).all(|part| part.done);
            let waited = flush.asked + limit <= now && !text.is_empty();
            if there || waited {
                answered = true;
                acts.push(Act::Tell(Heard::Words {
                    utterance: Some(number),
                    text: text.clone(),
                    flush: Some(flush.number),
                }));
            }
            !(there || waited)
        });
        let Some(utterance) = self.utterance.as_mut() else {
            return;
        };
        if answered {
            utterance.told = text;
        }
        while self.parts.len() > 1 && self.parts[0].done {
            append(&mut utterance.words, &self.parts.remove(0).text());
        }
    }

    /// Tells the words where they are others than before.
    pub(super) fn tell(&mut self, acts: &mut Vec<Act>) {
        let text = self.text();
        let number = self.current();
        let told = match &mut self.utterance {
            Some(utterance) => &mut utterance.told,
            None => &mut self.told,
        };
        if text != *told && !text.is_empty() {
            told.clone_from(&text);
            acts.push(Act::Tell(Heard::Words {
                utterance: number,
                text,
                flush: None,
            }));
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = self
            .utterance
            .as_ref()
            .map_or(String::new(), |utterance| utterance.words.clone());
        for part in &self.parts {
            append(&mut text, &part.text());
        }
        text
    }
}
