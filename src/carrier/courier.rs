//! The courier: carries callbacks whose answer does not matter, in order and without holding up the call.

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::exchange::Request;
use super::faults::{Fault, Faults};
use super::http::Client;
use super::timeline::{Happening, Timeline};

/// Accepts callbacks; a task delivers them one after the other. Copies feed the same task.
#[derive(Debug, Clone)]
pub(crate) struct Courier {
    requests: mpsc::UnboundedSender<Request>,
    timeline: Timeline,
    lost: bool,
}

impl Courier {
    /// A courier and its task, which ends once every copy is dropped and everything is delivered.
    pub(crate) fn start(client: Client, timeline: Timeline, faults: &Faults) -> (Self, JoinHandle<()>) {
        let (requests, inbox) = mpsc::unbounded_channel();
        let reorder = faults.has(Fault::ReorderWebhooks);
        let task = tokio::spawn(deliver(inbox, client, timeline.clone(), reorder));
        (
            Self {
                requests,
                timeline,
                lost: faults.has(Fault::LostStatus),
            },
            task,
        )
    }

    /// Sends this callback when its turn comes.
    pub(crate) fn send(&self, request: Request) {
        if self.lost && request.purpose.starts_with("status") {
            self.timeline
                .note(Happening::Fault(format!("{} is lost", request.purpose)));
            return;
        }
        // The task lives until the last courier is gone, so there is always somebody to take it.
        let _delivered = self.requests.send(request);
    }
}

async fn deliver(mut inbox: mpsc::UnboundedReceiver<Request>, client: Client, timeline: Timeline, reorder: bool) {
    let mut held = None;
    while let Some(request) = inbox.recv().await {
        if reorder && held.is_none() {
            held = Some(request);
            continue;
        }
        post(&client, &timeline, &request).await;
        if let Some(earlier) = held.take() {
            post(&client, &timeline, &earlier).await;
        }
    }
    if let Some(last) = held {
        post(&client, &timeline, &last).await;
    }
}

async fn post(client: &Client, timeline: &Timeline, request: &Request) {
    match client.send(request).await {
        Ok(reply) if reply.status < 400 => {}
        Ok(reply) => timeline.error(15003, format!("{} answered {}", request.url, reply.status)),
        Err(failure) => timeline.error(15003, format!("{}: {} {}", request.url, failure.code, failure.detail)),
    }
}
