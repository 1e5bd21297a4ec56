//! The carrier's error codes that this carrier can raise, with what each means for the person who reads it.

/// Whether an error ends what it concerns, or is only noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The request, verb or stream that raised it failed.
    Error,
    /// Noted; everything goes on.
    Warning,
}

/// An error code as the carrier numbers it, such as 11200.
pub type Code = u32;

/// What `code` means in a few words, or `unknown error` for a code this carrier never raises.
#[must_use]
pub fn meaning(code: Code) -> &'static str {
    find(code).map_or("unknown error", |(_, _, text)| text)
}

/// How grave `code` is.
#[must_use]
pub fn level(code: Code) -> Level {
    find(code).map_or(Level::Error, |(_, level, _)| *level)
}

fn find(code: Code) -> Option<&'static (Code, Level, &'static str)> {
    TABLE.iter().find(|(known, ..)| *known == code)
}

use Level::{Error, Warning};

const TABLE: &[(Code, Level, &str)] = &[
    (11100, Error, "the URL cannot be used"),
    (
        11200,
        Error,
        "the web server answered with an error or without a usable content type",
    ),
    (11201, Error, "no TCP connection within the time allowed"),
    (11202, Error, "the TCP connection was refused"),
    (11203, Error, "all attempts together took longer than 15 seconds"),
    (11205, Error, "the HTTP exchange could not be completed"),
    (11206, Error, "the answer is not HTTP"),
    (11210, Error, "the host name does not resolve"),
    (11215, Error, "more than 10 redirects"),
    (11220, Error, "the TLS handshake failed"),
    (11243, Error, "the retry policy in the URL's fragment is not valid"),
    (11750, Error, "the document is larger than 64 kB"),
    (11770, Error, "the document is empty"),
    (12100, Error, "the document is not well-formed XML"),
    (12102, Error, "the root element is not Response"),
    (
        12200,
        Warning,
        "an element or attribute the carrier does not know was skipped",
    ),
    (12300, Error, "the content type is not one the carrier takes"),
    (13420, Error, "what <Play> fetched is not audio the carrier can play"),
    (13430, Warning, "<Play digits> holds something other than keys"),
    (13520, Warning, "<Say> has nothing to say"),
    (13521, Warning, "<Say> has more text than the carrier speaks"),
    (13801, Error, "<Refer> works on SIP calls only"),
    (15003, Warning, "a status callback was not answered with success"),
    (
        15004,
        Error,
        "callback URLs must be absolute in a document put into a live call",
    ),
    (16101, Warning, "the recording is too short to be kept"),
    (16102, Warning, "the recording holds only silence"),
    (31901, Error, "the stream's connection timed out"),
    (31902, Error, "the stream's connection was refused"),
    (31903, Error, "the stream's connection was lost without a close"),
    (31904, Error, "the stream's host cannot be reached"),
    (31910, Error, "the stream's TLS handshake failed"),
    (31920, Error, "the stream's WebSocket handshake was refused"),
    (31921, Error, "the server closed the stream with an error code"),
    (31922, Error, "a stream URL must be wss"),
    (31923, Error, "the stream URL cannot be read"),
    (31924, Error, "the server broke the WebSocket protocol"),
    (31930, Warning, "the server reads too slowly, caller audio was dropped"),
    (
        31931,
        Warning,
        "more than 10 minutes of audio were queued, the rest was dropped",
    ),
    (31941, Error, "this track cannot be streamed from this verb"),
    (31950, Warning, "a binary message on the stream was dropped"),
    (31951, Warning, "a message on the stream was not valid and was dropped"),
    (63016, Error, "free text to someone who has not written within 24 hours"),
    (64105, Error, "the conversation relay's connection ended unexpectedly"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_unique_and_explained() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(TABLE.iter().all(|(_, _, text)| !text.is_empty()));
        assert_eq!(meaning(1), "unknown error");
        assert_eq!(level(31951), Level::Warning);
        assert_eq!(level(31903), Level::Error);
    }
}
