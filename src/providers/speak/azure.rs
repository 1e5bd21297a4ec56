//! Azure's speech service: one SSML document a piece over HTTPS, mu-law at 8 kHz back.

use super::http::{ask, post};
use super::requests::{Requests, Sound, Source};
use super::{Kind, Speaker};
use crate::audio::stream::StreamFormat;
use crate::providers::endpoint::endpoint;
use crate::providers::{ProviderError, Service};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use secrecy::ExposeSecret;
use std::fmt::Write;
use std::sync::Arc;
use url::Url;

pub(super) const KIND: Kind = Kind {
    name: "azure",
    about: "Azure's speech service",
    key_env: Some("AZURE_SPEECH_KEY"),
    make,
};

const PATH: &str = "cognitiveservices/v1";
const FORMAT: &str = "raw-8khz-8bit-mono-mulaw";
/// Well below the ten minutes of sound after which the service stops.
const LIMIT: usize = 3000;

struct Azure {
    service: Service,
    url: Url,
    /// The SSML before and after the words.
    frame: (String, String),
}

/// Options: `region`, where there is no base URL; `rate` and `pitch` as in SSML, such as `+10%`.
fn make(service: &Service) -> Result<Arc<dyn Speaker>, ProviderError> {
    let bad = |detail: &str| ProviderError::BadRequest {
        detail: detail.to_owned(),
    };
    let url = match (&service.base_url, service.option("region")) {
        // A voice of one's own has an address of its own, path and query included.
        (Some(base), _) if Url::parse(base.trim()).is_ok_and(|url| url.path().trim_matches('/').ends_with(PATH)) => {
            endpoint(base, "").map(|mut url| {
                let path = url.path().trim_end_matches('/').to_owned();
                url.set_path(&path);
                url
            })?
        }
        (Some(base), _) => endpoint(base, PATH)?,
        (None, Some(region)) if region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && !region.is_empty() => {
            if service.key.is_none() {
                return Err(ProviderError::Auth {
                    detail: "no API key is configured".to_owned(),
                });
            }
            endpoint(&format!("https://{region}.tts.speech.microsoft.com"), PATH)?
        }
        (None, Some(_)) => return Err(bad("`region` is a name such as `westeurope`")),
        (None, None) => return Err(bad("a `region` such as `westeurope` is needed, or a base URL")),
    };
    let voice = service.voice.as_deref().or(service.model.as_deref());
    let voice = voice.ok_or_else(|| bad("a voice such as `en-US-JennyNeural` is needed"))?;
    let language = match &service.language {
        Some(language) => language.replace('_', "-"),
        // Voices carry their language in front.
        None => voice.split('-').take(2).collect::<Vec<_>>().join("-"),
    };
    Ok(Arc::new(Requests(Azure {
        frame: frame(voice, &language, service),
        service: service.clone(),
        url,
    })))
}

impl Source for Azure {
    fn limit(&self) -> usize {
        LIMIT
    }

    fn service(&self) -> &Service {
        &self.service
    }

    fn ask<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Box<dyn Sound>, ProviderError>> {
        async move {
            let (before, after) = &self.frame;
            let ssml = format!("{before}{}{after}", escape(text));
            let mut request = post(self.url.clone(), &self.service)?
                .header(CONTENT_TYPE, "application/ssml+xml")
                .header("X-Microsoft-OutputFormat", FORMAT)
                .body(ssml);
            if let Some(key) = &self.service.key {
                let mut key = http::HeaderValue::try_from(key.expose_secret()).map_err(|_| ProviderError::Auth {
                    detail: "the key has characters that no header may have".to_owned(),
                })?;
                key.set_sensitive(true);
                request = request.header("Ocp-Apim-Subscription-Key", key);
            }
            ask(request, StreamFormat::MuLaw).await
        }
        .boxed()
    }
}

fn frame(voice: &str, language: &str, service: &Service) -> (String, String) {
    let mut before = format!(
        "<speak version=\"1.0\" xmlns=\"http://www.w3.org/2001/10/synthesis\" xml:lang=\"{}\"><voice name=\"{}\">",
        escape(language),
        escape(voice)
    );
    let prosody: String = ["rate", "pitch"].iter().fold(String::new(), |mut all, name| {
        if let Some(value) = service.option(name) {
            write!(all, " {name}=\"{}\"", escape(&value)).expect("a string takes everything");
        }
        all
    });
    if prosody.is_empty() {
        return (before, "</voice></speak>".to_owned());
    }
    write!(before, "<prosody{prosody}>").expect("a string takes everything");
    (before, "</prosody></voice></speak>".to_owned())
}

/// Text as XML content or an attribute; characters that XML cannot hold become spaces.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(c),
            '\0'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_words_make_a_document_that_says_them(text: String, voice in "\\PC{0,20}") {
            let (before, after) = frame(&voice, "he-IL", &Service::default());
            let ssml = format!("{before}{}{after}", escape(&text));
            let document = roxmltree::Document::parse(&ssml).unwrap();
            let said: String = document.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect();
            let plain = |text: &str| text.chars().filter(|c| !c.is_control() && !c.is_whitespace() && *c < '\u{FFFE}').collect::<String>();
            prop_assert_eq!(plain(&said), plain(&text));
            prop_assert_eq!(document.descendants().filter(|node| node.is_element()).count(), 2);
        }
    }
}
