//! The numbers of the proof against the clock: what the explorer calls the longest silence of a bundled flow is placed as
//! a real call by the built-in carrier, over real sockets, and measured there.

use engine::line::Disk;
use engine::phone::{Move, Timing};
use engine::prove::{Proof, proven};
use serde_json::Value;
use std::path::Path;
use tokio::process::Command;

const FLOWS: [&str; 3] = ["flows/menu.yaml", "flows/receptionist.yaml", "flows/voicemail.yaml"];
/// How far a measured silence may be from the proven one, in hundredths.
const TOLERANCE: u64 = 10;
/// A busy machine adds to a silence that is measured: such a call is placed again.
const TRIES: usize = 3;

/// What a caller does so that a call goes this way: a script of `engine simulate`, and faults.
///
/// # Errors
/// What in it only virtual time can do.
fn played(way: &[Move]) -> Result<(String, Vec<&'static str>), String> {
    let mut script = Vec::new();
    let mut faults = Vec::new();
    for step in way {
        match step {
            // Sounds end, nobody answers, tasks succeed: all of it happens by itself.
            Move::Pass | Move::StreamStarts(Timing::Early) | Move::TalkEnds { spoke: false, .. } => {}
            Move::TaskEnds { result: Ok(_), .. } => {}
            Move::Keys(keys) => script.push(format!("wait prompt; keys {keys}")),
            Move::Says(words) => script.push(format!("wait prompt; speak {words}")),
            Move::LeavesMessage(_) => script.push("wait verb Record; speak Please call me back".to_owned()),
            Move::StreamRefused => faults.push("refuse-stream"),
            Move::StreamBreaks { heard: true } => faults.push("drop-stream"),
            other => return Err(format!("{other:?}")),
        }
    }
    script.push("silent 40s".to_owned());
    Ok((script.join("; "), faults))
}

/// The bundled project, with an office that is always open: the way that is placed must not depend on today's weekday.
fn project() -> tempfile::TempDir {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["static", "templates"] {
        std::os::unix::fs::symlink(here.join(part), folder.path().join(part)).expect("a link");
    }
    std::fs::create_dir(folder.path().join("flows")).expect("a folder");
    for flow in FLOWS {
        let text = std::fs::read_to_string(here.join(flow)).expect("a flow");
        let text = text.replace("sun-thu 09:00-18:00", "sun-sat 00:00-24:00");
        std::fs::write(folder.path().join(flow), text).expect("it is written");
    }
    folder
}

/// Places a call with `engine simulate`, and what its summary says.
async fn simulated(project: &Path, flow: &str, caller: &str, faults: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    command.current_dir(project);
    command.args(["simulate", "--flow", flow, "--format", "json", "--caller", caller]);
    for fault in faults {
        command.args(["--fault", fault]);
    }
    let output = command.output().await.expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap_or_default();
    let summary: Value = serde_json::from_str(last)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    assert!(summary["summary"]["longest_silence_ms"].is_u64(), "{summary}");
    summary["summary"].clone()
}

fn is_near(proven: u64, measured: u64) -> bool {
    proven.abs_diff(measured) * 100 <= proven * TOLERANCE
}

fn silence(summary: &Value) -> u64 {
    summary["longest_silence_ms"].as_u64().expect("a number")
}

fn proof(project: &Path, flow: &str) -> Proof {
    let (compiled, proof) = proven(flow, &Disk::new(project));
    proof.unwrap_or_else(|| panic!("{flow} is not proven: {:?}", compiled.findings))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_silence_is_as_long_on_a_real_call() {
    let project = project();
    let calls = FLOWS.map(|flow| {
        let folder = project.path().to_owned();
        let proof = proof(&folder, flow);
        let (caller, faults) = played(&proof.silence.way)
            .unwrap_or_else(|other| panic!("{flow}: `engine simulate` cannot play {other}; teach this test how"));
        let proven = proof.silence.millis;
        tokio::spawn(async move {
            let mut measured = Vec::new();
            while measured.len() < TRIES && !measured.last().is_some_and(|last| is_near(proven, *last)) {
                measured.push(silence(&simulated(&folder, flow, &caller, &faults).await));
            }
            (flow, proven, measured)
        })
    });
    for call in calls {
        let (flow, proven, measured) = call.await.expect("the call");
        let last = measured.last().copied().unwrap_or_default();
        assert!(
            is_near(proven, last),
            "{flow}: proven {proven} ms, measured {measured:?} ms"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_a_stream_makes_a_longer_one() {
    let project = project();
    let flow = "flows/receptionist.yaml";
    let proof = proof(project.path(), flow);
    let bound = proof.limit;
    let faults = [
        "refuse-stream",
        "never-stream",
        "no-start",
        "no-media",
        "drop-stream",
        "no-stop",
        "abrupt-close",
    ];
    let calls = faults.map(|fault| {
        let folder = project.path().to_owned();
        tokio::spawn(async move { (fault, simulated(&folder, flow, "silent 40s", &[fault]).await) })
    });
    for call in calls {
        let (fault, summary) = call.await.expect("the call");
        let measured = silence(&summary);
        assert!(
            measured <= bound,
            "{fault}: {bound} ms allowed and proven, measured {measured} ms: {summary}"
        );
    }
}
