//! The line: 20 ms at a time, what the caller hears goes out and what the caller says and presses comes in.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};

use super::account::Order;
use super::clock::Clock;
use super::ear::{Ear, Frame, SILENT, audible};
use super::faults::Fault;
use super::fork::Fork;
use super::timeline::{Happening, Timeline};
use super::voice::Voice;
use crate::audio::mulaw;
use crate::score::Label;

/// Length of a beat.
pub(crate) const BEAT: Duration = Duration::from_millis(mulaw::FRAME_MS);

/// Why a verb does not run to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The caller hung up.
    HungUp,
    /// REST put another document into the call.
    Ordered(Order),
    /// The call reached its longest time.
    TooLong,
    /// The alarm set with [`Line::set_alarm`] went off.
    Alarm,
}

/// What came from the caller in one beat.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beat {
    pub(crate) said: Frame,
    pub(crate) speaking: bool,
}

pub(crate) struct Line {
    ticker: Interval,
    beats: u64,
    longest: Duration,
    alarm: Option<u64>,
    voice: Voice,
    ear: Ear,
    /// When the call was answered.
    up: Option<Duration>,
    hung_up: bool,
    hangs_up_in_greeting: Option<u32>,
    orders: mpsc::Receiver<Order>,
    timeline: Timeline,
    pub(crate) forks: Vec<Fork>,
    /// Keys pressed and not yet taken by a verb.
    pub(crate) keys: VecDeque<char>,
    /// Words said and not yet taken by a verb.
    pub(crate) words: VecDeque<String>,
}

impl Line {
    pub(crate) fn new(
        clock: Clock,
        voice: Voice,
        orders: mpsc::Receiver<Order>,
        timeline: Timeline,
        longest: Duration,
        faults: &super::faults::Faults,
    ) -> Self {
        let mut ticker = tokio::time::interval(clock.real(BEAT));
        // A late beat is made up for, so that positions in the sound stay positions in time.
        ticker.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Self {
            ticker,
            beats: 0,
            longest,
            alarm: None,
            voice,
            ear: Ear::default(),
            up: None,
            hung_up: false,
            hangs_up_in_greeting: faults.has(Fault::HangupInGreeting).then_some(50),
            orders,
            timeline,
            forks: Vec::new(),
            keys: VecDeque::new(),
            words: VecDeque::new(),
        }
    }

    /// One beat in which the caller hears `heard`. May be dropped while it waits.
    pub(crate) async fn beat(&mut self, heard: &Frame) -> Result<Beat, Interrupt> {
        if self.hung_up {
            return Err(Interrupt::HungUp);
        }
        tokio::select! {
            biased;
            Some(order) = self.orders.recv() => return Err(Interrupt::Ordered(order)),
            _ = self.ticker.tick() => {}
        }
        self.beats += 1;
        // Ringing is no prompt that a caller would wait for.
        let listened = if self.up.is_some() { heard } else { &SILENT };
        let mut act = self.voice.beat(listened);
        if let Some(told) = act.told.take() {
            self.timeline.note(Happening::Caller(told));
        }
        self.ear.take(&act.said, act.voiced, heard, self.up.is_some());
        for fork in &mut self.forks {
            fork.carry(&act.said, heard);
        }
        self.keys.extend(act.key);
        self.words.extend(act.words.take());
        if act.hangs_up || self.gives_up_in_greeting(heard) {
            self.hung_up = true;
            return Err(Interrupt::HungUp);
        }
        let now = self.now();
        if now >= self.longest {
            return Err(Interrupt::TooLong);
        }
        if self.alarm.take_if(|alarm| *alarm <= self.beats).is_some() {
            return Err(Interrupt::Alarm);
        }
        Ok(Beat {
            said: act.said,
            speaking: self.voice.is_speaking(),
        })
    }

    /// Beats until `work` is done; the caller hears nothing meanwhile.
    pub(crate) async fn meanwhile<F: Future>(&mut self, work: F) -> Result<F::Output, Interrupt> {
        self.meanwhile_hearing(work, &mut std::iter::repeat(SILENT)).await
    }

    /// Beats until `work` is done; the caller hears `sound`.
    pub(crate) async fn meanwhile_hearing<F: Future>(
        &mut self,
        work: F,
        sound: &mut (dyn Iterator<Item = Frame> + Send),
    ) -> Result<F::Output, Interrupt> {
        let mut work = std::pin::pin!(work);
        let mut frame = sound.next().unwrap_or(SILENT);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                beat = self.beat(&frame) => { beat?; }
            }
            frame = sound.next().unwrap_or(SILENT);
        }
    }

    /// Plays `sound` to its end.
    pub(crate) async fn play(&mut self, sound: &[u8]) -> Result<(), Interrupt> {
        for part in sound.chunks(mulaw::FRAME) {
            self.beat(&frame(part)).await?;
        }
        Ok(())
    }

    /// Plays nothing for so long.
    pub(crate) async fn pause(&mut self, length: Duration) -> Result<(), Interrupt> {
        for _ in 0..beats(length) {
            self.beat(&SILENT).await?;
        }
        Ok(())
    }

    /// The call is answered from here on.
    pub(crate) fn answer(&mut self) {
        self.up = Some(self.now());
    }

    /// Tells the caller's script that a verb begins.
    pub(crate) fn verb_started(&mut self, name: &str) {
        self.voice.verb_started(name);
    }

    /// Interrupts with [`Interrupt::Alarm`] after so long; `None` takes the alarm back.
    pub(crate) fn set_alarm(&mut self, after: Option<Duration>) {
        self.alarm = after.map(|after| self.beats + beats(after));
    }

    /// The call is over: no more orders are taken. Returns what was heard, and what the caller did.
    pub(crate) fn end(mut self) -> (Ear, Vec<Label>) {
        self.orders.close();
        (self.ear, self.voice.into_labels())
    }

    /// How long the call has been up.
    pub(crate) fn up_for(&self) -> Duration {
        self.up.map_or(Duration::ZERO, |up| self.now().saturating_sub(up))
    }

    /// The words that the caller is saying right now; empty for noise.
    pub(crate) fn saying(&self) -> Option<&str> {
        self.voice.saying()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up.is_some()
    }

    /// Time since the call was placed, in beats.
    pub(crate) fn now(&self) -> Duration {
        BEAT * u32::try_from(self.beats).unwrap_or(u32::MAX)
    }

    fn gives_up_in_greeting(&mut self, heard: &Frame) -> bool {
        let Some(left) = &mut self.hangs_up_in_greeting else {
            return false;
        };
        if self.up.is_some() && (*left < 50 || audible(heard)) {
            *left -= 1;
        }
        let gone = *left == 0;
        if gone {
            self.timeline
                .note(Happening::Fault("the caller hangs up in the greeting".to_owned()));
        }
        gone
    }
}

/// A frame from up to 160 samples, filled up with silence.
pub(crate) fn frame(part: &[u8]) -> Frame {
    let mut frame = SILENT;
    for (sample, code) in frame.iter_mut().zip(part) {
        *sample = *code;
    }
    frame
}

/// How many beats `time` takes, rounded up.
pub(crate) fn beats(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(u128::from(mulaw::FRAME_MS))).unwrap_or(u64::MAX)
}

/// `sound` over and over, frame by frame.
pub(crate) fn endless(sound: &[u8]) -> impl Iterator<Item = Frame> + use<> {
    let frames: Vec<Frame> = sound.chunks(mulaw::FRAME).map(frame).collect();
    frames.into_iter().cycle()
}
