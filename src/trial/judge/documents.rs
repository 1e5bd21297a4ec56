//! The documents that the carrier gets at a step.

use super::Judge;
use crate::trial::form::Expect;
use crate::trial::shape;

impl Judge<'_> {
    pub(super) fn twiml(&mut self, expect: &Expect) {
        for (step, verbs) in &expect.twiml {
            let documents: Vec<_> = self
                .played
                .documents
                .iter()
                .filter(|(_, steps, _)| steps.iter().any(|at| self.name(*at) == step.value))
                .collect();
            if documents.is_empty() {
                let expected = format!("a document at `{}`", step.value);
                self.miss(&step.place, expected, "there was none".to_owned(), None);
                continue;
            }
            let forms: Vec<_> = verbs.iter().map(|verb| &verb.value).collect();
            let mut first = None;
            for (at, _, document) in documents {
                let read = self.ground.stage().render(document).map_err(|error| error.to_string());
                let read = read.and_then(|xml| crate::twiml::read(&xml).map_err(|problem| problem.message));
                match read {
                    Ok(root) => match shape::difference(&forms, &root.children) {
                        None => {
                            first = None;
                            break;
                        }
                        Some(tree) => {
                            first.get_or_insert((*at, tree));
                        }
                    },
                    Err(error) => {
                        first.get_or_insert((*at, error));
                    }
                }
            }
            if let Some((at, tree)) = first {
                let place = verbs.first().map_or(&step.place, |verb| &verb.place);
                let expected = format!("these verbs in the document at `{}`", step.value);
                self.miss(
                    place,
                    expected,
                    format!("a document of another form:\n{tree}"),
                    Some(at),
                );
            }
        }
    }
}
