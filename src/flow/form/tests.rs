use super::super::finding::{Finding, Findings, Safety};
use super::super::source::{Place, Source};
use super::super::yaml;
use super::*;
use crate::flow::template::{Condition, Template};
use crate::words;
use proptest::prelude::*;

/// Reads the value of `k`, and gives the findings as `line:column id: message (help; help)`.
fn read<T: FromYaml>(text: &str) -> (Option<T>, Vec<String>) {
    let (value, findings) = read_findings(&format!("k: {text}\n"));
    let shown = findings
        .iter()
        .map(|one| {
            format!(
                "{}:{} {}: {} ({})",
                one.place.line(),
                one.place.column(),
                one.id,
                one.message,
                one.help.join("; ")
            )
        })
        .collect();
    (value, shown)
}

fn read_findings<T: FromYaml>(text: &str) -> (Option<T>, Vec<Finding>) {
    let source = Source::new("a.yaml", text);
    let mut findings = Findings::new();
    let document = yaml::parse(&source, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    let root = document.root.as_ref().unwrap();
    let yaml::Value::Map(entries) = &root.value else {
        panic!("a map")
    };
    let entry = &entries[0];
    let mut cx = Reader::new(&document);
    let value = cx.within(&entry.key.text, entry.key.span, |cx| T::from_yaml(&entry.value, cx));
    (value, cx.into_findings().into_vec())
}

fn good<T: FromYaml>(text: &str) -> T {
    let (value, findings) = read(text);
    assert!(findings.is_empty(), "{text}: {findings:?}");
    value.unwrap()
}

#[track_caller]
fn bad<T: FromYaml>(text: &str, expected: &str) {
    let (value, findings) = read::<T>(text);
    assert!(value.is_none(), "{text}");
    assert_eq!(findings, [expected], "{text}");
}

#[test]
fn text() {
    for (written, expected) in [
        ("no", "no"),
        ("+15551234567", "+15551234567"),
        ("017", "017"),
        ("5", "5"),
        ("'a'", "a"),
        ("\"\"", ""),
    ] {
        assert_eq!(good::<String>(written), expected);
    }
    bad::<String>(
        "[1]",
        "1:4 wrong-type: `k` must be text, not a list (for example `k: \"some text\"`)",
    );
    bad::<String>(
        "",
        "1:1 wrong-type: `k` must be text, not nothing (for example `k: \"some text\"`)",
    );
}

#[test]
fn booleans() {
    assert!(good::<bool>("true"));
    assert!(!good::<bool>("False"));
    bad::<bool>(
        "yes",
        "1:4 wrong-type: `k` must be `true` or `false`, not text (`yes` is text since YAML 1.2; write `true`; for example `k: true`)",
    );
    bad::<bool>(
        "'true'",
        "1:4 wrong-type: `k` must be `true` or `false`, not text (for example `k: true`)",
    );
    let (_, findings) = read_findings::<bool>("k: off\n");
    let fix = findings[0].fix.clone().unwrap();
    assert_eq!((fix.safety, fix.edits[0].text.as_str()), (Safety::Safe, "false"));
}

#[test]
fn numbers() {
    assert_eq!(good::<u32>("3"), 3);
    assert_eq!(good::<i64>("-3"), -3);
    assert_eq!(good::<u64>("18446744073709551615"), u64::MAX);
    assert_eq!(good::<f64>("0.5"), 0.5);
    assert_eq!(good::<f64>("1e3"), 1000.0);
    bad::<u32>(
        "-1",
        "1:4 wrong-type: `k` is `-1`, and must be a whole number from 0 to 4294967295 (for example `k: 3`)",
    );
    bad::<u32>(
        "017",
        "1:4 wrong-type: `k` is `017`, and must be a whole number from 0 to 4294967295 (for example `k: 3`)",
    );
    bad::<i64>(
        "a",
        "1:4 wrong-type: `k` must be a whole number, not text (for example `k: 3`)",
    );
    bad::<i64>(
        "'5'",
        "1:4 wrong-type: `k` must be a whole number, not text (a number stands without quotes; for example `k: 3`)",
    );
    bad::<f64>(
        "inf",
        "1:4 wrong-type: `k` is `inf`, and must be a number (for example `k: 0.5`)",
    );
}

#[test]
fn lengths_of_time() {
    for (written, millis, shown) in [
        ("500ms", 500, "500ms"),
        ("6s", 6_000, "6s"),
        ("90s", 90_000, "90s"),
        ("15m", 900_000, "15m"),
        ("1h", 3_600_000, "1h"),
        ("30d", 2_592_000_000, "30d"),
        ("0s", 0, "0s"),
    ] {
        let duration = good::<Duration>(written);
        assert_eq!((duration.as_millis(), duration.to_string().as_str()), (millis, shown));
    }
    let unit = "a length of time with its unit (`ms`, `s`, `m`, `h` or `d`)";
    bad::<Duration>(
        "6",
        &format!(
            "1:4 wrong-type: `k` must be {unit}, not a whole number (write `6s` for seconds or `6ms` for milliseconds; for example `k: 6s`)"
        ),
    );
    bad::<Duration>(
        "1.5s",
        "1:4 wrong-type: `1.5s` is not a length of time (write `1500ms`: a whole number and its unit; for example `k: 6s`)",
    );
    bad::<Duration>(
        "6 sec",
        "1:4 wrong-type: `6 sec` is not a length of time (for example `k: 6s`)",
    );
    bad::<Duration>(
        "99999999999999999999h",
        "1:4 wrong-type: `99999999999999999999h` is not a length of time (for example `k: 6s`)",
    );
    assert_eq!(Duration::from_millis(1_001).as_secs_ceil(), 2);
}

#[test]
fn telephone_numbers() {
    assert_eq!(
        good::<PhoneNumber>("+972312345678"),
        PhoneNumber::Fixed("+972312345678".into())
    );
    assert!(matches!(
        good::<PhoneNumber>("\"{{ call.from }}\""),
        PhoneNumber::Filled(_)
    ));
    bad::<PhoneNumber>(
        "03-1234567",
        "1:4 wrong-type: `03-1234567` is not a telephone number in E.164 (for example `k: \"+972312345678\"`; write the country code in place of the leading 0)",
    );
    bad::<PhoneNumber>(
        "00972 3-1234567",
        "1:4 wrong-type: `00972 3-1234567` is not a telephone number in E.164 (write `\"+97231234567\"`; for example `k: \"+972312345678\"`)",
    );
    bad::<PhoneNumber>(
        "[]",
        "1:4 wrong-type: `k` must be a telephone number with its country code, not a list (for example `k: \"+972312345678\"`)",
    );
}

#[test]
fn lists_and_maps_read_every_item() {
    let list: Vec<Located<u32>> = good("[1, 2]");
    assert_eq!(list[1].value, 2);
    assert_eq!(list[1].place.to_string(), "a.yaml:1:8");
    let map: Vec<(Located<String>, u32)> = good("{b: 1, a: 2}");
    let names: Vec<&str> = map.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    let (value, findings) = read::<Vec<u32>>("[x, 2, y]");
    assert!(value.is_none());
    assert_eq!(findings.len(), 2);
    assert!(findings[1].contains("this item must be a whole number"), "{findings:?}");
    bad::<Vec<u32>>(
        "1",
        "1:4 wrong-type: `k` must be a list, not a whole number (for example `k: […]`)",
    );
}

#[test]
fn free_data_loses_no_digits() {
    let data: Json =
        good("{a: 1, b: +972, c: 017, d: 1.50, e: 1.5, f: true, g: 'true', h: ~, i: [no], j: 99999999999999999999}");
    let expected = json!({"a": 1, "b": "+972", "c": "017", "d": "1.50", "e": 1.5, "f": true, "g": "true", "h": null, "i": ["no"],
        "j": "99999999999999999999"});
    assert_eq!(data, expected);
}

words! {
    /// Which side is heard.
    pub enum Track {
        /// The caller.
        Inbound = "inbound",
        /// Both sides.
        Both = "both",
    }
}

#[test]
fn words_are_checked() {
    assert_eq!(good::<Track>("both"), Track::Both);
    assert_eq!(Track::from_word("inbound").map(Track::as_str), Some("inbound"));
    bad::<Track>(
        "bth",
        "1:4 unknown-value: `k` cannot be `bth` (did you mean `both`?; allowed here: `inbound`, `both`)",
    );
    bad::<Track>(
        "{}",
        "1:4 wrong-type: `k` must be one of `inbound` `both`, not a map (for example `k: inbound`)",
    );
    assert_eq!(
        Track::schema(),
        json!({"type": "string", "enum": ["inbound", "both"], "markdownEnumDescriptions": ["The caller.", "Both sides."],
            "description": "Which side is heard.", "markdownDescription": "Which side is heard."})
    );
}

form! {
    /// Plays a sound.
    pub struct Play shorthand sound checked not_forever {
        /// The file, below `static/`.
        sound: Located<String>,
        /// How often.
        times: u32 = 1,
        /// The pause between.
        pause: Duration = Duration::from_secs(1),
        track: Track = Track::Both,
        caption: Option<String>,
        /// Goes on.
        forever as "loop": bool = false,
    }
}

fn not_forever(play: &Play, place: &Place, cx: &mut Reader) {
    if play.forever && play.times > 1 {
        cx.report(Finding::warning("times-and-loop", place.clone(), "both"));
    }
}

form! {
    /// Ends the call.
    struct Hangup {}
}

#[test]
fn a_form_has_defaults_and_a_shorthand() {
    let short: Play = good("tts/x.mp3");
    assert_eq!(
        (
            short.sound.as_str(),
            short.times,
            short.pause.as_millis(),
            short.forever
        ),
        ("tts/x.mp3", 1, 1_000, false)
    );
    assert_eq!(short.caption, None);
    let long: Play = good("{sound: a, times: 2, loop: false, caption: x}");
    assert_eq!((long.times, long.caption.as_deref()), (2, Some("x")));
    assert_eq!(good::<Hangup>("{}"), Hangup {});
    assert_eq!(good::<Hangup>(""), Hangup {});
    bad::<Hangup>(
        "now",
        "1:4 wrong-type: `k` must be a map, not text (for example `k: {}`)",
    );
    bad::<Hangup>("{x: 1}", "1:5 unknown-key: `k` has no key `x` (`k` takes no keys)");
}

#[test]
fn a_form_reports_everything_at_once() {
    let (value, findings) = read::<Play>("{tims: 2, pause: 6, track: inbund, caption: [x]}");
    assert!(value.is_none());
    let known = "known here: `sound`, `times`, `pause`, `track`, `caption`, `loop`";
    assert_eq!(
        findings,
        [
            "1:21 wrong-type: `pause` must be a length of time with its unit (`ms`, `s`, `m`, `h` or `d`), not a whole number (write `6s` for seconds or `6ms` for milliseconds; for example `pause: 6s`)".to_owned(),
            "1:31 unknown-value: `track` cannot be `inbund` (did you mean `inbound`?; allowed here: `inbound`, `both`)".to_owned(),
            "1:48 wrong-type: `caption` must be text, not a list (for example `caption: \"some text\"`)".to_owned(),
            format!("1:5 unknown-key: `k` has no key `tims` (did you mean `times`?; {known})"),
            "1:1 missing-key: `k` needs the key `sound` (add `sound: \"some text\"`)".to_owned(),
        ]
    );
}

#[test]
fn findings_carry_the_path_and_a_check_sees_the_whole() {
    let (_, findings) = read_findings::<Vec<Play>>("k: [{sound: a}, {sound: b, times: x}]\n");
    assert_eq!(findings[0].path, ["k", "1", "times"]);
    let (value, findings) = read_findings::<Play>("k: {sound: a, loop: true, times: 2}\n");
    assert!(value.is_some());
    assert_eq!(findings[0].id, "times-and-loop");
}

#[test]
fn a_form_has_a_schema() {
    let schema = Play::schema();
    let map = &schema["anyOf"][1];
    assert_eq!(map["additionalProperties"], false);
    assert_eq!(map["required"], json!(["sound"]));
    assert_eq!(map["properties"]["pause"]["default"], "1s");
    assert_eq!(map["properties"]["track"]["default"], "both");
    assert_eq!(
        map["properties"]["sound"]["markdownDescription"],
        "The file, below `static/`."
    );
    let validator = jsonschema::draft7::new(&schema).unwrap();
    assert!(validator.is_valid(&json!("tts/x.mp3")));
    assert!(validator.is_valid(&json!({"sound": "a", "loop": true, "pause": "6s"})));
    assert!(!validator.is_valid(&json!({"sound": "a", "pause": 6})));
    assert!(!validator.is_valid(&json!({"sound": "a", "tims": 1})));
    assert!(
        jsonschema::draft7::new(&Hangup::schema())
            .unwrap()
            .is_valid(&Json::Null)
    );
}

#[test]
fn what_a_syntax_error_cut_off_is_not_missing() {
    let source = Source::new("a.yaml", "times: 2\nx: [\n");
    let mut findings = Findings::new();
    let document = yaml::parse(&source, &mut findings);
    let mut cx = Reader::new(&document);
    assert_eq!(Play::from_yaml(document.root.as_ref().unwrap(), &mut cx), None);
    assert!(
        cx.findings().iter().all(|finding| finding.id == "unknown-key"),
        "{:?}",
        cx.findings()
    );
}

form! {
    struct Everything {
        a: Option<u32>, b: Option<Duration>, c: Option<Vec<bool>>, d: Option<Template>, e: Option<Condition>,
        f: Option<PhoneNumber>, g: Option<Track>, h: Option<Box<Play>>, i: Option<Json>, j: Option<f64>,
        k: Option<Vec<(Located<String>, i64)>>,
    }
}

proptest! {
    #[test]
    fn nothing_written_panics(key in "[a-k]", value in "[ -~א\n]{0,40}") {
        let source = Source::new("a.yaml", format!("{key}: {value}\n"));
        let mut findings = Findings::new();
        let document = yaml::parse(&source, &mut findings);
        if let Some(root) = &document.root {
            let mut cx = Reader::new(&document);
            let read = Everything::from_yaml(root, &mut cx);
            prop_assert!(read.is_some() || cx.findings().has_errors() || findings.has_errors());
        }
    }

    #[test]
    fn a_length_of_time_reads_back(millis: u64) {
        let duration = Duration::from_millis(millis);
        prop_assert_eq!(Duration::parse(&duration.to_string()), Some(duration));
    }
}
