//! Whether what runs there is what is here: the flow at hand, by the hash of all that it was compiled from, and the
//! deployment's own idea of its address.

use super::case::Case;
use super::outcome::Outcome;
use super::web::short;

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    if case.found.facts.is_none() {
        let why = case
            .unreachable()
            .unwrap_or_else(|| "the deployment tells what it runs only to who signs".to_owned());
        return vec![Outcome::skipped("flow", why)];
    }
    vec![address(case), flow(case)]
}

fn address(case: &Case) -> Outcome {
    let public = case
        .found
        .facts
        .as_ref()
        .and_then(|facts| facts["url"]["public"].as_str());
    let (public, target) = (public.unwrap_or_default(), case.target());
    match public == target.public {
        true => Outcome::ok("address", format!("it calls itself `{}`", short(public))),
        false => Outcome::fail(
            "address",
            format!("it calls itself `{}`, and you `{}`", short(public), target.public),
        )
        .code(11200)
        .help(format!(
            "set PUBLIC_BASE_URL={} for the engine: its documents lead elsewhere",
            target.public
        )),
    }
}

fn flow(case: &Case) -> Outcome {
    let running = case.running();
    let brief = |hash: &str| hash.chars().take(12).collect::<String>();
    let shown: Vec<String> = running
        .iter()
        .map(|flow| {
            let hash = brief(flow["hash"].as_str().unwrap_or_default());
            format!("`{}` {hash}", short(flow["name"].as_str().unwrap_or_default()))
        })
        .collect();
    let shown = shown.join(", ");
    let Some((_, compiled)) = &case.flow else {
        return Outcome::ok("flow", format!("it runs {shown}"));
    };
    let Some(own) = &compiled.flow else {
        return Outcome::skipped(
            "flow",
            format!("it runs {shown}; the flow at hand has errors and cannot be compared"),
        );
    };
    let hash = own.hash.as_str();
    if running.iter().any(|flow| flow["hash"] == hash) {
        return Outcome::ok(
            "flow",
            format!("it runs the flow at hand, `{}` {}", own.name, brief(hash)),
        );
    }
    let seen = match running.iter().any(|flow| flow["name"] == own.name.as_str()) {
        true => format!("it runs {shown}, the flow at hand is {}", brief(hash)),
        false => format!("it runs {shown}, not `{}`", own.name),
    };
    Outcome::warn("flow", seen).help("deploy anew, or compare with the version that was deployed")
}
