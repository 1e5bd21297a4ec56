//! Files below `/static/`: types, ranges, validators, and nothing from outside.

use std::path::Path;

use engine::server::{ServerConfig, StaticRoots};
use reqwest::Response;

use super::{Running, client, open_door, start};

fn header(response: &Response, name: &str) -> String {
    response
        .headers()
        .get(name)
        .map(|v| v.to_str().expect("text").to_owned())
        .unwrap_or_default()
}

fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
    std::fs::write(path, bytes).expect("file");
}

async fn with_files(list: &[(&str, &[u8])]) -> (Running, tempfile::TempDir) {
    let root = tempfile::tempdir().expect("folder");
    for (name, bytes) in list {
        write(root.path(), name, bytes);
    }
    let config = ServerConfig {
        static_roots: vec![root.path().to_owned()],
        ..open_door()
    };
    (start(config).await, root)
}

async fn get(server: &Running, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = client().get(server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("answer")
}

#[tokio::test]
async fn files_have_their_types_and_hebrew_names() {
    let list: [(&str, &[u8]); 5] = [
        ("tts/greeting_he.mp3", b"mp3"),
        ("a.wav", b"wav"),
        ("a.ulaw", b"ulaw"),
        ("tts/\u{5e9}\u{5dc}\u{5d5}\u{5dd}.MP3", b"shalom"),
        ("empty.bin", b""),
    ];
    let (server, _root) = with_files(&list).await;
    let kinds = [
        "audio/mpeg",
        "audio/wav",
        "audio/basic",
        "audio/mpeg",
        "application/octet-stream",
    ];
    for ((name, bytes), kind) in list.into_iter().zip(kinds) {
        for path in [format!("/static/{name}"), format!("/static/{name}/")] {
            let response = get(&server, &path, &[]).await;
            assert_eq!(response.status(), 200, "{path}");
            assert_eq!(header(&response, "content-type"), kind);
            assert_eq!(header(&response, "accept-ranges"), "bytes");
            assert_eq!(header(&response, "content-length"), bytes.len().to_string());
            assert_eq!(response.bytes().await.expect("body"), bytes);
            let head = client().head(server.url(&path)).send().await.expect("answer");
            assert_eq!(
                (head.status().as_u16(), header(&head, "content-length")),
                (200, bytes.len().to_string())
            );
            assert_eq!(header(&head, "content-type"), kind);
        }
    }
    assert_eq!(
        client()
            .post(server.url("/static/a.wav"))
            .send()
            .await
            .expect("answer")
            .status(),
        405
    );
}

#[tokio::test]
async fn large_files_and_their_ranges_are_exact() {
    let bytes = (0..300_000u32).map(|i| (i % 251) as u8).collect::<Vec<_>>();
    let (server, _root) = with_files(&[("long.mp3", &bytes)]).await;
    assert_eq!(
        get(&server, "/static/long.mp3", &[]).await.bytes().await.expect("body"),
        bytes
    );
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199999", 100, 199_999),
        ("bytes=299999-", 299_999, 299_999),
        ("bytes=-10", 299_990, 299_999),
        ("bytes=250000-999999", 250_000, 299_999),
    ] {
        let response = get(&server, "/static/long.mp3", &[("Range", range)]).await;
        assert_eq!(response.status(), 206, "{range}");
        assert_eq!(
            header(&response, "content-range"),
            format!("bytes {first}-{last}/300000")
        );
        assert_eq!(response.bytes().await.expect("body"), bytes[first..=last]);
    }
    let beyond = get(&server, "/static/long.mp3", &[("Range", "bytes=300000-")]).await;
    assert_eq!(
        (beyond.status().as_u16(), header(&beyond, "content-range")),
        (416, "bytes */300000".to_owned())
    );
    for whole in ["bytes=0-1,3-4", "lines=1-2", "bytes=x-"] {
        assert_eq!(
            get(&server, "/static/long.mp3", &[("Range", whole)]).await.status(),
            200,
            "{whole}"
        );
    }
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let (server, root) = with_files(&[("a.mp3", b"first")]).await;
    let first = get(&server, "/static/a.mp3", &[]).await;
    let (etag, modified) = (header(&first, "etag"), header(&first, "last-modified"));
    assert!(
        etag.starts_with('"') && etag.ends_with('"') && modified.ends_with("GMT"),
        "{etag} {modified}"
    );
    for known in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"x\", {etag}"),
        "*".to_owned(),
    ] {
        let response = get(&server, "/static/a.mp3", &[("If-None-Match", &known)]).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "etag")),
            (304, etag.clone()),
            "{known}"
        );
        assert!(response.bytes().await.expect("body").is_empty());
    }
    assert_eq!(
        get(&server, "/static/a.mp3", &[("If-Modified-Since", &modified)])
            .await
            .status(),
        304
    );
    let both = [("If-None-Match", "\"x\""), ("If-Modified-Since", modified.as_str())];
    assert_eq!(get(&server, "/static/a.mp3", &both).await.status(), 200);
    let resumed = [("Range", "bytes=0-1"), ("If-Range", etag.as_str())];
    assert_eq!(get(&server, "/static/a.mp3", &resumed).await.status(), 206);
    let by_date = [("Range", "bytes=0-1"), ("If-Range", modified.as_str())];
    assert_eq!(get(&server, "/static/a.mp3", &by_date).await.status(), 206);
    let stale = [("Range", "bytes=0-1"), ("If-Range", "\"x\"")];
    assert_eq!(get(&server, "/static/a.mp3", &stale).await.status(), 200);

    write(root.path(), "a.mp3", b"second version");
    let changed = get(&server, "/static/a.mp3", &[("If-None-Match", &etag)]).await;
    assert_eq!(changed.status(), 200);
    assert_eq!(changed.bytes().await.expect("body"), &b"second version"[..]);
}

#[tokio::test]
async fn nothing_outside_the_folders_is_served() {
    let (server, root) = with_files(&[
        ("public/a.mp3", b"x"),
        ("public/.hidden", b"x"),
        ("secret.txt", b"secret"),
    ])
    .await;
    let outside = tempfile::tempdir().expect("folder");
    write(outside.path(), "key.txt", b"secret");
    std::os::unix::fs::symlink(outside.path().join("key.txt"), root.path().join("link.txt")).expect("link");
    let inside = ServerConfig {
        static_roots: vec![root.path().join("public")],
        ..open_door()
    };
    let narrow = start(inside).await;
    for target in [
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static/a/../../secret.txt",
        "/static/.hidden",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/a.mp3%00.txt",
        "/static/",
        "/static",
        "/static/missing.mp3",
    ] {
        let answer = narrow
            .raw(format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
            .await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{target}: {answer}");
        assert!(!answer.contains("secret"), "{target}");
    }
    assert_eq!(narrow.counts.snapshot().static_missing, 11);
    assert_eq!(get(&server, "/static/link.txt", &[]).await.status(), 404);
    assert_eq!(
        get(&server, "/static/public", &[]).await.status(),
        404,
        "a folder is no file"
    );
}

#[tokio::test]
async fn the_first_folder_that_has_the_file_wins() {
    let (server, _root) = with_files(&[("a.mp3", b"configured"), ("b.mp3", b"only here")]).await;
    let own = tempfile::tempdir().expect("folder");
    write(own.path(), "a.mp3", b"the line's");
    *server.desk.roots.lock().expect("lock") = StaticRoots(vec!["/no/such/folder".into(), own.path().to_owned()]);
    assert_eq!(
        get(&server, "/static/a.mp3", &[]).await.bytes().await.expect("body"),
        &b"the line's"[..]
    );
    assert_eq!(
        get(&server, "/static/b.mp3", &[]).await.bytes().await.expect("body"),
        &b"only here"[..]
    );
}
