use super::*;
use proptest::prelude::*;

fn read(text: &str) -> (Document, Vec<Finding>) {
    let mut findings = Findings::new();
    let document = parse(&Source::new("a.yaml", text), &mut findings);
    (document, findings.into_vec())
}

fn ids(text: &str) -> Vec<(&'static str, String)> {
    let (_, findings) = read(text);
    findings
        .iter()
        .map(|one| (one.id, format!("{}:{}", one.place.line(), one.place.column())))
        .collect()
}

fn texts(node: &Node, out: &mut Vec<String>) {
    match &node.value {
        Value::Null => out.push("~".into()),
        Value::Scalar(scalar) => out.push(scalar.text.clone()),
        Value::Seq(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Map(entries) => entries.iter().for_each(|entry| {
            out.push(format!("{}:", entry.key.text));
            texts(&entry.value, out);
        }),
    }
}

#[test]
fn scalars_keep_the_text_they_were_written_with() {
    let (document, findings) = read("on: no\nto: +15551234567\nzip: 017\nn: 1_000\nx: ~\ny:\n~: 1\n");
    assert_eq!(findings, []);
    let mut out = Vec::new();
    texts(&document.root.unwrap(), &mut out);
    assert_eq!(
        out,
        [
            "on:",
            "no",
            "to:",
            "+15551234567",
            "zip:",
            "017",
            "n:",
            "1_000",
            "x:",
            "~",
            "y:",
            "~",
            "~:",
            "1"
        ]
    );
}

#[test]
fn spans_are_the_bytes_written() {
    let text = "שם: \"a\"\nm:\n  k: [1, 'b']\n  l: {x: 1}\nt: |\n  one\n  two\nz: 1\n";
    let (document, findings) = read(text);
    assert_eq!(findings, []);
    let root = document.root.unwrap();
    let slice = |node: &Node| &text[node.span.start..node.span.end];
    assert_eq!(slice(root.key("שם").unwrap()), "\"a\"");
    let map = root.key("m").unwrap();
    assert_eq!(slice(map), "k: [1, 'b']\n  l: {x: 1}");
    assert_eq!(slice(map.key("k").unwrap()), "[1, 'b']");
    assert_eq!(slice(root.key("t").unwrap()), "one\n  two\n");
    let Value::Map(entries) = &root.value else {
        panic!("a map")
    };
    assert_eq!(&text[entries[0].key.span.start..entries[0].key.span.end], "שם");
}

#[test]
fn what_is_wrong_is_found_with_its_place() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("", &[("empty-file", "1:1")]),
        ("# only words\n", &[("empty-file", "1:1")]),
        (
            "a: 1\nb: 2\na: 3\na: 4\n",
            &[("duplicate-key", "3:1"), ("duplicate-key", "4:1")],
        ),
        ("? [1, 2]\n: x\nb: 1\n", &[("key-not-text", "1:3")]),
        ("a: 1\n---\nb: 2\n", &[("multiple-documents", "2:1")]),
        (
            "a: *x\nb: *y\n",
            &[("unknown-anchor", "1:4"), ("unknown-anchor", "2:4")],
        ),
        ("a: &x [*x]\n", &[("self-alias", "1:8")]),
        ("a: !ruby/object 1\nb: !!str 1\n", &[("unknown-tag", "1:17")]),
    ];
    for (text, expected) in cases {
        let found = ids(text);
        let found: Vec<_> = found.iter().map(|(id, at)| (*id, at.as_str())).collect();
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn a_syntax_error_keeps_what_stands_before_it() {
    let (document, findings) = read("flow: a\nsteps:\n  one: {play: x\n  two: 1\n");
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].id, "yaml-syntax");
    assert!(!findings[0].message.is_empty());
    assert!(!document.complete);
    assert!(document.root.unwrap().key("flow").is_some());
}

#[test]
fn control_characters_are_found() {
    assert_eq!(ids("a: b\u{0}c\n")[0], ("invalid-character", "1:5".into()));
}

#[test]
fn alias_bombs_and_deep_nesting_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let previous = format!("*a{}", level - 1);
        let line = vec![previous; 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{line}]\n"));
    }
    let (document, findings) = read(&bomb);
    assert_eq!(findings.iter().map(|one| one.id).collect::<Vec<_>>(), ["alias-bomb"]);
    let mut out = Vec::new();
    texts(&document.root.unwrap(), &mut out);
    assert!(out.len() < MAX_NODES * 2);

    let deep = "[".repeat(100_000);
    assert_eq!(ids(&deep)[0].0, "yaml-syntax");

    let mut chain = String::from("a0: &a0 [x]\n");
    for level in 1..500 {
        chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert_eq!(ids(&chain)[0].0, "alias-bomb");
}

#[test]
fn comments_are_kept_with_their_bytes() {
    let text = "# first\na: 1 # שני\n";
    let (document, _) = read(text);
    let found: Vec<_> = document
        .comments
        .iter()
        .map(|one| (one.text.as_str(), &text[one.span.start..one.span.end]))
        .collect();
    assert_eq!(found, [("first", "# first"), ("שני", "# שני")]);
}

#[test]
fn an_alias_has_the_value_of_its_anchor() {
    let (document, findings) = read("a: &x {k: 1}\nb: *x\n");
    assert_eq!(findings, []);
    let root = document.root.unwrap();
    assert_eq!(root.key("a"), root.key("b"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn nothing_written_panics(text in "[ a-c0-9:\\-\\[\\]{},&*!|>'\"#%?\\n\\t\\\\א\u{0}~]{0,80}") {
        let (document, findings) = read(&text);
        for finding in &findings {
            prop_assert!(finding.place.span().end <= text.len());
        }
        prop_assert!(document.root.is_some() || !findings.is_empty());
    }
}
