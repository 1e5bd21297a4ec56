//! What becomes of the tasks that a call orders: what the scenario says, and else a success that fits.

use super::form::{AnswerForm, Answers};
use crate::call::{StepKind, TaskKind, TaskOutput, TaskResult};
use crate::flow::Located;
use crate::phone::REFUSED;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// How long a service takes where nothing is said, in milliseconds.
const USUAL: u64 = 200;

/// The services of one call.
#[derive(Debug)]
pub(super) struct Services {
    named: Vec<(String, VecDeque<AnswerForm>)>,
}

/// What comes of a task, and after how long.
pub(super) struct Fate {
    pub after: u64,
    pub result: TaskResult,
}

impl Services {
    pub fn new(form: &[(Located<String>, Answers)]) -> Self {
        let named = form
            .iter()
            .map(|(name, answers)| (name.value.clone(), answers.0.iter().cloned().collect()))
            .collect();
        Self { named }
    }

    /// What comes of a service's task. `name` is the step's or the action's, `kind` what it does.
    pub fn fate(&mut self, task: &TaskKind, name: &str, kind: Option<&dyn StepKind>, heard: &str) -> Fate {
        let found = self
            .named
            .iter_mut()
            .find(|(pattern, answers)| !answers.is_empty() && names(pattern, task, name));
        let Some((_, answers)) = found else {
            return Fate {
                after: USUAL,
                result: Ok(usual(task, kind, heard)),
            };
        };
        let Some(answer) = answers.front().cloned() else {
            return Fate {
                after: USUAL,
                result: Ok(usual(task, kind, heard)),
            };
        };
        if answers.len() > 1 || answer.once {
            answers.pop_front();
        }
        let after = answer.slow.map_or(USUAL, |slow| slow.as_millis());
        if answer.never {
            let after = match task {
                TaskKind::Http { timeout_ms, tries, .. } => timeout_ms.saturating_mul(u64::from(*tries)),
                _ => 30_000,
            };
            return Fate {
                after,
                result: Err("it timed out".to_owned()),
            };
        }
        if answer.fails {
            return Fate {
                after,
                result: Err(REFUSED.to_owned()),
            };
        }
        let result = match task {
            TaskKind::Http { .. } => {
                let body = answer.body.unwrap_or_else(|| match usual(task, kind, heard) {
                    TaskOutput::Http { status: 200, body } if (200..300).contains(&answer.status) => body,
                    _ => json!({}),
                });
                Ok(TaskOutput::Http {
                    status: u16::try_from(answer.status).unwrap_or(500),
                    body,
                })
            }
            TaskKind::Transcribe { .. } => Ok(TaskOutput::Transcript {
                text: match answer.body {
                    Some(Value::String(text)) => text,
                    _ => heard.to_owned(),
                },
            }),
            _ if answer.status >= 400 => Err(format!("the carrier answers {}", answer.status)),
            _ => Ok(usual(task, kind, heard)),
        };
        Fate { after, result }
    }
}

/// Whether a scenario's name for a service means this task: the step's or action's name, the channel, or a part of the URL
/// with `*` for anything.
pub(super) fn names(pattern: &str, task: &TaskKind, name: &str) -> bool {
    if pattern == name {
        return true;
    }
    match task {
        TaskKind::Http { url, .. } => is_in(pattern, url),
        TaskKind::SendMessage { channel, .. } => pattern == channel,
        TaskKind::Transcribe { .. } => pattern == "transcribe",
        _ => false,
    }
}

/// Whether the parts of a pattern come in a text in their order.
pub(super) fn is_in(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    pattern.split('*').all(|part| match rest.find(part) {
        Some(at) => {
            rest = rest.get(at + part.len()..).unwrap_or_default();
            true
        }
        None => false,
    })
}

/// What a task brings that succeeds.
fn usual(task: &TaskKind, kind: Option<&dyn StepKind>, heard: &str) -> TaskOutput {
    match task {
        TaskKind::Http { .. } => {
            let declared = kind.and_then(|kind| kind.chances().results.into_iter().next());
            match declared {
                Some(TaskOutput::Http { status, body }) if (200..300).contains(&status) => {
                    TaskOutput::Http { status, body }
                }
                _ => TaskOutput::Http {
                    status: 200,
                    body: json!({}),
                },
            }
        }
        TaskKind::SendMessage { .. } => TaskOutput::Sent { sid: "SM1".to_owned() },
        TaskKind::Transcribe { .. } => TaskOutput::Transcript { text: heard.to_owned() },
        TaskKind::AskStatus | TaskKind::RedirectCall { .. } | TaskKind::HangUpCall => TaskOutput::Accepted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_part_of_the_text() {
        let url = "https://crm.example.com/customers/7?full=1";
        for pattern in ["crm.example.com", "https://*/customers/", "customers/*full", url, "*"] {
            assert!(is_in(pattern, url), "{pattern}");
        }
        for pattern in [
            "orders",
            "full*customers",
            "https://crm.example.com/customers/7?full=12",
        ] {
            assert!(!is_in(pattern, url), "{pattern}");
        }
    }
}
