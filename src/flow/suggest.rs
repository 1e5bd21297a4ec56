//! The nearest known name to a misspelt one.

/// The known name nearest to `name`, where one is near enough to be what was meant: at most a third of the longer
/// name's letters differ, and never fewer than one is forgiven.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    ranked(name, known)
        .into_iter()
        .find(|(distance, candidate)| {
            let longer = name.chars().count().max(candidate.chars().count());
            *distance <= (longer / 3).max(1) && *distance < longer
        })
        .map(|(_, candidate)| candidate)
}

/// Whether two names have the same letters and digits and differ in case, `_`, `-` or spaces alone: `noAnswer` and
/// `no_answer`. Among the words of the language, such a name is what was meant.
pub fn same_letters(one: &str, other: &str) -> bool {
    let letters = |name: &str| -> String {
        let kept = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
        kept.flat_map(char::to_lowercase).collect()
    };
    letters(one) == letters(other)
}

/// The known names as a sentence lists them: all in their order where they are few, the five nearest otherwise.
pub fn listed<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if known.len() <= 12 {
        return quoted(&known);
    }
    let left_out = known.len() - 5;
    let near: Vec<&str> = ranked(name, known).into_iter().take(5).map(|(_, one)| one).collect();
    format!("{} and {left_out} more", quoted(&near))
}

fn ranked<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    let folded = name.to_lowercase();
    let mut ranked: Vec<(usize, &str)> = known
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| {
            let distance = strsim::osa_distance(&folded, &candidate.to_lowercase());
            (distance, candidate)
        })
        .collect();
    ranked.sort_unstable();
    ranked
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        let steps = ["record", "gather", "hangup", "say"];
        let cases = [
            ("recrod", Some("record")),
            ("gahter", Some("gather")),
            ("hangpu", Some("hangup")),
            ("Say", Some("say")),
            ("sya", Some("say")),
            ("teleport", None),
            ("", None),
            ("x", None),
        ];
        for (name, expected) in cases {
            assert_eq!(nearest(name, steps), expected, "{name}");
        }
        assert_eq!(nearest("ברכא", ["ברכה"]), Some("ברכה"));
    }

    #[test]
    fn long_lists_are_cut_to_the_five_nearest() {
        assert_eq!(listed("x", ["b", "a"]), "`b`, `a`");
        let many: Vec<String> = (0..20).map(|n| format!("step{n}")).collect();
        let text = listed("step3x", many.iter().map(String::as_str));
        assert!(text.starts_with("`step3`") && text.ends_with("and 15 more"), "{text}");
    }
}
