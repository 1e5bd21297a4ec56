//! The stage of a speech-to-speech model. Another one takes over only before the conversation has begun with this one:
//! nobody else knows what was said.

use super::guard::guarded;
use super::{Named, failed, has_room, serving};
use crate::providers::ProviderError;
use crate::providers::realtime::{Duplex, Setup, ToModel};
use crate::talk::{LiveSignal, Signal, Stage};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What may wait on the way in and out: five seconds of sound.
const QUEUE: usize = 256;

/// Runs until `orders` ends.
pub(super) async fn run(
    staff: Vec<Named<dyn Duplex>>,
    setup: Setup,
    mut orders: mpsc::Receiver<ToModel>,
    signals: mpsc::Sender<Signal>,
) {
    let mut last = None;
    for Named { name, provider, .. } in staff {
        serving(&signals, Stage::Live, &name, last.as_ref().map(|(name, _)| name)).await;
        let (to_model, inbox) = mpsc::channel(QUEUE);
        let (told, mut heard) = mpsc::channel(QUEUE);
        let setup = setup.clone();
        let running = guarded(async move { provider.run(setup, inbox, told).await });
        tokio::pin!(running);
        let mut answered = false;
        let error = loop {
            tokio::select! {
                result = &mut running => break match result {
                    Ok(()) => ProviderError::Transient { detail: "the model stopped by itself".to_owned() },
                    Err(error) => error,
                },
                order = orders.recv() => match order {
                    None => return,
                    // Sound that the model does not take in time is lost to it.
                    Some(ToModel::Sound(_)) if !has_room(&to_model) => {}
                    // Without an order it would do something else than the conversation believes.
                    Some(order) => if to_model.try_send(order).is_err() {
                        break ProviderError::Timeout { limit: Duration::from_secs(5) };
                    },
                },
                Some(signal) = heard.recv() => {
                    answered |= matches!(signal, LiveSignal::Sound { .. });
                    if signals.send(Signal::Live(signal)).await.is_err() {
                        return;
                    }
                }
            }
        };
        tracing::warn!(provider = &*name, class = error.class().name(), %error, "LIVE_FAILED");
        // What was said before the end is told before it.
        while let Ok(signal) = heard.try_recv() {
            answered |= matches!(signal, LiveSignal::Sound { .. });
            let _told = signals.send(Signal::Live(signal)).await;
        }
        last = Some((name, error));
        if answered {
            break;
        }
    }
    let error = last.map_or_else(String::new, |(_, error): (Arc<str>, _)| error.to_string());
    failed(&signals, Stage::Live, 0, &error).await;
}
