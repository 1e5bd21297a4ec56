//! Request bodies: read to a limit of size and time, and decoded as a form.

use std::fmt;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

/// The longest webhook body that is read: 64 kB.
pub(super) const BODY_LIMIT: usize = 64 * 1024;

/// What is still read and thrown away of a longer body, so that its sender lives to see the answer.
const DISCARD_LIMIT: usize = 1024 * 1024;

/// How long a body may take to arrive.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// Longer than the limit.
    TooLarge,
    /// Still incomplete after five seconds.
    Slow,
    /// The connection broke, or its chunks made no sense.
    Broken,
}

/// Reads a whole body of at most `limit` bytes, whether its length was announced or it comes in chunks.
pub async fn read_limited<S, B>(body: S, limit: usize) -> Result<Bytes, BodyFault>
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    read_within(body, limit, READ_WITHIN).await
}

/// Decodes `a=1&b=2`: `+` is a space, what is no UTF-8 becomes U+FFFD, and nothing is an error.
pub fn form_pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BodyFault::TooLarge => "the body is longer than 64 kB",
            BodyFault::Slow => "the body took longer than 5 s to arrive",
            BodyFault::Broken => "the body broke off",
        })
    }
}

impl std::error::Error for BodyFault {}

async fn read_within<S, B>(body: S, limit: usize, time: Duration) -> Result<Bytes, BodyFault>
where
    S: Stream<Item = Result<B, warp::Error>>,
    B: Buf,
{
    let mut body = std::pin::pin!(body);
    let mut kept = BytesMut::new();
    let mut discarded = 0;
    let read = async {
        while let Some(chunk) = body.next().await {
            let mut chunk = chunk.map_err(|_| BodyFault::Broken)?;
            let length = chunk.remaining();
            if discarded == 0 && kept.len() + length <= limit {
                kept.extend_from_slice(&chunk.copy_to_bytes(length));
                continue;
            }
            discarded += length;
            if discarded > DISCARD_LIMIT {
                break;
            }
        }
        Ok(())
    };
    match tokio::time::timeout(time, read).await {
        Err(_) => Err(BodyFault::Slow),
        Ok(Err(fault)) => Err(fault),
        Ok(Ok(())) if discarded > 0 => Err(BodyFault::TooLarge),
        Ok(Ok(())) => Ok(kept.freeze()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = Vec<(String, String)>;

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn forms_are_decoded_leniently() {
        let table: [(&[u8], Pairs); 5] = [
            (b"", vec![]),
            (
                b"a=1&b=%2B972+5&a=",
                vec![pair("a", "1"), pair("b", "+972 5"), pair("a", "")],
            ),
            (b"&&=&x", vec![pair("", ""), pair("x", "")]),
            (b"a=%zz%d7", vec![pair("a", "%zz\u{fffd}")]),
            (b"%D7%A9=%D7%9C+", vec![pair("\u{5e9}", "\u{5dc} ")]),
        ];
        for (text, expected) in table {
            assert_eq!(form_pairs(text), expected, "{text:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_limit() {
        let chunks = |sizes: &[usize]| {
            let parts = sizes
                .iter()
                .map(|size| Ok(Bytes::from(vec![b'x'; *size])))
                .collect::<Vec<_>>();
            futures_util::stream::iter(parts)
        };
        assert_eq!(read_limited(chunks(&[4, 6]), 10).await.map(|b| b.len()), Ok(10));
        assert_eq!(read_limited(chunks(&[4, 7]), 10).await, Err(BodyFault::TooLarge));
        assert_eq!(read_limited(chunks(&[11, 0, 1]), 10).await, Err(BodyFault::TooLarge));
        assert_eq!(read_limited(chunks(&[]), 10).await.map(|b| b.len()), Ok(0));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let never = futures_util::stream::pending::<Result<Bytes, warp::Error>>();
        let read = read_within(never, 10, Duration::from_millis(10)).await;
        assert_eq!(read, Err(BodyFault::Slow));
    }
}
