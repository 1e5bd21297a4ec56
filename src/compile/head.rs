//! A flow file's head: everything but the steps themselves, and the JSON Schema of the whole file.

use crate::flow::form::KEY_ORDER;
use crate::flow::{Duration, FromYaml, Located, Node, form};
use serde_json::{Map, Value, json};

form! {
    /// Where calls and messages begin.
    pub struct Start {
        /// The first step of a call.
        call: Option<Located<String>>,
        /// The first step of a conversation by messages.
        whatsapp: Option<Located<String>>,
    }
}

form! {
    /// What bounds a call.
    pub struct LimitsForm {
        /// The longest call.
        call: Duration = Duration::from_millis(900_000),
        /// The longest time a caller may hear nothing.
        silence: Duration = Duration::from_millis(8_000),
    }
}

form! {
    /// A call flow.
    pub struct Head {
        /// The flow's name.
        flow: Located<String>,
        /// The version of the flow language; 1.
        version: Option<Located<u32>>,
        /// What the flow is for.
        description: Option<String>,
        /// The main language, such as `he-IL`.
        locale: Option<Located<String>>,
        /// The variables that a flow gets from those who run it.
        takes: Vec<Located<String>> = Vec::new(),
        /// The ends of a flow that others run.
        ends: Vec<Located<String>> = Vec::new(),
        /// Where calls begin.
        start: Start,
        /// What bounds a call.
        limits: LimitsForm = LimitsForm { call: Duration::from_millis(900_000), silence: Duration::from_millis(8_000) },
        /// The step for any failure that a step does not wire itself.
        otherwise: Option<Located<String>>,
        /// A sound for when nothing else is left. Default: a sentence in the flow's language.
        apology: Option<Located<String>>,
        /// The steps by name.
        steps: Node,
        /// What happens once per call, after it.
        after_call: Option<Node>,
        /// Who talks, by name.
        agents: Option<Node>,
    }
}

/// The JSON Schema of a flow file, from the same types that read it. Draft 07, for editors.
pub fn schema() -> Value {
    let mut schema = Head::schema();
    let mut step = json!({
        "type": "object",
        "properties": super::steps::common_schema(),
        "additionalProperties": false,
        "minProperties": 1,
    });
    let kinds: Vec<&str> = crate::step::KINDS.iter().map(|kind| kind.name).collect();
    step[KEY_ORDER] = json!(super::steps::order(&kinds));
    let mut item = json!({"type": "object", "properties": {}, "additionalProperties": false, "minProperties": 1});
    item[KEY_ORDER] = step[KEY_ORDER].clone();
    item["properties"]["when"] = json!({"type": ["string", "boolean"], "description": "Only where this holds."});
    for kind in crate::step::KINDS {
        let mut of_kind = (kind.schema)();
        if of_kind.get("description").is_none() {
            of_kind["description"] = Value::from(kind.about);
        }
        if kind.place == crate::step::Stands::Anywhere {
            item["properties"][kind.name] = of_kind.clone();
        }
        step["properties"][kind.name] = of_kind;
    }
    let properties = &mut schema["properties"];
    properties["steps"] = json!({
        "description": "The steps by name.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": step,
    });
    properties["after_call"] = json!({
        "description": "What happens once per call, after it, in this order.",
        "type": "array",
        "items": item,
    });
    properties["agents"] = json!({
        "description": "Who talks, by name.",
        "type": "object",
        "additionalProperties": super::agent::AgentForm::schema(),
    });
    let mut whole = Map::new();
    whole.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    whole.insert("$id".to_owned(), json!("https://engine.invalid/schemas/flow.v1.json"));
    whole.insert("title".to_owned(), json!("A call flow"));
    if let Value::Object(fields) = schema {
        whole.extend(fields);
    }
    Value::Object(whole)
}
