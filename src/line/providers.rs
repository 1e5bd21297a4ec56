//! Which provider a name means: what `engine.yaml` declares under `providers`, and each protocol under its own name.

use super::engine_yaml::{PriceForm, ProviderForm, SecretSource};
use crate::call::ServiceSpec;
use crate::compile::ProviderNames;
use crate::providers::{Patience, ProviderError, Service, listen, realtime, speak, think};
use crate::talk::Stage;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a first part is waited for, where nobody says otherwise: each leaves room for a fallback within what the
/// conversation waits for the stage.
const TRANSCRIPT: Duration = Duration::from_millis(1_500);
const FIRST_WORDS: Duration = Duration::from_millis(4_000);
const FIRST_SOUND: Duration = Duration::from_millis(2_000);
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
            let service = Service {
                name: name.clone(),
                kind: form.kind.map_or_else(|| name.clone(), |kind| kind.value),
                base_url: form.base_url,
                key: form.api_key.as_ref().and_then(secret),
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
                fallback: form.fallback,
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
        let mut services = vec![self.first(stage, spec)];
        let mut next = spec
            .fallback
            .clone()
            .or_else(|| self.entry(&spec.provider)?.fallback.clone());
        let language = services[0].language.clone();
        while let Some(name) = next.filter(|_| services.len() < LONGEST_CHAIN) {
            let mut service = self.service(stage, &name);
            // Whoever takes over hears and speaks the same language; voices and models have other names elsewhere.
            service.language = service.language.or_else(|| language.clone());
            services.push(service);
            next = self.entry(&name).and_then(|entry| entry.fallback.clone());
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
        let custom = kinds().find(|(of, kind, _)| *of == stage && *kind == service.kind);
        if service.key.is_none()
            && let Some((.., Some(variable))) = custom
        {
            service.key = self.keys.get(variable).cloned();
        }
        if service.base_url.is_none() && service.kind == "openai" {
            service.base_url.clone_from(&self.openai);
        }
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
        if !spec.run.is_empty() {
            service.run.clone_from(&spec.run);
        }
        for (name, value) in &spec.options {
            service.options.insert(name.clone(), value.clone());
        }
        if let Some(timeout) = spec.timeout {
            service.patience = patience(stage, Some(Duration::from_millis(timeout)));
        }
        service
    }
}

/// Everything that the listed services can do. Errors: the first whose settings cannot be used.
pub(super) fn all<P: ?Sized>(
    services: &[Service],
    make: fn(&Service) -> Result<std::sync::Arc<P>, ProviderError>,
) -> Result<Vec<crate::pipeline::Named<P>>, String> {
    let one = |service: &Service| match make(service) {
        Ok(provider) => Ok(crate::pipeline::Named {
            name: service.name.as_str().into(),
            provider,
            patience: service.patience,
        }),
        Err(error) => Err(format!("the provider `{}`: {error}", service.name)),
    };
    services.iter().map(one).collect()
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
