//! An outside effect came to its end.

use super::effect::{Effect, MediaOrder, Recording, Row, TaskKind};
use super::event::{TaskOutput, TaskResult};
use super::ids::{TaskKey, Timer};
use super::machine::Machine;
use super::state::{EndReason, FollowUp, Phase, WaitOn};
use super::timer::ORDER_AGAIN_MS;

impl Machine<'_> {
    pub(super) fn task_ended(&mut self, key: &TaskKey, result: &TaskResult) {
        if self.call.redirect.as_ref().is_some_and(|redirect| redirect.key == *key) {
            return self.redirect_ended(result);
        }
        if self.wish_ended(key, result) {
            return;
        }
        if let Some(sid) = transcribed(key) {
            return self.transcription_ended(sid, result);
        }
        match &mut self.call.phase {
            Phase::Live(live) => match &mut live.wait.on {
                WaitOn::Task {
                    key: awaited,
                    result: slot,
                    ..
                } if awaited == key => {
                    *slot = Some(Box::new(result.clone()));
                    return;
                }
                _ => {}
            },
            Phase::Ended {
                follow_up: FollowUp::Waiting { item, key: awaited },
                ..
            } if awaited == key => {
                let item = *item;
                return self.follow_up_ended(item, result);
            }
            Phase::Ended { .. } => {}
        }
        match result {
            Ok(TaskOutput::Status { status, seconds }) if status.is_over() => self.over(*status, *seconds),
            Ok(TaskOutput::CallGone) if self.is_live() => {
                let asked = key.as_str().contains(&format!("/{}/", TaskKind::AskStatus.name()));
                self.gone(asked);
            }
            Ok(_) => {}
            Err(error) => {
                self.warn("TASK_FAILED", format!("{key}: {error}"));
                if self.is_live() && key.as_str().contains(&format!("/{}/", TaskKind::HangUpCall.name())) {
                    self.effect(Effect::SetTimer(Timer::Guard, self.now.plus(ORDER_AGAIN_MS)));
                }
            }
        }
    }

    fn redirect_ended(&mut self, result: &TaskResult) {
        // It has ended before, and the guard goes on from there.
        if self.call.redirect.as_ref().is_some_and(|redirect| redirect.failed) {
            return;
        }
        match result {
            Ok(TaskOutput::CallGone) => {
                if let Some(redirect) = &mut self.call.redirect {
                    redirect.failed = true;
                }
                self.effect(Effect::SetTimer(Timer::Guard, self.now.plus(ORDER_AGAIN_MS)));
                self.gone(false);
            }
            Ok(_) => {
                self.log("WATCHDOG_REDIRECT_OK", "");
                self.call.redirect = None;
            }
            Err(error) => {
                self.warn("WATCHDOG_REDIRECT_FAIL", error.clone());
                if let Some(redirect) = &mut self.call.redirect {
                    redirect.failed = true;
                }
                // Where our own socket still holds the call, closing it makes the carrier ask by itself.
                self.effect(Effect::Media(MediaOrder::Close));
                self.effect(Effect::SetTimer(Timer::Guard, self.now.plus(ORDER_AGAIN_MS)));
            }
        }
    }

    /// The carrier does not take orders for the call: it is over, most likely. How and after how long, the carrier
    /// knows; where it does not even know the call, this is its end.
    fn gone(&mut self, asked: bool) {
        if !asked {
            self.perform(TaskKind::AskStatus);
            return;
        }
        let reason = match self.call.live().map(|live| &live.wait.on) {
            Some(WaitOn::Farewell(reason)) => *reason,
            _ => EndReason::CallerLeft,
        };
        self.end(reason);
    }

    fn transcription_ended(&mut self, sid: &str, result: &TaskResult) {
        let mut row = Recording {
            sid: sid.to_owned(),
            ..Recording::default()
        };
        match result {
            Ok(TaskOutput::Transcript { text }) => {
                row.status = "transcribed";
                row.transcript = Some(text.clone());
                self.log("RECORDING_TRANSCRIBED", sid);
            }
            Ok(_) => return,
            Err(error) => {
                row.status = "failed";
                row.error = Some(error.clone());
                self.warn("RECORDING_TRANSCRIBE_FAIL", format!("{sid}: {error}"));
            }
        }
        self.effect(Effect::Write(Row::Recording(row)));
    }
}

/// The recording that a task's key names.
fn transcribed(key: &TaskKey) -> Option<&str> {
    key.as_str().rsplit_once("/transcribe/").map(|(_, sid)| sid)
}
