//! Spoken pieces are kept, so that the same words in the same voice are asked for once: in memory for all calls, and on disk.

mod folder;
mod speaker;

pub use speaker::Cached;

use super::{Say, Speaker, Spoken};
use crate::providers::{ProviderError, Service};
use bytes::{Bytes, BytesMut};
use folder::Folder;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Longer pieces are not kept: 30 s of mu-law.
const LONGEST: usize = 30 * 8000;
/// Bytes in memory, where nothing else is said.
pub const DEFAULT_BYTES: usize = 32 * 1024 * 1024;

/// What says which sound a text becomes: the service with all that shapes its voice, and the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of these words, spoken by this service.
    pub fn new(service: &Service, text: &str) -> Self {
        let options = serde_json::Value::Object(service.options.clone()).to_string();
        let run = service.run.join("\0");
        let mut hash = Sha256::new();
        for field in [
            Some(service.kind.as_str()),
            service.base_url.as_deref(),
            service.model.as_deref(),
            service.voice.as_deref(),
            service.language.as_deref(),
            Some(&options),
            Some(&run),
            Some(text.trim()),
        ] {
            // A length before each field: no two different sets of fields make the same bytes.
            hash.update(field.map_or(u64::MAX, |field| field.len() as u64).to_le_bytes());
            hash.update(field.unwrap_or_default());
        }
        Self(hash.finalize().into())
    }

    /// Its 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Sound by [`Key`], shared by all calls.
pub struct Cache {
    memory: Mutex<Memory>,
    folder: Option<Arc<Folder>>,
}

impl Cache {
    /// Holds up to `bytes` of sound in memory; what was not asked for the longest goes first.
    pub fn new(bytes: usize) -> Self {
        Self {
            memory: Mutex::new(Memory {
                most: bytes,
                held: 0,
                clock: 0,
                sounds: HashMap::new(),
            }),
            folder: None,
        }
    }

    /// Keeps up to `bytes` in this folder as well, over restarts. A folder that cannot be written is only read.
    #[must_use]
    pub fn with_folder(mut self, path: impl Into<PathBuf>, bytes: u64) -> Self {
        self.folder = Some(Arc::new(Folder::new(path.into(), bytes)));
        self
    }

    /// The sound of this key: mu-law at 8 kHz.
    pub async fn find(&self, key: Key) -> Option<Bytes> {
        if let Some(sound) = self.memory().find(key) {
            return Some(sound);
        }
        let folder = Arc::clone(self.folder.as_ref()?);
        let read = tokio::task::spawn_blocking(move || folder.read(key)).await;
        let sound = Bytes::from(read.ok().flatten()?);
        self.memory().keep(key, sound.clone());
        Some(sound)
    }

    /// Keeps a whole piece, unless it is empty or longer than 30 s.
    pub async fn keep(&self, key: Key, sound: Bytes) {
        if sound.is_empty() || sound.len() > LONGEST {
            return;
        }
        self.memory().keep(key, sound.clone());
        if let Some(folder) = &self.folder {
            let folder = Arc::clone(folder);
            // The sound is in memory; a folder that fails costs no call anything.
            let _failed = tokio::task::spawn_blocking(move || folder.write(key, &sound)).await;
        }
    }

    /// Bytes of sound in memory.
    pub fn bytes(&self) -> usize {
        self.memory().held
    }

    /// Has these texts spoken, those that are kept already excepted, and keeps them. Returns how many are kept now.
    /// Errors: the first text that could not be spoken; those before it are kept.
    pub async fn prefetch(
        self: &Arc<Self>,
        speaker: Arc<dyn Speaker>,
        service: &Service,
        texts: &[&str],
    ) -> Result<usize, ProviderError> {
        let cached: Arc<dyn Speaker> = Arc::new(Cached::new(speaker, service, Arc::clone(self)));
        let (orders, taken) = mpsc::channel(1);
        let (spoken, mut said) = mpsc::channel(8);
        let speaking = cached.speak(taken, spoken);
        let asking = async {
            for (piece, text) in (0..).zip(texts) {
                let order = Say::Piece {
                    generation: 0,
                    piece,
                    text: Arc::from(*text),
                };
                if orders.send(order).await.is_err() {
                    break;
                }
                loop {
                    match said.recv().await {
                        Some(Spoken::Done { piece: done, .. }) if done == piece => break,
                        Some(Spoken::Failed { error, .. }) => return Err(error),
                        Some(_) => {}
                        // Why, the speaker itself says.
                        None => return std::future::pending().await,
                    }
                }
            }
            Ok(())
        };
        let result = tokio::select! {
            result = asking => result,
            ended = speaking => ended.and(Err(ProviderError::Transient {
                detail: "the speaker stopped".to_owned(),
            })),
        };
        result?;
        let mut kept = 0;
        for text in texts {
            kept += usize::from(self.find(Key::new(service, text)).await.is_some());
        }
        Ok(kept)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Memory {
    most: usize,
    held: usize,
    /// Counts uses; the sound with the lowest number was not used for the longest.
    clock: u64,
    sounds: HashMap<Key, (u64, Bytes)>,
}

impl Memory {
    fn find(&mut self, key: Key) -> Option<Bytes> {
        self.clock += 1;
        let (used, sound) = self.sounds.get_mut(&key)?;
        *used = self.clock;
        Some(sound.clone())
    }

    fn keep(&mut self, key: Key, sound: Bytes) {
        if sound.len() > self.most {
            return;
        }
        self.clock += 1;
        self.held += sound.len();
        // A copy, so that no larger buffer is kept alive by a part of it.
        let own = Bytes::copy_from_slice(&sound);
        if let Some((_, before)) = self.sounds.insert(key, (self.clock, own)) {
            self.held -= before.len();
        }
        while self.held > self.most {
            let oldest = self
                .sounds
                .iter()
                .min_by_key(|(_, (used, _))| *used)
                .map(|(key, _)| *key);
            let Some((_, gone)) = oldest.and_then(|key| self.sounds.remove(&key)) else {
                return;
            };
            self.held -= gone.len();
        }
    }
}

/// The sound of a piece on its way into the cache; given up once it is too long.
#[derive(Default)]
struct Gathered(Option<BytesMut>);

impl Gathered {
    fn new() -> Self {
        Self(Some(BytesMut::new()))
    }

    fn add(&mut self, ulaw: &[u8]) {
        if let Some(sound) = &mut self.0 {
            sound.extend_from_slice(ulaw);
            if sound.len() > LONGEST {
                self.0 = None;
            }
        }
    }

    fn whole(self) -> Option<Bytes> {
        self.0.map(BytesMut::freeze).filter(|sound| !sound.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn key(text: &str) -> Key {
        Key::new(&Service::default(), text)
    }

    #[test]
    fn whatever_shapes_the_voice_is_part_of_the_key() {
        let plain = Service {
            kind: "openai".to_owned(),
            voice: Some("alloy".to_owned()),
            ..Service::default()
        };
        let mut keys = vec![Key::new(&plain, "hello"), Key::new(&plain, "hello!")];
        let changes: [fn(&mut Service); 8] = [
            |service| service.kind = "azure".to_owned(),
            |service| service.base_url = Some("http://h".to_owned()),
            |service| service.model = Some("alloy".to_owned()),
            |service| service.voice = None,
            |service| service.voice = Some(String::new()),
            |service| service.language = Some("he".to_owned()),
            |service| service.run = vec!["espeak-ng".to_owned()],
            |service| {
                service.options.insert("speed".to_owned(), json!(2));
            },
        ];
        for change in changes {
            let mut service = plain.clone();
            change(&mut service);
            keys.push(Key::new(&service, "hello"));
        }
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        let mut other_key = plain.clone();
        other_key.key = Some("sk-1".into());
        other_key.name = "backup".to_owned();
        assert_eq!(
            Key::new(&other_key, " hello "),
            keys[0],
            "the same voice by another key"
        );
        assert_eq!(keys[0].hex().len(), 64);
    }

    #[tokio::test]
    async fn memory_is_bounded_and_the_longest_unused_goes() {
        let cache = Cache::new(25);
        for text in ["a", "b"] {
            cache.keep(key(text), Bytes::from(vec![1; 10])).await;
        }
        assert!(cache.find(key("a")).await.is_some());
        cache.keep(key("c"), Bytes::from(vec![2; 10])).await;
        assert_eq!(cache.bytes(), 20);
        assert!(cache.find(key("b")).await.is_none() && cache.find(key("a")).await.is_some());
        cache.keep(key("c"), Bytes::from(vec![3; 12])).await;
        assert_eq!(
            (cache.find(key("c")).await, cache.bytes()),
            (Some(Bytes::from(vec![3; 12])), 22)
        );
        cache.keep(key("d"), Bytes::from(vec![1; 26])).await;
        cache.keep(key("e"), Bytes::new()).await;
        assert!(cache.find(key("d")).await.is_none() && cache.find(key("e")).await.is_none());
        let roomy = Cache::new(DEFAULT_BYTES);
        roomy.keep(key("f"), Bytes::from(vec![1; LONGEST + 1])).await;
        assert_eq!(roomy.bytes(), 0);
    }

    #[tokio::test]
    async fn a_folder_outlives_the_process_and_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(100).with_folder(folder.path(), 250);
        for (n, text) in ["a", "b", "c"].into_iter().enumerate() {
            cache.keep(key(text), Bytes::from(vec![n as u8; 100])).await;
        }
        let files: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        assert_eq!(files.len(), 2, "{files:?}");
        let later = Cache::new(100).with_folder(folder.path(), 250);
        assert_eq!(later.find(key("c")).await, Some(Bytes::from(vec![2; 100])));
        assert_eq!(later.bytes(), 100);
        assert!(later.find(key("a")).await.is_none());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_used_or_was_tampered_with_costs_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = Cache::new(100).with_folder(file.path().join("below"), 1000);
        cache.keep(key("a"), Bytes::from_static(b"sound")).await;
        assert_eq!(cache.find(key("a")).await, Some(Bytes::from_static(b"sound")));
        assert!(cache.find(key("b")).await.is_none());

        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(0).with_folder(folder.path(), 1000);
        cache.keep(key("a"), Bytes::from_static(b"sound")).await;
        let path = folder.path().join(format!("{}.ulaw", key("a").hex()));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 5);
        for damaged in [Vec::new(), vec![0; LONGEST + 1]] {
            std::fs::write(&path, damaged).unwrap();
            assert!(cache.find(key("a")).await.is_none());
        }
    }
}
