//! Server-sent events out of bytes that may be cut anywhere. The format: <https://html.spec.whatwg.org/#event-stream-interpretation>.

use std::collections::VecDeque;

/// The largest event, and the longest line, in bytes.
const LIMIT: usize = 1024 * 1024;

/// One event: what its `event:` and `data:` lines say. An event without data is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Event {
    /// Empty where the event has no name.
    pub name: String,
    /// Its data lines, joined by line feeds.
    pub data: String,
}

/// A line or an event is longer than anybody's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// Reads a stream. Bytes go in as they come, events come out as soon as they are complete.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed after it belongs to the same line end.
    after_return: bool,
    /// A line was read already, so no byte order mark is expected any more.
    begun: bool,
    name: String,
    data: Option<String>,
    ready: VecDeque<Event>,
}

impl Events {
    /// Takes the next bytes. Whole lines are decoded at once, so a character that is cut in two comes out whole.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        let mut rest = bytes;
        if !rest.is_empty() && std::mem::take(&mut self.after_return) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let by_return = rest[at] == b'\r';
            self.part_of_line(&rest[..at])?;
            self.line_end()?;
            rest = &rest[at + 1..];
            if by_return {
                self.after_return = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
        }
        self.part_of_line(rest)
    }

    /// The stream is over. Its last event counts even where the empty line after it is missing, as it is with some servers.
    pub fn finish(&mut self) -> Result<(), TooLong> {
        if !self.line.is_empty() {
            self.line_end()?;
        }
        self.dispatch();
        Ok(())
    }

    /// The next complete event.
    pub fn next(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    fn part_of_line(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + bytes.len() > LIMIT {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line_end(&mut self) -> Result<(), TooLong> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let mut line = text.as_ref();
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch();
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                let data = match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data
                    }
                    none => none.insert(String::new()),
                };
                if data.len() + value.len() > LIMIT {
                    return Err(TooLong);
                }
                data.push_str(value);
            }
            "event" => self.name = value.to_owned(),
            // A comment has an empty field name; `id` and `retry` serve reconnecting, which no model offers.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self) {
        let name = std::mem::take(&mut self.name);
        if let Some(data) = self.data.take() {
            self.ready.push_back(Event { name, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut events = Events::default();
        for piece in pieces {
            events.feed(piece).expect("short");
        }
        events.finish().expect("short");
        std::iter::from_fn(|| events.next().map(|event| (event.name, event.data))).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, data): &(&str, &str)| ((*name).to_owned(), (*data).to_owned());
        expected.iter().map(owned).collect()
    }

    #[test]
    fn every_form_of_a_stream() {
        let cases: [(&str, &[(&str, &str)]); 11] = [
            ("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]),
            ("data:a\r\n\r\ndata:b\r\n\r\n", &[("", "a"), ("", "b")]),
            ("data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]),
            (": keep alive\n\ndata: a\n\n", &[("", "a")]),
            ("data: a\ndata: b\ndata\n\n", &[("", "a\nb\n")]),
            ("event: ping\ndata: {}\n\ndata: b\n\n", &[("ping", "{}"), ("", "b")]),
            ("event: nothing\n\ndata: b\n\n", &[("", "b")]),
            ("id: 7\nretry: 10\ndata:  two spaces\n\n", &[("", " two spaces")]),
            ("\u{feff}data: marked\n\n", &[("", "marked")]),
            ("data: without an end", &[("", "without an end")]),
            ("\n\n\n", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(read(&[text.as_bytes()]), pairs(expected), "{text:?}");
        }
    }

    #[test]
    fn a_character_cut_in_two_comes_out_whole() {
        let bytes = "data: שלום\n\n".as_bytes();
        assert_eq!(read(&[&bytes[..7], &bytes[7..9], &bytes[9..]]), pairs(&[("", "שלום")]));
    }

    #[test]
    fn an_event_comes_out_as_soon_as_it_is_complete() {
        let mut events = Events::default();
        events.feed(b"data: a\r\n\r").expect("short");
        assert_eq!(events.next().map(|event| event.data), Some("a".to_owned()));
        events.feed(b"\ndata: b").expect("short");
        assert_eq!(events.next(), None);
    }

    #[test]
    fn a_line_or_an_event_without_end_is_refused() {
        let mut events = Events::default();
        assert_eq!(events.feed(&vec![b'x'; LIMIT + 1]), Err(TooLong));
        let mut events = Events::default();
        let line = format!("data: {}\n", "x".repeat(LIMIT / 2));
        assert_eq!(events.feed(line.repeat(3).as_bytes()), Err(TooLong));
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_does_not_matter(
            lines in proptest::collection::vec("(data: ?|event: |: |data|)[a-zא-ת😀: ]{0,6}(\n|\r\n|\r)", 0..12),
            cuts in proptest::collection::vec(0usize..200, 0..8),
        ) {
            let text: String = lines.concat();
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (bytes.len() + 1)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(read(&pieces), read(&[bytes]));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(read(&single), read(&[bytes]));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            read(&[&bytes]);
        }
    }
}
