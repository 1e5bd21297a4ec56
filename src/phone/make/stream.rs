//! A stream from its opening to its end: it starts or does not, it breaks, nobody is heard on it, the carrier comes back.

use crate::call::{Event, Params, TaskKind, Time, Timer};
use crate::phone::act::Act;
use crate::phone::leg::Doing;
use crate::phone::moves::Timing;
use crate::phone::phone::Phone;
use crate::phone::told::What;

impl Phone<'_> {
    pub(super) fn stream_starts(&mut self, timing: Timing) -> bool {
        let (Some(Act::Stream(stream)), Doing::Connecting) = (self.leg.act().cloned(), &self.leg.doing) else {
            return false;
        };
        if timing == Timing::Late
            && let Some(due) = self.call.timers.get(&Timer::StreamStart)
        {
            self.now = self.now.max(Time(due.0.saturating_sub(1)));
        }
        let Some(token) = stream.token else {
            self.tell(What::Carrier("the stream to the other endpoint starts".to_owned()));
            self.leg.doing = Doing::StreamingAway;
            self.happens(&Event::StreamReported {
                report: "stream-started".to_owned(),
                error: None,
            });
            self.look();
            return true;
        };
        self.streams += 1;
        let sid = format!("MZ{:032}", self.streams);
        self.tell(What::Carrier("the stream starts".to_owned()));
        self.leg.doing = Doing::Streaming { sid: sid.clone() };
        let event = Event::StreamStarted {
            stream_sid: sid,
            token: Some(token.to_string()),
        };
        self.happens(&event);
        if let Some(welcome) = stream
            .welcome
            .filter(|_| matches!(self.leg.doing, Doing::Streaming { .. }))
        {
            self.hears(&welcome);
        }
        self.look();
        true
    }

    pub(super) fn stream_refused(&mut self) -> bool {
        if self.leg.doing != Doing::Connecting {
            return false;
        }
        self.disturbed = true;
        self.fault("the stream cannot be opened");
        self.happens(&Event::StreamReported {
            report: "stream-error".to_owned(),
            error: Some("31920".to_owned()),
        });
        self.returns(Params::default());
        true
    }

    pub(super) fn stream_breaks(&mut self, heard: bool) -> bool {
        match self.leg.doing.clone() {
            Doing::Streaming { sid } => {
                self.fault("the stream's connection breaks");
                self.leg.doing = Doing::Returning;
                self.closed(sid, u64::from(heard));
                self.look();
                true
            }
            Doing::StreamingAway => {
                let (report, error) = if heard {
                    ("stream-stopped", None)
                } else {
                    ("stream-error", Some("31921".to_owned()))
                };
                self.leg.doing = Doing::Returning;
                self.happens(&Event::StreamReported {
                    report: report.to_owned(),
                    error,
                });
                self.look();
                true
            }
            _ => false,
        }
    }

    pub(super) fn nothing_heard(&mut self, idle: u64) -> bool {
        let (Doing::Streaming { .. }, Some(due)) = (&self.leg.doing, self.call.timers.get(&Timer::StreamMedia)) else {
            return false;
        };
        let due = self.now.max(*due);
        self.fault("the caller cannot be heard on the stream");
        loop {
            let waits = idle.saturating_sub(self.ear.quiet(self.now)).max(1);
            let speaks = self.ear.heard_by(self.now).plus(waits);
            if idle == 0 || speaks >= due {
                break;
            }
            self.now = speaks;
            self.ear.sound(speaks, speaks);
        }
        self.now = due;
        self.fires(Timer::StreamMedia, None);
        true
    }

    pub(super) fn asks_first(&mut self) -> bool {
        let under_way = self
            .tasks
            .iter()
            .any(|task| matches!(task.kind, TaskKind::RedirectCall { .. }));
        if !under_way || !matches!(self.leg.doing, Doing::Connecting | Doing::Streaming { .. }) {
            return false;
        }
        self.tell(What::Carrier("asks of its own before the redirect arrives".to_owned()));
        self.returns(Params::default());
        true
    }

    /// The carrier comes back from a stream.
    pub(super) fn returns(&mut self, params: Params) {
        let Some(Act::Stream(stream)) = self.leg.act().cloned() else {
            return self.go_on();
        };
        self.asks(&stream.back, params);
    }

    pub(super) fn closed(&mut self, stream_sid: String, frames_in: u64) {
        self.happens(&Event::StreamClosed {
            stream_sid,
            reason: "stop".to_owned(),
            frames_in,
            frames_out: 0,
        });
    }
}
