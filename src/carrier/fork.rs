//! A `<Start><Stream>`: a copy of the call's sound that goes to the engine and brings nothing back.

use super::ear::Frame;
use super::socket::{Incoming, Socket};
use super::timeline::{Happening, Timeline};
use super::wire::{Track, Writer};
use crate::twiml::Element;

/// A running copy.
#[derive(Debug)]
pub(crate) struct Fork {
    /// The `<Stream>` that began it.
    pub(crate) noun: Element,
    pub(crate) writer: Writer,
    tracks: Vec<Track>,
    socket: Option<Socket>,
    timeline: Timeline,
    beats: u64,
}

impl Fork {
    /// A copy over an open connection on which `connected` and `start` are out already.
    pub(crate) fn new(noun: Element, writer: Writer, tracks: Vec<Track>, socket: Socket, timeline: Timeline) -> Self {
        Self {
            noun,
            writer,
            tracks,
            socket: Some(socket),
            timeline,
            beats: 0,
        }
    }

    /// Sends one beat of both sides.
    pub(crate) fn carry(&mut self, said: &Frame, heard: &Frame) {
        let Some(socket) = &mut self.socket else {
            return;
        };
        while let Some(message) = socket.take() {
            if let Incoming::Ended(ending) = message {
                if let Some(code) = ending.code() {
                    self.timeline.error(code, format!("{ending:?}"));
                }
                self.ended("the engine closed it");
                return;
            }
        }
        for track in &self.tracks {
            let sound = if *track == Track::Inbound { said } else { heard };
            let text = self.writer.media(*track, u128::from(self.beats) * 20, sound);
            // A slow reader loses sound, as on the real network.
            socket.send(text);
        }
        self.beats += 1;
    }

    /// Ends the copy with `stop`, where the engine has not closed it before.
    pub(crate) async fn stop(&mut self, account: &str, call: &str) {
        if let Some(socket) = self.socket.take() {
            socket.send(self.writer.stop(account, call));
            socket.close().await;
            self.ended("stopped");
        }
    }

    fn ended(&mut self, why: &str) {
        self.socket = None;
        self.timeline.note(Happening::StreamEnded {
            sid: self.writer.sid.clone(),
            why: why.to_owned(),
            sent: self.beats * self.tracks.len() as u64,
            received: 0,
            marks: 0,
            clears: 0,
        });
    }
}
