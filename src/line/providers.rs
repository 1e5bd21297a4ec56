//! Which provider a name means: what `engine.yaml` declares under `providers`, and each protocol under its own name.

use super::engine_yaml::{PriceForm, ProviderForm, SecretSource};
use crate::call::ServiceSpec;
use crate::compile::ProviderNames;
use crate::flow::{Finding, Findings, Located, nearest};
use crate::pipeline::Named;
use crate::providers::{Patience, ProviderError, Service, listen, realtime, speak, think};
use crate::talk::Stage;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a first part is waited for, where nobody says otherwise: each leaves room for a fallback within what the
/// conversation waits for the stage.
const TRANSCRIPT: Duration = Duration::from_millis(1_500);
const FIRST_WORDS: Duration = Duration::from_millis(4_000);
const FIRST_SOUND: Duration = Duration::from_millis(crate::talk::agent::FIRST_SOUND);
/// So many providers take over from each other at most: a circle of fallbacks ends here.
const LONGEST_CHAIN: usize = 4;

/// The providers that this engine knows.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    entries: BTreeMap<String, Entry>,
    /// Keys that the environment has, by the variable's name.
    keys: BTreeMap<&'static str, SecretString>,
    /// Where OpenAI's protocols go unless told otherwise.
    openai: Option<String>,
}

/// One declared provider.
#[derive(Debug, Clone)]
struct Entry {
    service: Service,
    timeout: Option<Duration>,
    fallback: Option<String>,
    /// A key of its own is declared, be it there or not.
    is_keyed: bool,
    price: Option<PriceForm>,
}

/// What a provider costs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Price {
    /// For a million tokens read.
    pub input: f64,
    /// For a million tokens written.
    pub output: f64,
    /// For a minute of sound listened to.
    pub minute: f64,
    /// For a million characters spoken.
    pub characters: f64,
}

impl Directory {
    /// The directory of these declarations. `secret` gives the text behind a reference, `env` a variable of the environment.
    pub fn new(
        forms: Vec<(String, ProviderForm)>,
        secret: &dyn Fn(&SecretSource) -> Option<SecretString>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let mut entries = BTreeMap::new();
        for (name, form) in forms {
            let is_keyed = form.api_key.is_some();
            let key = form.api_key.as_ref().and_then(secret);
            if is_keyed && key.is_none() {
                tracing::warn!(provider = name, "the key of a provider is not there");
            }
            let service = Service {
                name: name.clone(),
                kind: form.kind.map_or_else(|| name.clone(), |kind| kind.value),
                base_url: form.base_url,
                key,
                model: form.model,
                voice: form.voice,
                language: form.language,
                run: form.run,
                headers: form
                    .headers
                    .into_iter()
                    .map(|(name, value)| (name.value, value))
                    .collect(),
                options: form
                    .options
                    .into_iter()
                    .map(|(name, value)| (name.value, value))
                    .collect(),
                patience: Patience::default(),
            };
            let entry = Entry {
                service,
                timeout: form.timeout.map(Into::into),
                fallback: form.fallback.map(|fallback| fallback.value),
                is_keyed,
                price: form.price,
            };
            entries.insert(name, entry);
        }
        let mut keys: BTreeMap<&'static str, SecretString> = kinds()
            .filter_map(|(_, _, key)| key)
            .filter_map(|name| Some((name, SecretString::from(env(name)?))))
            .collect();
        if let Some(credentials) = google_credentials(env) {
            keys.insert(GOOGLE, credentials);
        }
        Self {
            entries,
            keys,
            openai: env("OPENAI_BASE_URL"),
        }
    }

    /// The names that a flow may use, by stage.
    pub fn names(&self) -> ProviderNames {
        let pairs = self.entries.iter();
        names(pairs.map(|(name, entry)| (name.as_str(), entry.service.kind.as_str())))
    }

    /// Who serves a stage: the one that the flow names, then those that take over.
    pub fn services(&self, stage: Stage, spec: &ServiceSpec) -> Vec<Service> {
        let known = self.names();
        let mut services = vec![self.first(stage, spec)];
        let mut next = spec
            .fallback
            .clone()
            .or_else(|| self.entry(&spec.provider)?.fallback.clone());
        let language = services[0].language.clone();
        for _ in 1..LONGEST_CHAIN {
            let Some(name) = next else { break };
            next = self.entry(&name).and_then(|entry| entry.fallback.clone());
            // One entry may serve several stages, and its fallback only some of them.
            if !known.of(stage).contains(&name) {
                continue;
            }
            let mut service = self.service(stage, &name);
            self.unlock(stage, &mut service);
            // Whoever takes over hears and speaks the same language; voices and models have other names elsewhere.
            service.language = service.language.or_else(|| language.clone());
            services.push(service);
        }
        services
    }

    /// What the provider of this name costs, where that was declared.
    pub fn price(&self, name: &str) -> Option<Price> {
        let price = self.entry(name)?.price.as_ref()?;
        Some(Price {
            input: price.input,
            output: price.output,
            minute: price.minute,
            characters: price.characters,
        })
    }

    /// Whether one of those who would serve the stage can be used, as far as settings tell. Errors: why the first cannot.
    pub fn usable(&self, stage: Stage, spec: &ServiceSpec) -> Result<(), String> {
        let mut first = Ok(());
        for service in self.services(stage, spec) {
            let made = match stage {
                Stage::Listen => listen::listener(&service).map(drop),
                Stage::Think => think::thinker(&service).map(drop),
                Stage::Speak => speak::speaker(&service).map(drop),
                Stage::Live => realtime::duplex(&service).map(drop),
            };
            match made {
                Ok(()) => return Ok(()),
                Err(error) => first = first.and(Err(format!("the provider `{}`: {error}", service.name))),
            }
        }
        first
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// The provider of the name, without a flow's own wishes.
    fn service(&self, stage: Stage, name: &str) -> Service {
        let entry = self.entry(name);
        let mut service = entry.map_or_else(
            || Service {
                name: name.to_owned(),
                kind: name.to_owned(),
                ..Service::default()
            },
            |entry| entry.service.clone(),
        );
        service.patience = patience(stage, entry.and_then(|entry| entry.timeout));
        service
    }

    fn first(&self, stage: Stage, spec: &ServiceSpec) -> Service {
        let mut service = self.service(stage, &spec.provider);
        let take = |own: &mut Option<String>, wish: &Option<String>| {
            if wish.is_some() {
                own.clone_from(wish);
            }
        };
        take(&mut service.base_url, &spec.base_url);
        take(&mut service.model, &spec.model);
        take(&mut service.voice, &spec.voice);
        take(&mut service.language, &spec.language);
        service.language = service.language.or_else(|| spec.locale.clone());
        if !spec.run.is_empty() {
            service.run.clone_from(&spec.run);
        }
        for (name, value) in &spec.options {
            service.options.insert(name.clone(), value.clone());
        }
        if let Some(timeout) = spec.timeout {
            service.patience = patience(stage, Some(Duration::from_millis(timeout)));
        }
        self.unlock(stage, &mut service);
        service
    }

    /// Gives a service the key that is usual for its protocol, and OpenAI's usual address: only where it goes to the usual
    /// place, so that nobody else is ever shown the key.
    fn unlock(&self, stage: Stage, service: &mut Service) {
        let is_declared = self.entry(&service.name).is_some_and(|entry| entry.is_keyed);
        if service.base_url.is_some() || is_declared {
            return;
        }
        let kind = kinds().find(|(of, kind, _)| *of == stage && *kind == service.kind);
        if let Some((.., Some(variable))) = kind {
            service.key = self.keys.get(variable).cloned();
        }
        if service.kind == "openai" {
            service.base_url.clone_from(&self.openai);
        }
    }
}

/// Those of the listed services that can be used as they are set up, with what they were made from. Errors: why the first
/// cannot, where none can.
pub(super) fn all<P: ?Sized>(
    services: Vec<Service>,
    make: fn(&Service) -> Result<std::sync::Arc<P>, ProviderError>,
) -> Result<Vec<(Named<P>, Service)>, String> {
    let mut first = None;
    let mut made = Vec::new();
    for service in services {
        match make(&service) {
            Ok(provider) => {
                let name = service.name.as_str().into();
                let patience = service.patience;
                made.push((
                    Named {
                        name,
                        provider,
                        patience,
                    },
                    service,
                ));
            }
            Err(error) => {
                tracing::warn!(provider = service.name, %error, "a provider cannot be used as it is set up");
                first.get_or_insert(format!("the provider `{}`: {error}", service.name));
            }
        }
    }
    match first {
        Some(error) if made.is_empty() => Err(error),
        _ => Ok(made),
    }
}

/// What is wrong with declared providers: a protocol or a fallback that nobody knows.
pub fn faults(forms: &[(Located<String>, ProviderForm)], findings: &mut Findings) {
    let protocols: Vec<&str> = kinds().map(|(_, kind, _)| kind).collect();
    let mut report = |name: &Located<String>, known: &mut dyn Iterator<Item = &str>, what: &str| {
        let known: Vec<&str> = known.collect();
        if known.contains(&name.value.as_str()) {
            return;
        }
        let finding = Finding::error(
            "unknown-provider",
            name.place.clone(),
            format!("there is no {what} `{}`", name.value),
        )
        .label("not known")
        .consequence("agents that name this provider could not talk");
        findings.push(match nearest(&name.value, known) {
            Some(near) => finding.nearest(Some(near)),
            None => finding.help("see `engine list providers`"),
        });
    };
    for (name, form) in forms {
        report(
            form.kind.as_ref().unwrap_or(name),
            &mut protocols.iter().copied(),
            "protocol",
        );
        if let Some(fallback) = &form.fallback {
            let declared = forms.iter().map(|(name, _)| name.value.as_str());
            report(fallback, &mut declared.chain(protocols.iter().copied()), "provider");
        }
    }
}

/// The names that a flow may use in a project with this `engine.yaml`; one that cannot be read declares nothing.
pub fn declared(engine_yaml: &str) -> ProviderNames {
    let form = match super::config::read("engine.yaml", engine_yaml) {
        Ok(Some(form)) => form.providers,
        Ok(None) | Err(_) => Vec::new(),
    };
    let pairs: Vec<(&str, &str)> = (form.iter())
        .map(|(name, form)| {
            let kind = form.kind.as_ref().map_or(&name.value, |kind| &kind.value);
            (name.value.as_str(), kind.as_str())
        })
        .collect();
    names(pairs.iter().copied())
}

/// The names that a flow may use where these are declared, each with its protocol.
fn names<'a>(declared: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> ProviderNames {
    let of = |stage: Stage| {
        let kinds = || kinds().filter(|(of, ..)| *of == stage).map(|(_, kind, _)| kind);
        let mut names: Vec<String> = kinds().map(str::to_owned).collect();
        for (name, kind) in declared.clone() {
            if kinds().any(|known| known == kind) && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    };
    ProviderNames {
        listen: of(Stage::Listen),
        think: of(Stage::Think),
        speak: of(Stage::Speak),
        realtime: of(Stage::Live),
    }
}

/// Every protocol: its stage, its name, and the variable that holds its key by custom.
fn kinds() -> impl Iterator<Item = (Stage, &'static str, Option<&'static str>)> {
    let listen = listen::KINDS
        .iter()
        .map(|kind| (Stage::Listen, kind.name, kind.key_env));
    let think = think::KINDS.iter().map(|kind| (Stage::Think, kind.name, kind.key_env));
    let speak = speak::KINDS.iter().map(|kind| (Stage::Speak, kind.name, kind.key_env));
    let live = realtime::KINDS
        .iter()
        .map(|kind| (Stage::Live, kind.name, kind.key_env));
    listen.chain(think).chain(speak).chain(live)
}

/// The variable of the environment that holds a protocol's key by custom.
pub fn key_of(stage: Stage, protocol: &str) -> Option<&'static str> {
    kinds().find(|(of, kind, _)| *of == stage && *kind == protocol)?.2
}

/// Every protocol: its stage, its name, and what it is.
pub fn protocols() -> impl Iterator<Item = (Stage, &'static str, &'static str)> {
    let listen = listen::KINDS.iter().map(|kind| (Stage::Listen, kind.name, kind.about));
    let think = think::KINDS.iter().map(|kind| (Stage::Think, kind.name, kind.about));
    let speak = speak::KINDS.iter().map(|kind| (Stage::Speak, kind.name, kind.about));
    let live = realtime::KINDS.iter().map(|kind| (Stage::Live, kind.name, kind.about));
    listen.chain(think).chain(speak).chain(live)
}

fn patience(stage: Stage, timeout: Option<Duration>) -> Patience {
    let usual = match stage {
        Stage::Listen => TRANSCRIPT,
        Stage::Think | Stage::Live => FIRST_WORDS,
        Stage::Speak => FIRST_SOUND,
    };
    let first = timeout.unwrap_or(usual);
    Patience {
        connect: first.min(Patience::default().connect),
        first,
        gap: first,
        ..Patience::default()
    }
}

/// The variable that Google's protocols name for their key.
const GOOGLE: &str = "GCP_CREDENTIALS_JSON";

/// Google's credentials: the JSON itself, or the file that holds it.
pub(super) fn google_credentials(env: &dyn Fn(&str) -> Option<String>) -> Option<SecretString> {
    if let Some(json) = env(GOOGLE) {
        return Some(SecretString::from(json));
    }
    let path = env("GOOGLE_APPLICATION_CREDENTIALS")?;
    std::fs::read_to_string(&path)
        .inspect_err(|error| tracing::warn!(path, %error, "Google's credentials cannot be read"))
        .ok()
        .map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Place, Source};
    use secrecy::ExposeSecret;

    const ENGINE: &str = "providers:
  groq: {kind: openai, base_url: 'https://groq.example/v1', api_key: {env: GROQ_KEY}, fallback: openai}
  local: {kind: openai, base_url: 'http://127.0.0.1:1/v1', timeout: 9s, fallback: anthropic}
  deepgram: {language: multi, fallback: openai}
  openai: {fallback: anthropic, price: {input: 1, output: 2}}
";

    fn directory(keys: &[&str]) -> Directory {
        let form = super::super::config::read("engine.yaml", ENGINE);
        let form = form.expect("no findings").expect("a form");
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let env = |name: &str| keys.contains(&name.to_owned()).then(|| format!("secret of {name}"));
        let secret = |source: &SecretSource| match source {
            SecretSource::Env(name) => env(name).map(SecretString::from),
            SecretSource::File(_) => None,
        };
        let forms = form.providers.into_iter().map(|(name, form)| (name.value, form));
        Directory::new(forms.collect(), &secret, &env)
    }

    fn spec(provider: &str) -> ServiceSpec {
        ServiceSpec {
            provider: provider.to_owned(),
            place: Place::start_of(&Source::new("t.yaml", "")),
            fallback: None,
            base_url: None,
            model: None,
            voice: None,
            language: None,
            locale: Some("he-IL".to_owned()),
            timeout: None,
            run: Vec::new(),
            options: serde_json::Map::new(),
        }
    }

    /// Name, key and language of those who serve.
    fn chain(services: &[Service]) -> Vec<(&str, Option<&str>, Option<&str>)> {
        services
            .iter()
            .map(|service| {
                let key = service.key.as_ref().map(|key| key.expose_secret());
                (service.name.as_str(), key, service.language.as_deref())
            })
            .collect()
    }

    #[test]
    fn the_usual_key_goes_to_the_usual_place_alone() {
        let directory = directory(&["OPENAI_API_KEY"]);
        let usual = Some("secret of OPENAI_API_KEY");
        let he = Some("he-IL");
        let groq = directory.services(Stage::Think, &spec("groq"));
        assert_eq!(chain(&groq)[..2], [("groq", None, he), ("openai", usual, he)]);
        assert_eq!(
            chain(&directory.services(Stage::Think, &spec("local")))[0],
            ("local", None, he)
        );
        let elsewhere = ServiceSpec {
            base_url: Some("http://elsewhere.example".to_owned()),
            ..spec("openai")
        };
        assert_eq!(
            chain(&directory.services(Stage::Think, &elsewhere))[0],
            ("openai", None, he)
        );
    }

    #[test]
    fn a_fallback_serves_only_the_stages_that_it_can() {
        let directory = directory(&["OPENAI_API_KEY", "ANTHROPIC_API_KEY"]);
        let names = |stage, provider: &str| {
            let services = directory.services(stage, &spec(provider));
            services.iter().map(|service| service.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(Stage::Think, "openai"), ["openai", "anthropic"]);
        assert_eq!(names(Stage::Speak, "openai"), ["openai"]);
        assert_eq!(names(Stage::Listen, "deepgram"), ["deepgram", "openai"]);
    }

    #[test]
    fn the_language_is_the_flows_word_then_the_entrys_then_the_locale() {
        let directory = directory(&[]);
        let language = |spec: &ServiceSpec| directory.services(Stage::Listen, spec)[0].language.clone();
        assert_eq!(language(&spec("deepgram")).as_deref(), Some("multi"));
        assert_eq!(language(&spec("assemblyai")).as_deref(), Some("he-IL"));
        let own = ServiceSpec {
            language: Some("en".to_owned()),
            ..spec("deepgram")
        };
        assert_eq!(language(&own).as_deref(), Some("en"));
    }

    #[test]
    fn one_that_cannot_be_used_does_not_keep_the_others_from_it() {
        let directory = directory(&["ANTHROPIC_API_KEY"]);
        let made = all(directory.services(Stage::Think, &spec("openai")), think::thinker).map(|made| made.len());
        assert_eq!(made, Ok(1), "openai has no key, its fallback has");
        assert_eq!(directory.usable(Stage::Think, &spec("openai")), Ok(()));
        let none = all(directory.services(Stage::Speak, &spec("openai")), speak::speaker).map(|made| made.len());
        assert!(none.is_err_and(|error| error.contains("`openai`")));
    }

    #[test]
    fn unknown_protocols_and_fallbacks_are_findings() {
        let text = "providers: {a: {kind: opnai}, openai: {fallback: antropic}}";
        let Err(super::super::config::ConfigError::Findings(findings)) =
            super::super::config::read("engine.yaml", text)
        else {
            panic!("no findings")
        };
        let helps: Vec<String> = findings.iter().flat_map(|finding| finding.help.clone()).collect();
        assert_eq!(helps, ["did you mean `openai`?", "did you mean `anthropic`?"]);
    }
}
