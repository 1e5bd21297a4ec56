//! A provider that panics, or a stage that ends before its time, is a failure like any other, and told at once.

use super::failed;
use crate::providers::ProviderError;
use crate::talk::{Signal, Stage};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::mpsc;

/// The number of the utterance or answer that each stage was last given an order for.
#[derive(Debug, Default)]
pub(super) struct UnderWay([AtomicU32; 4]);

impl UnderWay {
    /// An order of this number is on its way.
    pub(super) fn note(&self, stage: Stage, number: u32) {
        self.0[stage as usize].store(number, Ordering::Relaxed);
    }

    fn of(&self, stage: Stage) -> u32 {
        self.0[stage as usize].load(Ordering::Relaxed)
    }
}

/// A provider's work; a panic in it is an error, so that another one can take over.
pub(super) async fn guarded<T>(work: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
    // Whatever the work held is dropped with it, and nothing of it is looked at again.
    let result = AssertUnwindSafe(work).catch_unwind().await;
    result.unwrap_or_else(|_| {
        Err(ProviderError::Protocol {
            detail: "it broke down".to_owned(),
        })
    })
}

/// A whole stage; where it breaks down, that is told for what was under way.
pub(super) async fn watched(
    stage: Stage,
    work: impl Future<Output = ()>,
    under_way: impl AsRef<UnderWay>,
    signals: mpsc::Sender<Signal>,
) {
    if AssertUnwindSafe(work).catch_unwind().await.is_err() {
        failed(&signals, stage, under_way.as_ref().of(stage), "the stage broke down").await;
    }
}
