//! The signature's way through whatever stands before the engine: what is not signed is refused, what the carrier would
//! sign is accepted, however it spells the address. Asked of the probe route, which begins no call.

use super::case::{Case, Target};
use super::outcome::Outcome;
use super::web::{Answer, Ask, Silence, short};
use crate::server::{PROBE, PROOF, REFUSED, proof};
use serde_json::Value;

/// Says to the engine which request this is, so that no two have one proof.
pub fn nonce() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    const PROBES: [&str; 2] = ["unsigned", "signed"];
    if let Some(why) = case.unreachable() {
        return PROBES.map(|probe| Outcome::skipped(probe, why.clone())).to_vec();
    }
    if case.found.engine.is_none() {
        return PROBES
            .map(|probe| {
                Outcome::skipped(
                    probe,
                    "there is no engine: to another application, a request could be a call",
                )
            })
            .to_vec();
    }
    let mut outcomes = vec![unsigned(case).await];
    let Some(token) = case.token() else {
        outcomes.push(
            Outcome::skipped("signed", "no auth token is known here")
                .help("set TWILIO_AUTH_TOKEN, as the deployment has it"),
        );
        return outcomes;
    };
    if case.found.is_untrusted {
        outcomes.push(Outcome::skipped(
            "signed",
            "nothing is signed for a server whose certificate is not trusted",
        ));
        return outcomes;
    }
    let first = signed(case, &token).await;
    outcomes.push(first);
    if case.found.facts.is_some() {
        outcomes.push(spellings(case, &token).await);
        outcomes.push(forged(case, &token).await);
    }
    outcomes
}

/// A stranger asks.
async fn unsigned(case: &mut Case) -> Outcome {
    let target = case.target();
    let ask = Ask::post(target.at(PROBE), &[("Nonce", "unsigned")]).lax(case.found.is_untrusted);
    let answer = match case.web.ask(ask).await {
        Ok(answer) => answer,
        Err(silence) => return silent("unsigned", &silence),
    };
    match answer.status {
        403 if answer.text().trim() == REFUSED => {
            case.found.refuses_unsigned = true;
            Outcome::ok("unsigned", "refused with 403")
        }
        200 if answer.json().is_some_and(|json| json["verifies_signatures"] == false) => {
            Outcome::fail("unsigned", "accepted: anybody who finds a webhook may play the carrier")
                .help("set `carrier: {verify_signatures: true}` in `engine.yaml`, and TWILIO_AUTH_TOKEN")
        }
        200 if answer.text().contains("<Response") => Outcome::warn("unsigned", "this engine has no probe to ask")
            .help("deploy a newer engine; until then `engine simulate --url` tells by a call"),
        403 | 401 => Outcome::fail(
            "unsigned",
            format!(
                "not the engine refused it, but something before it: {}",
                answer.sketch()
            ),
        )
        .code(11200)
        .help("let the firewall or proxy pass `/webhook/` to the engine: it checks signatures itself"),
        _ => strange("unsigned", &answer),
    }
}

/// The carrier asks.
async fn signed(case: &mut Case, token: &str) -> Outcome {
    let target = case.target();
    let signed = target.signed(PROBE);
    let answer = match case.web.ask(request(&target, token).signed_as(token, &signed)).await {
        Ok(answer) => answer,
        Err(silence) => return silent("signed", &silence),
    };
    if let Some(public) = inside(case, &answer) {
        return Box::pin(signed_for(case, token, public)).await;
    }
    match (answer.status, answer.json()) {
        (200, Some(facts)) if facts["url"].is_object() => {
            let matched = facts["url"]["matched"].as_str().unwrap_or_default().to_owned();
            let is_matched = !matched.is_empty();
            case.found.facts = Some(facts);
            match is_matched {
                true => Outcome::ok("signed", format!("accepted for `{}`", short(&matched))),
                false => Outcome::fail("signed", format!("let in unchecked: it does not match for `{signed}`"))
                    .code(11200)
                    .help("set PUBLIC_BASE_URL to the address that the carrier has before signatures are checked"),
            }
        }
        (403, Some(facts)) => Outcome::fail("signed", differs(&signed, &facts["url"]))
            .code(11200)
            .help(remedy(&target, &facts["url"])),
        (403, None) if answer.text().trim() == REFUSED => Outcome::fail(
            "signed",
            "refused, and not only for its URL: the engine does not have this auth token",
        )
        .code(11200)
        .help("give engine and doctor the account's primary auth token; a secondary or another account's does not do"),
        (200, _) if answer.text().contains("<Response") => Outcome::skipped(
            "signed",
            "this engine has no probe to ask: it is older than this doctor",
        ),
        (401 | 403, _) => Outcome::fail(
            "signed",
            format!("something before the engine refused it: {}", answer.sketch()),
        )
        .code(11200)
        .help("let the firewall or proxy pass `/webhook/` to the engine"),
        _ => strange("signed", &answer),
    }
}

/// The public address of an engine that is asked on this machine, behind its proxy.
fn inside(case: &Case, answer: &Answer) -> Option<String> {
    let target = case.target();
    let facts = answer.json().filter(|_| answer.status == 403 && target.is_loopback)?;
    let public = facts["url"]["public"].as_str()?.to_owned();
    (facts["url"]["is_configured"] == true && public != target.public).then_some(public)
}

/// The same, signed for the public address.
async fn signed_for(case: &mut Case, token: &str, public: String) -> Outcome {
    if let Some(target) = &mut case.target {
        target.public = public;
    }
    signed(case, token).await
}

/// The same request as the carrier may write it otherwise: with a port, without, as GET.
async fn spellings(case: &Case, token: &str) -> Outcome {
    let target = case.target();
    let mut refused = Vec::new();
    let mut asks = vec![("as GET", {
        let query = format!("{PROBE}?Nonce={}", nonce());
        Ask::get(target.at(&query)).signed_as(token, &target.signed(&query))
    })];
    asks.push(("with a slash at its end", {
        let path = format!("{PROBE}/");
        Ask::post(target.at(&path), &[("Nonce", &nonce())]).signed_as(token, &target.signed(&path))
    }));
    let public = url::Url::parse(&target.public).unwrap_or_else(|_| target.url.clone());
    let host = public.host_str().unwrap_or_default().to_owned();
    let with = format!("{host}:{}", public.port_or_known_default().unwrap_or(443));
    let prefix = public.path().trim_end_matches('/');
    for (what, authority) in [("with its port", with), ("without a port", host)] {
        let spelled = format!("{}://{authority}{prefix}{PROBE}", public.scheme());
        asks.push((what, request(&target, token).signed_as(token, &spelled)));
    }
    for (what, ask) in asks {
        match case.web.ask(ask).await {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => refused.push(format!("{what} ({})", answer.status)),
            Err(silence) => refused.push(format!("{what} ({})", silence.why)),
        }
    }
    if refused.is_empty() {
        return Outcome::ok("spellings", "accepted with and without port and slash, as POST and GET");
    }
    Outcome::warn("spellings", format!("refused {}", refused.join(", ")))
        .code(11200)
        .help("set PUBLIC_BASE_URL, and let the proxy pass the path as it comes")
}

/// A request of this account to another host, sent here with forged headers, and one with a wrong signature.
async fn forged(case: &Case, token: &str) -> Outcome {
    let target = case.target();
    let wrong = Ask::post(target.at(PROBE), &[("Nonce", &nonce())]).signed_as("not the token", &target.signed(PROBE));
    let accepted = |asked: &Result<Answer, Silence>| asked.as_ref().is_ok_and(|answer| answer.status == 200);
    let lets_in = |asked: &Result<Answer, Silence>| match asked {
        Ok(answer) => answer.json().is_some_and(|json| json["verifies_signatures"] == false),
        Err(_) => false,
    };
    let answered = case.web.ask(wrong).await;
    if accepted(&answered) && !lets_in(&answered) {
        return Outcome::fail("forged", "a wrong signature was accepted")
            .help("see what answers in the engine's place");
    }
    let elsewhere = format!("https://doctor.invalid{PROBE}");
    let ask = Ask::post(target.at(PROBE), &[("Nonce", &nonce())])
        .header("x-forwarded-host", "doctor.invalid")
        .header("x-forwarded-proto", "https")
        .signed_as(token, &elsewhere);
    let answered = case.web.ask(ask).await;
    if accepted(&answered) && !lets_in(&answered) && !target.is_loopback {
        return Outcome::warn("forged", "the engine believes `X-Forwarded-Host` of strangers")
            .help("let the proxy overwrite the `X-Forwarded-` headers, and name it alone in `trusted_proxies`");
    }
    if lets_in(&answered) {
        return Outcome::skipped("forged", "signatures are not checked");
    }
    Outcome::ok("forged", "a wrong signature is refused")
}

/// A request that proves who asks, whatever URL it is signed for.
fn request(target: &Target, token: &str) -> Ask {
    let nonce = nonce();
    Ask::post(target.at(PROBE), &[("Nonce", &nonce)]).header(PROOF, proof(token, &nonce))
}

/// What the carrier signs, and what the engine held it against.
fn differs(signed: &str, seen: &Value) -> String {
    let checked = seen["checked"].as_array().into_iter().flatten();
    let mut checked: Vec<String> = checked.filter_map(Value::as_str).map(short).collect();
    checked.truncate(2);
    format!(
        "refused: the carrier signs `{signed}`, the engine checks `{}`",
        checked.join("`, `")
    )
}

fn remedy(target: &Target, seen: &Value) -> String {
    let told = |name: &str| seen[name].as_str();
    match (told("forwarded_proto"), told("forwarded_host")) {
        (None, None) if told("host").is_some_and(|host| Some(host) != target.url.host_str()) => format!(
            "set PUBLIC_BASE_URL={} for the engine; the proxy changes `Host` to `{}` and forwards nothing",
            target.base,
            short(told("host").unwrap_or_default())
        ),
        _ => format!("set PUBLIC_BASE_URL={} for the engine", target.base),
    }
}

fn silent(probe: &'static str, silence: &Silence) -> Outcome {
    Outcome::fail(probe, format!("`{PROBE}`: {}", silence.why))
        .code(silence.code)
        .help("see whether the proxy passes `/webhook/` to the engine")
}

fn strange(probe: &'static str, answer: &Answer) -> Outcome {
    Outcome::fail(probe, format!("`{PROBE}` gives {}", answer.sketch()))
        .code(11200)
        .help(answer.help())
}
