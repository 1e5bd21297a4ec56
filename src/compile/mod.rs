//! From YAML to a checked flow: reads the file and all it names, resolves names, wires every outcome, reports every fault.
//!
//! Pure: files come through `Files`, so that the same code compiles from disk, from memory and from a stored version.

mod agent;
mod files;
mod head;
mod known;
mod scope;
mod section;
mod sounds;
mod steps;
mod templates;
mod wiring;

use crate::call::{AfterItem, Asset, Flow, FlowHash, Limits, Section, Step};
use crate::flow::{Allowed, Document, Finding, Findings, Located, Place, Source};
use crate::twiml::{Templates, Verb};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use files::{Files, ProviderNames, Recorded};
pub use head::schema;
pub use scope::{Names, names};

/// What compiling gives: a flow where nothing is wrong with it, and every finding.
#[derive(Debug)]
pub struct Compiled {
    /// Ready to run; none where a finding is an error.
    pub flow: Option<Flow>,
    /// The steps as far as they could be read, for checks that look at all of them.
    pub draft: Draft,
    /// Everything that is wrong or doubtful.
    pub findings: Findings,
    /// The text of every file that was read, by path.
    pub sources: BTreeMap<String, String>,
    /// A mark of each sound's content, by path.
    pub marks: BTreeMap<String, String>,
    /// The bundled templates with the project's own.
    pub templates: Templates,
    /// The providers that were known.
    pub providers: ProviderNames,
    /// The flow files that were read.
    pub documents: Vec<Document>,
    /// Warnings that the files' own comments allow.
    pub suppressed: Vec<Allowed>,
}

impl Compiled {
    /// How many steps were read.
    pub fn steps(&self) -> usize {
        self.flow
            .as_ref()
            .map_or(self.draft.steps.len(), |flow| flow.steps.len())
    }
}

/// A flow as far as it could be read. Checks look at it even where it cannot run.
#[derive(Debug, Default)]
pub struct Draft {
    /// The flow's file.
    pub source: Option<Arc<Source>>,
    /// The steps of all sections.
    pub steps: Vec<Step>,
    /// Targets of skipped steps and outcomes that could not be resolved make the graph incomplete.
    pub complete: bool,
    /// The sections.
    pub sections: Vec<Section>,
    /// The follow-ups.
    pub after_call: Vec<AfterItem>,
    /// Agents by name, with where each is declared.
    pub agents: Vec<(Located<String>, Option<Arc<crate::call::Agent>>)>,
    /// Sounds by path.
    pub assets: BTreeMap<String, Asset>,
    /// The locale with its place.
    pub locale: Option<Located<String>>,
}

/// Compiles the flow file at `path`.
pub fn compile(path: &str, files: &dyn Files) -> Compiled {
    let files = Recorded::new(files);
    let mut findings = Findings::default();
    let templates = templates::read(&files, &mut findings);
    let mut build = section::Build::new(&files);
    let head = build.flow_file(path, true, &mut findings);
    let (mut draft, documents) = build.into_parts();
    draft.complete = !findings.has_errors() && documents.iter().all(|document| document.complete);
    let flow = match head {
        Some(head) if draft.complete => finish(head, &mut draft, &files),
        _ => None,
    };
    Compiled {
        flow,
        draft,
        findings,
        sources: files.texts(),
        marks: files.marks(),
        templates,
        providers: files.providers(),
        documents,
        suppressed: Vec::new(),
    }
}

/// The checked flow. The draft keeps its sources and names; the steps move into the flow.
fn finish(head: head::Head, draft: &mut Draft, files: &Recorded<'_>) -> Option<Flow> {
    let apology = apology(&head);
    let agents = draft
        .agents
        .iter()
        .filter_map(|(name, agent)| Some((name.value.clone(), agent.clone()?)))
        .collect();
    Some(Flow {
        name: head.flow.value.clone(),
        hash: hash(files),
        limits: Limits {
            call: head.limits.call.as_millis(),
            silence: head.limits.silence.as_millis(),
        },
        steps: std::mem::take(&mut draft.steps),
        sections: std::mem::take(&mut draft.sections),
        after_call: std::mem::take(&mut draft.after_call),
        agents,
        assets: draft.assets.clone(),
        locale: locale(&head).to_owned(),
        apology,
    })
}

/// The flow's main language; English where none is named.
fn locale(head: &head::Head) -> &str {
    head.locale.as_ref().map_or("en-US", |locale| locale.value.as_str())
}

/// What a caller hears where nothing else is left.
fn apology(head: &head::Head) -> Vec<Verb> {
    let language = locale(head);
    let verb = match &head.apology {
        Some(file) => Verb::new("play").with("asset", file.value.clone()),
        None => {
            let (text, language) = sorry(language);
            let voice = crate::step::default_voice(language);
            Verb::new("say")
                .with("text", text)
                .with("language", language)
                .with("voice", voice)
        }
    };
    vec![verb, Verb::new("hangup")]
}

/// An apology in the flow's language, else in English.
fn sorry(language: &str) -> (&'static str, &'static str) {
    match language.split('-').next().unwrap_or_default() {
        "he" | "iw" => ("מצטערים, אירעה תקלה. אנא התקשרו שוב בעוד כמה דקות.", "he-IL"),
        "es" => (
            "Lo sentimos, se ha producido un error. Llame de nuevo en unos minutos.",
            "es-ES",
        ),
        "fr" => (
            "Désolé, une erreur s'est produite. Veuillez rappeler dans quelques minutes.",
            "fr-FR",
        ),
        "de" => (
            "Entschuldigung, es ist ein Fehler aufgetreten. Bitte rufen Sie in einigen Minuten wieder an.",
            "de-DE",
        ),
        "ru" => (
            "Извините, произошла ошибка. Пожалуйста, перезвоните через несколько минут.",
            "ru-RU",
        ),
        _ => (
            "We are sorry, something went wrong. Please call again in a few minutes.",
            "en-US",
        ),
    }
}

/// Of every text that was read and every sound that is named: the same hash means the same behaviour.
fn hash(files: &Recorded<'_>) -> FlowHash {
    let mut digest = Sha256::new();
    for (path, text) in files.texts() {
        digest.update(format!("{path}\0{}\0", text.len()));
        digest.update(text.as_bytes());
    }
    for (path, mark) in files.marks() {
        digest.update(format!("{path}\0{mark}\0"));
    }
    FlowHash(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A finding about a file that could not be read at all.
fn unreadable(path: &str) -> Finding {
    let place = Place::start_of(&Source::new(path, ""));
    Finding::error("unreadable-file", place, format!("`{path}` cannot be read"))
        .label("no such file")
        .help("give the path of a flow file, such as `flows/receptionist.yaml`")
}
