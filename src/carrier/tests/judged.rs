//! The caller's labels lie where the sound is, so that a call can be judged by them.

use super::*;
use crate::carrier::Noise;
use crate::score::{Kind, Reaction, Response, Timeline, score};

#[tokio::test]
async fn a_simulated_call_can_be_judged_with_and_without_its_labels() {
    let engine = Engine::start(|seen| match seen.path.as_str() {
        "/voice" => xml("<Play>/4.wav</Play><Pause length=\"2\"/><Play>/2.wav</Play><Pause length=\"1\"/>"),
        "/4.wav" => typed(200, "audio/wav", wav(4.0)),
        "/2.wav" => typed(200, "audio/wav", wav(2.0)),
        _ => empty(204),
    })
    .await;
    let noise: Noise = "pink:15db".parse().expect("a noise");
    let spec = CallSpec {
        noise: Some(noise),
        ..engine.call("wait speaking 1s; backchannel 400ms; wait turn; speak 800ms")
    };
    let report = place(spec, &carrier(&[]).await).await.expect("a call");

    let kinds: Vec<Kind> = report.labels.iter().map(|label| label.kind).collect();
    assert_eq!(kinds, [Kind::Backchannel, Kind::Turn]);
    let said = report.ear.utterances();
    for (label, span) in report.labels.iter().zip(&said) {
        let ends = [span.from, span.to].map(|end| u64::try_from(end.as_millis()).expect("short"));
        assert_eq!([label.from_ms, label.to_ms], ends);
    }
    // Noise on the caller's line does not hide that nobody speaks.
    assert!(report.longest_silence.length() >= Duration::from_millis(500));

    let timeline = Timeline::from_mulaw(report.ear.said(), report.ear.heard());
    for labels in [Some(report.labels.as_slice()), None] {
        let judged = score(&timeline, labels);
        assert_eq!(judged.backchannels.len(), 1, "{judged:?}");
        assert_eq!(judged.backchannels[0].reaction, Reaction::SpokeOn);
        // 2 s of pause, 0.7 s of them waited for and 0.8 s spoken in; fetching the sound takes some beats more.
        assert_eq!(judged.turns.len(), 1, "{judged:?}");
        assert!(
            matches!(judged.turns[0].response, Response::Answered { after_ms: 380..=2000 }),
            "{judged:?}"
        );
    }
}
