//! What goes to the service: the caller's sound in lumps of 20 to 60 ms, and what has to wait until the session stands.

use super::super::ToModel;
use crate::talk::LiveOrder;
use base64_simd::STANDARD;
use std::time::Duration;
use tokio::time::Instant;

/// A lump of 40 ms is sent at once; bytes of mu-law.
const LUMP: usize = 320;

/// The most that one lump holds: 60 ms.
const MOST: usize = 480;

/// How long sound waits for more of it.
const WAIT: Duration = Duration::from_millis(60);

/// What is kept of the caller until the session stands: the last 5 s.
const KEPT: usize = 40_000;

/// The most orders that are kept until then.
const KEPT_ORDERS: usize = 32;

/// Sound and orders on their way out.
#[derive(Default)]
pub(super) struct Outgoing {
    sound: Vec<u8>,
    since: Option<Instant>,
    orders: Vec<LiveOrder>,
}

impl Outgoing {
    /// Keeps this until the session stands; of the sound, the newest.
    pub fn hold(&mut self, order: ToModel) {
        match order {
            ToModel::Sound(frame) => {
                self.sound.extend_from_slice(frame.sound());
                let over = self.sound.len().saturating_sub(KEPT);
                self.sound.drain(..over);
            }
            ToModel::Order(order) if self.orders.len() < KEPT_ORDERS => self.orders.push(order),
            ToModel::Order(_) => {
                tracing::warn!("an order to a model that is not there yet is dropped: there are too many")
            }
        }
    }

    /// The orders that were kept.
    pub fn held(&mut self) -> Vec<LiveOrder> {
        std::mem::take(&mut self.orders)
    }

    /// More of the caller.
    pub fn sound(&mut self, sound: &[u8]) {
        if !sound.is_empty() {
            self.since.get_or_insert_with(Instant::now);
            self.sound.extend_from_slice(sound);
        }
    }

    /// The message with the next lump, where one is full, or `all` is to go.
    pub fn next(&mut self, all: bool) -> Option<String> {
        if self.sound.is_empty() || (self.sound.len() < LUMP && !all) {
            return None;
        }
        let lump = self.sound.len().min(MOST);
        let message = append(&self.sound[..lump]);
        self.sound.drain(..lump);
        self.since = (!self.sound.is_empty()).then(Instant::now);
        Some(message)
    }

    /// When what is there goes out at the latest; not before the session stands.
    pub fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + WAIT)
    }
}

fn append(sound: &[u8]) -> String {
    let mut message = String::with_capacity(64 + sound.len() * 4 / 3);
    message.push_str("{\"type\":\"input_audio_buffer.append\",\"audio\":\"");
    message.push_str(&STANDARD.encode_to_string(sound));
    message.push_str("\"}");
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::listen::Frame;
    use serde_json::Value;

    fn lumps(outgoing: &mut Outgoing, all: bool) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| outgoing.next(all))
            .map(|message| {
                let value: Value = serde_json::from_str(&message).expect("JSON");
                assert_eq!(value["type"], "input_audio_buffer.append");
                STANDARD
                    .decode_to_vec(value["audio"].as_str().expect("text"))
                    .expect("base64")
            })
            .collect()
    }

    #[test]
    fn frames_go_out_two_by_two_and_a_rest_when_it_is_due() {
        let mut outgoing = Outgoing::default();
        outgoing.sound(&[1; 160]);
        assert_eq!(lumps(&mut outgoing, false), Vec::<Vec<u8>>::new());
        assert!(outgoing.due().is_some());
        outgoing.sound(&[2; 160]);
        assert_eq!(lumps(&mut outgoing, false), [[[1; 160], [2; 160]].concat()]);
        assert_eq!(outgoing.due(), None);
        outgoing.sound(&[3; 20]);
        assert_eq!(lumps(&mut outgoing, true), [[3; 20]]);
    }

    #[test]
    fn what_was_kept_is_the_newest_and_bounded() {
        let mut outgoing = Outgoing::default();
        for number in 0..300_u32 {
            outgoing.hold(ToModel::Sound(Frame::new(&[number as u8; 160])));
            outgoing.hold(ToModel::Order(LiveOrder::Cancel));
        }
        assert_eq!(outgoing.due(), None, "nobody could take it yet");
        let sound = lumps(&mut outgoing, true).concat();
        assert_eq!((sound.len(), sound[0], sound[KEPT - 1]), (KEPT, 50, 43));
        assert_eq!(outgoing.held().len(), KEPT_ORDERS);
        assert_eq!(outgoing.held(), []);
    }
}
