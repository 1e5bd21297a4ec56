//! Files below `/static/`: prompts that the carrier plays, with ranges and validators.
//!
//! Types are the carrier's own where it plays the file. A missing file is silence on the line, so it is logged loudly.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::Stream;
use http::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use warp::Reply;
use warp::reply::Response;

use super::answers;
use super::counts::raise;
use super::shared::Shared;
use super::webhooks::Incoming;

/// How much of a file is read at a time, in bytes.
const CHUNK: u64 = 64 * 1024;

/// What of a file a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    /// First and last byte.
    Slice(u64, u64),
    Unsatisfiable,
}

/// What a found file is, beside its bytes.
#[derive(Debug)]
struct Facts {
    kind: &'static str,
    length: u64,
    /// Whole seconds, as HTTP dates have no more.
    modified: SystemTime,
    etag: String,
}

/// True for `/static` and everything below.
pub(super) fn is_static(path: &str) -> bool {
    path == "/static" || path.starts_with("/static/")
}

/// Answers one request below `/static/`.
pub(super) async fn answer(shared: &Shared, incoming: &Incoming) -> Response {
    if !matches!(incoming.method, Method::GET | Method::HEAD) {
        let mut response = answers::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let name = incoming.path.strip_prefix("/static").unwrap_or_default();
    let roots = shared.line.static_files().0;
    let roots = roots.iter().chain(&shared.config.static_roots);
    match find(roots, name).await {
        Some((file, facts)) => respond(file, &facts, incoming).await,
        None => {
            raise(&shared.counts.static_missing);
            tracing::error!(
                file = name,
                "STATIC_MISSING: the caller hears nothing where this file should play"
            );
            answers::text(StatusCode::NOT_FOUND, "no such file")
        }
    }
}

async fn find(roots: impl Iterator<Item = &PathBuf>, name: &str) -> Option<(File, Facts)> {
    let relative = relative_path(name)?;
    for root in roots {
        if let Some(found) = open(root, &relative).await {
            return Some(found);
        }
    }
    None
}

/// Opens the file if, links followed, it lies below the root.
async fn open(root: &Path, relative: &Path) -> Option<(File, Facts)> {
    let root = tokio::fs::canonicalize(root).await.ok()?;
    let path = tokio::fs::canonicalize(root.join(relative)).await.ok()?;
    if !path.starts_with(&root) {
        tracing::warn!(file = %relative.display(), "a link leads out of the static folder and is not followed");
        return None;
    }
    let file = File::open(&path).await.ok()?;
    let metadata = file.metadata().await.ok().filter(|metadata| metadata.is_file())?;
    let age = metadata
        .modified()
        .unwrap_or(UNIX_EPOCH)
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let facts = Facts {
        kind: kind(relative),
        length: metadata.len(),
        modified: UNIX_EPOCH + Duration::from_secs(age.as_secs()),
        etag: format!("\"{:x}-{:x}\"", metadata.len(), age.as_nanos()),
    };
    Some((file, facts))
}

async fn respond(mut file: File, facts: &Facts, incoming: &Incoming) -> Response {
    let headers = &incoming.headers;
    let get = incoming.method == Method::GET;
    if unchanged(headers, facts) {
        return described(Response::default(), StatusCode::NOT_MODIFIED, facts);
    }
    let part = match headers.get(RANGE) {
        Some(range) if get && range_holds(headers, facts) => part(range.to_str().unwrap_or_default(), facts.length),
        _ => Part::Whole,
    };
    let (status, first, length) = match part {
        Part::Whole => (StatusCode::OK, 0, facts.length),
        Part::Slice(first, last) => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Part::Unsatisfiable => {
            let mut response = answers::text(StatusCode::RANGE_NOT_SATISFIABLE, "no such range");
            insert(&mut response, CONTENT_RANGE, &format!("bytes */{}", facts.length));
            return response;
        }
    };
    if file.seek(SeekFrom::Start(first)).await.is_err() {
        return answers::text(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read");
    }
    let body = if get {
        warp::reply::stream(chunks(file, length)).into_response()
    } else {
        Response::default()
    };
    let mut response = described(body, status, facts);
    insert(&mut response, CONTENT_LENGTH, &length.to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{}", first + length - 1, facts.length);
        insert(&mut response, CONTENT_RANGE, &range);
    }
    response
}

fn chunks(file: File, length: u64) -> impl Stream<Item = io::Result<Vec<u8>>> + Send + Sync {
    futures_util::stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let mut chunk = Vec::new();
        let read = (&mut file).take(left.min(CHUNK)).read_to_end(&mut chunk).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((chunk, (file, left.saturating_sub(read as u64)))))
    })
}

fn described(mut response: Response, status: StatusCode, facts: &Facts) -> Response {
    *response.status_mut() = status;
    insert(&mut response, ETAG, &facts.etag);
    insert(&mut response, LAST_MODIFIED, &httpdate::fmt_http_date(facts.modified));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(facts.kind));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // May be kept, but asked about again each time: an edited prompt is heard on the next call.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("numbers, tags and dates are header values");
    response.headers_mut().insert(name, value);
}

fn unchanged(headers: &HeaderMap, facts: &Facts) -> bool {
    if headers.contains_key(IF_NONE_MATCH) {
        let lines = headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok());
        return lines
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == facts.etag);
    }
    date(headers, IF_MODIFIED_SINCE).is_some_and(|since| facts.modified <= since)
}

/// False if the range was meant for another version of the file.
fn range_holds(headers: &HeaderMap, facts: &Facts) -> bool {
    match headers.get(IF_RANGE) {
        None => true,
        Some(tag) if tag == facts.etag.as_str() => true,
        Some(_) => date(headers, IF_RANGE) == Some(facts.modified),
    }
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

/// Reads a `Range` header. What is no single byte range is ignored, as the protocol allows: the whole file goes out.
fn part(range: &str, length: u64) -> Part {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|spec| spec.trim().split_once('-'))
    else {
        return Part::Whole;
    };
    let end = length.checked_sub(1);
    let number = |text: &str| {
        text.trim()
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.trim().parse::<u64>().ok())
    };
    match (number(first), number(last)) {
        (Some(Some(first)), Some(last)) => match end {
            _ if last.is_some_and(|last| last < first) => Part::Whole,
            Some(end) if first <= end => Part::Slice(first, last.unwrap_or(end).min(end)),
            _ => Part::Unsatisfiable,
        },
        (Some(None), Some(Some(suffix))) if first.trim().is_empty() => match end {
            Some(end) if suffix > 0 => Part::Slice(length.saturating_sub(suffix), end),
            _ => Part::Unsatisfiable,
        },
        _ => Part::Whole,
    }
}

/// The file's path below a root: decoded, without any segment that could lead elsewhere or names a hidden file.
fn relative_path(raw: &str) -> Option<PathBuf> {
    let decoded = percent_decoded(raw)?;
    let mut path = PathBuf::new();
    for segment in decoded.split('/').filter(|segment| !segment.is_empty()) {
        if segment.starts_with('.') || segment.contains(['\\', '\0', ':']) {
            return None;
        }
        path.push(segment);
    }
    (!path.as_os_str().is_empty()).then_some(path)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok()
}

fn kind(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ulaw" | "mulaw" | "ul" | "au" => "audio/basic",
        "aif" | "aiff" => "audio/aiff",
        "gsm" => "audio/x-gsm",
        "ogg" => "audio/ogg",
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "xml" => "text/xml; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "ico" => "image/x-icon",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_of_a_thousand_bytes() {
        for (range, expected) in [
            ("bytes=0-99", Part::Slice(0, 99)),
            ("bytes=900-", Part::Slice(900, 999)),
            ("bytes=-1", Part::Slice(999, 999)),
            ("bytes=-5000", Part::Slice(0, 999)),
            ("bytes=0-5000", Part::Slice(0, 999)),
            ("bytes=1000-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=5-4", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("items=0-1", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(part(range, 1000), expected, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Unsatisfiable);
        assert_eq!(part("bytes=-3", 0), Part::Unsatisfiable);
    }

    #[test]
    fn paths_stay_below_the_root() {
        assert_eq!(relative_path("/tts/a%20b.mp3"), Some(PathBuf::from("tts/a b.mp3")));
        assert_eq!(
            relative_path("//tts//%D7%A9.mp3/"),
            Some(PathBuf::from("tts/\u{5e9}.mp3"))
        );
        for wrong in [
            "",
            "/",
            "/../x",
            "/%2e%2e/x",
            "/a/%2E%2e%2fx",
            "/.env",
            "/a%00",
            "/a\\b",
            "/%zz",
            "/%d7",
            "/%",
            "/c:/x",
        ] {
            assert_eq!(relative_path(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leads_out(raw in "[./%25eE2fF\\\\a]{0,24}") {
            if let Some(path) = relative_path(&raw) {
                let normal = |c| matches!(c, std::path::Component::Normal(_));
                prop_assert!(path.components().all(normal));
            }
        }

        #[test]
        fn a_slice_lies_within_the_file(range in "bytes=[0-9-]{0,12}", length in 0u64..2000) {
            if let Part::Slice(first, last) = part(&range, length) {
                prop_assert!(first <= last && last < length);
            }
        }
    }
}
