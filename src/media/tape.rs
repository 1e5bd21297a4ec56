//! The recording of a conversation: what the caller said and what the caller heard, on one timeline, in a file that
//! grows as the call goes on. The conversation never waits for it; a disk that fails costs the recording alone.

mod timeline;

use crate::audio::mulaw::{FRAME, FRAME_MS};
use crate::audio::wav;
use std::fmt;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use timeline::{Piece, Side, Timeline};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::sync::mpsc::error::{TryRecvError, TrySendError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

/// Pieces that may wait for the disk: some ten seconds of both sides.
const WAITING: usize = 1024;
/// How often what waits is written.
const EVERY: Duration = Duration::from_millis(500);
/// After how many writes the sizes in the file's head are brought up to date: ten seconds.
const REFRESH: u32 = 20;
/// How long a disk may take for one write.
const DISK_LIMIT: Duration = Duration::from_secs(30);

/// The end of a recording that the media session holds. Dropping it completes the file.
#[derive(Debug)]
pub struct Tape {
    pieces: mpsc::Sender<Piece>,
    lost: Arc<AtomicU64>,
    told: bool,
    _gone: oneshot::Sender<()>,
}

/// A finished recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taped {
    /// How long it is.
    pub millis: u64,
    /// Pieces of at most 20 ms that are missing, silence in their place, since the disk was too slow.
    pub lost: u64,
}

/// Why there is no recording, or only its beginning.
#[derive(Debug)]
pub struct TapeError {
    /// The file.
    pub path: PathBuf,
    /// What the system says of it.
    pub error: io::Error,
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot record to {}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for TapeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Tape {
    /// A recording to a file that does not exist yet, and the work of writing it, which whoever runs the call has to
    /// spawn. The work ends when the tape was dropped and all is written, or at the first error.
    ///
    /// The file is a WAV of mu-law at 8 kHz: the caller on the left, what the caller heard on the right. At any time
    /// it can be played as far as it was written.
    pub fn create(path: PathBuf) -> (Self, impl Future<Output = Result<Taped, TapeError>> + Send + 'static) {
        let (pieces, inbox) = mpsc::channel(WAITING);
        let (_gone, gone) = oneshot::channel();
        let lost = Arc::new(AtomicU64::new(0));
        let tape = Self {
            pieces,
            lost: Arc::clone(&lost),
            told: false,
            _gone,
        };
        let work = async move {
            match write(&path, inbox, gone).await {
                Ok((millis, crowded_out)) => Ok(Taped {
                    millis,
                    lost: lost.load(Ordering::Relaxed) + crowded_out,
                }),
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "the recording of a call is lost; the call goes on");
                    Err(TapeError { path, error })
                }
            }
        };
        (tape, work)
    }

    /// The caller's next sound, which arrived at `at`, in the conversation's milliseconds.
    pub(super) fn caller(&mut self, at: u64, sound: &[u8]) {
        self.put(Side::Caller, at, sound);
    }

    /// Sound that the caller began to hear at `at`.
    pub(super) fn agent(&mut self, at: u64, sound: &[u8]) {
        for (index, piece) in sound.chunks(FRAME).enumerate() {
            self.put(Side::Agent, at + FRAME_MS * index as u64, piece);
        }
    }

    fn put(&mut self, side: Side, at: u64, sound: &[u8]) {
        if let Err(TrySendError::Full(_)) = self.pieces.try_send(Piece::new(side, at, sound)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            if !self.told {
                self.told = true;
                tracing::error!("the disk is too slow: parts of a recording are missing");
            }
        }
    }
}

/// Writes what comes until nothing more can; how long it became and how many pieces found no place.
async fn write(
    path: &Path,
    mut inbox: mpsc::Receiver<Piece>,
    mut gone: oneshot::Receiver<()>,
) -> io::Result<(u64, u64)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // What callers say is not for everybody on the machine.
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = within(options.open(path)).await?;
    within(file.write_all(&wav::ulaw_header(8000, 2, None))).await?;
    let mut timeline = Timeline::default();
    let mut sound = Vec::new();
    let (mut written, mut since_refresh) = (0, 0);
    loop {
        // Not woken by every piece: twice a second is often enough.
        tokio::select! {
            _ = &mut gone => {}
            () = sleep(EVERY) => {}
        }
        let ended = loop {
            match inbox.try_recv() {
                Ok(piece) => timeline.take(&piece),
                Err(TryRecvError::Empty) => break false,
                Err(TryRecvError::Disconnected) => break true,
            }
        };
        sound.clear();
        if ended {
            timeline.finish(&mut sound);
        } else {
            timeline.due(&mut sound);
        }
        within(async {
            file.write_all(&sound).await?;
            // Or an error would be told at the next write only.
            file.flush().await
        })
        .await?;
        written += sound.len();
        since_refresh += 1;
        if ended || since_refresh == REFRESH {
            since_refresh = 0;
            within(refresh(&mut file, written)).await?;
        }
        if ended {
            return Ok(((written / 16) as u64, timeline.lost()));
        }
    }
}

/// Writes the true sizes into the head of the file.
async fn refresh(file: &mut File, written: usize) -> io::Result<()> {
    file.seek(SeekFrom::Start(0)).await?;
    file.write_all(&wav::ulaw_header(8000, 2, Some(written))).await?;
    file.seek(SeekFrom::End(0)).await?;
    file.flush().await
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(DISK_LIMIT, work)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::mulaw::decode;

    fn tracks(path: &Path) -> [Vec<i16>; 2] {
        let wav = wav::read(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!((wav.rate, wav.channels), (8000, 2));
        [0, 1].map(|side| {
            wav.samples
                .iter()
                .skip(side)
                .step_by(2)
                .map(|s| (s * 32768.0) as i16)
                .collect()
        })
    }

    #[tokio::test]
    async fn both_sides_are_in_the_file_when_the_tape_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.wav");
        let (mut tape, work) = Tape::create(path.clone());
        let work = tokio::spawn(work);
        for frame in 0..50u64 {
            tape.caller(20 * frame + 20, &[0x90; FRAME]);
        }
        tape.agent(500, &[0x11; 800]);
        drop(tape);
        assert_eq!(work.await.unwrap().unwrap(), Taped { millis: 1000, lost: 0 });
        let [caller, agent] = tracks(&path);
        assert_eq!(caller, vec![decode(0x90); 8000]);
        let mut expected = vec![0; 8000];
        expected[4000..4800].fill(decode(0x11));
        assert_eq!(agent, expected);
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 58 + 16_000);
        assert_eq!(bytes[54..58], 16_000u32.to_le_bytes());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[tokio::test]
    async fn a_call_that_is_cut_off_leaves_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.wav");
        let (mut tape, work) = Tape::create(path.clone());
        let work = tokio::spawn(work);
        for frame in 0..200u64 {
            tape.caller(20 * frame + 20, &[0x90; FRAME]);
        }
        while std::fs::metadata(&path).map_or(0, |file| file.len()) < 58 + 48_000 {
            sleep(EVERY / 20).await;
        }
        work.abort();
        let [caller, agent] = tracks(&path);
        assert_eq!((caller.len(), agent.len()), (24_000, 24_000));
        assert!(caller.iter().all(|&sample| sample == decode(0x90)));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_made_is_told_and_nothing_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no/such/folder.wav");
        let (mut tape, work) = Tape::create(path.clone());
        let error = work.await.unwrap_err();
        assert_eq!((&error.path, error.error.kind()), (&path, io::ErrorKind::NotFound));
        tape.caller(0, &[0; FRAME]);
        assert_eq!(tape.lost.load(Ordering::Relaxed), 0);

        let there = folder.path().join("there.wav");
        std::fs::write(&there, "kept").unwrap();
        let (_tape, work) = Tape::create(there.clone());
        assert_eq!(work.await.unwrap_err().error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&there).unwrap(), b"kept");
    }

    #[tokio::test]
    async fn a_disk_that_takes_nothing_costs_pieces_and_no_more() {
        let (mut tape, work) = Tape::create(tempfile::tempdir().unwrap().path().join("never"));
        for at in 0..WAITING as u64 + 7 {
            tape.caller(20 * at, &[0x90; FRAME]);
        }
        assert_eq!(tape.lost.load(Ordering::Relaxed), 7);
        drop(work);
    }
}
