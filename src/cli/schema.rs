//! `engine schema`: the JSON Schemas, from the types that read the files.

use super::Exit;
use crate::flow::FromYaml;
use crate::flow::form::KEY_ORDER;
use serde_json::{Value, json};

/// Prints a JSON Schema, for editors and other tools.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// Which file's schema.
    #[arg(value_enum, default_value_t = What::Flow)]
    what: What,
    /// Only this step kind's part.
    #[arg(long)]
    step: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Flow files.
    Flow,
    /// `engine.yaml`.
    Engine,
    /// Scenario files.
    Scenario,
}

pub(super) fn run(args: &Schema) -> Exit {
    let schema = match (&args.step, args.what) {
        (Some(name), _) => match crate::step::kind(name) {
            Some(kind) => (kind.schema)(),
            None => {
                eprintln!("there is no step kind `{name}`; `engine list steps` shows them");
                return Exit::Usage;
            }
        },
        (None, What::Flow) => crate::compile::schema(),
        (None, What::Engine) => engine_schema(),
        (None, What::Scenario) => scenario_schema(),
    };
    super::output::print(&pretty(&schema));
    Exit::Done
}

/// The schema of `engine.yaml`.
pub fn engine_schema() -> Value {
    let mut schema = crate::line::engine_yaml::EngineForm::schema();
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Where and as whom the engine runs");
    schema
}

/// The schema of scenario files.
pub fn scenario_schema() -> Value {
    let mut schema = crate::trial::form::ScenarioForm::schema();
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("A call to a flow, and what must come of it");
    schema
}

/// As the files under `schemas/` are written.
pub fn pretty(schema: &Value) -> String {
    let mut schema = schema.clone();
    without_order(&mut schema);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// The order of keys serves `engine fmt` alone.
fn without_order(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.remove(KEY_ORDER);
            map.values_mut().for_each(without_order);
        }
        Value::Array(items) => items.iter_mut().for_each(without_order),
        _ => {}
    }
}
