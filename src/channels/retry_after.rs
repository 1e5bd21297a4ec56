//! Reads the `Retry-After` header (RFC 9110 section 10.2.3): a number of seconds, or an HTTP date.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The wait that a reply asks for. `None` where it asks for none, or in a form that cannot be read.
///
/// A date is measured against the reply's own `Date` header where there is one, because the two clocks may differ;
/// otherwise against `now`. A date in the past is a wait of zero.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return value.parse().ok().map(Duration::from_secs);
    }
    let due = httpdate::parse_http_date(value).ok()?;
    let sent = headers
        .get(DATE)
        .and_then(|date| date.to_str().ok())
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or(now);
    Some(due.duration_since(sent).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a header name");
            headers.insert(name, value.parse().expect("a header value"));
        }
        let now = httpdate::parse_http_date("Thu, 24 Aug 2023 05:01:45 GMT").expect("a date");
        retry_after(&headers, now)
    }

    #[test]
    fn seconds_dates_and_nonsense() {
        let seconds = |n| Some(Duration::from_secs(n));
        let date = "Thu, 24 Aug 2023 05:02:00 GMT";
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("retry-after", "7")]), seconds(7));
        assert_eq!(read(&[("retry-after", " 0 ")]), seconds(0));
        assert_eq!(read(&[("retry-after", date)]), seconds(15));
        let server_clock = ("date", "Thu, 24 Aug 2023 05:01:58 GMT");
        assert_eq!(read(&[("retry-after", date), server_clock]), seconds(2));
        let past = "Thu, 24 Aug 2023 05:00:00 GMT";
        assert_eq!(read(&[("retry-after", past)]), seconds(0));
        for nonsense in ["", "-1", "soon", "1.5", "99999999999999999999999"] {
            assert_eq!(read(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }
}
