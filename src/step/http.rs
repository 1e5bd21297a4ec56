//! `http`: a service is called, with a timeout, retries and typed results.

use super::{Kind, Stands, outcomes};
use crate::call::{Back, Chances, Cx, Next, Outcome, StepError, StepKind, TaskKind, TaskOutput, Touches};
use crate::flow::{Duration, FromYaml, Located, Template, form, words};
use serde_json::{Map, Value, json};

words! {
    /// The request's method.
    pub enum Method {
        /// Reads.
        Get = "GET",
        /// Creates, or anything else.
        Post = "POST",
        /// Replaces.
        Put = "PUT",
        /// Changes.
        Patch = "PATCH",
        /// Removes.
        Delete = "DELETE",
    }
}

words! {
    /// The type of a field in a service's answer.
    pub enum FieldType {
        /// Text.
        String = "string",
        /// A whole number.
        Integer = "integer",
        /// Any number.
        Number = "number",
        /// True or false.
        Boolean = "boolean",
        /// A list.
        List = "list",
        /// A map.
        Object = "object",
    }
}

form! {
    /// Calls a service. `step.status` and `step.body` hold its answer afterwards. In a call the caller waits meanwhile.
    pub struct Http shorthand url {
        /// Where to; `https://…`.
        url: Template,
        /// How.
        method: Method = Method::Get,
        /// Header fields.
        headers: Vec<(Located<String>, Template)> = Vec::new(),
        /// A JSON body: fields by name.
        json: Vec<(Located<String>, Template)> = Vec::new(),
        /// The longest time for one try.
        timeout: Duration = Duration::from_millis(5_000),
        /// How often it is tried again after a failure.
        retries: u32 = 0,
        /// Outcomes by status, such as `{not_found: 404}`.
        statuses: Vec<(Located<String>, u32)> = Vec::new(),
        /// What the answer must contain, such as `{name: string}`; anything else is `failed`.
        returns: Vec<(Located<String>, FieldType)> = Vec::new(),
        /// The variable that takes the answer's body.
        into: Option<String>,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "http",
    about: "calls a service with a timeout, retries and typed results",
    place: Stands::Anywhere,
    read: |node, cx, _| Some(Box::new(Http::from_yaml(node, cx)?)),
    schema: Http::schema,
};

impl StepKind for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let mut names = vec!["ok"];
        names.extend(self.statuses.iter().map(|(name, _)| name.value.as_str()));
        names.push("failed");
        outcomes(&names)
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            headers.push((name.value.clone(), cx.text(value)?));
        }
        let mut body = Map::new();
        for (name, value) in &self.json {
            body.insert(name.value.clone(), cx.value(value)?);
        }
        let tries = self.retries.saturating_add(1);
        let timeout_ms = self.timeout.as_millis();
        let kind = TaskKind::Http {
            method: self.method.as_str().to_owned(),
            url: cx.text(&self.url)?,
            headers,
            body: (!body.is_empty()).then_some(Value::Object(body)),
            timeout_ms,
            tries,
        };
        Ok(cx.wait_for(kind, timeout_ms.saturating_mul(u64::from(tries))))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        let Back::Task(result) = back else {
            return Err(StepError::Unexpected);
        };
        let (status, body) = match result {
            Ok(TaskOutput::Http { status, body }) => (*status, body.clone()),
            Ok(_) => return Err(StepError::Unexpected),
            Err(error) => {
                cx.set_result(json!({"status": 0, "body": "", "error": error}));
                return Ok(Next::go("failed"));
            }
        };
        cx.set_result(json!({"status": status, "body": body, "error": ""}));
        if let Some((name, _)) = self
            .statuses
            .iter()
            .find(|(_, declared)| *declared == u32::from(status))
        {
            return Ok(Next::go(&name.value));
        }
        if !(200..300).contains(&status) || !self.returned(&body) {
            return Ok(Next::go("failed"));
        }
        if let Some(name) = &self.into {
            cx.set_var(name, body);
        }
        Ok(Next::go("ok"))
    }

    /// An answer with all that is declared of it, each declared status, and a failure of the service.
    fn chances(&self) -> Chances {
        let body = |value: fn(FieldType) -> Value| {
            let fields = self.returns.iter();
            Value::Object(fields.map(|(name, kind)| (name.value.clone(), value(*kind))).collect())
        };
        let answer = |status: u16, body: Value| TaskOutput::Http { status, body };
        let declared = self
            .statuses
            .iter()
            .filter_map(|(_, status)| u16::try_from(*status).ok());
        let statuses = std::iter::once(200).chain(declared).chain([503]);
        let mut results: Vec<TaskOutput> = statuses
            .map(|status| answer(status, body(FieldType::example)))
            .collect();
        if self.returns.is_empty() {
            // Nothing is declared: whatever comes, a text perhaps, is an answer.
            results.push(answer(200, json!("")));
        } else {
            results.push(answer(200, body(FieldType::empty)));
        }
        Chances {
            results,
            ..Chances::default()
        }
    }

    fn touches(&self) -> Touches<'_> {
        let mut templates = vec![&self.url];
        templates.extend(self.headers.iter().chain(&self.json).map(|(_, value)| value));
        Touches {
            templates,
            sets: self.into.iter().cloned().collect(),
            ..Touches::default()
        }
    }
}

impl Http {
    fn returned(&self, body: &Value) -> bool {
        self.returns
            .iter()
            .all(|(name, kind)| body.get(&name.value).is_some_and(|value| kind.fits(value)))
    }
}

impl FieldType {
    /// Something of this type.
    fn example(self) -> Value {
        match self {
            Self::String => json!("x"),
            Self::Integer | Self::Number => json!(1),
            Self::Boolean => json!(true),
            Self::List => json!(["x"]),
            Self::Object => json!({}),
        }
    }

    /// The least of this type.
    fn empty(self) -> Value {
        match self {
            Self::String => json!(""),
            Self::Integer | Self::Number => json!(0),
            Self::Boolean => json!(false),
            Self::List => json!([]),
            Self::Object => json!({}),
        }
    }

    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}
