//! Whether the deployment can be reached: name, connection, certificate, and what plain HTTP does beside it.

use super::case::Case;
use super::outcome::Outcome;
use super::tls;
use super::web::{Ask, millis};
use reqwest::header::LOCATION;
use std::net::{IpAddr, SocketAddr};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// A certificate that has no more days than this left should have been renewed.
const SOON: i64 = 14;

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    let target = case.target();
    let host = target.url.host_str().unwrap_or_default().to_owned();
    let port = target.url.port_or_known_default().unwrap_or(443);
    let addresses = match resolve(case, &host, port).await {
        Ok(addresses) => addresses,
        Err(failed) => {
            case.found.unreachable = Some(format!("the name `{host}` does not resolve"));
            return vec![
                failed,
                Outcome::skipped("tcp", "there is no address"),
                Outcome::skipped("tls", "there is no address"),
            ];
        }
    };
    let mut outcomes = vec![names(&addresses, &host, target.is_loopback)];
    let (connected, outcome) = connect(case, &addresses).await;
    outcomes.push(outcome);
    let Some(address) = connected else {
        case.found.unreachable = Some(format!("nothing answers on port {port} of `{host}`"));
        outcomes.push(Outcome::skipped("tls", "there is no connection"));
        return outcomes;
    };
    if target.is_https() {
        outcomes.extend(handshake(case, address, &host).await);
        outcomes.push(plain(case, &host, port).await);
    } else if target.is_loopback {
        outcomes.push(Outcome::skipped("tls", "this machine is asked without TLS"));
    } else {
        outcomes.push(
            Outcome::warn("tls", "the deployment is asked without TLS")
                .code(31922)
                .help("give the address as the carrier has it: a media stream is opened over `wss` alone"),
        );
    }
    outcomes
}

async fn resolve(case: &Case, host: &str, port: u16) -> Result<Vec<SocketAddr>, Outcome> {
    let bare = host.trim_matches(['[', ']']);
    let failed = |why: String| {
        Outcome::fail("dns", why)
            .code(11210)
            .help("set an A record for the host, or correct its name")
    };
    match timeout(case.plan.timeout, lookup_host((bare, port))).await {
        Err(_) => Err(failed(format!("no name server answers for `{host}` in time"))),
        Ok(Err(error)) => Err(failed(format!("`{host}` does not resolve: {error}"))),
        Ok(Ok(found)) => {
            let mut addresses: Vec<SocketAddr> = found.collect();
            // Carriers reach more of the world over IPv4; the order of name servers varies.
            addresses.sort_by_key(|address| (address.is_ipv6(), *address));
            addresses.dedup();
            match addresses.is_empty() {
                true => Err(failed(format!("`{host}` has no address"))),
                false => Ok(addresses),
            }
        }
    }
}

fn names(addresses: &[SocketAddr], host: &str, is_loopback: bool) -> Outcome {
    let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    let seen = format!("`{host}` is {}", shown.join(", "));
    if !is_loopback && addresses.iter().all(|address| is_private(address.ip())) {
        return Outcome::fail("dns", format!("{seen}, which only a private network reaches"))
            .code(11205)
            .help("give the host a public address; a tunnel does for a trial");
    }
    if host.contains('_') {
        return Outcome::warn(
            "dns",
            format!("{seen}; the carrier takes no `_` in the host of a status callback"),
        )
        .code(11100)
        .help("use a host name without `_`");
    }
    Outcome::ok("dns", seen)
}

fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let is_carrier_grade = first == 100 && (64..128).contains(&second);
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || is_carrier_grade
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unique_local() || ip.is_unspecified(),
    }
}

/// Connects to each address: the first that answers, and what came of all.
async fn connect(case: &Case, addresses: &[SocketAddr]) -> (Option<SocketAddr>, Outcome) {
    let mut connected = None;
    let mut silent = Vec::new();
    let mut code = 11205;
    for address in addresses.iter().take(6) {
        let began = Instant::now();
        match timeout(case.plan.timeout, TcpStream::connect(address)).await {
            Ok(Ok(_)) => {
                connected.get_or_insert((*address, began.elapsed()));
            }
            Ok(Err(error)) => {
                if error.kind() == std::io::ErrorKind::ConnectionRefused {
                    code = 11202;
                }
                silent.push(format!("{address}: {error}"));
            }
            Err(_) => {
                code = 11201;
                silent.push(format!("{address}: no connection within {}", millis(case.plan.timeout)));
            }
        }
    }
    let Some((address, took)) = connected else {
        let outcome = Outcome::fail("tcp", silent.join("; ")).code(code).help(
            "start what listens there, and open the port in the firewall for everybody: the carrier's addresses change",
        );
        return (None, outcome);
    };
    let seen = format!("connected to {address} in {}", millis(took));
    let has_v4 = addresses.iter().any(SocketAddr::is_ipv4);
    let outcome = if silent.is_empty() || (has_v4 && address.is_ipv4() && silent.iter().all(|one| one.starts_with('[')))
    {
        Outcome::ok("tcp", seen)
    } else {
        Outcome::warn("tcp", format!("{seen}, but not to {}", silent.join("; ")))
            .code(code)
            .help("take the addresses that do not answer out of the name's records")
    };
    (Some(address), outcome)
}

async fn handshake(case: &mut Case, address: SocketAddr, host: &str) -> Vec<Outcome> {
    let (config, host, limit) = (case.web.tls.clone(), host.to_owned(), case.plan.timeout);
    let shaken = tokio::task::spawn_blocking(move || tls::shake(address, &host, &config, limit)).await;
    let Ok(shaken) = shaken else {
        return vec![Outcome::skipped("tls", "the handshake was broken off here")];
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let days = shaken
        .certificate
        .map(|certificate| certificate.days_left(i64::try_from(now).unwrap_or(i64::MAX)));
    let Some(refused) = shaken.refused else {
        let outcome = match days {
            Some(days) if days <= SOON => Outcome::warn(
                "tls",
                format!("{}, the certificate has {days} days left", shaken.version),
            )
            .code(11236)
            .help("renew the certificate, and see why it was not renewed by itself"),
            Some(days) => Outcome::ok("tls", format!("{}, trusted, {days} days left", shaken.version)),
            None => Outcome::ok("tls", format!("{}, trusted", shaken.version)),
        };
        return vec![outcome];
    };
    // Whoever answers over TLS at all can be asked on, for what else is wrong.
    case.found.is_untrusted = true;
    if shaken.version.is_empty() {
        case.found.unreachable = Some("there is no TLS to speak through".to_owned());
    }
    let since = match days {
        Some(days) if days < 0 => format!("{} ({} days ago)", refused.why, -days),
        _ => refused.why,
    };
    vec![Outcome::fail("tls", since).code(refused.code).help(refused.help)]
}

/// What plain HTTP does on the usual port: nothing, or send people on to TLS.
async fn plain(case: &Case, host: &str, port: u16) -> Outcome {
    if port != 443 {
        return Outcome::skipped("plain-http", "TLS is not on its usual port");
    }
    let Ok(answer) = case.web.ask(Ask::head(format!("http://{host}/healthz"))).await else {
        return Outcome::ok("plain-http", "nothing answers without TLS");
    };
    let to = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    match to {
        Some(to) if to.starts_with("https://") => Outcome::ok("plain-http", "sent on to https"),
        _ if answer.status >= 400 => Outcome::ok("plain-http", format!("refused with {}", answer.status)),
        _ => Outcome::warn("plain-http", "the deployment answers without TLS, too")
            .help("redirect port 80 to https: what callers say could be read on the way"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_no_carrier_reaches() {
        for private in [
            "10.1.2.3",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.1.1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private(private.parse().expect("an address")), "{private}");
        }
        for public in ["203.0.113.7", "100.128.0.1", "2001:db8::1"] {
            assert!(!is_private(public.parse().expect("an address")), "{public}");
        }
        let seen = names(
            &["10.0.0.5:443".parse().expect("an address")],
            "voice.example.com",
            false,
        );
        assert_eq!(seen.code, Some(11205));
    }
}
