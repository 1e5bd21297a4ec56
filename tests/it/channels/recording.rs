//! Fetching recordings: who gets the credentials, what is refused, and where reading stops.

use std::time::Duration;

use bytes::Bytes;
use engine::channels::recording::{RecordingError, RecordingFormat};
use engine::channels::twilio::{TwilioClient, TwilioConfig};

use super::{ACCOUNT, BASIC, client, config, hasty};
use crate::wire::{Answer, Wire};

const WAV: &[u8] =
    b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x04\0\0\0\0\0\0\0";

fn path() -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1")
}

fn wav() -> Answer {
    Answer::with(200, "audio/x-wav", WAV)
}

#[tokio::test]
async fn a_recording_is_asked_for_as_wav_with_the_credentials() {
    let server = Wire::answering([wav()]).await;
    let recording = client(&server)
        .fetch_recording(&server.url(&path()))
        .await
        .expect("a recording");
    assert_eq!(
        (recording.format, recording.bytes),
        (RecordingFormat::Wav, Bytes::from_static(WAV))
    );
    assert_eq!(server.request().target, format!("{}.wav", path()));
    assert_eq!(server.request().header("authorization"), Some(BASIC));

    let server = Wire::answering([Answer::with(
        200,
        "application/octet-stream",
        &b"ID3\x04\0\0\0\0\0\0"[..],
    )])
    .await;
    let url = server.url(&format!("{}.mp3", path()));
    let recording = client(&server).fetch_recording(&url).await.expect("a recording");
    assert_eq!(recording.format.mime(), "audio/mpeg");
}

#[tokio::test]
async fn without_credentials_it_is_asked_for_without() {
    let server = Wire::answering([wav()]).await;
    let client = TwilioClient::new(TwilioConfig {
        credentials: None,
        ..config(&server)
    });
    client.fetch_recording(&server.url(&path())).await.expect("a recording");
    assert_eq!(server.request().header("authorization"), None);
}

#[tokio::test]
async fn a_redirect_to_another_host_goes_without_credentials() {
    let storage = Wire::answering([wav()]).await;
    let target = format!("http://localhost:{}/stored/RE1?signature=x", storage.port);
    let server = Wire::answering([Answer::redirect(307, &target)]).await;
    let client = TwilioClient::new(TwilioConfig {
        recording_hosts: vec!["localhost".to_owned()],
        ..config(&server)
    });
    client.fetch_recording(&server.url(&path())).await.expect("a recording");
    assert_eq!(server.request().header("authorization"), Some(BASIC));
    assert_eq!(storage.request().header("authorization"), None);
    assert_eq!(
        storage.request().target,
        "/stored/RE1?signature=x",
        "a redirect is used as it stands"
    );
}

#[tokio::test]
async fn a_redirect_on_the_same_host_keeps_them_and_one_to_another_port_does_not() {
    let server = Wire::start(|seen| match seen.target.ends_with(".wav") {
        true => Answer::redirect(302, "/moved/RE1"),
        false => wav(),
    })
    .await;
    client(&server)
        .fetch_recording(&server.url(&path()))
        .await
        .expect("a recording");
    let seen = server.requests();
    assert_eq!(seen[1].target, "/moved/RE1");
    assert_eq!(seen[1].header("authorization"), Some(BASIC));

    let other = Wire::answering([wav()]).await;
    let server = Wire::answering([Answer::redirect(302, &other.url("/x"))]).await;
    client(&server)
        .fetch_recording(&server.url(&path()))
        .await
        .expect("a recording");
    assert_eq!(other.request().header("authorization"), None);
}

#[tokio::test]
async fn a_host_that_is_not_the_carriers_is_never_contacted() {
    let stranger = Wire::answering([wav()]).await;
    let to_stranger = format!("http://localhost:{}/RE1", stranger.port);
    let server = Wire::answering([Answer::redirect(302, &to_stranger)]).await;
    let client = client(&server);

    let failed = client.fetch_recording(&to_stranger).await.expect_err("refused");
    assert_eq!(
        failed,
        RecordingError::HostNotAllowed {
            host: "http://localhost".to_owned()
        }
    );
    assert!(!failed.is_retryable());
    let failed = client.fetch_recording(&server.url(&path())).await.expect_err("refused");
    assert_eq!(
        failed,
        RecordingError::HostNotAllowed {
            host: "http://localhost".to_owned()
        }
    );
    assert_eq!(stranger.connections(), 0);

    for url in ["file:///etc/passwd", "http://169.254.169.254/latest/meta-data"] {
        let failed = client.fetch_recording(url).await.expect_err("refused");
        assert!(matches!(failed, RecordingError::HostNotAllowed { .. }), "{failed}");
    }
    assert_eq!(client.fetch_recording("RE1").await, Err(RecordingError::BadUrl));
}

#[tokio::test]
async fn each_answer_has_its_meaning() {
    let status = |status| Answer::with(status, "application/json", "{}");
    let cases = [
        (status(404), RecordingError::NotThereYet, true),
        (status(401), RecordingError::Auth { status: 401 }, false),
        (status(403), RecordingError::Auth { status: 403 }, false),
        (status(400), RecordingError::Refused { status: 400 }, false),
        (status(429), RecordingError::Unavailable { status: Some(429) }, true),
        (status(500), RecordingError::Unavailable { status: Some(500) }, true),
        (Answer::Reset, RecordingError::Unavailable { status: None }, true),
        (Answer::Silence, RecordingError::Timeout, true),
        (
            Answer::with(200, "audio/x-wav", "<html>not sound</html>"),
            RecordingError::NotAudio {
                media_type: "audio/x-wav".to_owned(),
            },
            false,
        ),
        (
            Answer::with(200, "text/html", ""),
            RecordingError::NotAudio {
                media_type: "text/html".to_owned(),
            },
            false,
        ),
        (Answer::redirect(302, "/again"), RecordingError::TooManyRedirects, false),
    ];
    for (answer, expected, retryable) in cases {
        let server = Wire::answering([answer.clone()]).await;
        let failed = match answer {
            Answer::Silence => hasty(&server).fetch_recording(&server.url(&path())).await,
            _ => client(&server).fetch_recording(&server.url(&path())).await,
        };
        assert_eq!(failed, Err(expected.clone()), "{answer:?}");
        assert_eq!(expected.is_retryable(), retryable, "{expected}");
    }
}

#[tokio::test]
async fn thirty_megabytes_are_cut_off_at_the_limit() {
    const MIB: usize = 1024 * 1024;
    let limit = 25 * MIB;
    let streamed = Answer::Stream {
        start: Bytes::from_static(WAV),
        total: 64 * MIB,
    };
    let server = Wire::answering([streamed]).await;
    let failed = client(&server).fetch_recording(&server.url(&path())).await;
    assert_eq!(failed, Err(RecordingError::TooLarge { limit }));
    assert!(server.streamed() < 60 * MIB, "{} bytes were taken", server.streamed());

    let declared = Answer::with(200, "audio/x-wav", vec![0x55u8; 30 * MIB]);
    let server = Wire::answering([declared]).await;
    let failed = client(&server).fetch_recording(&server.url(&path())).await;
    assert_eq!(failed, Err(RecordingError::TooLarge { limit }));

    let exact = [WAV, &[0; 100]].concat();
    let server = Wire::answering([Answer::with(200, "audio/x-wav", exact.clone())]).await;
    let bounded = |recording_limit| {
        TwilioClient::new(TwilioConfig {
            recording_limit,
            ..config(&server)
        })
    };
    let url = server.url(&path());
    bounded(exact.len())
        .fetch_recording(&url)
        .await
        .expect("exactly at the limit");
    let failed = bounded(exact.len() - 1).fetch_recording(&url).await;
    assert_eq!(failed, Err(RecordingError::TooLarge { limit: exact.len() - 1 }));
}

#[tokio::test]
async fn a_drip_of_bytes_ends_at_the_time_limit() {
    // Each read makes progress, so only a limit on the whole can end it.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let api_url = format!("http://{}", listener.local_addr().expect("an address"));
    let dripping = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut socket, _) = listener.accept().await.expect("the client");
        // An answer that overtakes its request would be an error of its own.
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(socket.read_u8().await.expect("a request"));
        }
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/x-wav\r\ncontent-length: 100000\r\n\r\nRIFF";
        socket.write_all(head).await.expect("a reader");
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        while socket.write_all(b"x").await.is_ok() {
            pace.tick().await;
        }
        sender.send(()).expect("the test waits for the end");
    });
    let server = Wire::answering([wav()]).await;
    let mut config = config(&server);
    config.api_url = api_url.clone();
    config.timeouts.recordings = Duration::from_millis(300);
    let failed = TwilioClient::new(config)
        .fetch_recording(&format!("{api_url}/RE1"))
        .await;
    assert_eq!(failed, Err(RecordingError::Timeout));
    receiver.await.expect("the connection was given up");
    dripping.await.expect("no panic");
}
