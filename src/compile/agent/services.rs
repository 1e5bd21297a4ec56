//! The providers that an agent names: each is one that the engine knows for that stage.

use super::forms::AgentForm;
use super::options;
use crate::call::ServiceSpec;
use crate::compile::files::ProviderNames;
use crate::flow::{Duration, Finding, Located, Reader, nearest};
use crate::talk::Stage;

/// Who serves an agent.
#[derive(Debug, Default)]
pub(super) struct Services {
    pub listen: Option<ServiceSpec>,
    pub think: Option<ServiceSpec>,
    pub speak: Option<ServiceSpec>,
    pub realtime: Option<ServiceSpec>,
    /// The carrier listens and speaks.
    pub by_carrier: bool,
}

/// Who listens and speaks where the carrier does: on ConversationRelay.
const CARRIER: &str = "carrier";

/// The services of a form; names that nobody knows are findings.
pub(super) fn read(form: &AgentForm, locale: &str, names: &ProviderNames, cx: &mut Reader) -> Services {
    let locale = (!locale.is_empty()).then(|| locale.to_owned());
    let millis = |timeout: Option<Duration>| timeout.map(|timeout| timeout.as_millis());
    let by = |provider: Option<&Located<String>>| provider.is_some_and(|provider| provider.value == CARRIER);
    let hears = by(form.listen.as_ref().and_then(|listen| listen.provider.as_ref()));
    let speaks = by(form.speak.as_ref().and_then(|speak| speak.provider.as_ref()));
    let mut services = Services {
        by_carrier: hears && speaks,
        ..Services::default()
    };
    if let Some(listen) = &form.listen
        && let Some(provider) = listen
            .provider
            .as_ref()
            .filter(|provider| provider.value != "energy" && !services.by_carrier)
    {
        services.listen = Some(ServiceSpec {
            base_url: listen.base_url.clone(),
            model: listen.model.clone(),
            language: listen.language.clone(),
            locale: locale.clone(),
            timeout: millis(listen.timeout),
            run: listen.run.clone(),
            options: options(&listen.options),
            ..spec(Stage::Listen, provider, listen.fallback.as_ref(), names, cx)
        });
    }
    if let Some(think) = &form.think {
        let provider = think.provider.clone().or_else(|| {
            let place = think
                .answers
                .first()
                .and_then(|answer| answer.say.as_ref())
                .map(|say| &say.place);
            let place = place.or_else(|| think.otherwise.as_ref()?.say.as_ref().map(|say| &say.place));
            place.map(|place| Located::new("scripted".to_owned(), place.clone()))
        });
        services.think = provider.map(|provider| ServiceSpec {
            base_url: think.base_url.clone(),
            model: think.model.clone(),
            timeout: millis(think.timeout),
            options: options(&think.options),
            ..spec(Stage::Think, &provider, think.fallback.as_ref(), names, cx)
        });
    }
    if let Some(speak) = &form.speak
        && let Some(provider) = speak
            .provider
            .as_ref()
            .filter(|provider| provider.value != "prompts" && !services.by_carrier)
    {
        services.speak = Some(ServiceSpec {
            base_url: speak.base_url.clone(),
            model: speak.model.clone(),
            voice: speak.voice.clone(),
            language: speak.language.clone(),
            locale: locale.clone(),
            timeout: millis(speak.timeout),
            run: speak.run.clone(),
            options: options(&speak.options),
            ..spec(Stage::Speak, provider, speak.fallback.as_ref(), names, cx)
        });
    }
    if let Some(realtime) = &form.realtime {
        services.realtime = Some(ServiceSpec {
            base_url: realtime.base_url.clone(),
            model: realtime.model.clone(),
            voice: realtime.voice.clone(),
            language: realtime.language.clone(),
            locale: locale.clone(),
            timeout: millis(realtime.timeout),
            options: options(&realtime.options),
            ..spec(Stage::Live, &realtime.provider, realtime.fallback.as_ref(), names, cx)
        });
    }
    services
}

fn spec(
    stage: Stage,
    provider: &Located<String>,
    fallback: Option<&Located<String>>,
    names: &ProviderNames,
    cx: &mut Reader,
) -> ServiceSpec {
    known(stage, provider, names, cx);
    if let Some(fallback) = fallback {
        known(stage, fallback, names, cx);
        if fallback.value == provider.value {
            cx.report(
                Finding::error(
                    "unknown-provider",
                    fallback.place.clone(),
                    format!("`{}` cannot take over from itself", fallback.value),
                )
                .label("the same provider")
                .consequence("where it fails, nobody takes over")
                .help("name another one, or remove `fallback`"),
            );
        }
    }
    ServiceSpec {
        provider: provider.value.clone(),
        place: provider.place.clone(),
        fallback: fallback.map(|fallback| fallback.value.clone()),
        base_url: None,
        model: None,
        voice: None,
        language: None,
        locale: None,
        timeout: None,
        run: Vec::new(),
        options: serde_json::Map::new(),
    }
}

fn known(stage: Stage, provider: &Located<String>, names: &ProviderNames, cx: &mut Reader) {
    let known = names.of(stage);
    if known.contains(&provider.value) {
        return;
    }
    let does = match stage {
        Stage::Listen => "listens",
        Stage::Think => "thinks",
        Stage::Speak => "speaks",
        Stage::Live => "talks in one",
    };
    let finding = Finding::error(
        "unknown-provider",
        provider.place.clone(),
        format!("no provider called `{}` {does}", provider.value),
    )
    .label("not known for this")
    .consequence("the conversation could not begin, and the caller would go to the fallback");
    cx.report(match nearest(&provider.value, known.iter().map(String::as_str)) {
        Some(near) => finding.nearest(Some(near)),
        None => finding.help(format!(
            "use one of {}, or declare it under `providers` in `engine.yaml`",
            known.join(", ")
        )),
    });
}
