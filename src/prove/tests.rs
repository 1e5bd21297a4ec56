//! The explorer on flows that are right, that are wrong, and on machines that are broken on purpose.

use super::proven;
use crate::line::Disk;

#[test]
fn try_it() {
    for path in std::env::var("FLOWS")
        .unwrap_or("flows/receptionist.yaml".to_owned())
        .split(' ')
    {
        let disk = Disk::new(std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        let began = std::time::Instant::now();
        let (compiled, proof) = proven(path, &disk);
        println!(
            "{path}: {:?} {}",
            began.elapsed(),
            proof.map(|p| p.to_string()).unwrap_or_default()
        );
        for finding in compiled.findings.iter() {
            println!(
                "  {} {} {} | {} | {:?}",
                finding.id,
                finding.place.line(),
                finding.message,
                finding.label,
                finding.consequence
            );
            for scene in &finding.story {
                println!(
                    "      {:>7} {}{} {:?}",
                    scene.at,
                    if scene.bad { "! " } else { "" },
                    scene.text,
                    scene.place.as_ref().map(|p| p.line())
                );
            }
        }
    }
}
