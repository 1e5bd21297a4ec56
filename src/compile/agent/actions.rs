//! The actions that an agent declares: the only things a model can do.

use super::forms::ActionForm;
use super::{Sounds, parameters};
use crate::call::AgentAction;
use crate::compile::known::View;
use crate::compile::steps;
use crate::flow::{Finding, FromYaml, Located, Node, Reader};
use crate::talk::agent::{Action, ActionKind, Line};

/// The actions as the conversation knows them, as the call does, and the exits they lead to.
#[derive(Default)]
pub(super) struct Actions {
    pub talk: Vec<Action>,
    pub call: Vec<AgentAction>,
    pub exits: Vec<String>,
    /// The first that wants something said.
    pub says: Option<crate::flow::Place>,
}

/// Reads all of them.
pub(super) fn read(node: Option<&Node>, _sounds: &mut Sounds, cx: &mut Reader, known: &View<'_, '_>) -> Actions {
    let mut actions = Actions::default();
    let Some(node) = node else { return actions };
    let Some(entries) = node.as_map() else {
        cx.report(
            Finding::error("wrong-type", cx.place_of(node), "`actions` is a map of actions by name")
                .label("not a map")
                .help("write for example `transfer: {description: The caller asks for a person., exit: transfer}`"),
        );
        return actions;
    };
    for entry in entries {
        let name = Located::new(entry.key.text.clone(), cx.place(entry.key.span));
        cx.within("actions", entry.key.span, |cx| {
            cx.within(&entry.key.text, entry.key.span, |cx| {
                if let Some(form) = ActionForm::from_yaml(&entry.value, cx) {
                    one(&name, form, &mut actions, cx, known);
                }
            });
        });
    }
    actions
}

fn one(name: &Located<String>, form: ActionForm, actions: &mut Actions, cx: &mut Reader, known: &View<'_, '_>) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.value.is_empty() || name.value.len() > 64 || !name.value.chars().all(fits) {
        cx.report(
            Finding::error(
                "wrong-type",
                name.place.clone(),
                format!("no model can be given an action called `{}`", name.value),
            )
            .label("up to 64 letters, digits, `_` and `-`")
            .help("rename it, for example `save_lead`"),
        );
        return;
    }
    let (parameters, schema) = parameters::read(&form.parameters, cx);
    let work = form.work.as_ref().and_then(|node| {
        let (when, kind, place) = cx.within("do", node.span, |cx| steps::read_item(node, cx, known))?;
        if when.is_some() {
            cx.report(
                Finding::error("unknown-key", place, "an action has no `when`: the model decides")
                    .label("no use here")
                    .help("say in the `description` when the action is to be used"),
            );
        }
        Some(kind)
    });
    let ends = [form.exit.is_some(), form.hang_up, form.work.is_some()];
    if ends.iter().filter(|given| **given).count() > 1 {
        cx.report(
            Finding::error(
                "two-kinds",
                name.place.clone(),
                format!(
                    "the action `{}` has more than one of `exit`, `hang_up` and `do`",
                    name.value
                ),
            )
            .label("it can only do one thing")
            .help("make an action of each"),
        );
        return;
    }
    let keeps = form.set.as_ref().map_or(&name.value, |set| &set.value).clone();
    let kind = match (&form.exit, form.hang_up, form.work.is_some()) {
        (Some(exit), ..) => {
            actions.exits.push(exit.value.clone());
            ActionKind::Exit(exit.value.as_str().into())
        }
        (None, true, _) => ActionKind::HangUp,
        (None, false, true) => ActionKind::Do,
        (None, false, false) => ActionKind::Set(keeps.as_str().into()),
    };
    if let (ActionKind::Set(_), true) = (&kind, form.parameters.is_empty()) {
        cx.report(
            Finding::error(
                "missing-key",
                name.place.clone(),
                format!("the action `{}` does nothing", name.value),
            )
            .label("no `exit`, `hang_up`, `do`, and no parameters to keep")
            .consequence("the model would believe that something happened")
            .help("add for example `exit: transfer`, or `parameters: {city: string}`"),
        );
    }
    if let Some(say) = &form.say {
        actions.says.get_or_insert_with(|| say.place.clone());
    }
    actions.talk.push(Action {
        name: name.value.as_str().into(),
        kind,
        parameters,
        timeout: form.timeout.as_millis(),
        say: form.say.as_ref().map(|say| Line::words(say.value.as_str())),
    });
    actions.call.push(AgentAction {
        name: name.value.clone(),
        description: form.description.value,
        parameters: schema,
        keeps,
        work,
    });
}
