//! What a conversation is told when its providers do well, fail, stall and take over. The providers here are scripts at
//! the stages' own seams; their wire protocols are tried elsewhere, against servers.

mod act;
mod listen;
mod live;
mod orders;
mod speak;
mod think;

use super::*;
use crate::providers::ProviderError;
use crate::providers::listen::Heard;
use crate::providers::speak::{Say, Spoken};
use crate::providers::think::{Request, Thought};
use crate::talk::{ActionCall, LiveSignal, Message, Usage};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn broken() -> ProviderError {
    ProviderError::Transient {
        detail: "reset".to_owned(),
    }
}

fn refused() -> ProviderError {
    ProviderError::Auth {
        detail: "wrong key".to_owned(),
    }
}

fn named<P: ?Sized>(name: &str, provider: Arc<P>) -> Named<P> {
    waited_for(name, provider, Duration::from_secs(20))
}

/// One of whom a first part is awaited for so long.
fn waited_for<P: ?Sized>(name: &str, provider: Arc<P>, first: Duration) -> Named<P> {
    let patience = Patience {
        first,
        ..Patience::default()
    };
    Named {
        name: name.into(),
        provider,
        patience,
    }
}

/// The next signal that says something: who serves is collected, a mere sign of life is passed over.
async fn next(crew: &mut Crew, served: &mut Vec<String>) -> Signal {
    loop {
        let signal = tokio::time::timeout(Duration::from_secs(30), crew.signals.recv()).await;
        match signal.expect("a signal within its time").expect("a crew that lives") {
            Signal::Serving {
                provider, instead_of, ..
            } => served.push(match instead_of {
                Some(before) => format!("{provider} for {before}"),
                None => provider.to_string(),
            }),
            Signal::Token { text, .. } if text.is_empty() => {}
            signal => return signal,
        }
    }
}

/// Whether this says that nobody is left at the stage for what has this number.
fn has_failed(signal: &Signal, of: Stage, number: u32) -> bool {
    matches!(signal, Signal::Failed { stage, generation, .. } if (*stage, *generation) == (of, number))
}
