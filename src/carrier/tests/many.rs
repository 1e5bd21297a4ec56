//! Many calls at once on one carrier, in real time.

use super::*;

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_streams_at_once_lose_nothing() {
    const CALLS: usize = 50;
    let engine = Engine::with_stream(
        |seen| match seen.path.as_str() {
            "/voice" => xml(&format!(
                "<Connect><Stream url=\"wss://{}/ws\"/></Connect>",
                seen.headers["host"]
            )),
            _ => empty(204),
        },
        |mut ws| async move {
            while let Some(Ok(message)) = ws.next().await {
                // Every caller frame comes back as it is.
                let Message::Text(text) = message else {
                    continue;
                };
                let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                if value["event"] == "media" {
                    let echo = serde_json::json!({
                        "event": "media", "streamSid": value["streamSid"],
                        "media": {"payload": value["media"]["payload"]},
                    });
                    if ws.send(Message::text(echo.to_string())).await.is_err() {
                        return;
                    }
                }
            }
        },
    )
    .await;
    let net = Arc::new(carrier(&[]).await);
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let (net, spec) = (
                net.clone(),
                CallSpec {
                    pace: 1.0,
                    ..engine.call("wait 2s; speak 2s; wait 2s; hangup")
                },
            );
            tokio::spawn(async move { place(spec, &net).await.expect("a call") })
        })
        .collect();
    for call in calls {
        let report = call.await.expect("no panic");
        assert_eq!(codes(&report), NONE);
        let heard = report.ear.heard_time();
        assert_eq!(heard, Duration::from_secs(2), "{}", lines(&report.timeline));
    }
}
