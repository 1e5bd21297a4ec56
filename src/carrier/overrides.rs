//! Connection overrides: the `#rc=2&rp=5xx` at the end of a webhook's URL, which the carrier keeps to itself.

use std::time::Duration;

use super::errors::Code;

/// How a webhook is tried. The defaults are the carrier's: 5 s to connect, 15 s in all, one retry when no connection came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Overrides {
    pub(crate) connect: Duration,
    pub(crate) read: Duration,
    pub(crate) total: Duration,
    pub(crate) retries: u32,
    pub(crate) policy: Policy,
}

/// Which failures are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) connect: bool,
    pub(crate) read: bool,
    pub(crate) client: bool,
    pub(crate) server: bool,
}

impl Default for Overrides {
    fn default() -> Self {
        Self {
            connect: super::network::CONNECT,
            read: Duration::from_millis(15_000),
            total: Duration::from_millis(15_000),
            retries: 1,
            policy: Policy {
                connect: true,
                read: false,
                client: false,
                server: false,
            },
        }
    }
}

impl Overrides {
    /// Reads a URL's fragment. Numbers outside of their range are brought into it.
    ///
    /// # Errors
    /// 11243 for a retry policy with an unknown word.
    pub(crate) fn read(fragment: Option<&str>) -> Result<Self, Code> {
        let mut read = Self::default();
        let pairs = form_urlencoded::parse(fragment.unwrap_or_default().as_bytes());
        for (key, value) in pairs {
            let millis = |low: u64, high: u64| {
                value
                    .parse::<u64>()
                    .ok()
                    .map(|ms| Duration::from_millis(ms.clamp(low, high)))
            };
            match key.as_ref() {
                "ct" => read.connect = millis(100, 10_000).unwrap_or(read.connect),
                "rt" => read.read = millis(100, 15_000).unwrap_or(read.read),
                "tt" => read.total = millis(100, 15_000).unwrap_or(read.total),
                "rc" => read.retries = value.parse().map_or(read.retries, |count: u32| count.min(5)),
                "rp" => read.policy = policy(&value)?,
                _ => {}
            }
        }
        Ok(read)
    }
}

fn policy(text: &str) -> Result<Policy, Code> {
    let mut policy = Policy {
        connect: false,
        read: false,
        client: false,
        server: false,
    };
    for word in text.split(',') {
        match word.trim() {
            "ct" => policy.connect = true,
            "rt" => policy.read = true,
            "4xx" => policy.client = true,
            "5xx" => policy.server = true,
            "all" => {
                policy = Policy {
                    connect: true,
                    read: true,
                    client: true,
                    server: true,
                }
            }
            _ => return Err(11243),
        }
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_overrides_within_limits() {
        let read = Overrides::read(Some("rc=9&rp=5xx,ct&ct=1&rt=3000&e=dublin")).expect("valid");
        assert_eq!(read.retries, 5);
        assert_eq!(read.connect, Duration::from_millis(100));
        assert_eq!(read.read, Duration::from_secs(3));
        assert!(read.policy.server && read.policy.connect && !read.policy.read && !read.policy.client);
        assert_eq!(Overrides::read(None), Ok(Overrides::default()));
        assert_eq!(Overrides::read(Some("rp=sometimes")), Err(11243));
    }
}
