//! How fast scenarios are played: `cargo bench --bench trial`. The flows are compiled before.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use engine::check::checked;
use engine::line::Disk;
use engine::trial::{Ground, judge, play, read};
use std::path::Path;

/// How many scenarios one iteration plays.
const SCENARIOS: usize = 1000;

fn main() {
    divan::main();
}

/// All cases of one file, over and over.
#[divan::bench(args = ["menu", "receptionist", "voicemail"])]
fn played(bencher: Bencher, name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiled = checked(&format!("flows/{name}.yaml"), &Disk::new(root));
    let flow = compiled.flow.as_ref().expect("the bundled flow compiles");
    let ground = Ground::new(flow, compiled.templates.clone());
    let path = format!("scenarios/every-way/{name}.yaml");
    let text = std::fs::read_to_string(root.join(&path)).expect("its scenarios");
    let file = read(&path, &text);
    assert!(!file.scenarios.is_empty(), "there are scenarios");
    bencher.counter(ItemsCount::new(SCENARIOS)).bench_local(|| {
        for scenario in file.scenarios.iter().cycle().take(SCENARIOS) {
            let call = play(&ground, scenario);
            black_box(judge(&ground, scenario, &call));
        }
    });
}
