//! What comes of a call beyond it: recordings, messages, requests to services, and what is stored.

use super::Judge;
use super::fits::{counted, is_asked, is_kept, is_sent, listed, message, message_form, same};
use crate::call::Row;
use crate::trial::Request;
use crate::trial::form::{Counted, Expect};
use serde_json::Value;

impl Judge<'_> {
    pub(super) fn counts(&mut self, expect: &Expect) {
        if let Some(wanted) = &expect.recordings
            && usize::try_from(wanted.value) != Ok(self.played.recordings)
        {
            let expected = counted(wanted.value as usize, "recording");
            self.miss(
                &wanted.place,
                expected,
                counted(self.played.recordings, "recording"),
                None,
            );
        }
        let Some(wanted) = &expect.messages else { return };
        let sent = &self.played.messages;
        match &wanted.value {
            Counted::Number(number) if usize::try_from(*number) != Ok(sent.len()) => {
                let expected = counted(*number as usize, "message");
                self.miss(&wanted.place, expected, counted(sent.len(), "message"), None);
            }
            Counted::Each(forms) if forms.len() != sent.len() => {
                let came = format!(
                    "{}: {}",
                    counted(sent.len(), "message"),
                    listed(sent.iter().map(message))
                );
                self.miss(&wanted.place, counted(forms.len(), "message"), came, None);
            }
            Counted::Each(forms) => {
                for (form, sent) in forms.iter().zip(sent) {
                    if !is_sent(form, sent) {
                        let expected = format!("a message like {}", message_form(form));
                        self.miss(&wanted.place, expected, message(sent), Some(sent.at));
                    }
                }
            }
            Counted::Number(_) => {}
        }
    }

    pub(super) fn requests(&mut self, expect: &Expect) {
        for wanted in &expect.requests {
            let form = &wanted.value;
            let count = self
                .played
                .requests
                .iter()
                .filter(|request| is_asked(form, request))
                .count();
            let good = match form.times {
                Some(times) => usize::try_from(times) == Ok(count),
                None => count > 0,
            };
            if !good {
                let came = match self.played.requests.len() {
                    0 => "no service was called".to_owned(),
                    _ => {
                        let shown = |request: &Request| format!("{} {} {}", request.method, request.url, request.body);
                        format!("called were {}", listed(self.played.requests.iter().map(shown)))
                    }
                };
                let expected = match form.times {
                    Some(times) => format!("`{}` is called {times} times as written here", form.to),
                    None => format!("`{}` is called as written here", form.to),
                };
                self.miss(&wanted.place, expected, came, None);
            }
        }
    }

    pub(super) fn stored(&mut self, expect: &Expect) {
        let Some(stored) = &expect.stored else { return };
        let played = self.played;
        for (kept, known, what) in [
            (&stored.vars, &played.vars, "the variable"),
            (&stored.contact, &played.contact, "the contact's"),
        ] {
            for (name, wanted) in kept {
                let came = known.get(&name.value);
                if !came.is_some_and(|came| same(wanted, came)) {
                    let expected = format!("{what} `{}` is {wanted}", name.value);
                    let came = came.map_or_else(|| "it is not set".to_owned(), |came| format!("it is {came}"));
                    self.miss(&name.place, expected, came, None);
                }
            }
        }
        let Some(wanted) = &stored.interactions else { return };
        let kept: Vec<(&str, &str, &Value)> = played
            .rows
            .iter()
            .filter_map(|row| match row {
                Row::Interaction {
                    kind, summary, data, ..
                } => Some((kind.as_str(), summary.as_str(), data)),
                _ => None,
            })
            .collect();
        let shown = || listed(kept.iter().map(|(kind, summary, _)| format!("{kind}: {summary}")));
        match &wanted.value {
            Counted::Number(number) if usize::try_from(*number) != Ok(kept.len()) => {
                let expected = counted(*number as usize, "interaction");
                self.miss(&wanted.place, expected, counted(kept.len(), "interaction"), None);
            }
            Counted::Each(forms) => {
                let fit = forms.len() == kept.len() && forms.iter().zip(&kept).all(|(form, kept)| is_kept(form, *kept));
                if !fit {
                    let expected = format!("{} as written here", counted(forms.len(), "interaction"));
                    let came = format!("{}: {}", counted(kept.len(), "interaction"), shown());
                    self.miss(&wanted.place, expected, came, None);
                }
            }
            Counted::Number(_) => {}
        }
    }
}
