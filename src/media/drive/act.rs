//! What a conversation wants done: sound to the player, orders to those who serve it, events to the host.

use super::Session;
use crate::audio::mulaw;
use crate::media::host::{CloseReason, Event, Services};
use crate::talk::{Order, Output};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::io::{AsyncRead, AsyncWrite};

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    /// Has those who serve the conversation do something, if there are any.
    pub(super) fn serve(&mut self, work: impl FnOnce(&mut dyn Services)) {
        if let Some(services) = &mut self.services
            && catch_unwind(AssertUnwindSafe(|| work(&mut **services))).is_err()
        {
            self.fail();
        }
    }

    pub(super) fn order(&mut self, order: Order) {
        if self.services.is_some() {
            // A wish that the call does not hear of is not waited for by anybody but the conversation.
            if Event::of(&order).is_some_and(|wished| !self.tell(wished)) {
                return;
            }
            self.serve(|services| services.order(order));
        } else {
            tracing::error!(
                call_sid = self.call_sid,
                "there is nobody to carry out what the conversation wants"
            );
        }
    }

    pub(super) fn fail(&mut self) {
        tracing::error!(call_sid = self.call_sid, "the conversation broke down");
        self.broken = true;
        self.services = None;
        self.over = Some(CloseReason::Failed);
    }

    pub(super) fn act(&mut self, now: u64, output: Output) {
        let call_sid = self.call_sid;
        match output {
            Output::Play { .. } if self.ending.is_some() => {}
            Output::Play { clip, play } => {
                let ms = self.player.play(clip, play);
                tracing::info!(call_sid, ms, "TTS_LEN");
            }
            Output::Sound { ulaw } => {
                self.spoken += ulaw.len();
                self.player.sound(ulaw);
            }
            Output::Mark { play } => {
                let ms = mulaw::millis(std::mem::take(&mut self.spoken));
                if ms > 0 {
                    tracing::info!(call_sid, ms, "TTS_LEN");
                }
                self.player.mark(play);
            }
            Output::Pause => {
                if self.player.pause(now) {
                    self.send_clear();
                }
            }
            Output::Resume => self.player.resume(),
            Output::Clear => {
                self.player.clear(now);
                self.send_clear();
            }
            Output::Order(order) => self.order(order),
            Output::Finish { exit, why } => {
                self.ending = self.ending.or(Some(CloseReason::Finished));
                self.tell(Event::Finished { exit, why });
            }
            Output::Set(values) => _ = self.tell(Event::Set(values)),
            Output::Words { text, last: false } => tracing::info!(call_sid, text, "STT_PARTIAL"),
            Output::Words { text, last: true } => tracing::info!(call_sid, text, "STT_FINAL"),
            Output::Turn(turn) => _ = self.tell(Event::Turn(turn)),
            Output::State(state) => {
                tracing::info!(call_sid, state = state.name(), "STATE");
            }
            Output::EndOfUtterance { ms } => tracing::info!(call_sid, ms, "EOU"),
            Output::BargeIn { ms } => tracing::info!(call_sid, ms, "BARGE_IN"),
        }
        if self.player.dropped() > 0 && !self.crowded {
            self.crowded = true;
            tracing::error!(
                call_sid,
                "ten minutes of sound are waiting; what comes on top is dropped"
            );
        }
    }
}
