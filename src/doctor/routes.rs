//! Every webhook's route: it reaches the engine, with POST, without a redirect. What is sent names no call and is not
//! signed, so that no call begins and nothing is written.

use super::case::Case;
use super::outcome::Outcome;
use super::web::Ask;
use crate::server::{Answer, Hook, MessageHook, REFUSED};

/// A call that never was: the engine looks for it, finds none and says so.
const NOBODY: &str = "CA00000000000000000000000000000000";

/// One webhook.
struct Route {
    path: String,
    /// The caller waits for its answer.
    is_document: bool,
    is_signed: bool,
}

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    if let Some(why) = case.unreachable() {
        return vec![Outcome::skipped("webhooks", why)];
    }
    if case.found.engine.is_none() {
        return strangers(case).await;
    }
    if !case.found.refuses_unsigned {
        return vec![Outcome::skipped(
            "webhooks",
            "unsigned requests are not known to be refused: one could be taken for a call",
        )];
    }
    let mut outcomes = Vec::new();
    let routes = routes();
    for route in &routes {
        outcomes.extend(fault(case, route).await);
    }
    if outcomes.is_empty() {
        let seen = format!("{} routes reach the engine with POST", routes.len());
        outcomes.push(Outcome::ok("webhooks", seen));
    }
    outcomes
}

fn routes() -> Vec<Route> {
    let voice = Hook::ALL.into_iter().map(|hook| Route {
        path: hook.path().to_owned(),
        is_document: hook.answer() != Answer::Nothing,
        is_signed: hook.signed(),
    });
    let messages = MessageHook::ALL.into_iter().map(|hook| Route {
        path: hook.path().to_owned(),
        is_document: false,
        is_signed: true,
    });
    let slash = Route {
        path: format!("{}/", Hook::IncomingCall.path()),
        is_document: true,
        is_signed: true,
    };
    voice.chain(messages).chain([slash]).collect()
}

/// What is wrong with a route of an engine that refuses what is not signed.
async fn fault(case: &Case, route: &Route) -> Option<Outcome> {
    // An unsigned route is asked about a call that never was; the others name none.
    let form: &[(&str, &str)] = match route.is_signed {
        true => &[("Doctor", "1")],
        false => &[("CallSid", NOBODY)],
    };
    let ask = Ask::post(case.target().at(&route.path), form).lax(case.found.is_untrusted);
    let code = if route.is_document { 11200 } else { 15003 };
    let path = &route.path;
    let answer = match case.web.ask(ask).await {
        Ok(answer) => answer,
        Err(silence) => {
            let failed = Outcome::fail("webhooks", format!("`{path}`: {}", silence.why));
            return Some(
                failed
                    .code(silence.code)
                    .help("let the proxy pass this path to the engine"),
            );
        }
    };
    let right = match route.is_signed {
        true => answer.status == 403 && answer.text().trim() == REFUSED,
        false => answer.status == 204,
    };
    if right {
        return None;
    }
    let failed = Outcome::fail("webhooks", format!("`{path}` gives {}", answer.sketch())).code(code);
    Some(failed.help(match answer.is_forbidden() {
        true => answer.help(),
        false => "let the proxy pass this path to the engine: something else answers",
    }))
}

/// Where no engine is known to answer, a request could be taken for a call: only `HEAD` is sent, which changes nothing.
async fn strangers(case: &Case) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for hook in [Hook::IncomingCall, Hook::CallStatus] {
        let path = hook.path();
        let code = if hook == Hook::IncomingCall { 11200 } else { 15003 };
        let ask = Ask::head(case.target().at(path)).lax(case.found.is_untrusted);
        outcomes.push(match case.web.ask(ask).await {
            Err(silence) => Outcome::fail("webhooks", format!("`{path}`: {}", silence.why)).code(silence.code),
            // Not with HEAD, but with something.
            Ok(answer) if answer.status == 405 => {
                Outcome::warn("webhooks", format!("`{path}` is there, but no engine's"))
            }
            Ok(answer) if answer.status >= 300 => {
                Outcome::fail("webhooks", format!("`{path}` gives {}", answer.sketch()))
                    .code(code)
                    .help(answer.help())
            }
            Ok(answer) => Outcome::warn(
                "webhooks",
                format!("`{path}` gives {}, but is no engine's", answer.sketch()),
            )
            .help("see what answers there"),
        });
    }
    outcomes
}
