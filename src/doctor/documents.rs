//! What a caller would get first: each flow's first document, as it arrives here, held to the carrier's rules.

use super::case::{Case, Target};
use super::outcome::Outcome;
use super::signature::nonce;
use super::web::{Answer, Ask, millis, short};
use crate::server::PROBE;
use crate::twiml::{DOCUMENT_LIMIT, Element, Setting, Severity, examine};
use reqwest::header::CACHE_CONTROL;
use std::time::Duration;

/// So often the main flow's document is asked for, to see how long it takes.
const ROUNDS: usize = 5;
/// An answer that takes longer is heard as ringing; the carrier gives up after 15 s.
const SLOW: Duration = Duration::from_secs(1);

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    if let Some(why) = case.unreachable() {
        return vec![Outcome::skipped("document", why)];
    }
    let flows = case.running();
    let Some(token) = case.token().filter(|_| case.found.facts.is_some()) else {
        return vec![Outcome::skipped(
            "document",
            "the deployment tells its documents only to who signs",
        )];
    };
    if flows.is_empty() {
        return vec![
            Outcome::fail("document", "no flow runs there")
                .help("see the engine's log for what is wrong with the flow"),
        ];
    }
    let mut outcomes = Vec::new();
    for (index, flow) in flows.iter().enumerate() {
        let name = short(flow["name"].as_str().unwrap_or_default());
        let to = flow["numbers"][0].as_str().unwrap_or_default().to_owned();
        // A flow that is neither the main one nor any number's gets no calls.
        if index > 0 && to.is_empty() {
            continue;
        }
        let mut took = Vec::new();
        let rounds = if index == 0 { ROUNDS } else { 1 };
        for round in 0..rounds {
            let form = [
                ("Nonce", nonce()),
                ("Answer", "document".to_owned()),
                ("To", to.clone()),
            ];
            let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            match case.web.ask(ask(&case.target(), &form, &token)).await {
                Ok(answer) => {
                    took.push(answer.took);
                    if round == 0 {
                        outcomes.extend(judge(case, &name, &answer));
                    }
                }
                Err(silence) => {
                    outcomes.push(
                        Outcome::fail("document", format!("`{name}`: {}", silence.why))
                            .code(silence.code)
                            .help("see what keeps the answer: the engine's log has `RES` with its milliseconds"),
                    );
                    break;
                }
            }
        }
        if index == 0 {
            outcomes.extend(latency(took));
        }
    }
    outcomes
}

fn ask(target: &Target, form: &[(&str, &str)], token: &str) -> Ask {
    Ask::post(target.at(PROBE), form).signed_as(token, &target.signed(PROBE))
}

/// What is wrong with the document as it came, or that nothing is.
fn judge(case: &mut Case, name: &str, answer: &Answer) -> Vec<Outcome> {
    let fail = |seen: String, code: u32, help: &str| {
        vec![
            Outcome::fail("document", format!("`{name}` {seen}"))
                .code(code)
                .help(help),
        ]
    };
    if answer.status != 200 {
        return fail(format!("gives {}", answer.sketch()), 11200, answer.help());
    }
    let keep = "let the proxy pass `Content-Type` as the engine sends it: `text/xml`";
    match answer.kind().as_deref() {
        None => return fail("comes without a `Content-Type`".to_owned(), 11200, keep),
        Some("text/xml" | "application/xml") => {}
        Some("text/html") => return fail("comes as `text/html`".to_owned(), 12300, keep),
        Some(kind) => return fail(format!("comes as `{}`", short(kind)), 12300, keep),
    }
    if answer.body.len() > DOCUMENT_LIMIT {
        let seen = format!("has {} bytes, the carrier reads {DOCUMENT_LIMIT}", answer.body.len());
        return fail(seen, 11750, "say less at once");
    }
    let Ok(text) = String::from_utf8(answer.body.clone()) else {
        return fail(
            "is not UTF-8".to_owned(),
            12100,
            "let the proxy pass documents as they are",
        );
    };
    let (root, problems) = examine(&text, Setting::FirstDocument);
    let mut outcomes: Vec<Outcome> = problems
        .iter()
        // This machine is asked without TLS, and so are its sockets.
        .filter(|problem| !(problem.code == 31922 && case.target().is_loopback))
        .map(|problem| {
            let seen = format!("`{name}`: {}", problem.message);
            let outcome = match problem.severity {
                Severity::Error => Outcome::fail("document", seen),
                Severity::Warning => Outcome::warn("document", seen),
            };
            let outcome = if problem.code > 0 {
                outcome.code(problem.code)
            } else {
                outcome
            };
            outcome.help(problem.help.clone())
        })
        .collect();
    if let Some(root) = &root {
        outcomes.extend(strays(case, name, root));
    }
    let is_kept = answer.headers.get(CACHE_CONTROL).is_none_or(|value| {
        let value = value.to_str().unwrap_or_default();
        !value.contains("no-store") && !value.contains("no-cache")
    });
    if is_kept {
        outcomes.push(
            Outcome::warn("document", format!("`{name}` may be kept by caches on the way"))
                .help("let the proxy pass `Cache-Control: no-store` and cache nothing below `/webhook/`"),
        );
    }
    if outcomes.is_empty() {
        let verbs: Vec<&str> = root
            .iter()
            .flat_map(|root| &root.children)
            .map(|verb| verb.name.as_str())
            .collect();
        let seen = format!(
            "`{name}` begins with {} ({} bytes)",
            verbs.join(", "),
            answer.body.len()
        );
        outcomes.push(Outcome::ok("document", seen));
    }
    case.found.documents.push(text);
    outcomes
}

/// Addresses in the document that lead to a webhook or socket elsewhere: an old host, or an inner one.
fn strays(case: &Case, name: &str, root: &Element) -> Option<Outcome> {
    let target = case.target();
    let mut found = Vec::new();
    walk(root, &mut found);
    let own = |address: &String| {
        let http = match address.strip_prefix("ws") {
            Some(rest) => format!("http{rest}"),
            None => address.clone(),
        };
        !target.has(&http)
    };
    let stray = found.into_iter().find(own)?;
    let public = case
        .found
        .facts
        .as_ref()
        .and_then(|facts| facts["url"]["public"].as_str());
    Some(
        Outcome::fail(
            "document",
            format!("`{name}` leads to `{}`, not to this deployment", short(&stray)),
        )
        .code(11200)
        .help(format!(
            "set PUBLIC_BASE_URL={}; the engine takes itself for `{}`",
            target.base,
            short(public.unwrap_or_default())
        )),
    )
}

/// The addresses of the engine's own routes.
fn walk(element: &Element, found: &mut Vec<String>) {
    for (_, value) in &element.attributes {
        let is_own = ["/webhook/", "/ws/twilio-"].iter().any(|route| value.contains(route));
        if is_own && value.contains("://") {
            found.push(value.clone());
        }
    }
    for child in &element.children {
        walk(child, found);
    }
}

fn latency(mut took: Vec<Duration>) -> Option<Outcome> {
    took.sort();
    let (median, worst) = (*took.get(took.len() / 2)?, *took.last()?);
    let seen = format!(
        "{} in the middle, {} at worst, of {}",
        millis(median),
        millis(worst),
        took.len()
    );
    Some(match median > SLOW {
        true => Outcome::warn("latency", seen).code(11205).help(
            "the caller hears ringing meanwhile: put the engine nearer to the carrier, or see what slows it down",
        ),
        false => Outcome::ok("latency", seen),
    })
}
