//! What is known of a session's responses, items and wishes: as much of it as late events may still speak of.

use crate::audio::mulaw::millis;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many of each are remembered: more than any answer has.
const KEPT: usize = 64;

/// The longest text of one turn of the caller, in bytes.
const LONGEST: usize = 16 * 1024;

/// A response that is under way.
pub(super) struct Response {
    pub id: Arc<str>,
    /// Something of it came.
    pub begun: bool,
    /// Nothing of it is wanted any more.
    pub cancelled: bool,
}

/// The memory of a session.
#[derive(Default)]
pub(super) struct Book {
    open: Vec<Response>,
    ended: VecDeque<String>,
    items: VecDeque<Item>,
    wishes: VecDeque<String>,
    names: VecDeque<(String, String)>,
    caller: VecDeque<(String, String)>,
}

/// A part of an answer.
struct Item {
    id: Arc<str>,
    /// Bytes of sound that came.
    received: usize,
    /// The caller interrupted it: nothing more of it is wanted.
    cut: bool,
}

impl Book {
    /// Opens a response, unless it is open already or over.
    pub fn begin(&mut self, id: &str) -> bool {
        let known = self.open.iter().any(|response| &*response.id == id);
        if known || id.is_empty() || self.open.len() >= KEPT || self.ended.iter().any(|ended| ended == id) {
            return false;
        }
        self.open.push(Response {
            id: id.into(),
            begun: false,
            cancelled: false,
        });
        true
    }

    /// The open response of this id.
    pub fn response(&mut self, id: &str) -> Option<&mut Response> {
        self.open.iter_mut().find(|response| &*response.id == id)
    }

    /// Closes a response; a second time, or one that nobody has heard of, is none.
    pub fn end(&mut self, id: &str) -> Option<Response> {
        let at = self.open.iter().position(|response| &*response.id == id)?;
        keep(&mut self.ended, id.to_owned());
        Some(self.open.remove(at))
    }

    /// The responses that are under way.
    pub fn open(&self) -> &[Response] {
        &self.open
    }

    /// Cancels whatever is under way; whether there was anything to cancel.
    pub fn cancel(&mut self) -> bool {
        let mut any = false;
        for response in &mut self.open {
            any |= !std::mem::replace(&mut response.cancelled, true);
        }
        any
    }

    /// So many more bytes of an item's sound came; none where nothing of the item is wanted any more.
    pub fn heard(&mut self, id: &str, bytes: usize) -> Option<Arc<str>> {
        let at = match self.items.iter().rposition(|item| &*item.id == id) {
            Some(at) => at,
            None => {
                let item = Item {
                    id: id.into(),
                    received: 0,
                    cut: false,
                };
                keep(&mut self.items, item);
                self.items.len() - 1
            }
        };
        let item = self.items.get_mut(at).filter(|item| !item.cut)?;
        item.received += bytes;
        Some(Arc::clone(&item.id))
    }

    /// Cuts an item; how many milliseconds of it had come. None where it is unknown or cut already.
    pub fn cut(&mut self, id: &str) -> Option<u64> {
        let item = self.items.iter_mut().rfind(|item| &*item.id == id && !item.cut)?;
        item.cut = true;
        Some(millis(item.received))
    }

    /// Remembers a wish; whether it is a new one.
    pub fn wished(&mut self, id: &str) -> bool {
        let new = !self.is_wish(id);
        if new {
            keep(&mut self.wishes, id.to_owned());
        }
        new
    }

    /// Whether this was wished for.
    pub fn is_wish(&self, id: &str) -> bool {
        self.wishes.iter().any(|wish| wish == id)
    }

    /// The action that an item wishes for.
    pub fn named(&mut self, item: &str, name: &str) {
        if !name.is_empty() {
            keep(&mut self.names, (item.to_owned(), name.to_owned()));
        }
    }

    /// The name that came with an item.
    pub fn name(&self, item: &str) -> Option<String> {
        let named = self.names.iter().rfind(|(named, _)| named == item)?;
        Some(named.1.clone())
    }

    /// More words of the caller; all of this turn so far.
    pub fn caller_said(&mut self, item: &str, words: &str) -> String {
        let at = match self.caller.iter().position(|(turn, _)| turn == item) {
            Some(at) => at,
            None => {
                keep(&mut self.caller, (item.to_owned(), String::new()));
                self.caller.len() - 1
            }
        };
        let Some((_, text)) = self.caller.get_mut(at) else {
            return words.to_owned();
        };
        if text.len() + words.len() <= LONGEST {
            text.push_str(words);
        }
        text.trim().to_owned()
    }

    /// The words of this turn are complete, or will never be; those that came.
    pub fn caller_done(&mut self, item: &str) -> Option<String> {
        let at = self.caller.iter().position(|(turn, _)| turn == item)?;
        let (_, text) = self.caller.remove(at)?;
        Some(text.trim().to_owned())
    }
}

fn keep<T>(all: &mut VecDeque<T>, one: T) {
    if all.len() >= KEPT {
        all.pop_front();
    }
    all.push_back(one);
}
