use super::super::finding::{Finding, Findings, Safety};
use super::super::source::Source;
use super::super::yaml;
use super::*;
use proptest::prelude::*;

/// Reads `k: …` as a text or a condition.
fn read<T: FromYaml>(text: &str) -> (Option<T>, Vec<Finding>) {
    let source = Source::new("a.yaml", format!("k: {text}\n"));
    let mut findings = Findings::new();
    let document = yaml::parse(&source, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    let mut cx = Reader::new(&document);
    let value = T::from_yaml(document.root.as_ref().unwrap().key("k").unwrap(), &mut cx);
    (value, cx.into_findings().into_vec())
}

fn template(text: &str) -> Template {
    let (value, findings) = read(text);
    assert!(findings.is_empty(), "{findings:?}");
    value.unwrap()
}

fn condition(text: &str) -> Condition {
    let (value, findings) = read(text);
    assert!(findings.is_empty(), "{findings:?}");
    value.unwrap()
}

fn shown(finding: &Finding) -> String {
    format!(
        "{}:{} {} `{}`",
        finding.place.line(),
        finding.place.column(),
        finding.id,
        finding.place.text()
    )
}

fn context() -> Json {
    json!({
        "call": {"from": "+972501234567", "seconds": 7, "to": "+972312345678"},
        "contact": {}, "vars": {"city": "חיפה", "list": [1, 2, 3]}, "step": {"digits": "1"},
        "now": moment(1_795_298_400_000 + 9 * 3_600_000, "Asia/Jerusalem").unwrap(),
    })
}

#[test]
fn texts_are_filled_in() {
    let cases = [
        ("שלום", "שלום"),
        ("\"<{{ vars.city }}> & '\"", "<חיפה> & '"),
        ("\"{{ contact.name | default('') }}!\"", "!"),
        ("\"{{ call.from | digits }}\"", "972501234567"),
        ("\"{{ '+97250' | phone }}\"", "9 7 2 5 0"),
        ("\"{{ 125 | duration }} {{ '1h' | duration }}\"", "2:05 1:00:00"),
        (
            "\"{{ now | date('%d.%m.%Y %H:%M', 'Asia/Jerusalem') }}\"",
            "22.11.2026 09:00",
        ),
        ("|\n  {% for n in vars.list %}{{ n }}{% endfor %}\n  x\n", "123\nx\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(template(text).render(&context()).as_deref(), Ok(expected), "{text}");
    }
    assert!(template("plain").is_literal() && !template("\"{{ vars.city }}\"").is_literal());
}

#[test]
fn conditions_hold_or_not() {
    let cases = [
        ("call.seconds > 5", true),
        ("step.digits == '1'", true),
        ("vars.list", true),
        ("contact.name is defined", false),
        ("contact.name is defined and contact.name == 'x'", false),
        ("'true'", true),
        ("now.weekday == 'sun' and now.time < '09:30'", true),
        ("open(now, 'sun-thu 09:00-18:00', 'Asia/Jerusalem')", true),
        ("open(now.millis, 'mon-thu 09:00-18:00', 'Asia/Jerusalem')", false),
        ("between(now, '08:30', '17:00', 'Asia/Jerusalem')", true),
    ];
    for (text, expected) in cases {
        assert_eq!(
            condition(&format!("\"{text}\"")).holds(&context()),
            Ok(expected),
            "{text}"
        );
    }
    assert_eq!(condition("call.seconds + 1").value(&context()), Ok(json!(8)));
}

#[test]
fn what_has_no_value_is_an_error_with_its_place() {
    let error = template("\"שלום {{ contact.name }}\"").render(&context()).unwrap_err();
    assert_eq!(error.to_string(), "a.yaml:1:13: `contact.name` has no value");
    let error = condition("contact.name").holds(&context()).unwrap_err();
    assert_eq!(error.to_string(), "a.yaml:1:4: `contact.name` has no value");
    let error = template("\"{{ vars.city | int }}\"").render(&context()).unwrap_err();
    assert!(matches!(error, EvalError::Failed { .. }), "{error}");
    let endless = "\"{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}\"";
    assert!(matches!(
        template(endless).render(&context()),
        Err(EvalError::OutOfFuel { .. })
    ));
}

#[test]
fn what_is_wrong_is_found_inside_the_scalar() {
    let cases = [
        (
            "\"a {{ call.from | digts }}\"",
            "1:22 unknown-filter `digts`",
            Some("digits"),
        ),
        ("\"{{ 1 is ood }}\"", "1:13 unknown-test `ood`", Some("odd")),
        ("\"{{ opn(now) }}\"", "1:8 unknown-function `opn`", Some("open")),
        (
            "'it''s {{ call.from | digts }}'",
            "1:26 unknown-filter `digts`",
            Some("digits"),
        ),
        (
            "|\n  one\n  {{ call.from | digts }}\n",
            "3:18 unknown-filter `digts`",
            Some("digits"),
        ),
        ("\"{{ call.from.upper() }}\"", "1:17 unknown-method `.upper()`", None),
        ("\"{% include 'x' %}\"", "1:16 template-from-elsewhere `'x'`", None),
        ("\"{{ x | safe }}\"", "1:12 unknown-filter `safe`", None),
    ];
    for (text, expected, fix) in cases {
        let (value, findings) = read::<Template>(text);
        assert!(value.is_none());
        assert_eq!(findings.iter().map(shown).collect::<Vec<_>>(), [expected], "{text}");
        let offered = findings[0].fix.as_ref().map(|fix| fix.edits[0].text.as_str());
        assert_eq!(offered, fix, "{text}");
    }
    for text in [
        "\"a {{ b\"",
        "\"{{ a b }}\"",
        "\"{% if x %}\"",
        "\"{{ }}\"",
        "\"{{ 'a }}\"",
    ] {
        let (value, findings) = read::<Template>(text);
        assert!(value.is_none());
        assert_eq!(findings[0].id, "template-syntax", "{text}");
        assert!(!findings[0].place.text().is_empty(), "{text}");
    }
    let (_, findings) = read::<Template>(">\n  one\n  {{ a b }}\n");
    assert_eq!(findings[0].place.line(), 3);
}

#[test]
fn conditions_are_checked() {
    let (value, findings) = read::<Condition>("\"{{ call.seconds > 5 }}\"");
    assert!(value.is_none());
    assert_eq!(findings[0].id, "condition-in-braces");
    let fix = findings[0].fix.clone().unwrap();
    assert_eq!(
        (fix.safety, fix.edits[0].text.as_str()),
        (Safety::Safe, "call.seconds > 5")
    );

    for text in [
        "step.digits == 1",
        "2 == step.digits",
        "step.digits in [1] or call.from > 5",
    ] {
        let (value, findings) = read::<Condition>(text);
        assert!(value.is_some());
        assert_eq!(findings[0].id, "text-compared-with-number", "{text}");
    }
    let (_, findings) = read::<Condition>("call.seconds > 5 and vars.rooms == 3");
    assert_eq!(findings, []);

    let (value, findings) = read::<Condition>("open(now, 'sunday 9-5', 'Asia/Jerusalem')");
    assert!(value.is_none());
    assert_eq!(findings[0].id, "wrong-hours");
    let (_, findings) = read::<Condition>("open(now, 'sun 09:00-17:00', 'Asia/Jerusalm')");
    assert_eq!(findings[0].id, "wrong-hours");
}

#[test]
fn uses_are_found_where_they_are_written() {
    let cases: &[(&str, &[&str])] = &[
        ("{{ call.from }}", &["call.from"]),
        ("{{ vars['city'] }}", &["vars.city"]),
        ("{{ vars.city[0:2] }}", &["vars.city"]),
        ("{{ vars.list[0].name }}", &["vars.list"]),
        ("{{ vars[step.choice] }}", &["vars", "step.choice"]),
        (
            "{{ contact.name | default(call.from) }}",
            &["contact.name?", "call.from"],
        ),
        ("{{ x if x is defined else y }}", &["x?", "x?", "y"]),
        (
            "{% if a.b is defined and a.b.c > 1 %}{{ a.b }}{% else %}{{ a.b }}{% endif %}",
            &["a.b?", "a.b.c?", "a.b?", "a.b"],
        ),
        (
            "{% for i in vars.list %}{{ i.name }}{{ loop.index }}{% endfor %}{{ i }}",
            &["vars.list", "i"],
        ),
        ("{% set a = call.to %}{{ a }}", &["call.to"]),
        ("{{ range(3) }}{{ now | date('%H', 'UTC') }}", &["now"]),
        (
            "{{ [a, {'k': b}] }}{{ not c }}{{ -d }}{{ e ~ f }}",
            &["a", "b", "c", "d", "e", "f"],
        ),
    ];
    for (text, expected) in cases {
        let found: Vec<String> = template(&format!("|\n  {text}"))
            .uses()
            .iter()
            .map(|one| format!("{}{}", one.path.join("."), if one.optional { "?" } else { "" }))
            .collect();
        assert_eq!(found, *expected, "{text}");
    }
    let read = template("\"ש\\u05dc {{ call.from }} {{ vars.city }}\"");
    let places: Vec<_> = read
        .uses()
        .iter()
        .map(|one| (one.place.column(), one.place.text()))
        .collect();
    assert_eq!(places, [(16, "call.from"), (32, "vars.city")]);
}

#[test]
fn what_the_parser_could_not_bear_is_refused() {
    let long = format!("\"{{{{ {}1 }}}}\"", "1 + ".repeat(10_000));
    let (value, findings) = read::<Template>(&long);
    assert!(value.is_none());
    assert!(findings[0].message.contains("bytes"), "{}", findings[0].message);
    let most = format!("{}1", "1+".repeat(MAX_EXPRESSION / 2 - 1));
    assert_eq!(condition(&most).value(&json!({})), Ok(json!(MAX_EXPRESSION / 2)));
    let chain = format!("a{}", ".a".repeat(MAX_EXPRESSION / 2 - 1));
    assert_eq!(condition(&chain).uses()[0].path.len(), MAX_EXPRESSION / 2);
    let nested = format!("{}{}", "{% if a %}".repeat(500), "{% endif %}".repeat(500));
    assert!(read::<Template>(&format!("\"{nested}\"")).0.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn nothing_written_panics(text in "[a-c .|()\\[\\]{}%'\"0-9:,~=<>א\n-]{0,60}", inner in "[a-c .|()\\[\\]'0-9:,~=-]{0,30}") {
        for text in [text.clone(), format!("{{{{ {inner} }}}}"), format!("{{% if {inner} %}}{text}{{% endif %}}")] {
            let written = serde_json::to_string(&text).unwrap();
            let (value, findings) = read::<Template>(&written);
            prop_assert!(value.is_some() || !findings.is_empty());
            if let Some(value) = value {
                let _ = value.render(&context());
            }
            let (value, _) = read::<Condition>(&written);
            if let Some(value) = value {
                let _ = value.holds(&context());
            }
        }
    }
}
