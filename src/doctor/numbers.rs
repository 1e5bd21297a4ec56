//! The numbers at the carrier: whether their webhooks lead to this deployment, and what happens when it does not answer.

use super::account::fetch;
use super::case::{Case, Target};
use super::outcome::Outcome;
use super::web::short;
use crate::server::Hook;
use serde_json::Value;

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    let Ok(settings) = &case.settings else {
        return vec![Outcome::skipped("number", "the settings cannot be read")];
    };
    let mut wanted: Vec<String> = match &case.plan.number {
        Some(number) => vec![number.clone()],
        None => settings.numbers.keys().cloned().collect(),
    };
    wanted.sort();
    if wanted.is_empty() && case.target.is_none() {
        return vec![Outcome::skipped(
            "number",
            "no number is named; name one with `--number`",
        )];
    }
    let limit = case.plan.timeout;
    let mut found = Vec::new();
    let mut outcomes = Vec::new();
    let searches: Vec<Option<&str>> = match wanted.is_empty() {
        true => vec![None],
        false => wanted.iter().map(|number| Some(number.as_str())).collect(),
    };
    for number in searches {
        let query = match number {
            Some(number) => ("PhoneNumber", number),
            None => ("PageSize", "100"),
        };
        match fetch(settings, "/IncomingPhoneNumbers", &[query], limit).await {
            Err(why) => return vec![Outcome::skipped("number", why)],
            Ok(said) if said.status != 200 => {
                let why = format!("the carrier shows no numbers ({})", said.status);
                return vec![Outcome::skipped("number", why)];
            }
            Ok(said) => {
                let numbers = said.json["incoming_phone_numbers"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                if let (Some(number), true) = (number, numbers.is_empty()) {
                    outcomes.push(
                        Outcome::fail("number", format!("the account has no number `{}`", short(number)))
                            .help("write it as at the carrier, such as `+97231234567`; see which account is signed in"),
                    );
                }
                found.extend(numbers);
            }
        }
    }
    let target = case
        .target
        .clone()
        .or_else(|| public(settings.config.public_url.as_deref()));
    let Some(target) = target else {
        outcomes.push(Outcome::skipped(
            "number",
            "no public address is known that a number could lead to",
        ));
        return outcomes;
    };
    let is_ours = |number: &&Value| target.has(text(number, "voice_url"));
    if wanted.is_empty() {
        let ours: Vec<&Value> = found.iter().filter(is_ours).collect();
        if ours.is_empty() {
            outcomes.push(
                Outcome::warn(
                    "number",
                    format!("none of the account's {} numbers leads here", found.len()),
                )
                .help(format!(
                    "give a number the voice webhook `{}{}`",
                    target.public,
                    Hook::IncomingCall.path()
                )),
            );
        }
        outcomes.extend(ours.into_iter().flat_map(|number| judge(number, &target)));
    } else {
        outcomes.extend(found.iter().flat_map(|number| judge(number, &target)));
    }
    outcomes
}

fn public(url: Option<&str>) -> Option<Target> {
    let base = url?.to_owned();
    Some(Target {
        url: url::Url::parse(&base).ok()?,
        public: base.clone(),
        base,
        is_loopback: false,
    })
}

fn text<'a>(number: &'a Value, field: &str) -> &'a str {
    number[field].as_str().unwrap_or_default()
}

/// What is to be said of one number.
fn judge(number: &Value, target: &Target) -> Vec<Outcome> {
    let name = short(text(number, "phone_number"));
    let wanted = |hook: Hook| format!("{}{}", target.public, hook.path());
    for (field, what) in [("trunk_sid", "a trunk"), ("voice_application_sid", "an application")] {
        if !text(number, field).is_empty() {
            return vec![
                Outcome::warn(
                    "number",
                    format!("`{name}` is given to {what} (`{}`)", short(text(number, field))),
                )
                .help("the number's own webhooks do not count then; see those of what it is given to"),
            ];
        }
    }
    let voice = text(number, "voice_url");
    let is = |url: &str, hook: Hook| {
        let bare = url.split(['#', '?']).next().unwrap_or(url);
        bare.trim_end_matches('/') == wanted(hook)
    };
    if !is(voice, Hook::IncomingCall) {
        let code = if voice.is_empty() { 11100 } else { 11200 };
        let seen = match voice {
            "" => format!("`{name}` has no voice webhook"),
            voice => format!("`{name}` leads to `{}`", short(voice)),
        };
        let help = format!("set its voice webhook to `{}`", wanted(Hook::IncomingCall));
        return vec![Outcome::fail("number", seen).code(code).help(help)];
    }
    let mut outcomes = Vec::new();
    let fallback = text(number, "voice_fallback_url");
    if fallback.is_empty() {
        outcomes.push(
            Outcome::warn("number-fallback", format!("`{name}` has no fallback"))
                .help("set one that needs no engine, such as a document of the carrier's own: it is asked when nothing answers"),
        );
    } else if target.has(fallback) {
        outcomes.push(
            Outcome::warn(
                "number-fallback",
                format!("the fallback of `{name}` is this deployment itself"),
            )
            .help("set one that needs no engine: when this one does not answer, its fallback does not either"),
        );
    }
    let status = text(number, "status_callback");
    if !is(status, Hook::CallStatus) {
        let seen = match status {
            "" => format!("`{name}` has no status callback"),
            status => format!("the status callback of `{name}` is `{}`", short(status)),
        };
        let help = format!(
            "set it to `{}`: else the end of a call is found out later",
            wanted(Hook::CallStatus)
        );
        outcomes.push(Outcome::warn("number-status", seen).help(help));
    }
    for field in ["voice_method", "status_callback_method"] {
        if text(number, field).eq_ignore_ascii_case("GET") {
            outcomes.push(
                Outcome::warn("number", format!("`{name}` asks with GET (`{field}`)"))
                    .help("set POST: with GET, what a call is about stands in every log on the way"),
            );
        }
    }
    let verdict = Outcome::ok("number", format!("`{name}` leads here"));
    outcomes.insert(0, verdict);
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use serde_json::json;

    fn judged(number: &Value) -> Vec<(Verdict, &'static str)> {
        let target = public(Some("https://voice.example.com")).expect("a target");
        judge(number, &target)
            .into_iter()
            .map(|outcome| (outcome.verdict, outcome.probe))
            .collect()
    }

    #[test]
    fn a_numbers_webhooks_are_held_to_the_deployment() {
        let good = json!({
            "phone_number": "+97231234567", "voice_method": "POST", "status_callback_method": "POST",
            "voice_url": "https://voice.example.com/webhook/incoming_call/#rc=5&rp=all",
            "voice_fallback_url": "https://handler.example/sorry",
            "status_callback": "https://voice.example.com/webhook/call_status",
        });
        assert_eq!(judged(&good), [(Verdict::Ok, "number")]);
        let with = |field: &str, value: &str| {
            let mut number = good.clone();
            number[field] = value.into();
            judged(&number)
        };
        let fail = [(Verdict::Fail, "number")];
        assert_eq!(with("voice_url", "https://old.example.com/webhook/incoming_call"), fail);
        assert_eq!(with("voice_url", "https://voice.example.com/voice"), fail);
        assert_eq!(with("voice_url", ""), fail);
        assert_eq!(with("trunk_sid", "TK1"), [(Verdict::Warn, "number")]);
        let warned = |probe| [(Verdict::Ok, "number"), (Verdict::Warn, probe)];
        assert_eq!(with("voice_fallback_url", ""), warned("number-fallback"));
        assert_eq!(
            with("voice_fallback_url", "https://voice.example.com/webhook/incoming_call"),
            warned("number-fallback")
        );
        assert_eq!(with("status_callback", ""), warned("number-status"));
        assert_eq!(with("voice_method", "GET"), warned("number"));
    }
}
