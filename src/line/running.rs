//! The running flows as `engine doctor` sees them: what each is, the sounds it names and what a caller would get first.

use super::clock::now;
use super::engine::{Engine, random_hex};
use super::flows::Version;
use crate::call::{Answer, Arrival, Call, Effect, Params};
use crate::server::RunningFlow;
use crate::twiml::Links;

/// The call of a first document that nobody hears.
const NOBODY: &str = "CA00000000000000000000000000000000";

impl Engine {
    /// What runs, the main flow first. Touches neither the store nor a call.
    pub(super) fn running(&self, origin: &str) -> Vec<RunningFlow> {
        let origin = self.config.public_url.as_deref().unwrap_or(origin);
        let links = Links::new(origin);
        let versions = self.flows.current();
        let of = |version: &std::sync::Arc<Version>| RunningFlow {
            name: version.flow.name.clone(),
            file: version.path.clone(),
            hash: version.flow.hash.as_str().to_owned(),
            numbers: self.flows.numbers_of(&version.path),
            sounds: version.flow.assets.keys().map(|path| links.asset(path)).collect(),
            document: self.first_document(version, origin),
        };
        versions.iter().map(of).collect()
    }

    /// The first document of a call that is thrown away: its token opens nothing.
    fn first_document(&self, version: &Version, origin: &str) -> Result<String, String> {
        let numbers = self.flows.numbers_of(&version.path);
        let to = numbers.first().map_or("+15005550006", String::as_str);
        let params = [
            ("CallSid", NOBODY),
            ("From", "+15005550001"),
            ("To", to),
            ("CallStatus", "ringing"),
            ("Direction", "inbound"),
        ];
        let params: Params = params
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let arrival = Arrival {
            params,
            origin: origin.to_owned(),
            seed: random_hex::<16>(),
            contact: None,
            draining: false,
        };
        let (_, effects) = Call::begin(&version.flow, now(), &arrival);
        let document = effects.iter().rev().find_map(|effect| match effect {
            Effect::Answer(Answer::Document(verbs)) => Some(verbs),
            _ => None,
        });
        let verbs = document.ok_or("the flow answers a call with nothing")?;
        self.render(version, origin, verbs).map_err(|error| error.to_string())
    }
}
