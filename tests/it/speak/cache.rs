//! The cache in front of a real speaker.

use super::server::{HttpServer, Reply, Step};
use super::{Voice, assert_speaks, service, sound_of};
use engine::providers::speak::cache::{Cache, Cached, DEFAULT_BYTES, Key};
use engine::providers::speak::{Say, Spoken, speaker};
use engine::providers::{ErrorClass, Service};
use std::sync::Arc;

fn cached(service: &Service, cache: &Arc<Cache>) -> Voice {
    Voice::start(Arc::new(Cached::new(
        speaker(service).unwrap(),
        service,
        Arc::clone(cache),
    )))
}

fn reply(text: &str) -> Reply {
    Reply::sound(vec![Step::Send(sound_of(text))])
}

#[tokio::test]
async fn the_same_words_are_asked_for_once_and_order_is_kept() {
    let server = HttpServer::start([reply("Hello."), reply("Something new."), reply("Another.")]).await;
    let service = service("azure", server.url.clone());
    let cache = Arc::new(Cache::new(DEFAULT_BYTES));
    let mut voice = cached(&service, &cache);
    voice.say(1, 0, "Hello.").await;
    assert_speaks(&voice.pieces(1).await[0].ulaw, "Hello.");
    voice.end().await.unwrap();

    // Another call: what is known waits for what comes before it.
    let mut voice = cached(&service, &cache);
    for (piece, text) in [(0, "Something new."), (1, "Hello."), (2, "Another."), (3, "Hello.")] {
        voice.say(7, piece, text).await;
    }
    let pieces = voice.pieces(4).await;
    for (piece, text) in pieces.iter().zip(["Something new.", "Hello.", "Another.", "Hello."]) {
        assert_eq!((piece.generation, &piece.outcome), (7, &Some(Ok(()))));
        assert_speaks(&piece.ulaw, text);
    }
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn only_what_was_spoken_to_its_end_is_kept() {
    let begun = Reply::sound(vec![Step::Send(sound_of("Hello.")), Step::Stall]);
    let cut = Reply::sound(vec![Step::Send(sound_of("Hello.")), Step::Cut]);
    let long = Reply::sound(vec![Step::Send(sound_of(&"x".repeat(501)))]);
    let server = HttpServer::start([begun, cut, long]).await;
    let service = service("azure", server.url.clone());
    let cache = Arc::new(Cache::new(DEFAULT_BYTES));
    let mut voice = cached(&service, &cache);
    voice.say(1, 0, "Hello.").await;
    assert!(matches!(voice.next().await, Some(Spoken::Sound { .. })));
    voice.order(Say::Cancel { generation: 1 }).await;
    voice.say(2, 0, "Hello.").await;
    let piece = voice.pieces(1).await.remove(0);
    assert_eq!(piece.outcome.unwrap().unwrap_err().class(), ErrorClass::Transient);
    voice.say(3, 0, "Hello.").await;
    assert_eq!(
        voice.pieces(1).await[0].outcome,
        Some(Ok(())),
        "thirty seconds and more are spoken, not kept"
    );
    assert_eq!(cache.bytes(), 0);
}

#[tokio::test]
async fn prompts_are_fetched_ahead_and_are_there_when_the_service_is_not() {
    let server = HttpServer::start([reply("Hello."), reply("Goodbye.")]).await;
    let mut service = service("azure", server.url.clone());
    let cache = Arc::new(Cache::new(DEFAULT_BYTES));
    let texts = ["Hello.", "Goodbye."];
    for _ in 0..2 {
        let kept = cache.prefetch(speaker(&service).unwrap(), &service, &texts).await;
        assert_eq!(kept, Ok(2));
    }
    assert_eq!(server.asked().len(), 2);
    assert!(cache.find(Key::new(&service, "Goodbye.")).await.is_some());

    // A WebSocket service that refuses: known words are spoken, the first unknown ones end with the reason.
    service.kind = "deepgram".to_owned();
    service.base_url = Some("http://127.0.0.1:9".to_owned());
    cache
        .keep(Key::new(&service, "Hello."), sound_of("Hello.").into())
        .await;
    let mut voice = cached(&service, &cache);
    for generation in 1..4 {
        voice.say(generation, 0, "Hello.").await;
        assert_speaks(&voice.pieces(1).await[0].ulaw, "Hello.");
    }
    voice.say(4, 0, "Never heard.").await;
    assert!(voice.pieces(1).await.is_empty());
    assert_eq!(voice.work.await.unwrap().unwrap_err().class(), ErrorClass::Transient);

    let failing = HttpServer::start([Reply::error(401, "")]).await;
    let azure = super::service("azure", failing.url.clone());
    let failed = cache.prefetch(speaker(&azure).unwrap(), &azure, &["x"]).await;
    assert_eq!(failed.unwrap_err().class(), ErrorClass::Auth);
}
