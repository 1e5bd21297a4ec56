use super::*;
use proptest::prelude::*;
use proptest::sample::select;

fn formatted(text: &str) -> Result<String, String> {
    let schema = crate::compile::schema();
    format("a.yaml", text, Some(&schema)).map_err(|refusal| refusal.to_string())
}

/// What is given becomes what is wanted, and that stays as it is.
#[track_caller]
fn becomes(text: &str, wanted: &str) {
    assert_eq!(formatted(text).as_deref(), Ok(wanted), "\n{text}");
    assert_eq!(
        formatted(wanted).as_deref(),
        Ok(wanted),
        "\nnot a fixed point:\n{wanted}"
    );
}

#[test]
fn keys_have_the_order_of_their_forms_and_names_that_of_the_author() {
    becomes(
        "version: 1\nflow: x\nsteps:\n  z:\n    next: a\n    on: {done: a}\n    dial: {timeout: 2s, number: x}\n  a:\n    hangup: {}\nstart: {call: z}\n",
        "flow: x\nversion: 1\nstart: {call: z}\nsteps:\n  z:\n    dial: {number: x, timeout: 2s}\n    on: {done: a}\n    next: a\n  a:\n    hangup: {}\n",
    );
    // What no form knows stays behind what it was written after.
    becomes("version: 1\nodd: 2\nflow: x\n", "flow: x\nversion: 1\nodd: 2\n");
    becomes(
        "agents:\n  b: {}\n  a:\n    speak: {voice: x, provider: y}\n    listen: z\nflow: x\n",
        "flow: x\nagents:\n  b: {}\n  a:\n    listen: z\n    speak: {provider: y, voice: x}\n",
    );
}

#[test]
fn comments_stay_with_what_they_describe() {
    becomes(
        "# modeline first\n\nversion: 1   # the version\n# the name\nflow: x # named\n",
        "# modeline first\n\n# the name\nflow: x # named\nversion: 1   # the version\n",
    );
    becomes(
        "flow: x\nsteps:   # all of them\n # about a\n a:\n   # about play\n   play: a.mp3\n   # next: b\n # about b\n b:\n   hangup: {}\n   # the end of b\n # the end of the steps\n# the end\n",
        "flow: x\nsteps:   # all of them\n  # about a\n  a:\n    # about play\n    play: a.mp3\n    # next: b\n  # about b\n  b:\n    hangup: {}\n    # the end of b\n  # the end of the steps\n# the end\n",
    );
    // A comment for the engine is about the line below, however deep it stands.
    becomes(
        "steps:\n  a:\n    next: b\n    play: a.mp3\n      # engine: allow(unreachable-step) because it comes\n  b:\n    hangup: {}\n",
        "steps:\n  a:\n    play: a.mp3\n    next: b\n  # engine: allow(unreachable-step) because it comes\n  b:\n    hangup: {}\n",
    );
    becomes("flow: x\t#\ttabs\tinside\n", "flow: x\t#\ttabs\tinside\n");
    becomes("flow: x # trailing   \n", "flow: x # trailing\n");
    becomes("steps:\n# left\n  a: 1\n", "steps:\n  # left\n  a: 1\n");
}

#[test]
fn comments_that_may_be_about_the_file_stay_at_its_head() {
    let glued = "# Says hello.\nversion: 1\nflow: x\n";
    becomes(glued, glued);
    let above_second = "version: 1\n# the name\nflow: x\n";
    becomes(above_second, above_second);
    becomes(
        "# yaml-language-server: $schema=x\nversion: 1\nflow: x\n",
        "# yaml-language-server: $schema=x\nflow: x\nversion: 1\n",
    );
    becomes(
        "# above\n---\n# below\n\nversion: 1\nflow: x\n",
        "# above\n---\n# below\n\nflow: x\nversion: 1\n",
    );
}

#[test]
fn blank_lines_are_kept_one_at_a_time() {
    becomes(
        "\n\nflow: x\n\n\n\nsteps:\n\n  a:\n    hangup: {}\n\n\n  b:\n\n    hangup: {}\n\n\n",
        "flow: x\n\nsteps:\n  a:\n    hangup: {}\n\n  b:\n    hangup: {}\n",
    );
    becomes(
        "version: 1\n\nflow: x\nlocale: he\n",
        "flow: x\n\nversion: 1\nlocale: he\n",
    );
}

#[test]
fn indentation_spaces_and_quotes_have_one_form() {
    becomes(
        "steps:\n    a:\n        hangup:   {}\n",
        "steps:\n  a:\n    hangup: {}\n",
    );
    becomes(
        "after_call:\n- sms:\n    to: a\n-   when: b\n    sms: c\n",
        "after_call:\n  - sms:\n      to: a\n  - sms: c\n    when: b\n",
    );
    becomes(
        "takes: [ a ,b,  c, ]\nstart: { call:   a }\nends: [ ]\n",
        "takes: [a, b, c]\nends: []\nstart: {call: a}\n",
    );
    becomes("description:\n  words\n", "description: words\n");
    becomes(
        "'flow': 'x'\ndescription: 'say \"a\"'\nlocale: \"he-IL\"\n",
        "flow: x\ndescription: 'say \"a\"'\nlocale: he-IL\n",
    );
    becomes("description: 'two words'\n", "description: \"two words\"\n");
    for same in [
        "\"1\"",
        "\"no\"",
        "\"True\"",
        "\"null\"",
        "\"+972\"",
        "\"1.5\"",
        "\"~\"",
        "\"a: b\"",
        "\"a #b\"",
        "\"{{ a }}\"",
        "\"\"",
        "\"\\t\"",
        "'a\\b'",
    ] {
        let text = format!("flow: {same}\n");
        becomes(&text, &text);
    }
    becomes(
        "flow: \"שלום\"\nsteps:\n   'שלב':\n      say: 'שלום לך'\n",
        "flow: שלום\nsteps:\n  שלב:\n    say: \"שלום לך\"\n",
    );
    becomes(
        "steps:\n  a: {\"k\":1, j: {x: ~}, on: {}, next: , say: a}\n",
        "steps:\n  a: {k: 1, j: {x: ~}, say: a, on: {}, next:}\n",
    );
}

#[test]
fn texts_of_several_lines_keep_their_lines() {
    becomes(
        "description: |\n    one\n      two\n\n    three\n\n\nflow: x\n",
        "flow: x\n\ndescription: |\n  one\n    two\n\n  three\n",
    );
    becomes(
        "description: |+\n   one\n\n\nlocale: x\n",
        "description: |+\n  one\n\n\nlocale: x\n",
    );
    becomes(
        "description: >- # why\n   one\n   two\n # after\nlocale: x\n",
        "description: >- # why\n  one\n  two\n# after\nlocale: x\n",
    );
    becomes(
        "steps:\n    a:\n        say: |2\n            one\n           two\n",
        "steps:\n  a:\n    say: |2\n        one\n       two\n",
    );
    becomes(
        "description: one\n     two\n\n     three\nflow: x\n",
        "flow: x\ndescription: one\n  two\n\n  three\n",
    );
    becomes(
        "description: \"one\n     two\\\n     three\"\nflow: x\n",
        "flow: x\ndescription: \"one\n  two\\\n  three\"\n",
    );
    becomes(
        "steps:\n    a:\n        on: {done: b,   # where\n             failed: c}\n        hangup: {}\n",
        "steps:\n  a:\n    hangup: {}\n    on: {done: b,   # where\n         failed: c}\n",
    );
    becomes(
        "takes:\n-   - a\n    - b\n-\n  - c\n",
        "takes:\n  - - a\n    - b\n  - - c\n",
    );
    becomes(
        "after_call:\n- {sms: [\n    a]}\n",
        "after_call:\n  - {sms: [\n      a]}\n",
    );
}

#[test]
fn anchors_and_aliases_survive_and_keep_the_order() {
    becomes(
        "version: &v 1\nflow: *v\nsteps: &s\n    a: &a !!map\n       hangup: {}\n    b: *a\n",
        "version: &v 1\nflow: *v\nsteps: &s\n  a: &a !!map\n    hangup: {}\n  b: *a\n",
    );
    becomes("version: &v 1\nflow: x\n", "flow: x\nversion: &v 1\n");
}

#[test]
fn line_endings_and_marks_stay() {
    becomes(
        "\u{feff}flow:  x\r\n\r\n\r\nversion: 1\r\n",
        "\u{feff}flow: x\r\n\r\nversion: 1\r\n",
    );
    becomes("flow:  x", "flow: x\n");
}

#[test]
fn what_is_not_understood_is_refused() {
    let cases = [
        (
            "flow: x\nflow: y\n",
            "a.yaml:2:1: `flow` stands twice in this map; mend it first",
        ),
        ("flow: [x\n", "a.yaml:1:7: "),
        ("- a\n", "a.yaml:1:1: the document is no map in block style"),
        ("{flow: x}\n", "a.yaml:1:1: the document is no map in block style"),
        ("? flow\n: x\n", "a.yaml:1:1: "),
        ("%YAML 1.2\n---\nflow: x\n", "a.yaml:1:1: "),
        ("flow: x\n...\n", "a.yaml:2:1: something stands behind the document"),
        ("--- # first\nflow: x\n", "a.yaml:1:4: something stands behind `---`"),
        (
            "flow:\n  # why\n  x\n",
            "a.yaml:3:1: a comment stands between a key and its value",
        ),
        ("&a flow: x\n", "a.yaml:1:1: "),
        ("a: &x b\n*x : 1\n", "a.yaml:2:1: "),
        ("", "a.yaml:1:1: the file holds nothing; mend it first"),
    ];
    for (text, expected) in cases {
        let refused = formatted(text).expect_err(text);
        assert!(refused.starts_with(expected), "{text}\n{refused}");
    }
}

type Above = Vec<(usize, Option<&'static str>)>;

/// Lines that hold no value, at some depth.
fn lines() -> impl Strategy<Value = Above> {
    let comment = select(vec![
        "# words",
        "#",
        "# engine: allow(unreachable-step) because it is",
        "#\ttabs: [and, {marks: 1}",
        "# 'שלום",
        "# yaml-language-server: x",
    ]);
    proptest::collection::vec((0..7_usize, proptest::option::weighted(0.7, comment)), 0..3)
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => select(vec![
            "a",
            "'b'",
            "\"c d\"",
            "12",
            "\"12\"",
            "'no'",
            "no",
            "~",
            "",
            "6s",
            "שלום",
            "two words",
            "'it''s'",
            "\"a\\nb\"",
            "- x",
            "{a: 1, 'b': [c, \"d\"]}",
            "[ a,b ]",
            "{}",
            "&x a",
            "!!str 1",
            "\"{{ x }}\"",
            "a#b",
            "{next: a, play: b}",
        ])
        .prop_map(str::to_owned),
        1 => "[a-z\"'#:{}, \\-]{0,8}",
    ]
}

#[derive(Clone, Debug)]
enum Tree {
    Leaf(String, Option<&'static str>),
    Text(&'static str, Vec<String>),
    Map(Vec<(&'static str, Above, Tree)>),
    Seq(Vec<(Above, Tree)>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        5 => (scalar(), proptest::option::weighted(0.2, select(vec!["  # beside", " #"])))
            .prop_map(|(text, comment)| Tree::Leaf(text, comment)),
        1 => (select(vec!["|", ">", "|-", ">+", "|+"]), proptest::collection::vec("[ a#:]{0,6}", 1..4))
            .prop_map(|(header, lines)| Tree::Text(header, lines)),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let keys = select(vec![
            "flow",
            "version",
            "description",
            "start",
            "steps",
            "agents",
            "a",
            "b",
            "c",
            "play",
            "say",
            "next",
            "on",
            "when",
            "gather",
            "prompt",
            "tries",
            "keys",
            "'quoted'",
            "after_call",
            "speak",
            "think",
            "otherwise",
        ]);
        prop_oneof![
            4 => proptest::collection::vec((keys, lines(), inner.clone()), 1..5).prop_map(Tree::Map),
            1 => proptest::collection::vec((lines(), inner), 1..4).prop_map(Tree::Seq),
        ]
    })
}

fn write(tree: &Tree, indent: usize, step: usize, out: &mut String) {
    let pad = |by: usize| " ".repeat(by);
    let above = |lines: &[(usize, Option<&str>)], out: &mut String| {
        for (deeper, comment) in lines {
            if let Some(comment) = comment {
                out.push_str(&pad((indent + deeper).saturating_sub(2)));
                out.push_str(comment);
            }
            out.push('\n');
        }
    };
    match tree {
        Tree::Leaf(text, comment) => out.push_str(&format!(" {text}{}\n", comment.unwrap_or_default())),
        Tree::Text(header, lines) => {
            out.push_str(&format!(" {header}\n"));
            for line in lines {
                out.push_str(&format!("{}{line}\n", pad(indent)));
            }
        }
        Tree::Map(entries) => {
            out.push('\n');
            let mut seen = Vec::new();
            for (key, lines, value) in entries {
                if seen.contains(key) {
                    continue;
                }
                seen.push(*key);
                above(lines, out);
                out.push_str(&format!("{}{key}:", pad(indent)));
                write(value, indent + step, step, out);
            }
        }
        Tree::Seq(items) => {
            out.push('\n');
            for (lines, value) in items {
                above(lines, out);
                out.push_str(&format!("{}-", pad(indent)));
                write(value, indent + step, step, out);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// `format` proves of every result that it holds the same: here it must not find itself at fault.
    #[test]
    fn what_is_formatted_is_the_same_in_one_form(first in lines(), second in lines(), tree in tree(), step in 1..5_usize, crlf: bool) {
        let mut text = String::new();
        write(&Tree::Map(vec![("flow", first, Tree::Leaf("x".to_owned(), None)), ("steps", second, tree)]), 0, step, &mut text);
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let schema = crate::compile::schema();
        match format("a.yaml", &text, Some(&schema)) {
            Ok(once) => prop_assert_eq!(format("a.yaml", &once, Some(&schema)), Ok(once.clone())),
            Err(refusal) => prop_assert!(!matches!(refusal.reason, Reason::Different(_)), "{}\n{}", refusal, text),
        }
    }
}
