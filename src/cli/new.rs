//! `engine new`: a project that validates and whose scenario passes, from the bundled flows.

use super::Exit;
use std::path::{Path, PathBuf};

/// Makes a new project.
#[derive(Debug, clap::Args)]
pub struct New {
    /// The project's folder; also its flow's name.
    name: PathBuf,
    /// What the flow does.
    #[arg(long, value_enum, default_value_t = Example::Voicemail)]
    example: Example,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Example {
    /// Keys, opening hours, a transfer.
    Menu,
    /// An agent that talks, with a recording as its fallback.
    Assistant,
    /// A message, turned into text.
    Voicemail,
}

/// A bundled flow, a scenario for it and the files they need.
struct Kit {
    flow: &'static str,
    scenario: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../", $path)) as &[u8])),*]
    };
}

const VOICEMAIL: Kit = Kit {
    flow: include_str!("../../flows/voicemail.yaml"),
    scenario: include_str!("../../scenarios/voicemail_message.yaml"),
    files: files![
        "static/tts/greeting_en.mp3",
        "static/tts/leave_message_en.mp3",
        "static/tts/goodbye_en.mp3"
    ],
};

const MENU: Kit = Kit {
    flow: include_str!("../../flows/menu.yaml"),
    scenario: include_str!("../../scenarios/menu_nobody_answers.yaml"),
    files: files![
        "static/tts/menu_en.mp3",
        "static/tts/invalid_en.mp3",
        "static/tts/connecting_en.mp3",
        "static/tts/closed_en.mp3",
        "static/tts/leave_message_en.mp3",
        "static/tts/goodbye_en.mp3",
    ],
};

const ASSISTANT: Kit = Kit {
    flow: include_str!("../../flows/receptionist.yaml"),
    scenario: include_str!("../../scenarios/receptionist_talks.yaml"),
    files: files![
        "static/tts/greeting_he.mp3",
        "static/tts/answer_he.mp3",
        "static/tts/transfer_he.mp3",
        "static/tts/still_there_he.mp3",
        "static/tts/fallback_he.mp3",
        "static/tts/goodbye_he.mp3",
        "templates/whatsapp/followup_he.txt",
    ],
};

const ENGINE: &str = "\
# yaml-language-server: $schema=schemas/engine.v1.json
# Where the engine runs. The environment overrides every value; running without this file works too.
listen: 0.0.0.0:5000
# public_url: https://voice.example.com
carrier:
  auth_token: {env: TWILIO_AUTH_TOKEN}
";

const CI: &str = "\
# Checks every flow and plays every scenario before they are deployed.
name: flows
on: [push, pull_request]
jobs:
  flows:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      # The engine is built from its own repository, whose address you know. That repository is an action, too:
      # `uses: OWNER/engine@REF` does all of this in one line.
      - run: cargo install --locked --git ${{ vars.ENGINE_REPOSITORY }}
      - run: engine validate
      - run: engine test --junit engine-junit.xml
";

/// What the engine and its commands write, and nobody keeps.
const IGNORED: &str = "\
engine.db*
engine-junit.xml
engine.sarif
";

pub(super) fn run(args: &New) -> Exit {
    let Some(name) = args
        .name
        .file_name()
        .and_then(|name| name.to_str())
        .map(slug)
        .filter(|name| !name.is_empty())
    else {
        eprintln!(
            "error: `{}` is no name for a project; use letters, digits and dashes",
            args.name.display()
        );
        return Exit::Usage;
    };
    if args.name.exists() {
        eprintln!("error: `{}` is there already; name a new folder", args.name.display());
        return Exit::Usage;
    }
    match make(&args.name, &name, args.example) {
        Ok(()) => {
            println!("made {}", args.name.display());
            println!("  cd {}", args.name.display());
            println!("  engine validate");
            println!("  engine test");
            println!("  engine simulate --scenario scenarios/{name}.yaml");
            Exit::Done
        }
        Err(error) => {
            eprintln!("error: the project cannot be written: {error}");
            Exit::Usage
        }
    }
}

fn make(folder: &Path, name: &str, example: Example) -> std::io::Result<()> {
    let kit = match example {
        Example::Menu => &MENU,
        Example::Assistant => &ASSISTANT,
        Example::Voicemail => &VOICEMAIL,
    };
    let flow: String = kit
        .flow
        .lines()
        .map(|line| {
            if line.starts_with("flow: ") {
                format!("flow: {name}\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    write(folder, &format!("flows/{name}.yaml"), flow.as_bytes())?;
    let scenario: String = kit
        .scenario
        .lines()
        .map(|line| {
            if line.starts_with("flow: ") {
                format!("flow: ../flows/{name}.yaml\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    write(folder, &format!("scenarios/{name}.yaml"), scenario.as_bytes())?;
    for (path, content) in kit.files {
        write(folder, path, content)?;
    }
    write(folder, "engine.yaml", ENGINE.as_bytes())?;
    write(
        folder,
        "schemas/flow.v1.json",
        super::schema::pretty(&crate::compile::schema()).as_bytes(),
    )?;
    write(
        folder,
        "schemas/engine.v1.json",
        super::schema::pretty(&super::schema::engine_schema()).as_bytes(),
    )?;
    write(
        folder,
        "schemas/scenario.v1.json",
        super::schema::pretty(&super::schema::scenario_schema()).as_bytes(),
    )?;
    write(folder, ".github/workflows/flows.yml", CI.as_bytes())?;
    write(folder, ".gitignore", IGNORED.as_bytes())
}

fn write(folder: &Path, path: &str, content: &[u8]) -> std::io::Result<()> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, content)
}

/// Lower-case letters, digits, dashes and underscores.
fn slug(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect::<String>().trim_matches('-').to_owned()
}
