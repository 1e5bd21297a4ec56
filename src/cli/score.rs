//! `engine score`: how a recorded call was at the caller's ear.

use super::Exit;
use super::output::say;
use crate::carrier::parse_duration;
use crate::score::{self, Label, Reaction, Response, Score, Segment, Timeline};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Judges a recorded call: response times, interruptions, cut-ins, dead air.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A stereo WAV file, the caller left and the engine right; or a call's sid, for `CALL.wav` among the recordings.
    #[arg(value_name = "FILE|CALL")]
    call: PathBuf,
    /// What the caller really did, as JSON; `engine simulate --labels` writes it. Without it, the sound is guessed from.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Where recordings of calls are.
    #[arg(long, value_name = "DIR", default_value = "recordings")]
    recordings: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Fails where the total is lower; between 0 and 1.
    #[arg(long, value_name = "X", value_parser = share)]
    min_score: Option<f64>,
    /// Fails where an answer took longer, or never came.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_latency: Option<Duration>,
}

pub(super) fn run(args: &Args) -> Exit {
    let judged = match read(args) {
        Ok(judged) => judged,
        Err(message) => {
            eprintln!("error: {message}");
            return Exit::Usage;
        }
    };
    if args.json {
        match serde_json::to_string_pretty(&judged) {
            Ok(json) => say!("{json}"),
            Err(error) => {
                eprintln!("error: the result cannot be written: {error}");
                return Exit::Usage;
            }
        }
    } else {
        super::output::print(&told(&judged));
    }
    let missed = missed(&judged, args.min_score, args.max_latency);
    for missed in &missed {
        eprintln!("failed: {missed}");
    }
    if missed.is_empty() { Exit::Done } else { Exit::Problems }
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("`{text}` is no score; write a number between 0 and 1 such as `0.8`"))
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| format!("`{text}` is no time; write for example `2s` or `1500ms`"))
}

fn read(args: &Args) -> Result<Score, String> {
    let path = recording(&args.call, &args.recordings);
    let bytes = std::fs::read(&path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
    let timeline = Timeline::from_wav(&bytes).map_err(|error| format!("`{}`: {error}", path.display()))?;
    let labels = args.labels.as_deref().map(labels).transpose()?;
    Ok(score::score(&timeline, labels.as_deref()))
}

fn labels(path: &Path) -> Result<Vec<Label>, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
    score::read_labels(&text).map_err(|error| format!("`{}`: {error}", path.display()))
}

/// The recording's path: a call's sid (`CA` and 32 hexadecimal digits) stands for a file among the recordings.
fn recording(call: &Path, recordings: &Path) -> PathBuf {
    let sid = call
        .to_str()
        .and_then(|text| text.strip_prefix("CA"))
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if sid {
        recordings.join(call).with_extension("wav")
    } else {
        call.to_owned()
    }
}

/// The bounds that the call does not keep.
fn missed(judged: &Score, least: Option<f64>, longest: Option<Duration>) -> Vec<String> {
    let mut missed = Vec::new();
    if let Some(least) = least {
        match judged.summary.total {
            Some(total) if total >= least => {}
            Some(total) => missed.push(format!("the score is {total:.2}, at least {least:.2} is wanted")),
            None => missed.push("there is nothing to score: the caller took no turn".to_owned()),
        }
    }
    if let Some(longest) = longest {
        let too_late = |after: u64| Duration::from_millis(after) > longest;
        for turn in &judged.turns {
            let (at, wanted) = (clock(turn.span.to_ms), longest.as_secs_f64());
            match turn.response {
                Response::Answered { after_ms } if too_late(after_ms) => missed.push(format!(
                    "the turn that ends at {at} was answered after {}, {wanted:.2} s is allowed",
                    seconds(after_ms)
                )),
                Response::Unanswered => missed.push(format!("the turn that ends at {at} was never answered")),
                _ => {}
            }
        }
    }
    missed
}

/// A table of everything that was judged in the order of time, then the call in numbers.
fn told(judged: &Score) -> String {
    let mut rows: Vec<(Segment, &str, String, Option<f64>)> = Vec::new();
    for turn in &judged.turns {
        let (what, mut how) = match turn.yielded {
            Some(yielded) => (
                "interruption",
                vec![format!("silent after {}", seconds(yielded.after_ms))],
            ),
            None => ("turn", Vec::new()),
        };
        if let Some(at) = turn.cut_in_ms {
            how.push(format!("cut in at {}", clock(at)));
        }
        match turn.response {
            Response::Answered { after_ms } => how.push(format!("answered after {}", seconds(after_ms))),
            Response::Unanswered => how.push("never answered".to_owned()),
            Response::NotDue if how.is_empty() => how.push("no answer due".to_owned()),
            Response::NotDue => {}
        }
        let scores: Vec<f64> = [turn.yield_score(), turn.response_score()]
            .into_iter()
            .flatten()
            .collect();
        let score = (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64);
        rows.push((turn.span, what, how.join(", "), score));
    }
    for sign in &judged.backchannels {
        let how = match sign.reaction {
            Reaction::SpokeOn => "spoke on".to_owned(),
            Reaction::Resumed { pause_ms } => format!("paused for {}", seconds(pause_ms)),
            Reaction::Stopped => "stopped for good".to_owned(),
        };
        rows.push((sign.span, "backchannel", how, Some(sign.score())));
    }
    for silence in &judged.dead_air {
        rows.push((*silence, "dead air", seconds(silence.millis()), None));
    }
    rows.sort_by_key(|(span, ..)| (span.from_ms, span.to_ms));

    let mut text = String::new();
    for (span, what, how, score) in rows {
        let score = score.map(|score| format!("{score:.2}")).unwrap_or_default();
        let line = format!(
            "{:>8} - {:<8}  {what:<12}  {how:<44}  {score}",
            clock(span.from_ms),
            clock(span.to_ms)
        );
        line_to(&mut text, line.trim_end());
    }
    let summary = &judged.summary;
    if !text.is_empty() {
        text.push('\n');
    }
    if let Some(latency) = summary.latency {
        line_to(
            &mut text,
            &format!(
                "response: median {}, p95 {}, slowest {}",
                seconds(latency.median_ms),
                seconds(latency.p95_ms),
                seconds(latency.max_ms)
            ),
        );
    }
    let counts = [
        (summary.turns, "turns"),
        (summary.unanswered, "unanswered"),
        (summary.cut_ins, "cut-ins"),
        (summary.interruptions, "interruptions"),
        (judged.backchannels.len(), "backchannels"),
        (summary.wrong_yields, "wrong yields"),
        (summary.false_stops_resumed, "false stops resumed"),
        (summary.dead_air, "dead air"),
    ];
    let counted: Vec<String> = counts.iter().map(|(number, what)| format!("{what} {number}")).collect();
    line_to(&mut text, &counted.join(", "));
    let total = summary.total.map_or("none".to_owned(), |total| format!("{total:.2}"));
    let source = if judged.labelled {
        "labelled"
    } else {
        "guessed from the sound"
    };
    line_to(&mut text, &format!("score: {total} (utterances {source})"));
    text
}

fn line_to(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing into a String cannot fail");
}

fn seconds(millis: u64) -> String {
    format!("{}.{:02} s", millis / 1000, millis % 1000 / 10)
}

fn clock(millis: u64) -> String {
    format!(
        "{:02}:{:02}.{:02}",
        millis / 60_000,
        millis / 1000 % 60,
        millis % 1000 / 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{mulaw, wav};
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        score: Args,
    }

    fn args(words: &[&str]) -> Result<Args, String> {
        let line = Line::try_parse_from([&["score"], words].concat());
        line.map(|line| line.score).map_err(|error| error.to_string())
    }

    /// A stereo file in which both speak in these stretches (ms).
    fn call(folder: &Path, length: u64, caller: &[(u64, u64)], engine: &[(u64, u64)]) -> String {
        let track = |speech: &[(u64, u64)]| -> Vec<i16> {
            let speaks = |at: u64| speech.iter().any(|(from, to)| (from * 8..to * 8).contains(&at));
            (0..length * 8)
                .map(|at| if speaks(at) { ((at % 53) as i16 - 26) * 400 } else { 0 })
                .collect()
        };
        let path = folder.join("call.wav");
        std::fs::write(&path, wav::write_stereo(mulaw::RATE, &track(caller), &track(engine))).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_table_shows_every_occasion_and_the_call_in_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = call(
            folder.path(),
            30_000,
            &[(3000, 5000), (8000, 8400), (11_000, 13_000), (22_000, 23_000)],
            &[(1000, 2000), (5800, 11_400), (15_500, 18_000)],
        );
        let judged = read(&args(&[&path]).unwrap()).unwrap();
        let expected = "\
00:03.00 - 00:05.00  turn          answered after 0.80 s                         1.00
00:08.00 - 00:08.40  backchannel   spoke on                                      1.00
00:11.00 - 00:13.00  interruption  silent after 0.40 s, answered after 2.50 s    0.73
00:22.00 - 00:23.00  turn          never answered                                0.00
00:23.00 - 00:30.00  dead air      7.00 s

response: median 0.80 s, p95 2.50 s, slowest 2.50 s
turns 3, unanswered 1, cut-ins 0, interruptions 1, backchannels 1, wrong yields 0, false stops resumed 0, dead air 1
score: 0.69 (utterances guessed from the sound)
";
        assert_eq!(told(&judged), expected);
    }

    #[test]
    fn bounds_that_are_missed_fail_and_others_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = call(folder.path(), 12_000, &[(1000, 2000)], &[(4600, 6000)]);
        let ends = |words: &[&str]| run(&args(&[&[path.as_str(), "--json"], words].concat()).unwrap());
        assert_eq!(ends(&[]), Exit::Done);
        assert_eq!(ends(&["--min-score", "0.59", "--max-latency", "2600ms"]), Exit::Done);
        assert_eq!(ends(&["--min-score", "0.61"]), Exit::Problems);
        assert_eq!(ends(&["--max-latency", "2.5s"]), Exit::Problems);
        let silent = call(folder.path(), 12_000, &[(1000, 2000)], &[]);
        assert_eq!(run(&args(&[&silent, "--max-latency", "9s"]).unwrap()), Exit::Problems);
        let empty = call(folder.path(), 2000, &[], &[]);
        assert_eq!(run(&args(&[&empty, "--min-score", "0"]).unwrap()), Exit::Problems);
    }

    #[test]
    fn labels_are_taken_for_what_they_say() {
        let folder = tempfile::tempdir().unwrap();
        let path = call(folder.path(), 12_000, &[(1000, 2000)], &[(500, 6000)]);
        let labels = folder.path().join("labels.json");
        std::fs::write(&labels, r#"[{"from_ms": 1000, "to_ms": 2000, "kind": "backchannel"}]"#).unwrap();
        let judged = read(&args(&[&path, "--labels", labels.to_str().unwrap()]).unwrap()).unwrap();
        assert!(judged.labelled && judged.turns.is_empty());
        assert_eq!(judged.summary.total, Some(1.0));
        std::fs::write(&labels, "[{}]").unwrap();
        let wrong = args(&[&path, "--labels", labels.to_str().unwrap()]).unwrap();
        assert_eq!(run(&wrong), Exit::Usage);
    }

    #[test]
    fn a_calls_sid_is_a_file_among_the_recordings() {
        let sid = format!("CA{}", "0a".repeat(16));
        let among = |call: &str| recording(Path::new(call), Path::new("kept"));
        assert_eq!(among(&sid), Path::new("kept").join(format!("{sid}.wav")));
        assert_eq!(among("call.wav"), Path::new("call.wav"));
        assert_eq!(among("CA1.wav"), Path::new("CA1.wav"));
    }

    #[test]
    fn wrong_usage_says_what_to_write() {
        for (words, part) in [
            (vec!["a.wav", "--min-score", "2"], "between 0 and 1"),
            (vec!["a.wav", "--max-latency", "soon"], "write for example `2s`"),
            (vec![], "FILE|CALL"),
        ] {
            let error = args(&words).expect_err("wrong usage");
            assert!(error.contains(part), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let mono = folder.path().join("mono.wav");
        std::fs::write(&mono, wav::write_mono(8000, &[1, 2, 3])).unwrap();
        for path in [mono.as_path(), Path::new("/nowhere/a.wav")] {
            assert_eq!(run(&args(&[path.to_str().unwrap()]).unwrap()), Exit::Usage);
        }
    }
}
