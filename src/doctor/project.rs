//! The project and its settings: what can be read, what the flow needs, and what is missing of it.

use super::case::Case;
use super::outcome::Outcome;
use super::web::short;
use crate::flow::Severity;
use crate::line::config::ConfigError;

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    let mut outcomes = vec![settings(case)];
    // What is said of a deployment does not depend on this machine's environment, but for what signs.
    if case.target.is_none() {
        outcomes.extend(secrets(case));
        outcomes.extend(address(case));
    }
    outcomes.push(flow(case));
    outcomes
}

fn settings(case: &Case) -> Outcome {
    let is_there = case.root.join("engine.yaml").is_file();
    match &case.settings {
        Ok(_) if is_there => Outcome::ok("settings", "`engine.yaml` and the environment can be used"),
        Ok(_) => Outcome::ok("settings", "the environment can be used; there is no `engine.yaml`"),
        Err(ConfigError::Findings(findings)) => {
            let first = findings.iter().next().map(|finding| finding.message.clone());
            let seen = format!("`engine.yaml` has faults: {}", first.unwrap_or_default());
            Outcome::fail("settings", seen).help("run `engine run --dry-run` to see each with its place")
        }
        Err(error) => Outcome::fail("settings", error.to_string()).help("correct it: the engine does not start"),
    }
}

fn secrets(case: &Case) -> Vec<Outcome> {
    let Ok(settings) = &case.settings else {
        return vec![Outcome::skipped("secrets", "the settings cannot be read")];
    };
    let missing: Vec<&str> = [
        ("TWILIO_ACCOUNT_SID", settings.carrier.account_sid.is_some()),
        ("TWILIO_AUTH_TOKEN", settings.server.auth_token.is_some()),
    ]
    .into_iter()
    .filter(|(_, there)| !there)
    .map(|(name, _)| name)
    .collect();
    let mut outcomes = vec![match missing.is_empty() {
        true => Outcome::ok("secrets", "the carrier's account and auth token are there"),
        false => {
            let outcome = Outcome::fail("secrets", format!("{} not set", missing.join(" and ")));
            outcome
                .code(11200)
                .help("set them: without the token every webhook is refused with 403")
        }
    }];
    if !settings.server.verify_signatures {
        outcomes.push(
            Outcome::warn(
                "secrets",
                "signatures are not checked: anybody who finds a webhook may play the carrier",
            )
            .help("remove `verify_signatures: false` from `engine.yaml`"),
        );
    }
    outcomes
}

fn address(case: &Case) -> Option<Outcome> {
    let settings = case.settings.as_ref().ok()?;
    Some(match settings.config.public_url.as_deref() {
        None => Outcome::warn(
            "public-address",
            "PUBLIC_BASE_URL is not set: each request's own host is used",
        )
        .help("set it to the address that the carrier has, such as `https://voice.example.com`"),
        Some(url) if url.starts_with("https://") => Outcome::ok("public-address", format!("`{url}`")),
        Some(url) => Outcome::fail("public-address", format!("`{url}` is not https"))
            .code(31922)
            .help("set an https address: a media stream is opened over `wss` alone"),
    })
}

fn flow(case: &Case) -> Outcome {
    let Some((file, compiled)) = &case.flow else {
        return Outcome::skipped("flow", case.no_flow);
    };
    let errors = compiled
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    let first = compiled
        .findings
        .iter()
        .find(|finding| finding.severity == Severity::Error);
    match (&compiled.flow, first) {
        (Some(flow), _) => {
            let (steps, sounds) = (compiled.steps(), flow.assets.len());
            Outcome::ok("flow", format!("`{}`: {steps} steps, {sounds} sounds", flow.name))
        }
        (None, first) => {
            let first = first.map_or_else(String::new, |finding| {
                format!(", the first: {}", short(&finding.message))
            });
            Outcome::fail("flow", format!("`{file}` has {errors} errors{first}"))
                .help("run `engine validate` to see each with its place")
        }
    }
}
