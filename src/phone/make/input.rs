//! Input as it comes: somebody who decides each key and each word at its own moment says here how it ended.

use super::fields;
use crate::call::Time;
use crate::phone::act::Act;
use crate::phone::leg::Doing;
use crate::phone::moves::MessageEnd;
use crate::phone::phone::Phone;
use crate::phone::told::What;

/// How long a key can be heard on the line, in milliseconds.
const TONE: u64 = 100;

impl Phone<'_> {
    /// The caller presses a key: its tone is heard. What the carrier makes of it is somebody else's to say.
    pub fn tone(&mut self) {
        self.ear.sound(self.now, self.now.plus(TONE));
    }

    /// The carrier takes input: a gather's prompts stop, and it waits for more until then; a recording goes on until then.
    /// False where it takes none.
    pub fn waits_until(&mut self, until: Time) -> bool {
        match self.leg.doing {
            Doing::Prompting { .. } => {
                self.ear.interrupt(self.now);
                let now = self.now;
                if let Some(told) = &mut self.told {
                    // What would have come after it is never heard.
                    told.retain(|told| !(told.at > now && matches!(told.what, What::Hears { .. })));
                }
                self.leg.doing = Doing::Listening { until };
            }
            Doing::Listening { .. } => self.leg.doing = Doing::Listening { until },
            Doing::Recording { .. } => self.leg.doing = Doing::Recording { until },
            _ => return false,
        }
        true
    }

    /// A gather is over, with what it collected.
    pub(super) fn gathered(&mut self, digits: &str, key: Option<char>, words: Option<&str>) -> bool {
        let (Some(Act::Gather(gather)), Doing::Prompting { .. } | Doing::Listening { .. }) =
            (self.leg.act().cloned(), &self.leg.doing)
        else {
            return false;
        };
        self.ear.listen(self.now);
        let nothing = digits.is_empty() && words.is_none();
        if nothing && !gather.always {
            self.tell(What::Caller("gives no answer".to_owned()));
            self.go_on();
            return true;
        }
        let key = key.map(String::from).unwrap_or_default();
        let mut params = vec![("msg", "Gather End"), ("FinishedOnKey", key.as_str())];
        match words {
            Some(words) => params.extend([("SpeechResult", words), ("Confidence", "0.9")]),
            None if nothing && gather.speech => params.push(("SpeechResult", "")),
            None => {}
        }
        if gather.keys && (nothing || !digits.is_empty()) {
            params.push(("Digits", digits));
        }
        self.asks(&gather.back, fields(&params));
        true
    }

    /// A recording is over with nothing in it: the next verb follows.
    pub(super) fn nothing_recorded(&mut self) -> bool {
        if !matches!(self.leg.doing, Doing::Recording { .. }) {
            return false;
        }
        self.tell(What::Caller("leaves no message".to_owned()));
        self.ear.listen(self.now);
        self.go_on();
        true
    }

    /// A recording is over, with sound of so many milliseconds between the silences at both its ends.
    pub(super) fn recorded(&mut self, millis: u64, end: MessageEnd) -> bool {
        let (Some(Act::Record(record)), Doing::Recording { .. }) = (self.leg.act().cloned(), &self.leg.doing) else {
            return false;
        };
        self.ear.listen(self.now);
        self.recordings += 1;
        let then = match end {
            MessageEnd::HungUp => " and hangs up".to_owned(),
            MessageEnd::Key(key) => format!(" and presses {key}"),
            MessageEnd::Over => String::new(),
        };
        // Whole seconds, rounded up, as the carrier reports them.
        let seconds = millis.div_ceil(1000).max(1).to_string();
        self.tell(What::Caller(format!("leaves a message of {seconds} s{then}")));
        let sid = format!("RE{:032}", self.recordings);
        let url = format!("{}/2010-04-01/Accounts/AC0/Recordings/{sid}", self.stage.origin());
        let mut params = vec![
            ("RecordingSid", sid.as_str()),
            ("RecordingUrl", &url),
            ("RecordingDuration", &seconds),
        ];
        let mut pressed = [0; 4];
        match end {
            MessageEnd::HungUp => {
                params.extend([("Digits", "hangup"), ("CallStatus", "completed")]);
                return self.leaves(&record.back, fields(&params));
            }
            MessageEnd::Key(key) => params.push(("Digits", key.encode_utf8(&mut pressed))),
            MessageEnd::Over => {}
        }
        self.asks(&record.back, fields(&params));
        true
    }
}
