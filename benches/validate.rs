//! How fast flows are checked: `cargo bench --bench validate`. The floor is reading the same YAML and nothing else.

#[path = "../tests/it/large.rs"]
mod large;

use std::path::Path;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use engine::check::checked;
use engine::compile::{Files, compile};
use engine::flow::{Findings, Source, parse};
use engine::line::Disk;
use engine::prove::proven;

/// How many flows one iteration checks.
const FLOWS: usize = 100;

fn main() {
    divan::main();
}

/// The bundled flows, over and over.
fn flows() -> (Disk, Vec<String>) {
    let disk = Disk::new(Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut names = disk.list("flows");
    names.retain(|name| name.ends_with(".yaml"));
    names.sort();
    assert!(!names.is_empty(), "there are bundled flows");
    let paths: Vec<String> = (0..FLOWS)
        .map(|n| format!("flows/{}", names[n % names.len()]))
        .collect();
    (disk, paths)
}

#[divan::bench]
fn read_only(bencher: Bencher) {
    let (disk, paths) = flows();
    bencher.counter(ItemsCount::new(FLOWS)).bench(|| {
        for path in &paths {
            let text = disk.text(path).expect("a bundled flow is there");
            let mut findings = Findings::default();
            black_box(parse(&Source::new(path.as_str(), text), &mut findings));
        }
    });
}

#[divan::bench]
fn compiled(bencher: Bencher) {
    let (disk, paths) = flows();
    bencher.counter(ItemsCount::new(FLOWS)).bench(|| {
        for path in &paths {
            assert!(compile(path, &disk).flow.is_some(), "{path} compiles");
        }
    });
}

#[divan::bench]
fn checked_whole(bencher: Bencher) {
    let (disk, paths) = flows();
    bencher.counter(ItemsCount::new(FLOWS)).bench(|| {
        for path in &paths {
            assert!(checked(path, &disk).flow.is_some(), "{path} is fit to run");
        }
    });
}

#[divan::bench(args = ["flows/menu.yaml", "flows/receptionist.yaml", "flows/voicemail.yaml"])]
fn proven_bundled(bencher: Bencher, path: &str) {
    let disk = Disk::new(Path::new(env!("CARGO_MANIFEST_DIR")));
    bencher.bench(|| {
        assert!(
            proven(path, &disk).1.is_some_and(|proof| proof.complete),
            "{path} is proven"
        )
    });
}

/// A flow of two hundred steps; the files it names are the bundled ones.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn proven_200_steps(bencher: Bencher) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["static", "templates"] {
        std::os::unix::fs::symlink(here.join(part), folder.path().join(part)).expect("a link");
    }
    std::fs::create_dir(folder.path().join("flows")).expect("a folder");
    let flow = large::flow(200 / large::STEPS_PER_DESK);
    std::fs::write(folder.path().join("flows/large.yaml"), flow).expect("it is written");
    let disk = Disk::new(folder.path());
    bencher.bench(|| {
        let (compiled, proof) = proven("flows/large.yaml", &disk);
        assert!(proof.is_some_and(|proof| proof.complete), "{:?}", compiled.findings);
    });
}
