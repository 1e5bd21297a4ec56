//! Whether a recorded event still means something to a call that has gone another way.

use super::run::Runner;
use crate::call::{
    Call, CarrierStatus, Event, Params, Phase, StreamPhase, TaskKey, TaskKind, Ticket, Time, Timer, WaitOn,
};

/// What becomes of a recorded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is given to the edited flow too.
    Applies,
    /// It answers something that only the recorded call ordered; the edited flow does without it.
    Skipped,
    /// From here on the recording says nothing about the edited flow.
    Ends(String),
}

/// How a call stands to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stand {
    /// It waits for it, in a step of this kind or with this agent.
    Awaits(String),
    /// It has met it before.
    Knows,
    /// It did not ask for it.
    Strange,
}

/// Judges an event by what it means to the recorded call (`then`) and to the other one (`now`).
pub(super) fn fit(then: &Runner<'_>, now: &Runner<'_>, at: Time, event: &Event) -> Fit {
    let (Some(recorded), Some(edited)) = (&then.call, &now.call) else {
        return Fit::Applies;
    };
    match event {
        Event::CarrierAsked { params, .. } if is_over(params) => ends_too(recorded, edited, now),
        Event::StatusChanged { status, .. } if status.is_over() => ends_too(recorded, edited, now),
        Event::CarrierAsked { ticket, .. } => {
            let what = format!("`{}` {}", ticket.route.path(), ticket.n);
            let stand = |runner: &Runner<'_>, call: &Call| asked(runner, call, *ticket);
            judge(&stand(then, recorded), &stand(now, edited), now, |kind| match kind {
                Some(kind) => format!("the recorded carrier comes back from a `{kind}` ({what})"),
                None => format!("the recorded carrier asks for {what}"),
            })
        }
        Event::AsideAsked { .. } => {
            let stand = |runner: &Runner<'_>| match runner.waits() {
                Some(waits) => Stand::Awaits(runner.side.kind_name(waits.step).to_owned()),
                None => Stand::Strange,
            };
            judge(&stand(then), &stand(now), now, |kind| {
                format!(
                    "somebody beside the recorded call asks for a document of its `{}`",
                    kind.unwrap_or("step")
                )
            })
        }
        Event::StreamStarted { token, .. } => {
            let stand = |call: &Call| admitted(call, token.as_deref());
            match (stand(recorded), stand(edited)) {
                // A flow that is more patient gets the stream that came too late for the recorded one.
                (Stand::Strange, _) | (Stand::Awaits(_), Stand::Awaits(_)) => Fit::Applies,
                _ => Fit::Ends(otherwise("a media stream starts on the recorded call", now)),
            }
        }
        Event::TalkEnded { stream_sid, .. }
        | Event::Wished { stream_sid, .. }
        | Event::TalkSet { stream_sid, .. }
        | Event::StreamClosed { stream_sid, .. } => talk(recorded, edited, Some(stream_sid), now),
        Event::TurnTaken { .. } => talk(recorded, edited, None, now),
        Event::TimerFired { timer, .. } => match (timer, edited.timers.get(timer)) {
            (_, None) => Fit::Skipped,
            // This one also tells when the caller was last heard.
            (Timer::StreamMedia, Some(_)) => Fit::Applies,
            (_, Some(due)) if *due <= at => Fit::Applies,
            _ => Fit::Skipped,
        },
        Event::TaskEnded { key, .. } => result(then, now, key),
        Event::DocumentFailed { .. } => Fit::Skipped,
        Event::CallArrived(_)
        | Event::StatusChanged { .. }
        | Event::StreamReported { .. }
        | Event::TroubleStruck { .. }
        | Event::EngineRestarted
        | Event::EngineDraining => Fit::Applies,
    }
}

/// The document of the recorded call ended it: that says nothing about a call that would have gone on. A caller who
/// left is gone whatever the flow was doing.
fn ends_too(recorded: &Call, edited: &Call, now: &Runner<'_>) -> Fit {
    let by_flow = |call: &Call| matches!(call.live().map(|live| &live.wait.on), Some(WaitOn::Farewell(_)));
    if by_flow(recorded) && !by_flow(edited) && edited.live().is_some() {
        return Fit::Ends(otherwise("the recorded flow ended the call", now));
    }
    Fit::Applies
}

fn is_over(params: &Params) -> bool {
    params
        .text("CallStatus")
        .and_then(CarrierStatus::parse)
        .is_some_and(CarrierStatus::is_over)
}

fn asked(runner: &Runner<'_>, call: &Call, ticket: Ticket) -> Stand {
    match &call.phase {
        Phase::Live(live) if live.wait.ticket == ticket => Stand::Awaits(runner.side.kind_name(live.step).to_owned()),
        _ if call.answered(ticket).is_some() => Stand::Knows,
        _ => Stand::Strange,
    }
}

fn admitted(call: &Call, token: Option<&str>) -> Stand {
    match call.live().map(|live| &live.wait.on) {
        Some(WaitOn::Stream(stream)) if stream.phase == StreamPhase::Pending && token == Some(&*stream.token) => {
            Stand::Awaits(stream.agent.clone().unwrap_or_default())
        }
        _ => Stand::Strange,
    }
}

fn talk(recorded: &Call, edited: &Call, sid: Option<&str>, now: &Runner<'_>) -> Fit {
    let stand = |call: &Call| match call.live().map(|live| &live.wait.on) {
        Some(WaitOn::Stream(stream)) => match &stream.phase {
            StreamPhase::Running { stream_sid } if sid.is_none_or(|sid| sid == stream_sid) => {
                Stand::Awaits(stream.agent.clone().unwrap_or_default())
            }
            _ => Stand::Strange,
        },
        _ => Stand::Strange,
    };
    match (stand(recorded), stand(edited)) {
        (Stand::Awaits(then), Stand::Awaits(agent)) if then == agent => Fit::Applies,
        (Stand::Awaits(then), Stand::Awaits(agent)) => Fit::Ends(format!(
            "the recorded caller talks with the agent `{then}`; in the edited flow it would be `{agent}`"
        )),
        (Stand::Awaits(_), _) => Fit::Ends(otherwise("the recorded conversation goes on", now)),
        _ => Fit::Applies,
    }
}

/// A result is given to whoever ordered the same thing. Without an order there is none.
fn result(then: &Runner<'_>, now: &Runner<'_>, key: &TaskKey) -> Fit {
    let Some(ordered) = now.ordered.get(key) else {
        return Fit::Skipped;
    };
    let Some(recorded) = then.ordered.get(key) else {
        return Fit::Applies;
    };
    match (recorded, ordered) {
        (
            TaskKind::Http { method, url, .. },
            TaskKind::Http {
                method: other_method,
                url: other_url,
                ..
            },
        ) if (method, url) != (other_method, other_url) => {
            Fit::Ends("a service answers the recorded call, and the edited flow asks another one".to_owned())
        }
        (recorded, ordered) if recorded.name() != ordered.name() => Fit::Skipped,
        _ => Fit::Applies,
    }
}

fn judge(then: &Stand, now: &Stand, runner: &Runner<'_>, what: impl Fn(Option<&str>) -> String) -> Fit {
    match (then, now) {
        (Stand::Awaits(kind), Stand::Awaits(other)) if kind == other => Fit::Applies,
        (Stand::Awaits(kind), _) => Fit::Ends(otherwise(&what(Some(kind)), runner)),
        (_, Stand::Awaits(_)) => Fit::Ends(otherwise(&what(None), runner)),
        _ => Fit::Applies,
    }
}

/// A fact of the recording and where the edited flow is instead.
fn otherwise(fact: &str, now: &Runner<'_>) -> String {
    match now.waits() {
        Some(waits) => format!(
            "{fact}, and the edited flow waits in `{}`, a `{}`",
            waits.name,
            now.side.kind_name(waits.step)
        ),
        None => format!("{fact}, and the edited flow has ended the call"),
    }
}
