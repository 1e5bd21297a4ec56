//! Who answers there: an engine, which one, how it is and what its clock says; or something else.

use super::case::Case;
use super::outcome::Outcome;
use super::web::{Answer, Ask, Silence, short};
use reqwest::header::DATE;
use std::time::{Duration, SystemTime};

/// Clocks that differ by more than this are worth a look; beyond the second, times in logs and hours of a flow are wrong.
const SKEW: [i64; 2] = [5, 60];

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    const PROBES: [&str; 4] = ["engine", "clock", "health", "ready"];
    if let Some(why) = case.unreachable() {
        return PROBES.map(|probe| Outcome::skipped(probe, why.clone())).to_vec();
    }
    let target = case.target();
    let lax = case.found.is_untrusted;
    let asked = case.web.ask(Ask::get(target.at("/version")).lax(lax)).await;
    if let Err(silence) = &asked
        && matches!(silence.code, 11201 | 11202 | 11206 | 11220)
    {
        // Not even HTTP: nothing else would say more.
        case.found.unreachable = Some(format!("nothing there speaks HTTP: {}", silence.why));
    }
    let mut outcomes = vec![engine(case, &asked)];
    outcomes.push(clock(case, &asked));
    if let Some(why) = case.unreachable() {
        outcomes.extend(["health", "ready"].map(|probe| Outcome::skipped(probe, why.clone())));
        return outcomes;
    }
    let asked = case.web.ask(Ask::get(target.at("/healthz")).lax(lax)).await;
    outcomes.push(health(&asked));
    if case.found.engine.is_none() {
        outcomes.push(Outcome::skipped("ready", "there is no engine to ask"));
        return outcomes;
    }
    let asked = case.web.ask(Ask::get(target.at("/readyz")).lax(lax)).await;
    outcomes.extend(ready(&asked));
    outcomes
}

/// An engine tells its version as JSON; anything else is somebody else's page.
fn engine(case: &mut Case, asked: &Result<Answer, Silence>) -> Outcome {
    let answer = match asked {
        Ok(answer) => answer,
        Err(silence) => {
            return Outcome::fail("engine", silence.why.clone())
                .code(silence.code)
                .help("see what listens there, and whether it is overloaded");
        }
    };
    let version = answer.json().filter(|_| answer.status == 200);
    let version = version.and_then(|json| {
        let version = json["version"].as_str()?.to_owned();
        json.get("deploy_id")?;
        Some((version, json["build"].clone(), json["deploy_id"].clone()))
    });
    let Some((version, build, deploy)) = version else {
        return Outcome::fail(
            "engine",
            format!("no engine answers: `/version` gives {}", answer.sketch()),
        )
        .code(11200)
        .help("let the proxy pass every path to the engine, and start the engine behind it");
    };
    let mut seen = format!(
        "engine {}, {}",
        short(&version),
        build.as_str().unwrap_or("unknown build")
    );
    if let Some(deploy) = deploy.as_str() {
        seen.push_str(&format!(", deployed as `{}`", short(deploy)));
    }
    case.found.engine = Some(version.clone());
    let own = env!("CARGO_PKG_VERSION");
    match version == own {
        true => Outcome::ok("engine", seen),
        false => Outcome::warn("engine", format!("{seen}; this doctor is of {own}"))
            .help("deploy anew if that is not the version you meant"),
    }
}

fn clock(case: &mut Case, asked: &Result<Answer, Silence>) -> Outcome {
    let Ok(answer) = asked else {
        return Outcome::skipped("clock", "nothing answered that could say the time");
    };
    let date = answer.headers.get(DATE).and_then(|value| value.to_str().ok());
    let Some(theirs) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return Outcome::skipped("clock", "the answer has no readable `Date`");
    };
    // The header has whole seconds: its middle is compared with the middle of the exchange.
    let ours = SystemTime::now() - answer.took / 2;
    let theirs = theirs + Duration::from_millis(500);
    let skew = match theirs.duration_since(ours) {
        Ok(ahead) => i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX),
        Err(behind) => -i64::try_from(behind.duration().as_secs()).unwrap_or(i64::MAX),
    };
    case.found.skew = Some(skew);
    judge_clock(skew)
}

fn judge_clock(skew: i64) -> Outcome {
    let seen = match skew {
        0 => "within a second of ours".to_owned(),
        ahead @ 1.. => format!("{ahead} s ahead of ours"),
        behind => format!("{} s behind ours", -behind),
    };
    let help = "let one of the two machines keep time by NTP";
    match skew.abs() {
        skew if skew > SKEW[1] => Outcome::fail("clock", seen).help(help),
        skew if skew > SKEW[0] => Outcome::warn("clock", seen).help(help),
        _ => Outcome::ok("clock", seen),
    }
}

fn health(asked: &Result<Answer, Silence>) -> Outcome {
    match asked {
        Err(silence) => Outcome::fail("health", silence.why.clone()).code(silence.code),
        Ok(answer) if answer.status == 200 && answer.text().trim() == "ok" => Outcome::ok("health", "alive"),
        Ok(answer) => Outcome::fail("health", format!("`/healthz` gives {}", answer.sketch()))
            .code(11200)
            .help(answer.help()),
    }
}

fn ready(asked: &Result<Answer, Silence>) -> Vec<Outcome> {
    let answer = match asked {
        Ok(answer) => answer,
        Err(silence) => return vec![Outcome::fail("ready", silence.why.clone()).code(silence.code)],
    };
    let Some(parts) = answer.json() else {
        return vec![
            Outcome::fail("ready", format!("`/readyz` gives {}", answer.sketch())).help("let the proxy pass `/readyz`"),
        ];
    };
    let parts: Vec<(String, String)> = parts
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, word)| (name.clone(), word.as_str().unwrap_or_default().to_owned()))
        .collect();
    if parts.iter().any(|(_, word)| word == "draining") {
        return vec![
            Outcome::warn("ready", "the engine is stopping: new calls get the fallback")
                .help("ask again after the deploy"),
        ];
    }
    let wrong: Vec<Outcome> = parts
        .iter()
        .filter(|(_, word)| word != "ok" && word != "disabled")
        .map(|(name, word)| {
            Outcome::fail("ready", format!("`{}`: {}", short(name), short(word)))
                .help("callers get the fallback of what is missing; the engine's log says more")
        })
        .collect();
    if !wrong.is_empty() {
        return wrong;
    }
    let ok: Vec<&str> = parts
        .iter()
        .filter(|(_, word)| word == "ok")
        .map(|(name, _)| name.as_str())
        .collect();
    vec![Outcome::ok("ready", ok.join(", "))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_clock_is_judged_both_ways() {
        for (skew, verdict) in [
            (0, Verdict::Ok),
            (-5, Verdict::Ok),
            (6, Verdict::Warn),
            (-60, Verdict::Warn),
            (61, Verdict::Fail),
            (-7200, Verdict::Fail),
        ] {
            assert_eq!(judge_clock(skew).verdict, verdict, "{skew}");
        }
    }
}
