//! Who listens, thinks and speaks for the flow's agents: set up as they need it, and to be reached from here.

use super::case::Case;
use super::outcome::Outcome;
use super::web::{root_cause, short};
use crate::channels::client::http_client;
use crate::line::config::TranscribeSettings;
use crate::providers::Service;
use crate::talk::Stage;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// Where protocols go unless told otherwise, and what of them can be read for nothing. A service without such a thing is
/// asked for its front page: that it answers at all is what counts.
const USUAL: &[(&str, &str, Option<&str>)] = &[
    ("openai", "https://api.openai.com/v1", Some("/models")),
    ("anthropic", "https://api.anthropic.com/v1", Some("/models")),
    ("deepgram", "https://api.deepgram.com/v1", None),
    ("deepgram-flux", "https://api.deepgram.com", None),
    ("assemblyai", "https://streaming.assemblyai.com", None),
    ("elevenlabs", "https://api.elevenlabs.io/v1", None),
    ("cartesia", "https://api.cartesia.ai", None),
    ("google", "https://speech.googleapis.com", None),
];

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    let Ok(settings) = &case.settings else {
        return vec![Outcome::skipped("provider", "the settings cannot be read")];
    };
    let Some((_, compiled)) = &case.flow else {
        return vec![Outcome::skipped("provider", case.no_flow)];
    };
    let Some(flow) = &compiled.flow else {
        return vec![Outcome::skipped("provider", "the flow has errors")];
    };
    let mut outcomes = Vec::new();
    // One service may do several stages' work for several agents: it is asked once.
    let mut services: BTreeMap<String, Service> = BTreeMap::new();
    for agent in flow.agents.values() {
        for stage in [Stage::Listen, Stage::Think, Stage::Speak, Stage::Live] {
            let Some(spec) = agent.providers().and_then(|providers| providers.spec(stage)) else {
                continue;
            };
            if let Err(why) = settings.providers.usable(stage, spec) {
                outcomes.push(
                    Outcome::fail(
                        "provider",
                        format!("agent `{}` cannot {}: {why}", agent.name, stage.name()),
                    )
                    .help("callers get what the flow does when a conversation fails; see `engine list providers`"),
                );
            }
            for service in settings.providers.services(stage, spec) {
                services.entry(place(&service)).or_insert(service);
            }
        }
    }
    for (place, service) in &services {
        outcomes.extend(reach(place, service, case).await);
    }
    outcomes.extend(transcriber(case));
    if outcomes.is_empty() {
        outcomes.push(Outcome::ok("provider", "the flow needs none"));
    }
    outcomes
}

/// What a service is asked for, by which it is told from others.
fn place(service: &Service) -> String {
    if let Some(program) = service.run.first() {
        return format!("run {program}");
    }
    let usual = USUAL.iter().find(|(kind, ..)| *kind == service.kind);
    let base = service.base_url.clone().or_else(|| Some(usual?.1.to_owned()));
    match (base, usual.and_then(|usual| usual.2)) {
        (Some(base), path) => {
            let base = base
                .trim_end_matches('/')
                .replacen("ws", "http", usize::from(base.starts_with("ws")));
            format!("{base}{}", path.unwrap_or_default())
        }
        (None, _) => String::new(),
    }
}

async fn reach(place: &str, service: &Service, case: &Case) -> Option<Outcome> {
    let name = &service.name;
    if let Some(program) = place.strip_prefix("run ") {
        return Some(runs(name, program, &case.root));
    }
    // What needs nobody outside, such as rules and prompts.
    let url = Url::parse(place).ok()?;
    let host = url.host_str()?.to_owned();
    let answered = ask(&url, service, case.plan.timeout).await;
    Some(match answered {
        Err(why) => Outcome::fail("provider", format!("`{name}`: {host} does not answer: {why}"))
            .help("open the firewall for it, and see its status page"),
        Ok(401 | 403) if url.path().ends_with("/models") => {
            Outcome::fail("provider", format!("`{name}`: {host} refuses the key"))
                .help("set the key that belongs to this address")
        }
        Ok(200) if url.path().ends_with("/models") => {
            Outcome::ok("provider", format!("`{name}`: {host} takes the key"))
        }
        Ok(429) => Outcome::warn(
            "provider",
            format!("`{name}`: {host} says that too much is asked of it"),
        )
        .help("see the account's limits"),
        Ok(status @ 500..) => {
            Outcome::warn("provider", format!("`{name}`: {host} answers {status}")).help("see its status page")
        }
        Ok(_) => Outcome::ok(
            "provider",
            format!("`{name}`: {host} answers; whether it takes the key is not asked"),
        ),
    })
}

/// Asks with the key where that reads a list of models, else without. The status counts.
async fn ask(url: &Url, service: &Service, timeout: Duration) -> Result<u16, String> {
    let client = http_client().map_err(|error| error.to_string())?;
    let mut request = client.get(url.clone()).timeout(timeout);
    if let (Some(key), true) = (&service.key, url.path().ends_with("/models")) {
        request = match service.kind.as_str() {
            "anthropic" => request
                .header("x-api-key", key.expose_secret())
                .header("anthropic-version", "2023-06-01"),
            _ => request.bearer_auth(key.expose_secret()),
        };
    }
    for (name, value) in service.headers.iter().filter(|_| url.path().ends_with("/models")) {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) if error.is_timeout() => Err(format!("no answer within {} ms", timeout.as_millis())),
        Err(error) => Err(short(&root_cause(&error))),
    }
}

/// A program is there if the path leads to it; it is not started.
fn runs(name: &str, program: &str, root: &Path) -> Outcome {
    let is_found = match program.contains('/') {
        true => root.join(program).is_file(),
        false => std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file())),
    };
    match is_found {
        true => Outcome::ok("provider", format!("`{name}`: `{}` is there", short(program))),
        false => Outcome::fail(
            "provider",
            format!("`{name}`: there is no program `{}`", short(program)),
        )
        .help("install it, or write its whole path"),
    }
}

/// Who turns recordings into text; none is no fault.
fn transcriber(case: &Case) -> Option<Outcome> {
    let settings = case.settings.as_ref().ok()?;
    let missing = |what: &str| {
        Outcome::warn("transcriber", format!("recordings cannot be turned into text: {what}"))
            .help("set the key; recordings are kept and tried again")
    };
    match settings.transcribe.as_ref()? {
        TranscribeSettings::Command { run, .. } => {
            let mut outcome = runs("transcribe", run.first()?, &case.root);
            outcome.probe = "transcriber";
            Some(outcome)
        }
        TranscribeSettings::Google { key: None, .. } => Some(missing("Google's credentials are not there")),
        TranscribeSettings::Openai {
            api_key: None,
            base_url,
            ..
        } if base_url.contains("api.openai.com") => Some(missing("OPENAI_API_KEY is not there")),
        _ => None,
    }
}
