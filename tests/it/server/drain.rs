//! Draining and stopping: nobody is turned away, and the end comes in time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::server::{ServerConfig, bind};
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use super::{client, open_door, start, until};

#[tokio::test]
async fn a_draining_server_serves_on_and_says_so() {
    let server = start(open_door()).await;
    let url = format!("ws://{}/ws/twilio-media", server.address);
    let (mut socket, _) = connect_async(&url).await.expect("open");
    server.shutdown.drain();
    let ready = client().get(server.url("/readyz")).send().await.expect("answer");
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.expect("body").contains("draining"));
    assert_eq!(
        client()
            .get(server.url("/healthz"))
            .send()
            .await
            .expect("answer")
            .status(),
        200
    );
    let voice = client()
        .post(server.url("/webhook/next"))
        .form(&[("CallSid", "CA1")])
        .send()
        .await
        .expect("answer");
    assert!(voice.text().await.expect("body").contains("Next"));
    socket.send(Message::text("still here")).await.expect("send");
    assert!(socket.next().await.expect("echo").is_ok());
    connect_async(&url)
        .await
        .expect("a late stream of a call in progress still opens");
}

#[tokio::test]
async fn a_stop_says_goodbye_to_sockets_and_frees_the_port() {
    let server = start(open_door()).await;
    let (mut socket, _) = connect_async(format!("ws://{}/ws/twilio-media", server.address))
        .await
        .expect("open");
    // An idle connection kept alive must not hold up the end.
    let idle = client();
    assert_eq!(
        idle.get(server.url("/healthz")).send().await.expect("answer").status(),
        200
    );
    server.shutdown.stop();
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
    while let Some(Ok(_)) = socket.next().await {}
    tokio::time::timeout(Duration::from_secs(20), server.ended)
        .await
        .expect("in time")
        .expect("no panic");
    bind(server.address).await.expect("the port is free again");
}

#[tokio::test]
async fn what_is_in_flight_is_finished() {
    let server = start(ServerConfig {
        answer_within: Duration::from_millis(300),
        ..open_door()
    })
    .await;
    let request = client()
        .post(server.url("/webhook/next"))
        .form(&[("CallSid", "CAslow")])
        .send();
    let answering = tokio::spawn(request);
    until(|| server.desk.stuck.load(Ordering::Relaxed) == 1).await;
    server.shutdown.stop();
    let answer = answering.await.expect("no panic").expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn the_deadline_cuts_what_does_not_end() {
    let config = ServerConfig {
        answer_within: Duration::from_secs(60),
        stop_within: Duration::from_millis(200),
        ..open_door()
    };
    let server = start(config).await;
    let request = client()
        .post(server.url("/webhook/next"))
        .form(&[("CallSid", "CAslow")])
        .send();
    let hanging = tokio::spawn(request);
    until(|| server.desk.stuck.load(Ordering::Relaxed) == 1).await;
    server.shutdown.stop();
    tokio::time::timeout(Duration::from_secs(20), server.ended)
        .await
        .expect("in time")
        .expect("no panic");
    assert!(hanging.await.expect("no panic").is_err(), "the connection was cut");
}

#[tokio::test]
async fn a_drain_ends_with_the_last_call_or_at_its_limit() {
    let server = start(open_door()).await;
    assert!(
        server
            .shutdown
            .drain_then_stop(std::future::ready(()), Duration::from_secs(60))
            .await
    );
    tokio::time::timeout(Duration::from_secs(20), server.ended)
        .await
        .expect("in time")
        .expect("no panic");
    let server = start(open_door()).await;
    assert!(
        !server
            .shutdown
            .drain_then_stop(std::future::pending(), Duration::from_millis(20))
            .await
    );
    assert!(server.shutdown.is_draining());
    tokio::time::timeout(Duration::from_secs(20), server.ended)
        .await
        .expect("in time")
        .expect("no panic");
}
