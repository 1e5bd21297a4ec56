//! What a live line needs, looked at from outside: probes of a project and its environment, and of a deployment as the
//! carrier sees it. Nothing is ever written: not by the doctor, and not by the engine that it asks.
//!
//! To add a family of probes: one file, and one line in [`FAMILIES`].

mod account;
mod agreement;
mod case;
mod certificate;
mod database;
mod deployment;
mod documents;
mod numbers;
mod outcome;
mod port;
mod project;
mod prompts;
mod providers;
mod reach;
mod routes;
mod show;
mod signature;
mod socket;
mod tls;
mod web;

use case::Case;
use futures_util::future::LocalBoxFuture;
use std::path::PathBuf;
use std::time::Duration;

pub use certificate::{Certificate, Malformed};
pub use outcome::{Checkup, Outcome, Verdict};
pub use show::{Format, render};

/// What is to be looked at.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The deployment, such as `https://voice.example.com`; its voice webhook is accepted too. None: project and
    /// environment alone.
    pub url: Option<String>,
    /// The flow file. Default: the only one under `flows/`, if there is just one.
    pub flow: Option<PathBuf>,
    /// The number at the carrier. Default: those of `engine.yaml`, else all whose webhook is this deployment.
    pub number: Option<String>,
    /// How long each probe may take.
    pub timeout: Duration,
    /// In place of the authorities that carriers trust. For tests.
    pub roots: Option<rustls::RootCertStore>,
}

impl Plan {
    /// A deployment, or none, with the default of five seconds for each probe.
    pub fn new(url: Option<&str>) -> Self {
        Self {
            url: url.map(str::to_owned),
            flow: None,
            number: None,
            timeout: Duration::from_secs(5),
            roots: None,
        }
    }
}

/// The plan cannot be followed: an address or a flow file that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub help: String,
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for PlanError {}

/// Whom a family looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looks {
    /// The project and this machine; not where a deployment is looked at.
    Here,
    /// A deployment.
    There,
    /// Both.
    Always,
}

/// One family of probes.
struct Family {
    name: &'static str,
    looks: Looks,
    probe: for<'a> fn(&'a mut Case) -> LocalBoxFuture<'a, Vec<Outcome>>,
}

/// Every family, in the order in which they run: later ones use what earlier ones found.
const FAMILIES: &[Family] = &[
    family("project", Looks::Always, |case| Box::pin(project::probe(case))),
    family("database", Looks::Here, |case| Box::pin(database::probe(case))),
    family("port", Looks::Here, |case| Box::pin(port::probe(case))),
    family("reach", Looks::There, |case| Box::pin(reach::probe(case))),
    family("deployment", Looks::There, |case| Box::pin(deployment::probe(case))),
    family("signature", Looks::There, |case| Box::pin(signature::probe(case))),
    family("routes", Looks::There, |case| Box::pin(routes::probe(case))),
    family("documents", Looks::There, |case| Box::pin(documents::probe(case))),
    family("prompts", Looks::There, |case| Box::pin(prompts::probe(case))),
    family("socket", Looks::There, |case| Box::pin(socket::probe(case))),
    family("agreement", Looks::There, |case| Box::pin(agreement::probe(case))),
    family("account", Looks::Always, |case| Box::pin(account::probe(case))),
    family("numbers", Looks::Always, |case| Box::pin(numbers::probe(case))),
    family("providers", Looks::Always, |case| Box::pin(providers::probe(case))),
];

const fn family(
    name: &'static str,
    looks: Looks,
    probe: for<'a> fn(&'a mut Case) -> LocalBoxFuture<'a, Vec<Outcome>>,
) -> Family {
    Family { name, looks, probe }
}

/// Runs every probe. `env` is the environment as `run` would see it. One that fails keeps no other from running, unless
/// that one needs what is missing; then it is skipped and says so.
///
/// # Errors
/// The plan names no address or no flow file. Everything else is an outcome.
pub async fn examine(plan: Plan, env: &dyn Fn(&str) -> Option<String>) -> Result<Checkup, PlanError> {
    let mut case = Case::new(plan, env)?;
    let mut checkup = Checkup::new(case.subject());
    let deployed = case.target.is_some();
    for family in FAMILIES {
        let wanted = match family.looks {
            Looks::Here => !deployed,
            Looks::There => deployed,
            Looks::Always => true,
        };
        if wanted {
            let outcomes = (family.probe)(&mut case).await;
            checkup.add(family.name, outcomes);
        }
    }
    Ok(checkup)
}
