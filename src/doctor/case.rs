//! One examination: what it is about, and what its probes have found so far.

use super::web::Web;
use super::{Plan, PlanError};
use crate::check::checked;
use crate::compile::Compiled;
use crate::line::config::{self, ConfigError, Settings};
use crate::line::{Disk, project_root};
use crate::server::{Hook, PublicBase};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use url::Url;

/// An examination under way.
pub struct Case {
    pub plan: Plan,
    /// The project's folder.
    pub root: PathBuf,
    /// The settings as `run` would have them.
    pub settings: Result<Settings, ConfigError>,
    /// The flow file, relative to the project, compiled; none where no flow is meant.
    pub flow: Option<(String, Compiled)>,
    /// Why no flow is meant.
    pub no_flow: &'static str,
    /// The deployment.
    pub target: Option<Target>,
    /// How it is asked.
    pub web: Web,
    pub found: Found,
}

/// The deployment that is looked at.
#[derive(Debug, Clone)]
pub struct Target {
    /// Scheme, host, port and prefix, without a slash at the end.
    pub base: String,
    /// What the carrier calls it: the base, but for an engine of this machine that knows its public address.
    pub public: String,
    /// The base, read.
    pub url: Url,
    /// It is this machine, so that what only the carrier needs does not count.
    pub is_loopback: bool,
}

/// What earlier probes found.
#[derive(Debug, Default)]
pub struct Found {
    /// Something answers in HTTP. Errors: why nothing can be asked.
    pub unreachable: Option<String>,
    /// Its certificate is not to be trusted: nothing that proves who we are is sent.
    pub is_untrusted: bool,
    /// It is an engine of this version.
    pub engine: Option<String>,
    /// It refuses requests that are not signed.
    pub refuses_unsigned: bool,
    /// What it says of itself to those who sign.
    pub facts: Option<Value>,
    /// The server's clock less ours, in seconds.
    pub skew: Option<i64>,
    /// First documents that were read, as XML.
    pub documents: Vec<String>,
}

impl Case {
    pub fn new(plan: Plan, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, PlanError> {
        let target = plan.url.as_deref().map(Target::read).transpose()?;
        let chosen = match &plan.flow {
            Some(flow) if flow.is_file() => Ok(flow.clone()),
            Some(flow) => {
                return Err(PlanError {
                    problem: format!("there is no flow file `{}`", flow.display()),
                    help: "give the path of a flow, such as `--flow flows/receptionist.yaml`".to_owned(),
                });
            }
            None => only_flow(Path::new("flows")),
        };
        let root = chosen
            .as_ref()
            .map_or_else(|_| PathBuf::from("."), |flow| project_root(flow));
        let settings = config::load(&root, env);
        let (flow, no_flow) = match chosen {
            Ok(file) => (Some(compiled(&file, &root, settings.as_ref().ok())), ""),
            Err(why) => (None, why),
        };
        let web = Web::new(&plan)?;
        Ok(Self {
            plan,
            root,
            settings,
            flow,
            no_flow,
            target,
            web,
            found: Found::default(),
        })
    }

    /// What is looked at, for the head of a report.
    pub fn subject(&self) -> String {
        match (&self.target, &self.flow) {
            (Some(target), _) => target.base.clone(),
            (None, Some((file, _))) => self.root.join(file).display().to_string(),
            (None, None) => format!("the project at `{}`", self.root.display()),
        }
    }

    /// The auth token that signs, where it is there.
    pub fn token(&self) -> Option<String> {
        let settings = self.settings.as_ref().ok()?;
        let token = settings.server.auth_token.as_ref()?;
        Some(token.expose_secret().to_owned())
    }

    /// The deployment. Families that look there run only where there is one.
    pub fn target(&self) -> Target {
        self.target.clone().unwrap_or_else(Target::nowhere)
    }

    /// Why nothing can be asked of the deployment, if so.
    pub fn unreachable(&self) -> Option<String> {
        self.found.unreachable.clone()
    }

    /// The flows that run there, as the deployment says.
    pub fn running(&self) -> Vec<Value> {
        let flows = self.found.facts.as_ref().and_then(|facts| facts["flows"].as_array());
        flows.cloned().unwrap_or_default()
    }
}

impl Target {
    fn read(text: &str) -> Result<Self, PlanError> {
        let wrong = || PlanError {
            problem: format!("`{text}` is not the address of a deployment"),
            help: "write `https://voice.example.com`, with a prefix where the engine lives below one".to_owned(),
        };
        let bare = text.split(['?', '#']).next().unwrap_or(text);
        let base: PublicBase = bare.parse().map_err(|_| wrong())?;
        let base = base.as_str();
        let base = base.strip_suffix(Hook::IncomingCall.path()).unwrap_or(base).to_owned();
        let url = Url::parse(&base).map_err(|_| wrong())?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        Ok(Self {
            public: base.clone(),
            base,
            url,
            is_loopback,
        })
    }

    fn nowhere() -> Self {
        Self {
            base: "http://localhost".to_owned(),
            public: "http://localhost".to_owned(),
            url: Url::parse("http://localhost").expect("a URL"),
            is_loopback: true,
        }
    }

    /// The address of a path.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// True where it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// What the carrier signs of a path.
    pub fn signed(&self, path: &str) -> String {
        crate::carrier::signed_url(&format!("{}{path}", self.public))
    }

    /// Where an address of the deployment's can be asked from here.
    pub fn reachable(&self, address: &str) -> String {
        match address.strip_prefix(&self.public) {
            Some(rest) if self.has(address) => format!("{}{rest}", self.base),
            _ => address.to_owned(),
        }
    }

    /// Whether an address is below the deployment's own, whatever it calls itself.
    pub fn has(&self, address: &str) -> bool {
        let bare = address.split(['?', '#']).next().unwrap_or(address);
        bare.strip_prefix(&self.public)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The only flow of a folder. Errors: why there is none to choose.
fn only_flow(folder: &Path) -> Result<PathBuf, &'static str> {
    let entries = std::fs::read_dir(folder).map_err(|_| "no flow is named; name one with `--flow`")?;
    let is_flow = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_flow).collect();
    match (files.pop(), files.pop()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err("there are several flows; name one with `--flow`"),
        _ => Err("no flow is named; name one with `--flow`"),
    }
}

fn compiled(file: &Path, root: &Path, settings: Option<&Settings>) -> (String, Compiled) {
    let relative = match (file.canonicalize(), root.canonicalize()) {
        (Ok(file), Ok(root)) => file
            .strip_prefix(root)
            .map(Path::to_path_buf)
            .unwrap_or_else(|_| file.clone()),
        _ => file.to_path_buf(),
    };
    let relative = relative.to_string_lossy().replace('\\', "/");
    let disk = Disk::new(root);
    if let Some(settings) = settings {
        disk.know(settings.providers.names());
    }
    let compiled = checked(&relative, &disk);
    (relative, compiled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_of_a_deployment_is_given_its_base_is_found() {
        for (given, base) in [
            ("voice.example.com", "https://voice.example.com"),
            ("https://voice.example.com/", "https://voice.example.com"),
            (
                "https://voice.example.com/webhook/incoming_call",
                "https://voice.example.com",
            ),
            (
                "https://h.example:8443/phone/webhook/incoming_call/#rc=5&rp=all",
                "https://h.example:8443/phone",
            ),
            ("http://127.0.0.1:5000?x=1", "http://127.0.0.1:5000"),
        ] {
            let target = Target::read(given).expect("an address");
            assert_eq!(target.base, base, "{given}");
        }
        assert!(Target::read("ftp://h.example").is_err());
        assert!(Target::read("").is_err());
        assert!(Target::read("http://[::1]:5000").is_ok_and(|target| target.is_loopback));
    }

    #[test]
    fn an_address_is_below_the_base_only_at_a_slash() {
        let target = Target::read("https://h.example/phone").expect("an address");
        assert!(target.has("https://h.example/phone/webhook/next?n=2#rc=5"));
        assert!(!target.has("https://h.example/phones/webhook/next"));
        assert!(!target.has("https://other.example/phone"));
    }
}
