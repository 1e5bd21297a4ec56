//! One event on one call: load, handle, commit, then let the effects out.

use super::calls::Loaded;
use super::change::change;
use super::clock::now;
use super::engine::Engine;
use super::flows::Version;
use super::words;
use crate::call::{Answer, Arrival, Call, CallId, Effect, Event, MediaOrder, Ticket, Trouble};
use crate::store::{Change, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// How often an event is worked out anew because another process was faster.
const MOST_CONFLICTS: usize = 8;

/// How long a commit may take before the caller gets the fallback. The carrier itself gives up after 15 s.
const COMMIT_WITHIN: Duration = Duration::from_secs(3);

/// What came of an event.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// The answer as TwiML; none where there is nothing to say.
    pub twiml: Option<String>,
    /// What the media socket is told, in order.
    pub media: Vec<MediaOrder>,
    /// The store has not taken it yet.
    pub unsaved: bool,
}

/// Why an event could not be applied.
#[derive(Debug)]
pub(super) enum Unapplied {
    /// No such call, here or in the store.
    Unknown,
    /// The store does not answer and the call is not in memory.
    Store(StoreError),
    /// The flow version that the call began with cannot be found any more.
    NoFlow,
}

impl Engine {
    /// A call comes in, or its first request comes again.
    pub(super) async fn arrive(&self, id: &CallId, flow: &Arc<Version>, arrival: Arrival) -> Applied {
        let slot = self.calls.slot(id);
        let mut slot = slot.lock().await;
        match self.load(id, &mut slot).await {
            Ok(()) => {}
            Err(Unapplied::Unknown | Unapplied::NoFlow) => return self.begin(&mut slot, flow, arrival, false).await,
            Err(Unapplied::Store(error)) => {
                tracing::error!(call_sid = %id, %error, "STORE_FAILED");
                return self.begin(&mut slot, flow, arrival, true).await;
            }
        }
        self.apply_to(&mut slot, Event::CallArrived(arrival)).await
    }

    /// Applies an event to a call that is known.
    pub(super) async fn apply(&self, id: &CallId, event: Event) -> Result<Applied, Unapplied> {
        let slot = self.calls.slot(id);
        let mut slot = slot.lock().await;
        if let Err(error) = self.load(id, &mut slot).await {
            self.calls.forget(id);
            return Err(error);
        }
        Ok(self.apply_to(&mut slot, event).await)
    }

    /// Brings the call into memory.
    async fn load(&self, id: &CallId, slot: &mut Option<Loaded>) -> Result<(), Unapplied> {
        if slot.is_some() {
            return Ok(());
        }
        let stored = self
            .store
            .call(id.as_str())
            .await
            .map_err(Unapplied::Store)?
            .ok_or(Unapplied::Unknown)?;
        let flow = self
            .flows
            .version(&stored.flow_hash, &*self.store)
            .await
            .map_err(Unapplied::Store)?;
        let flow = flow.ok_or(Unapplied::NoFlow)?;
        let call: Call = serde_json::from_str(&stored.state).map_err(|error| {
            tracing::error!(call_sid = %id, %error, "CALL_UNREADABLE");
            Unapplied::Unknown
        })?;
        *slot = Some(Loaded {
            call,
            version: stored.version,
            flow,
            backlog: Vec::new(),
        });
        Ok(())
    }

    async fn begin(
        &self,
        slot: &mut Option<Loaded>,
        flow: &Arc<Version>,
        arrival: Arrival,
        store_is_out: bool,
    ) -> Applied {
        let at = now();
        let (mut call, mut effects) = Call::begin(&flow.flow, at, &arrival);
        let mut events = vec![Event::CallArrived(arrival)];
        let mut twiml = self.rendered(&mut call, flow, at, &mut events, &mut effects);
        let mut backlog = Vec::new();
        let mut version = 0;
        let committed = if store_is_out {
            Err(StoreError::Interrupted)
        } else {
            self.commit(change(&call, 0, at, &events, &effects)).await
        };
        match committed {
            Ok(stored) => version = stored,
            Err(StoreError::Conflict { .. }) => {
                // Another process answered the same first request a moment ago: its state is the call's.
                let id = call.facts.id.clone();
                if self.load(&id, slot).await.is_ok()
                    && let Some(Event::CallArrived(arrival)) = events.into_iter().next()
                {
                    return Box::pin(self.apply_to(slot, Event::CallArrived(arrival))).await;
                }
                return Applied {
                    twiml,
                    ..Applied::default()
                };
            }
            Err(error) => {
                tracing::error!(call_sid = %call.facts.id, %error, "STORE_FAILED");
                twiml = self.fall_back(&mut call, flow, &mut events, &mut effects).or(twiml);
                backlog.push(change(&call, 0, at, &events, &effects));
                self.unsaved.notify_one();
            }
        }
        words::say(&call, &effects);
        let id = call.facts.id.clone();
        *slot = Some(Loaded {
            call,
            version,
            flow: Arc::clone(flow),
            backlog,
        });
        self.after_commit(&id, slot, &effects);
        let unsaved = version == 0;
        Applied {
            twiml,
            media: media(&effects),
            unsaved,
        }
    }

    async fn apply_to(&self, slot: &mut Option<Loaded>, event: Event) -> Applied {
        for _ in 0..MOST_CONFLICTS {
            let Some(loaded) = slot.as_mut() else { break };
            let at = now();
            if !loaded.backlog.is_empty() && fired_before(&loaded.call, &event, at) {
                // Only the row is left of it: the store has not been told yet that this timer is done with.
                return Applied {
                    unsaved: true,
                    ..Applied::default()
                };
            }
            let mut call = loaded.call.clone();
            let mut effects = call.handle(&loaded.flow.flow, at, &event);
            let mut events = vec![event.clone()];
            let mut twiml = self.rendered(&mut call, &loaded.flow, at, &mut events, &mut effects);
            let worked_out = change(&call, loaded.version, at, &events, &effects);
            match self.commit_in_order(loaded, worked_out).await {
                Ok(version) => loaded.version = version,
                Err(StoreError::Conflict { call, .. }) => {
                    let id = CallId(call);
                    *slot = None;
                    if self.load(&id, slot).await.is_err() {
                        break;
                    }
                    continue;
                }
                Err(StoreError::TaskEnded { key }) => {
                    // Another worker reported this task first; its result stands.
                    tracing::debug!(%key, "task ended twice");
                    let id = loaded.call.facts.id.clone();
                    self.after_commit(&id, slot, &[]);
                    return Applied::default();
                }
                Err(error) => {
                    tracing::error!(call_sid = %call.facts.id, %error, "STORE_FAILED");
                    twiml = self
                        .fall_back(&mut call, &loaded.flow, &mut events, &mut effects)
                        .or(twiml);
                    loaded
                        .backlog
                        .push(change(&call, loaded.version, at, &events, &effects));
                    self.unsaved.notify_one();
                }
            }
            words::say(&call, &effects);
            loaded.call = call;
            let unsaved = !loaded.backlog.is_empty();
            let id = loaded.call.facts.id.clone();
            self.after_commit(&id, slot, &effects);
            return Applied {
                twiml,
                media: media(&effects),
                unsaved,
            };
        }
        // Nobody knows where the call stands: whoever is on the line hears a sentence, never nothing.
        Applied {
            twiml: Some(self.safe_document.clone()),
            ..Applied::default()
        }
    }

    /// The store is out: what would need it gives way to the fallback. Events and effects are amended to what is then
    /// true.
    fn fall_back(
        &self,
        call: &mut Call,
        flow: &Arc<Version>,
        events: &mut Vec<Event>,
        effects: &mut Vec<Effect>,
    ) -> Option<String> {
        let at = now();
        let event = Event::TroubleStruck {
            trouble: Trouble::Store,
        };
        let mut more = call.handle(&flow.flow, at, &event);
        events.push(event);
        let twiml = self.rendered(call, flow, at, events, &mut more);
        effects.extend(more);
        twiml
    }

    /// Commits what the store missed first, so that events stay in order.
    async fn commit_in_order(&self, loaded: &mut Loaded, mut change: Change) -> Result<i64, StoreError> {
        self.flush(loaded).await?;
        change.expect_version = loaded.version;
        self.commit(change).await
    }

    /// Commits within the time that a caller can be kept waiting. One that comes too late counts as an outage: whether it
    /// took effect is found out when the store is back.
    async fn commit(&self, change: Change) -> Result<i64, StoreError> {
        tokio::time::timeout(COMMIT_WITHIN, self.store.commit(change))
            .await
            .unwrap_or(Err(StoreError::Interrupted))
    }

    /// Writes what the store missed.
    pub(super) async fn flush(&self, loaded: &mut Loaded) -> Result<(), StoreError> {
        while let Some(missed) = loaded.backlog.first() {
            let mut missed = missed.clone();
            missed.expect_version = loaded.version;
            match self.commit(missed).await {
                Ok(version) => loaded.version = version,
                // An outage can have committed what it did not confirm; what is in memory is the newer truth.
                Err(StoreError::Conflict { found, .. }) if found != loaded.version => {
                    loaded.version = found;
                    continue;
                }
                Err(error) if error.is_outage() => return Err(error),
                Err(error) => tracing::error!(call_sid = %loaded.call.facts.id, %error, "UNSAVED_LOST"),
            }
            loaded.backlog.remove(0);
        }
        Ok(())
    }

    /// The answer as TwiML. A document that cannot be rendered is replaced by what the machine says then.
    fn rendered(
        &self,
        call: &mut Call,
        flow: &Arc<Version>,
        at: crate::call::Time,
        events: &mut Vec<Event>,
        effects: &mut Vec<Effect>,
    ) -> Option<String> {
        for _ in 0..3 {
            let answer = effects.iter().rev().find_map(|effect| match effect {
                Effect::Answer(answer) => Some(answer.clone()),
                _ => None,
            })?;
            let Answer::Document(verbs) = answer else { return None };
            match self.render(flow, &call.facts.origin, &verbs) {
                Ok(twiml) => return Some(twiml),
                Err(error) => {
                    tracing::error!(call_sid = %call.facts.id, %error, "RENDER_FAILED");
                    if matches!(events.first(), Some(Event::AsideAsked { .. })) {
                        // What the called party should have heard says nothing of the caller: only that leg ends.
                        return Some(self.safe_document.clone());
                    }
                    let ticket = call.answers.back().map_or(Ticket::FIRST, |(ticket, _)| *ticket);
                    let event = Event::DocumentFailed {
                        ticket,
                        error: error.to_string(),
                    };
                    effects.extend(call.handle(&flow.flow, at, &event));
                    events.push(event);
                }
            }
        }
        Some(self.safe_document.clone())
    }

    fn after_commit(&self, id: &CallId, slot: &mut Option<Loaded>, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Perform(_) => self.outbox_has_work.notify_one(),
                Effect::SetTimer(..) => self.timers_changed.notify_one(),
                Effect::Media(MediaOrder::Close) => self.sockets.close(id),
                Effect::Media(MediaOrder::Acted { id: wish, result }) => self.sockets.acted(id, wish, result.clone()),
                _ => {}
            }
        }
        if slot
            .as_ref()
            .is_some_and(|loaded| loaded.call.is_finished() && loaded.backlog.is_empty())
        {
            *slot = None;
            self.calls.forget(id);
        }
    }
}

/// Whether a timer fires that the call does not have any more, or not yet again.
fn fired_before(call: &Call, event: &Event, at: crate::call::Time) -> bool {
    let Event::TimerFired { timer, .. } = event else {
        return false;
    };
    call.timers.get(timer).is_none_or(|due| *due > at)
}

fn media(effects: &[Effect]) -> Vec<MediaOrder> {
    let order = |effect: &Effect| match effect {
        Effect::Media(order) => Some(order.clone()),
        _ => None,
    };
    effects.iter().filter_map(order).collect()
}
