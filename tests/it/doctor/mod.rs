//! The doctor over real sockets: healthy deployments, and deployments with exactly one fault.

mod broken;
mod healthy;
mod here;
mod proxy;
mod strangers;
mod tls;

use crate::stage::{Plan as Scene, Stage};
use engine::doctor::{Checkup, Outcome, Plan, Verdict, examine};
use proxy::Proxy;
use std::time::Duration;

/// A flow whose prompts and stream are those of the bundled one, running.
pub async fn stage() -> Stage {
    Scene::new().start().await
}

/// The environment in which the doctor of a stage works.
pub struct Env(Vec<(String, String)>);

impl Env {
    /// The account's; its REST API is at `api`.
    pub fn of(stage: &Stage, api: &str) -> Self {
        let mut env = Env(Vec::new());
        env.set("TWILIO_ACCOUNT_SID", &stage.carrier.account_sid);
        env.set("TWILIO_AUTH_TOKEN", &stage.carrier.auth_token);
        env.set("TWILIO_API_URL", api);
        env
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    pub fn unset(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    fn look_up(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(found.1.clone())
    }

    pub async fn examine(&self, plan: Plan) -> Checkup {
        examine(plan, &|name| self.look_up(name)).await.expect("a plan")
    }
}

/// A plan for a deployment of this stage's flow.
pub fn plan(stage: &Stage, url: &str) -> Plan {
    Plan {
        flow: Some(stage.folder.path().join("flows/main.yaml")),
        ..Plan::new(Some(url))
    }
}

/// What a stage's engine looks like through this proxy.
pub async fn through(stage: &Stage, proxy: Proxy) -> Checkup {
    let proxy = proxy.start(stage.port).await;
    let mut plan = plan(stage, &proxy.url);
    plan.timeout = Duration::from_secs(2);
    Env::of(stage, &stage.carrier.rest_url).examine(plan).await
}

/// Everything of a verdict.
pub fn of(checkup: &Checkup, verdict: Verdict) -> Vec<&Outcome> {
    checkup.outcomes().filter(|one| one.verdict == verdict).collect()
}

/// The only result of a probe.
pub fn result<'a>(checkup: &'a Checkup, probe: &str) -> &'a Outcome {
    let found: Vec<&Outcome> = checkup.outcomes().filter(|one| one.probe == probe).collect();
    assert_eq!(found.len(), 1, "`{probe}` in {checkup:#?}");
    found[0]
}

/// Which probes failed, with their codes, in order, each once.
pub fn failures(checkup: &Checkup) -> Vec<(&'static str, Option<u32>)> {
    let mut failed: Vec<_> = of(checkup, Verdict::Fail)
        .iter()
        .map(|one| (one.probe, one.code))
        .collect();
    failed.dedup();
    failed
}
