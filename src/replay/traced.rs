//! Steps that leave a mark when a call comes through them. What they do is theirs: the machine that runs is the one of
//! every call, and the marks are taken out of its effects again.

use crate::call::{Back, Cx, Effect, Flow, Next, Outcome, Params, StepError, StepId, StepKind, Touches};
use crate::flow::Located;

/// The mark's word; no step logs it by itself.
const PASSED: &str = "REPLAY_PASSED";

#[derive(Debug)]
struct Traced {
    step: StepId,
    kind: Box<dyn StepKind>,
}

/// The flow with a mark on every step.
pub fn traced(mut flow: Flow) -> Flow {
    let steps = std::mem::take(&mut flow.steps);
    flow.steps = (0_u16..)
        .zip(steps)
        .map(|(index, mut step)| {
            step.kind = Box::new(Traced {
                step: StepId(index),
                kind: step.kind,
            });
            step
        })
        .collect();
    flow
}

/// Takes the marks out of the effects: the steps that the call came through, in order.
pub fn trail(effects: &mut Vec<Effect>) -> Vec<StepId> {
    let mut trail = Vec::new();
    effects.retain(|effect| match effect {
        Effect::Log(log) if log.word == PASSED => {
            if let Ok(step) = log.detail.parse().map(StepId)
                && trail.last() != Some(&step)
            {
                trail.push(step);
            }
            false
        }
        _ => true,
    });
    trail
}

impl Traced {
    fn mark(&self, cx: &mut Cx<'_>) {
        cx.warn(PASSED, self.step.0.to_string());
    }
}

impl StepKind for Traced {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.kind.outcomes()
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        self.mark(cx);
        self.kind.enter(cx)
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        self.mark(cx);
        self.kind.resume(cx, back)
    }

    fn aside(&self, cx: &mut Cx<'_>, params: &Params, round: u32) -> Result<(), StepError> {
        self.mark(cx);
        self.kind.aside(cx, params, round)
    }

    fn ends(&self) -> Option<&Located<String>> {
        self.kind.ends()
    }

    fn touches(&self) -> Touches<'_> {
        self.kind.touches()
    }
}
