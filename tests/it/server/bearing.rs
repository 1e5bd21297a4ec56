//! What the accept loop bears: slow, many, broken and patient clients.

use std::time::Duration;

use engine::server::{ServeError, ServerConfig, bind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{builder, client, open_door, read_all, start};

#[tokio::test]
async fn a_thousand_requests_over_one_connection() {
    let server = start(open_door()).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connect");
    let body = "CallSid=CA1";
    let request = format!(
        "POST /webhook/next HTTP/1.1\r\nHost: h.example\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut buffer = vec![0; 4096];
    for _ in 0..1000 {
        stream.write_all(request.as_bytes()).await.expect("write");
        let mut answer = String::new();
        while !answer.ends_with("</Response>") {
            let read = stream.read(&mut buffer).await.expect("read");
            assert!(read > 0, "the connection stays open");
            answer.push_str(std::str::from_utf8(&buffer[..read]).expect("text"));
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(server.asked().len(), 1000);
}

#[tokio::test]
async fn a_client_that_dribbles_its_first_request_is_cut() {
    let config = ServerConfig {
        first_request_within: Duration::from_millis(150),
        ..open_door()
    };
    let server = start(config).await;
    for beginning in ["", "P", "POST /webhook/next HTTP/1.1\r\nHost: h\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(server.address).await.expect("connect");
        stream.write_all(beginning.as_bytes()).await.expect("write");
        let answer = read_all(&mut stream).await;
        assert!(!answer.contains("200"), "{answer}");
    }
    assert_eq!(
        client()
            .get(server.url("/healthz"))
            .send()
            .await
            .expect("answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_its_time_and_not_before() {
    let config = ServerConfig {
        first_request_within: Duration::from_millis(50),
        idle_within: Duration::from_millis(400),
        ..open_door()
    };
    let server = start(config).await;
    let mut stream = TcpStream::connect(server.address).await.expect("connect");
    for _ in 0..2 {
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            .await
            .expect("write");
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.expect("read");
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
        // Longer than the first request may take.
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn a_full_house_lets_the_next_in_when_one_leaves() {
    let server = start(ServerConfig {
        max_connections: 2,
        ..open_door()
    })
    .await;
    let ask = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut buffer = [0; 1024];
    let mut inside = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.address).await.expect("connect");
        stream.write_all(ask).await.expect("write");
        assert!(stream.read(&mut buffer).await.expect("read") > 0);
        inside.push(stream);
    }
    let mut third = TcpStream::connect(server.address).await.expect("the queue takes it");
    third.write_all(ask).await.expect("write");
    let early = tokio::time::timeout(Duration::from_millis(100), third.read(&mut buffer)).await;
    assert!(early.is_err(), "no place yet");
    inside.pop();
    assert!(third.read(&mut buffer).await.expect("read") > 0);
}

#[tokio::test]
async fn a_media_socket_keeps_its_place() {
    let server = start(ServerConfig {
        max_connections: 1,
        ..open_door()
    })
    .await;
    let (socket, _) = tokio_tungstenite::connect_async(format!("ws://{}/ws/twilio-media", server.address))
        .await
        .expect("open");
    let mut second = TcpStream::connect(server.address).await.expect("the queue takes it");
    second
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .expect("write");
    let mut buffer = [0; 1024];
    let early = tokio::time::timeout(Duration::from_millis(100), second.read(&mut buffer)).await;
    assert!(early.is_err(), "no place yet");
    drop(socket);
    assert!(second.read(&mut buffer).await.expect("read") > 0);
}

#[tokio::test]
async fn junk_on_the_wire_harms_nobody() {
    let server = start(open_door()).await;
    for junk in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        &[0xff; 300],
    ] {
        let mut stream = TcpStream::connect(server.address).await.expect("connect");
        stream.write_all(junk).await.expect("write");
        stream.shutdown().await.expect("shutdown");
        let answer = read_all(&mut stream).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    assert_eq!(
        client()
            .get(server.url("/healthz"))
            .send()
            .await
            .expect("answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn http2_is_served_too() {
    let server = start(open_door()).await;
    let http2 = builder().http2_prior_knowledge().build().expect("client");
    let answer = http2
        .post(server.url("/webhook/next"))
        .form(&[("CallSid", "CA1")])
        .send()
        .await
        .expect("answer");
    assert_eq!(
        (answer.status().as_u16(), answer.version()),
        (200, http::Version::HTTP_2)
    );
    assert_eq!(server.asked()[0].1.origin, format!("http://{}", server.address));
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_remedy() {
    let taken = bind("127.0.0.1:0".parse().expect("address")).await.expect("listen");
    let address = taken.local_addr().expect("address");
    let error = bind(address).await.expect_err("taken");
    assert!(matches!(error, ServeError::InUse(at) if at == address));
    let text = error.to_string();
    assert!(
        text.contains(&address.port().to_string()) && text.contains("help: stop the other process"),
        "{text}"
    );
    let elsewhere = bind("192.0.2.1:0".parse().expect("address"))
        .await
        .expect_err("not ours");
    assert!(elsewhere.to_string().contains("help: listen on"), "{elsewhere}");
}
