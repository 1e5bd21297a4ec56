//! Whether the process lives, what it lacks, and which deployment it is.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use http::StatusCode;
use serde_json::{Map, Value, json};
use warp::reply::Response;

use super::answers;
use super::line::Health;
use super::shared::Shared;

/// How long the parts may take to say how they are.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// `/healthz`: the process is alive; asks nothing else.
pub(super) fn healthz() -> Response {
    answers::text(StatusCode::OK, "ok")
}

/// `/readyz`: every part by name; 503 if one has a problem or the server drains.
pub(super) async fn readyz(shared: &Shared) -> Response {
    let asked = AssertUnwindSafe(async { shared.line.ready().await }).catch_unwind();
    let parts = match tokio::time::timeout(READY_WITHIN, asked).await {
        Ok(Ok(parts)) => parts,
        Ok(Err(_)) => vec![problem("the parts could not be asked: a panic")],
        Err(_) => vec![problem("the parts did not answer within 5 s")],
    };
    let mut ready = true;
    let mut named = Map::new();
    for (name, health) in parts {
        let word = match health {
            Health::Ok => "ok".to_owned(),
            Health::Disabled => "disabled".to_owned(),
            Health::Problem(why) => {
                ready = false;
                why
            }
        };
        named.insert(name, Value::String(word));
    }
    if shared.shutdown.is_draining() {
        ready = false;
        named.insert("engine".to_owned(), Value::String("draining".to_owned()));
    }
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    answers::json(status, &Value::Object(named))
}

/// `/version`: tells an old deployment from a new one.
pub(super) fn version(shared: &Shared) -> Response {
    answers::json(StatusCode::OK, &about(shared))
}

/// Which engine this is, and which deployment.
pub(super) fn about(shared: &Shared) -> Value {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let build = option_env!("ENGINE_BUILD").unwrap_or(profile);
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "build": build,
        "deploy_id": shared.config.deploy_id,
    })
}

/// `/`: a line for a person who opened the address in a browser.
pub(super) fn greeting() -> Response {
    let line = format!(
        "engine {} answers calls here; see /healthz, /readyz and /version",
        env!("CARGO_PKG_VERSION")
    );
    answers::text(StatusCode::OK, line)
}

fn problem(why: &str) -> (String, Health) {
    ("engine".to_owned(), Health::Problem(why.to_owned()))
}
