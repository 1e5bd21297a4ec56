//! A move is made: time goes on as far as it takes, events reach the call, the carrier goes on.

use super::act::{Act, Way};
use super::leg::Doing;
use super::moves::{DialEnd, Mishap, Move, Timing};
use super::phone::Phone;
use super::told::What;
use crate::call::{CarrierStatus, Event, Params, Pii, Task, TaskKind, TaskOutput, TaskResult, Time, Timer, WaitOn};
use serde_json::{Map, Value};

/// What a service says that refuses.
pub const REFUSED: &str = "refused on purpose";

/// The pause in the sound of ringing, in milliseconds (ITU-T E.180: a second of tone, four of nothing).
const RING_PAUSE: u64 = 4_000;

impl Phone<'_> {
    /// Makes a move that is possible where the call stands; one that is not changes nothing and returns false.
    pub fn make(&mut self, next: &Move, mishap: Option<Mishap>) -> bool {
        self.mishap = mishap;
        self.answered = false;
        let made = self.made(next);
        self.mishap = None;
        made
    }

    fn made(&mut self, next: &Move) -> bool {
        match next {
            Move::Pass => return self.pass(),
            Move::Keys(keys) => return self.keys(keys),
            Move::Says(words) => return self.says(words),
            Move::LeavesMessage(seconds) => return self.leaves_message(*seconds, false),
            Move::LeavesMessageAndHangsUp(seconds) => return self.leaves_message(*seconds, true),
            Move::HangsUp => return self.hangs_up(),
            Move::HangsUpUnnoticed => return self.hangs_up_unnoticed(),
            Move::Dialled(end) => return self.dialled(*end),
            Move::Queued(word) => return self.queued(word),
            Move::Paid(word) => return self.paid(word),
            Move::Referred(taken) => return self.referred(*taken),
            Move::Asks(params) => return self.asks_of_its_own(params),
            Move::StreamStarts(timing) => return self.stream_starts(*timing),
            Move::StreamRefused => return self.stream_refused(),
            Move::StreamBreaks { heard } => return self.stream_breaks(*heard),
            Move::TalkEnds { exit, spoke, quiet } => return self.talk_ends(exit, *spoke, *quiet),
            Move::NothingHeard { idle } => return self.nothing_heard(*idle),
            Move::AgentSpeaks => return self.agent_speaks(),
            Move::Wishes { action, arguments } => return self.wishes(action, arguments),
            Move::TaskEnds { task, result, timing } => return self.task_ends(*task, result, *timing),
            Move::CarrierAsksFirst => return self.asks_first(),
            Move::LimitReached => return self.limit_reached(),
            Move::Restarts => self.restarts(),
            Move::Drains => {
                self.disturbed = true;
                self.fault("the engine is about to stop");
                self.happens(&Event::EngineDraining);
                self.look();
            }
        }
        true
    }

    /// The next moment at which something happens by itself.
    pub fn due(&self) -> Option<Time> {
        let timer = self.timer().map(|(_, due)| due.max(self.now));
        let returning = (self.leg.doing == Doing::Returning).then_some(self.now);
        [self.leg.due(), timer, returning].into_iter().flatten().min()
    }

    fn timer(&self) -> Option<(Timer, Time)> {
        let timers = self.call.timers.iter().map(|(timer, due)| (*timer, *due));
        timers.min_by_key(|(_, due)| *due)
    }

    fn pass(&mut self) -> bool {
        let Some(due) = self.due() else { return false };
        self.now = due;
        if self.leg.doing == Doing::Returning {
            self.returns(Params::default());
        } else if let Some((timer, _)) = self.timer().filter(|(_, at)| *at <= due) {
            self.fires(timer, None);
        } else {
            self.act_over();
        }
        true
    }

    /// A timer fires; when the caller was last heard on a socket, where that matters.
    pub fn fires(&mut self, timer: Timer, last_frame: Option<Time>) {
        self.ear.listen(self.now);
        if timer == Timer::StreamStart && self.leg.doing == Doing::Connecting {
            self.fault("the stream never starts");
        }
        self.happens(&Event::TimerFired { timer, last_frame });
        self.look();
    }

    /// The act under way comes to the end that it has by itself.
    fn act_over(&mut self) {
        match (&self.leg.doing, self.leg.act().cloned()) {
            (Doing::Prompting { .. }, Some(Act::Gather(gather))) => {
                self.leg.doing = Doing::Listening {
                    until: self.now.plus(gather.timeout),
                };
            }
            (Doing::Listening { .. }, Some(Act::Gather(gather))) => {
                self.tell(What::Caller("gives no answer".to_owned()));
                if gather.always {
                    self.asks(&gather.back, fields(&[("msg", "Gather End"), ("Digits", "")]));
                } else {
                    self.go_on();
                }
            }
            (Doing::Recording { .. }, _) => {
                self.tell(What::Caller("says nothing".to_owned()));
                self.go_on();
            }
            (Doing::Dialling { .. }, Some(Act::Dial(_))) => {
                self.dialled(DialEnd::NoAnswer);
            }
            _ => self.go_on(),
        }
    }

    fn keys(&mut self, keys: &str) -> bool {
        let Some(Act::Gather(gather)) = self.leg.act().cloned() else {
            return false;
        };
        if !gather.keys || !matches!(self.leg.doing, Doing::Prompting { .. } | Doing::Listening { .. }) {
            return false;
        }
        self.tell(What::Caller(format!("presses {keys}")));
        self.ear.interrupt(self.now);
        let finished = gather.finish.is_some_and(|finish| keys.contains(finish));
        let mut digits: String = keys.chars().take_while(|key| Some(*key) != gather.finish).collect();
        if let Some(most) = gather.digits {
            digits = digits.chars().take(most as usize).collect();
        }
        let complete = gather
            .digits
            .is_some_and(|most| digits.chars().count() >= most as usize);
        if !finished && !complete {
            self.now = self.now.plus(gather.timeout);
        }
        let key = gather.finish.filter(|_| finished).map(String::from).unwrap_or_default();
        let params = fields(&[("msg", "Gather End"), ("Digits", &digits), ("FinishedOnKey", &key)]);
        self.asks(&gather.back, params);
        true
    }

    fn says(&mut self, words: &str) -> bool {
        let Some(Act::Gather(gather)) = self.leg.act().cloned() else {
            return false;
        };
        if !gather.speech || !matches!(self.leg.doing, Doing::Prompting { .. } | Doing::Listening { .. }) {
            return false;
        }
        self.tell(What::Caller(format!("says “{words}”")));
        self.ear.interrupt(self.now);
        let over = self.now.plus(super::document::said(words).millis);
        self.ear.sound(self.now, over);
        self.now = over.plus(gather.speech_end);
        let params = fields(&[("msg", "Gather End"), ("SpeechResult", words), ("Confidence", "0.9")]);
        self.asks(&gather.back, params);
        true
    }

    fn leaves_message(&mut self, seconds: u32, leaves: bool) -> bool {
        let Some(Act::Record(record)) = self.leg.act().cloned() else {
            return false;
        };
        if !matches!(self.leg.doing, Doing::Recording { .. }) {
            return false;
        }
        self.recordings += 1;
        let length = u64::from(seconds).saturating_mul(1000).min(record.longest);
        let then = if leaves { " and hangs up" } else { "" };
        self.tell(What::Caller(format!("leaves a message of {} s{then}", length / 1000)));
        self.ear.sound(self.now, self.now.plus(length));
        let rest = if leaves || length >= record.longest {
            0
        } else {
            record.quiet
        };
        self.now = self.now.plus(length + rest);
        let sid = format!("RE{:032}", self.recordings);
        let url = format!("{}/2010-04-01/Accounts/AC0/Recordings/{sid}", self.stage.origin());
        let seconds = seconds.to_string();
        let mut params = vec![
            ("RecordingSid", sid.as_str()),
            ("RecordingUrl", &url),
            ("RecordingDuration", &seconds),
        ];
        if leaves {
            params.extend([("Digits", "hangup"), ("CallStatus", "completed")]);
            return self.leaves(&record.back, fields(&params));
        }
        self.asks(&record.back, fields(&params));
        true
    }

    fn hangs_up(&mut self) -> bool {
        if self.leg.is_over() {
            return false;
        }
        self.tell(What::Caller("hangs up".to_owned()));
        self.ear.interrupt(self.now);
        let gone = |more: &[(&str, &str)]| fields(&[more, &[("CallStatus", "completed")]].concat());
        match (self.leg.act().cloned(), self.leg.doing.clone()) {
            (Some(Act::Dial(dial)), Doing::Dialling { .. }) => {
                self.leaves(&dial.back, gone(&[("DialCallStatus", "no-answer")]))
            }
            (Some(Act::Stream(stream)), doing) => {
                if let Doing::Streaming { sid } = doing {
                    self.closed(sid, 1);
                }
                self.leaves(&stream.back, gone(&[]))
            }
            (Some(Act::Enqueue { back, .. }), Doing::Queueing) => {
                self.leaves(&back, gone(&[("QueueResult", "hangup")]))
            }
            _ => self.leaves(&Way::Next, Params::default()),
        }
    }

    fn hangs_up_unnoticed(&mut self) -> bool {
        if self.leg.is_over() {
            return false;
        }
        self.tell(What::Caller("hangs up".to_owned()));
        self.fault("the carrier's report of the call's end is lost");
        if let Doing::Streaming { sid } = self.leg.doing.clone() {
            self.closed(sid, 1);
        }
        self.ear.over(self.now);
        self.leg.doing = Doing::Over;
        self.look();
        true
    }

    /// The caller is gone: the verb's last request, if it makes one, then the status.
    fn leaves(&mut self, back: &Way, params: Params) -> bool {
        if let Way::Ticket(ticket) = back {
            let ticket = *ticket;
            self.happens(&Event::CarrierAsked { ticket, params });
            self.answer = None;
        }
        let status = if self.leg.answered {
            CarrierStatus::Completed
        } else {
            CarrierStatus::NoAnswer
        };
        self.ends(status, "the caller hung up");
        true
    }

    fn dialled(&mut self, end: DialEnd) -> bool {
        let (Some(Act::Dial(dial)), Doing::Dialling { until }) = (self.leg.act().cloned(), self.leg.doing.clone())
        else {
            return false;
        };
        self.tell(What::Carrier(format!("the dialled party: {}", end.word())));
        let mut seconds = String::new();
        match end {
            DialEnd::Talked(millis) => {
                let over = self.now.plus(millis.min(dial.limit));
                self.ear.sound(self.now, over);
                seconds = (over.since(self.now) / 1000).to_string();
                self.now = over;
            }
            DialEnd::NoAnswer => {
                self.now = self.now.max(until);
                let tone = Time(self.now.0.saturating_sub(RING_PAUSE.min(dial.timeout)));
                self.ear.sound(Time(until.0.saturating_sub(dial.timeout)), tone);
            }
            DialEnd::Busy | DialEnd::Failed | DialEnd::Canceled => {}
        }
        let bridged = matches!(end, DialEnd::Talked(_)).to_string();
        let mut params = vec![("DialCallStatus", end.word()), ("DialBridged", &bridged)];
        if !seconds.is_empty() {
            params.push(("DialCallDuration", &seconds));
        }
        self.asks(&dial.back, fields(&params));
        true
    }

    fn queued(&mut self, word: &str) -> bool {
        let (Some(Act::Enqueue { back, .. }), Doing::Queueing) = (self.leg.act().cloned(), &self.leg.doing) else {
            return false;
        };
        self.tell(What::Carrier(format!("the queue: {word}")));
        if word == "bridged" || word == "leave" {
            self.ear.sound(self.now, self.now);
        }
        self.asks(&back, fields(&[("QueueResult", word), ("QueueTime", "20")]));
        true
    }

    fn paid(&mut self, word: &str) -> bool {
        let (Some(Act::Pay { back }), Doing::Paying) = (self.leg.act().cloned(), &self.leg.doing) else {
            return false;
        };
        self.tell(What::Carrier(format!("the payment: {word}")));
        self.ear.sound(self.now, self.now);
        let params = [
            ("Result", word),
            ("PaymentConfirmationCode", "PC1"),
            ("PaymentToken", "T1"),
        ];
        self.asks(&back, fields(&params));
        true
    }

    fn referred(&mut self, taken: bool) -> bool {
        let (Some(Act::Refer { back }), Doing::Referring) = (self.leg.act().cloned(), &self.leg.doing) else {
            return false;
        };
        let code = if taken { "200" } else { "503" };
        self.tell(What::Carrier(format!("the other side answers {code}")));
        self.asks(
            &back,
            fields(&[("ReferCallStatus", "completed"), ("NotifySipResponseCode", code)]),
        );
        true
    }

    /// The document's last request is one that an author's own template makes.
    fn asks_of_its_own(&mut self, params: &Params) -> bool {
        let Some(ticket) = self.call.live().map(|live| live.wait.ticket) else {
            return false;
        };
        if self.leg.is_over() || !matches!(self.call.live().map(|live| &live.wait.on), Some(WaitOn::Action)) {
            return false;
        }
        self.asks(&Way::Ticket(ticket), params.clone());
        true
    }

    fn stream_starts(&mut self, timing: Timing) -> bool {
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
        if let Some(welcome) = &stream.welcome {
            self.hears(welcome);
        }
        self.look();
        true
    }

    fn stream_refused(&mut self) -> bool {
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

    fn stream_breaks(&mut self, heard: bool) -> bool {
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

    fn closed(&mut self, stream_sid: String, frames_in: u64) {
        self.happens(&Event::StreamClosed {
            stream_sid,
            reason: "stop".to_owned(),
            frames_in,
            frames_out: 0,
        });
    }

    fn agent_speaks(&mut self) -> bool {
        if !matches!(self.leg.doing, Doing::Streaming { .. }) {
            return false;
        }
        self.ear.sound(self.now, self.now);
        self.tell(What::Engine("the agent speaks".to_owned()));
        true
    }

    fn talk_ends(&mut self, exit: &str, spoke: bool, quiet: u64) -> bool {
        let Doing::Streaming { sid } = self.leg.doing.clone() else {
            return false;
        };
        if spoke {
            self.ear.sound(self.now, self.now);
            self.tell(What::Caller("speaks".to_owned()));
        }
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

    fn nothing_heard(&mut self, idle: u64) -> bool {
        let (Doing::Streaming { .. }, Some(due)) = (&self.leg.doing, self.call.timers.get(&Timer::StreamMedia)) else {
            return false;
        };
        let due = self.now.max(*due);
        self.fault("the caller cannot be heard on the stream");
        loop {
            let speaks = self.now.plus(idle.saturating_sub(self.ear.quiet(self.now)).max(1));
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

    fn wishes(&mut self, action: &str, arguments: &str) -> bool {
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

    fn task_ends(&mut self, task: usize, result: &TaskResult, timing: Timing) -> bool {
        let Some(Task { key, kind, .. }) = self.tasks.get(task).cloned() else {
            return false;
        };
        self.tasks.remove(task);
        if timing == Timing::Late
            && let Some(WaitOn::Task { give_up, .. }) = self.call.live().map(|live| &live.wait.on)
        {
            self.now = self.now.max(Time(give_up.0.saturating_sub(1)));
        }
        if let Err(error) = result {
            self.tell(What::Carrier(format!("{} fails: {error}", kind.name())));
        }
        if result == &Ok(TaskOutput::Accepted) {
            match &kind {
                TaskKind::RedirectCall { document, .. } if !self.leg.is_over() => {
                    self.tell(What::Carrier("takes the call to the new document".to_owned()));
                    if let Doing::Streaming { sid } = self.leg.doing.clone() {
                        self.closed(sid, 1);
                    }
                    self.plays(document);
                }
                TaskKind::HangUpCall => self.ends(CarrierStatus::Completed, "the engine hangs up"),
                _ => {}
            }
        }
        let event = Event::TaskEnded {
            key,
            result: result.clone(),
        };
        self.happens(&event);
        self.look();
        true
    }

    fn asks_first(&mut self) -> bool {
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

    fn limit_reached(&mut self) -> bool {
        let Some(due) = self.call.timers.get(&Timer::Limit).copied() else {
            return false;
        };
        if self.leg.is_over() {
            return false;
        }
        // Whatever else is due before has happened: only the end is of interest here.
        let quiet = self.ear.quiet(self.now);
        self.now = self.now.max(due);
        self.ear.set_quiet(self.now, quiet);
        self.happens(&Event::TimerFired {
            timer: Timer::Limit,
            last_frame: None,
        });
        self.look();
        true
    }

    /// The process is gone and comes back: sockets are lost, rows are not.
    fn restarts(&mut self) {
        self.disturbed = true;
        self.fault("the engine is started again");
        if matches!(self.leg.doing, Doing::Streaming { .. }) {
            self.leg.doing = Doing::Returning;
        }
        self.happens(&Event::EngineRestarted);
        self.look();
    }

    /// The carrier comes back from a stream.
    fn returns(&mut self, params: Params) {
        let Some(Act::Stream(stream)) = self.leg.act().cloned() else {
            return self.go_on();
        };
        self.asks(&stream.back, params);
    }
}

/// Fields of a request.
fn fields(fields: &[(&str, &str)]) -> Params {
    let usual = ("CallStatus", "in-progress");
    let has = fields.iter().any(|(name, _)| *name == usual.0);
    fields.iter().copied().chain((!has).then_some(usual)).collect()
}
