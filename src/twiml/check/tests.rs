//! Wrong documents and what is said of them: one row each, and valid documents that must pass in silence.

use super::{Setting, check, check_messages, examine};
use crate::twiml::{Problem, Severity, read};

/// The problems of a body, without `<Response>`, in the answer to a webhook.
fn problems(body: &str, setting: Setting) -> (String, Vec<Problem>) {
    let xml = format!("<Response>{body}</Response>");
    let (_, problems) = examine(&xml, setting);
    (xml, problems)
}

/// Body, code, a part of the message, and the text at its place (`…` stands for what follows).
type Row<'a> = (&'a str, u32, &'a str, &'a str);

#[track_caller]
fn each_has_its_problem(rows: &[Row<'_>], setting: Setting) {
    for (body, code, message, place) in rows {
        let (xml, found) = problems(body, setting);
        assert_eq!(found.len(), 1, "{body}: {found:#?}");
        let problem = &found[0];
        assert_eq!(problem.code, *code, "{body}: {problem}");
        assert!(problem.message.contains(message), "{body}: {problem}");
        assert!(!problem.help.is_empty(), "{body}: {problem}");
        let text = &xml[problem.range.clone()];
        match place.strip_suffix('…') {
            Some(start) => assert!(text.starts_with(start), "{body}: at {text}"),
            None => assert_eq!(text, *place, "{body}"),
        }
    }
}

#[test]
fn documents_that_are_right_have_no_problems() {
    for body in [
        "",
        "<Play loop=\"0\">https://a.example/x.mp3</Play><Pause length=\"2\"/><Play digits=\"1w2#\"/>",
        "<Play>tts/greeting.mp3</Play>",
        "<Say voice=\"Google.he-IL-Wavenet-A\" language=\"he-IL\">שלום</Say>",
        "<Say voice=\"Polly.Joanna\">a <emphasis level=\"strong\">b</emphasis><break time=\"500ms\"/><prosody rate=\"90%\">c</prosody></Say>",
        "<Say language=\"en-GB\">Hello</Say><Say voice=\"Google.cmn-CN-Standard-A\" language=\"zh-CN\">x</Say>",
        "<Gather input=\"dtmf speech\" action=\"/a\" timeout=\"auto\" finishOnKey=\"\" numDigits=\"4\" speechTimeout=\"auto\"><Say>Hi</Say></Gather><Hangup/>",
        "<Gather language=\"iw-IL\" speechModel=\"googlev2_telephony\" speechTimeout=\"2\" action=\"/a\"/>",
        "<Record action=\"/r\" maxLength=\"30\" timeout=\"4\" playBeep=\"false\" finishOnKey=\"\"/><Say>Nothing was heard</Say>",
        "<Dial callerId=\"+15551234567\" timeout=\"20\">+972312345678</Dial><Say>Nobody</Say>",
        "<Dial sequential=\"true\"><Number sendDigits=\"ww1\">+972312345678</Number><Client>ann</Client><Sip>sip:a@b.example</Sip></Dial>",
        "<Dial><Conference waitUrl=\"\" beep=\"onEnter\">room</Conference></Dial>",
        "<Dial callerId=\"ann\"><Sip><Uri>sip:a@b.example</Uri></Sip></Dial>",
        "<Connect action=\"https://a.example/e#rc=5&amp;rp=all\"><Stream url=\"wss://a.example/ws\"><Parameter name=\"a\" value=\"b\"/></Stream></Connect>",
        "<Start><Stream name=\"f\" url=\"wss://a.example/ws\" track=\"both_tracks\"/></Start><Stop><Stream name=\"f\"/></Stop>",
        "<Connect><Stream url=\"ws://127.0.0.1:8080/ws\"/></Connect>",
        "<Connect><ConversationRelay url=\"wss://a.example/ws?x=1\"><Language code=\"he-IL\"/></ConversationRelay></Connect>",
        "<Enqueue waitUrl=\"\">support</Enqueue>",
        "<Refer action=\"/r\"><Sip>sip:a@b.example</Sip></Refer>",
        "<Pay action=\"https://a.example/p\"><Prompt for=\"security-code\"><Say>x</Say></Prompt></Pay>",
        "<Reject reason=\"busy\"/>",
        "<Redirect>../next</Redirect>",
    ] {
        let (_, found) = problems(body, Setting::FirstDocument);
        assert_eq!(found, [], "{body}");
    }
}

#[test]
fn elements_stand_where_they_belong() {
    each_has_its_problem(
        &[
            ("<Saay>x</Saay>", 12200, "`<Saay>`", "<Saay>x</Saay>"),
            ("<say>x</say>", 12200, "skipped", "<say>x</say>"),
            (
                "<Number>+972312345678</Number>",
                12200,
                "cannot stand in `<Response>`",
                "<Number>…",
            ),
            (
                "<Gather action=\"/a\"><Record/></Gather>",
                13320,
                "`<Record>`",
                "<Record/>",
            ),
            (
                "<Dial><Say>x</Say><Number>+972312345678</Number></Dial>",
                13215,
                "`<Say>`",
                "<Say>x</Say>",
            ),
            ("<Start><Room>x</Room></Start>", 14300, "`<Room>`", "<Room>x</Room>"),
            ("<Connect/>", 12200, "nothing inside", "<Connect/>"),
            (
                "<Connect><Room>a</Room><Room>b</Room></Connect>",
                12200,
                "one noun",
                "<Room>b</Room>",
            ),
            (
                "<Say voice=\"Polly.Amy\">a <blink>b</blink></Say>",
                13520,
                "`<blink>`",
                "<blink>…",
            ),
            ("hello", 12200, "takes no text", "<Response>…"),
            ("<Sms>x</Sms>", 0, "retired", "<Sms>x</Sms>"),
            ("<Connect><Stream/></Connect>", 31923, "no `url`", "<Stream/>"),
            (
                "<Connect><Stream url=\"wss://a.example/\"><Parameter name=\"x\"/></Stream></Connect>",
                12200,
                "no `value`",
                "<Parameter…",
            ),
            (
                "<Connect><ConversationRelay url=\"wss://a.example\"><Language/></ConversationRelay></Connect>",
                12200,
                "no `code`",
                "<Language/>",
            ),
            ("<Say loops=\"2\">x</Say>", 12200, "no attribute `loops`", "loops=\"2\""),
            (
                "<Dial timeOut=\"2\">+972312345678</Dial>",
                12200,
                "no attribute `timeOut`",
                "timeOut=\"2\"",
            ),
        ],
        Setting::Webhook,
    );
}

#[test]
fn an_unknown_name_brings_the_nearest_known_one() {
    for (body, help) in [
        ("<Saay>x</Saay>", "`Say`"),
        ("<say>x</say>", "`Say`"),
        ("<Recrod action=\"/a\"/>", "`Record`"),
        ("<Say loops=\"2\">x</Say>", "`loop`"),
        ("<Number>+972312345678</Number>", "stands in `Dial`"),
        ("<Record action=\"/a\" playBeep=\"False\"/>", "case matters"),
        ("<Reject reason=\"bussy\"/>", "`busy`"),
        (
            "<Say language=\"he\" voice=\"Google.he-IL-Wavenet-A\">x</Say>",
            "`he-IL`",
        ),
        (
            "<Say voice=\"Google.he-IL-Wavenet-X\">x</Say>",
            "`Google.he-IL-Wavenet-A`",
        ),
    ] {
        let (_, found) = problems(body, Setting::FirstDocument);
        assert!(
            found.iter().any(|problem| problem.help.contains(help)),
            "{body}: {found:#?}"
        );
    }
}

/// Every attribute that has a code of its own, with a value that it does not take.
#[test]
fn a_wrong_value_has_the_code_of_its_attribute() {
    let number = "+972312345678";
    let rows = [
        ("Dial", "method", "PUT", 13210),
        ("Dial", "timeout", "0", 13212),
        ("Dial", "timeout", "601", 13212),
        ("Dial", "timeout", "20s", 13212),
        ("Dial", "hangupOnStar", "yes", 13213),
        ("Dial", "callerId", "me", 13214),
        ("Dial", "timeLimit", "-1", 13216),
        ("Dial", "record", "always", 13217),
        ("Dial", "sequential", "1", 13218),
        ("Dial", "answerOnBridge", "TRUE", 13219),
        ("Dial", "ringTone", "xx", 13220),
        ("Dial", "recordingStatusCallback", "ftp://a.example/", 13256),
        ("Dial", "recordingStatusCallbackEvent", "completed never", 13621),
        ("Dial", "action", "https://", 11100),
        ("Gather", "finishOnKey", "x", 13310),
        ("Gather", "finishOnKey", "#*", 13311),
        ("Gather", "method", "get", 13312),
        ("Gather", "timeout", "", 13313),
        ("Gather", "numDigits", "0", 13314),
        ("Gather", "input", "voice", 13326),
        ("Gather", "speechTimeout", "soon", 13327),
        ("Gather", "maxSpeechTime", "0", 13328),
        ("Gather", "partialResultCallbackMethod", "x", 13329),
        ("Gather", "language", "he", 13331),
        ("Gather", "bargeIn", "no", 13332),
        ("Gather", "profanityFilter", "no", 13333),
        ("Gather", "speechModel", "best", 13334),
        ("Gather", "actionOnEmptyResult", "no", 13338),
        ("Play", "loop", "-1", 13410),
        ("Say", "loop", "often", 13510),
        ("Say", "voice", "bob", 13511),
        ("Say", "language", "en", 13512),
        ("Record", "method", "PUT", 13610),
        ("Record", "timeout", "4.5", 13611),
        ("Record", "maxLength", "1", 13612),
        ("Record", "finishOnKey", "1x", 13613),
        ("Record", "transcribe", "y", 13614),
        ("Record", "playBeep", "False", 13616),
        ("Record", "recordingStatusCallbackEvent", "done", 13621),
        ("Record", "recordingStatusCallback", "mailto:a@b.example", 13256),
        ("Record", "transcribeCallback", "https:// a", 13257),
        ("Record", "trim", "yes", 13699),
        ("Redirect", "method", "HEAD", 13710),
        ("Reject", "reason", "tired", 13810),
        ("Pause", "length", "0", 13910),
        ("Enqueue", "method", "PUT", 14201),
        ("Enqueue", "waitUrl", "gopher://a.example", 14202),
        ("Enqueue", "action", "https://", 14203),
        ("Enqueue", "waitUrlMethod", "PUT", 14206),
        ("Pay", "action", "http://a.example/p", 64016),
    ];
    for (element, attribute, value, code) in rows {
        let mut attributes = format!("{attribute}=\"{value}\"");
        if ["Record", "Gather"].contains(&element) && attribute != "action" {
            attributes.push_str(" action=\"/a\"");
        }
        let text = match element {
            "Dial" => number,
            "Play" | "Redirect" => "https://a.example/x",
            "Say" => "hello",
            "Enqueue" => "queue",
            _ => "",
        };
        let body = format!("<{element} {attributes}>{text}</{element}>");
        let place = format!("{attribute}=\"{value}\"");
        each_has_its_problem(&[(&body, code, value, &place)], Setting::FirstDocument);
    }
}

#[test]
fn nouns_have_codes_of_their_own() {
    each_has_its_problem(
        &[
            (
                "<Gather actionOnEmptyResult=\"true\"/>",
                13338,
                "again and again",
                "actionOnEmptyResult=\"true\"",
            ),
            (
                "<Dial><Number method=\"PUT\">+972312345678</Number></Dial>",
                13221,
                "PUT",
                "method=\"PUT\"",
            ),
            (
                "<Dial><Number sendDigits=\"1,2\">+972312345678</Number></Dial>",
                13222,
                "1,2",
                "sendDigits=\"1,2\"",
            ),
            (
                "<Dial><Number>031234567</Number></Dial>",
                13223,
                "031234567",
                "<Number>…",
            ),
            ("<Dial>call ann</Dial>", 13223, "call ann", "<Dial>…"),
            ("<Dial/>", 13223, "nobody", "<Dial/>"),
            (
                "<Dial>+972312345678<Client>ann</Client></Dial>",
                12200,
                "ignored",
                "<Dial>…",
            ),
            (
                "<Dial><Conference muted=\"no\">a</Conference></Dial>",
                13230,
                "muted",
                "muted=\"no\"",
            ),
            (
                "<Dial><Conference endConferenceOnExit=\"no\">a</Conference></Dial>",
                13231,
                "no",
                "endConferenceOnExit=\"no\"",
            ),
            (
                "<Dial><Conference startConferenceOnEnter=\"no\">a</Conference></Dial>",
                13232,
                "no",
                "startConferenceOnEnter=\"no\"",
            ),
            (
                "<Dial><Conference waitUrl=\"x:y\">a</Conference></Dial>",
                13233,
                "x:y",
                "waitUrl=\"x:y\"",
            ),
            (
                "<Dial><Conference waitMethod=\"PUT\">a</Conference></Dial>",
                13234,
                "PUT",
                "waitMethod=\"PUT\"",
            ),
            (
                "<Dial><Conference beep=\"loud\">a</Conference></Dial>",
                13235,
                "loud",
                "beep=\"loud\"",
            ),
            (
                "<Dial><Conference> </Conference></Dial>",
                13237,
                "no name",
                "<Conference>…",
            ),
            (
                "<Dial><Conference trim=\"x\">a</Conference></Dial>",
                13239,
                "x",
                "trim=\"x\"",
            ),
            (
                "<Dial><Conference>a</Conference><Client>ann</Client></Dial>",
                13000,
                "beside another",
                "<Conference>a</Conference>",
            ),
            (
                "<Dial><Sip method=\"PUT\">sip:a@b.example</Sip></Dial>",
                13241,
                "PUT",
                "method=\"PUT\"",
            ),
            ("<Dial><Sip>a@b.example</Sip></Dial>", 13243, "a@b.example", "<Sip>…"),
            ("<Refer><Sip>sip:</Sip></Refer>", 13243, "sip:", "<Sip>…"),
            ("<Enqueue/>", 14204, "no queue", "<Enqueue/>"),
            (
                "<Gather action=\"/a\"><Say voice=\"bob\">x</Say></Gather>",
                13321,
                "bob",
                "voice=\"bob\"",
            ),
            (
                "<Gather action=\"/a\"><Say loop=\"x\">x</Say></Gather>",
                13322,
                "x",
                "loop=\"x\"",
            ),
            (
                "<Gather action=\"/a\"><Play digits=\"1\"/></Gather>",
                13320,
                "`<Play digits>`",
                "digits=\"1\"",
            ),
            ("<Play digits=\"1,\"/>", 13430, "1,", "digits=\"1,\""),
            ("<Play/>", 11100, "nothing to play", "<Play/>"),
            ("<Play digits=\"1\">a.mp3</Play>", 12200, "ignored", "<Play…"),
            (
                "<Record action=\"/a\" transcribe=\"true\" maxLength=\"121\"/>",
                13615,
                "121",
                "maxLength=\"121\"",
            ),
            (
                "<Gather action=\"/a\" speechTimeout=\"auto\" speechModel=\"phone_call\"/>",
                13335,
                "auto",
                "speechTimeout=\"auto\"",
            ),
            (
                "<Gather action=\"/a\" speechModel=\"googlev2_short\" language=\"he-IL\"/>",
                0,
                "`iw-IL`",
                "language=\"he-IL\"",
            ),
        ],
        Setting::Webhook,
    );
}

#[test]
fn limits_are_counted() {
    let hints = vec!["yes"; 501].join(",");
    let hint = "y".repeat(101);
    let queue = "q".repeat(64);
    let value = "v".repeat(499);
    let reason = "r".repeat(51);
    let (basic, premium) = ("a".repeat(4_097), "a".repeat(3_001));
    let clients = "<Client>a</Client>".repeat(11);
    for (body, code, message) in [
        (
            format!("<Gather action=\"/a\" hints=\"{hints}\"/>"),
            13330,
            "501 entries",
        ),
        (
            format!("<Gather action=\"/a\" hints=\"ok,{hint}\"/>"),
            13330,
            "101 characters",
        ),
        (format!("<Enqueue>{queue}</Enqueue>"), 14205, "64 characters"),
        (
            format!("<Say>{basic}</Say>"),
            13521,
            "4097 characters, its voice takes 4096",
        ),
        (
            format!("<Say voice=\"Polly.Amy-Neural\">{premium}</Say>"),
            13521,
            "3001 characters, its voice takes 3000",
        ),
        (format!("<Dial>{clients}</Dial>"), 0, "11 parties"),
        (
            format!("<Dial callReason=\"{reason}\">+972312345678</Dial>"),
            12200,
            "51 characters",
        ),
        (
            format!(
                "<Connect><Stream url=\"wss://a.example\"><Parameter name=\"k\" value=\"{value}\"/></Stream></Connect>"
            ),
            12200,
            "500 characters",
        ),
    ] {
        each_has_its_problem(&[(&body, code, message, "…")], Setting::Webhook);
    }
    let fits = format!("<Say>{}</Say>", "a".repeat(4_096));
    assert_eq!(problems(&fits, Setting::Webhook).1, []);
}

#[test]
fn hebrew_needs_a_hebrew_voice() {
    each_has_its_problem(
        &[
            ("<Say>שלום</Say>", 13511, "names no voice", "<Say>…"),
            ("<Say language=\"he-IL\">shalom</Say>", 13511, "names no voice", "<Say…"),
            (
                "<Say voice=\"alice\" language=\"he-IL\">שלום</Say>",
                13511,
                "`alice`",
                "voice=\"alice\"",
            ),
            (
                "<Say voice=\"Polly.Joanna-Neural\">שלום</Say>",
                13511,
                "`Polly.Joanna-Neural`",
                "voice=…",
            ),
            (
                "<Say voice=\"Google.en-US-Wavenet-A\" language=\"he-IL\">x</Say>",
                13511,
                "does not speak",
                "voice=…",
            ),
            (
                "<Gather action=\"/a\"><Say>שלום</Say></Gather>",
                13321,
                "names no voice",
                "<Say>…",
            ),
            (
                "<Say voice=\"Google.he-IL-Wavenet-A\" language=\"en-US\">hi</Say>",
                13512,
                "speaks `he-IL`",
                "language=…",
            ),
            (
                "<Say voice=\"Google.he-IL-Wavenet-A\">שלום</Say>",
                0,
                "without `language`",
                "voice=…",
            ),
            (
                "<Say voice=\"Google.en-GB-Standard-A\" language=\"en-US\">hi</Say>",
                13512,
                "speaks `en-GB`",
                "language=…",
            ),
        ],
        Setting::Webhook,
    );
    let (_, found) = problems("<Say>שלום</Say>", Setting::Webhook);
    assert_eq!(found[0].severity, Severity::Error, "the caller would hear nothing");
}

#[test]
fn a_say_without_words_is_an_error() {
    for body in [
        "<Say/>",
        "<Say> \n</Say>",
        "<Say voice=\"Polly.Amy\"><emphasis> </emphasis></Say>",
    ] {
        let (_, found) = problems(body, Setting::Webhook);
        assert_eq!((found[0].code, found[0].severity), (13520, Severity::Error), "{body}");
    }
    each_has_its_problem(
        &[
            ("<Say voice=\"man\">a<break/></Say>", 13520, "no speech markup", "<Say…"),
            (
                "<Say voice=\"Polly.Amy\">a<break time=\"long\"/></Say>",
                13520,
                "long",
                "time=\"long\"",
            ),
            (
                "<Say voice=\"Polly.Amy\"><prosody rate=\"fest\">a</prosody></Say>",
                13513,
                "fest",
                "rate=\"fest\"",
            ),
        ],
        Setting::Webhook,
    );
}

#[test]
fn media_sockets_are_secure_and_carry_no_query() {
    each_has_its_problem(
        &[
            (
                "<Connect><Stream url=\"https://a.example/ws\"/></Connect>",
                31922,
                "`https`",
                "url=…",
            ),
            (
                "<Connect><Stream url=\"ws://a.example/ws\"/></Connect>",
                31922,
                "`ws`",
                "url=…",
            ),
            ("<Connect><Stream url=\"/ws\"/></Connect>", 31923, "`/ws`", "url=…"),
            (
                "<Connect><Stream url=\"wss://a.example/ws?t=1\"/></Connect>",
                31920,
                "query",
                "url=…",
            ),
            (
                "<Connect><Stream url=\"wss://a.example//ws\"/></Connect>",
                31920,
                "`//`",
                "url=…",
            ),
            (
                "<Connect><Stream url=\"wss://a.example/ws\" track=\"both_tracks\"/></Connect>",
                31941,
                "both_tracks",
                "track=…",
            ),
            (
                "<Start><Stream url=\"wss://a.example/ws\" track=\"all\"/></Start>",
                31941,
                "all",
                "track=…",
            ),
            (
                "<Start><Stream url=\"wss://a.example/ws\" statusCallback=\"/s\"/></Start>",
                11100,
                "relative",
                "statusCallback=…",
            ),
            (
                "<Connect><ConversationRelay url=\"http://a.example/ws\"/></Connect>",
                31922,
                "`http`",
                "url=…",
            ),
            ("<Stop><Stream/></Stop>", 0, "names no stream", "<Stream/>"),
        ],
        Setting::Webhook,
    );
}

#[test]
fn addresses_are_absolute_where_the_document_has_none() {
    each_has_its_problem(
        &[
            ("<Play>https://a.example//x.mp3</Play>", 11100, "`//`", "<Play>…"),
            ("<Play>static//x.mp3</Play>", 11100, "`//`", "<Play>…"),
            ("<Play>//a.example/x.mp3</Play>", 11100, "begins with `//`", "<Play>…"),
            ("<Play>ftp://a.example/x.mp3</Play>", 11100, "`ftp`", "<Play>…"),
            ("<Play>https:/x.mp3</Play>", 11100, "no host", "<Play>…"),
            (
                "<Redirect>https://a.example/a b</Redirect>",
                11100,
                "space",
                "<Redirect>…",
            ),
            (
                "<Redirect>https://a.example/n#rc=2&amp;rp=4xx,6xx</Redirect>",
                11243,
                "6xx",
                "<Redirect>…",
            ),
            (
                "<Redirect>https://a.example/n#e=haifa</Redirect>",
                11240,
                "e=haifa",
                "<Redirect>…",
            ),
            (
                "<Redirect>https://a.example/n#rc=9</Redirect>",
                11243,
                "rc=9",
                "<Redirect>…",
            ),
            (
                "<Redirect>https://a.example/n#ct=50</Redirect>",
                11243,
                "ct=50",
                "<Redirect>…",
            ),
            (
                "<Redirect>https://a.example/n#tt=20000</Redirect>",
                11243,
                "tt=20000",
                "<Redirect>…",
            ),
            ("<Redirect/>", 0, "this document again", "<Redirect/>"),
            ("<Record/>", 0, "records again", "<Record/>"),
            ("<Dial>0312345678</Dial>", 13223, "0312345678", "<Dial>…"),
            (
                "<Pay action=\"https://a.example/p\" language=\"he-IL\"/>",
                0,
                "he-IL",
                "language=\"he-IL\"",
            ),
        ],
        Setting::Webhook,
    );
    let overrides = "<Redirect>https://a.example/n#rc=2&amp;rp=5xx,ct&amp;ct=2000&amp;tt=12000&amp;e=frankfurt,dublin&amp;x=1</Redirect>";
    assert_eq!(problems(overrides, Setting::Webhook).1, []);
    each_has_its_problem(
        &[
            ("<Record action=\"/r\"/>", 15004, "relative", "action=\"/r\""),
            ("<Record/>", 11100, "no `action`", "<Record/>"),
            ("<Redirect>next</Redirect>", 15004, "relative", "<Redirect>…"),
            ("<Gather/>", 0, "no `action`", "<Gather/>"),
            ("<Reject/>", 0, "too late", "<Reject/>"),
        ],
        Setting::LiveCall,
    );
    let long = format!("<Pause/>{}", " ".repeat(4_000));
    each_has_its_problem(&[(&long, 32018, "4029 characters", "<Response>…")], Setting::Inline);
    assert_eq!(problems(&long, Setting::Webhook).1, []);
}

#[test]
fn verbs_that_are_never_reached_are_named() {
    each_has_its_problem(
        &[
            (
                "<Hangup/><Say>x</Say>",
                0,
                "`<Say>` is never reached: `<Hangup>`",
                "<Say>x</Say>",
            ),
            (
                "<Redirect>/a</Redirect><Play>a</Play><Play>b</Play>",
                0,
                "`<Redirect>`",
                "<Play>a</Play>",
            ),
            ("<Reject/><Hangup/>", 0, "`<Reject>`", "<Hangup/>"),
            (
                "<Dial action=\"/a\">+972312345678</Dial><Hangup/>",
                0,
                "`<Dial>`",
                "<Hangup/>",
            ),
            (
                "<Connect action=\"/a\"><Room>a</Room></Connect><Hangup/>",
                0,
                "`<Connect>`",
                "<Hangup/>",
            ),
            (
                "<Gather action=\"/a\" actionOnEmptyResult=\"true\"/><Hangup/>",
                0,
                "`<Gather>`",
                "<Hangup/>",
            ),
            ("<Pause/><Reject/>", 0, "too late", "<Reject/>"),
        ],
        Setting::FirstDocument,
    );
}

#[test]
fn a_call_that_is_answered_cannot_be_rejected_and_nobody_leaves_a_queue_before_the_call_begins() {
    each_has_its_problem(&[("<Reject/>", 0, "too late", "<Reject/>")], Setting::Webhook);
    each_has_its_problem(&[("<Leave/>", 0, "no queue", "<Leave/>")], Setting::FirstDocument);
    assert_eq!(problems("<Leave/>", Setting::Webhook).1, []);
}

#[test]
fn waiting_and_whispering_documents_take_few_verbs() {
    each_has_its_problem(
        &[("<Hangup/>", 13238, "`<Hangup>`", "<Hangup/>")],
        Setting::ConferenceWait,
    );
    each_has_its_problem(
        &[("<Dial>+972312345678</Dial>", 13201, "`<Dial>`", "<Dial>…")],
        Setting::Whisper,
    );
    each_has_its_problem(
        &[("<Enqueue>q</Enqueue>", 12200, "`<Enqueue>`", "<Enqueue>…")],
        Setting::QueueWait,
    );
    assert_eq!(problems("<Say>x</Say><Leave/>", Setting::QueueWait).1, []);
}

#[test]
fn what_is_no_document_is_said_in_the_same_way() {
    for (xml, code) in [
        ("<html></html>", 12102),
        ("oops", 12100),
        ("<Response version=\"9\"/>", 12101),
    ] {
        let (_, found) = examine(xml, Setting::Webhook);
        assert_eq!(
            found.iter().map(|problem| problem.code).collect::<Vec<_>>(),
            [code],
            "{xml}"
        );
        assert_eq!(found[0].severity, Severity::Error);
    }
}

#[test]
fn messages_have_a_grammar_of_their_own() {
    let many = "<Message>a</Message>".repeat(11);
    for (body, code, message) in [
        (
            "<Message to=\"whatsapp:+972512345678\"><Body>שלום</Body><Media>https://a.example/x.jpg</Media></Message>",
            None,
            "",
        ),
        ("<Message>hello</Message><Redirect>/next</Redirect>", None, ""),
        ("<Say>x</Say>", Some(14110), "`<Say>`"),
        ("<Message/>", Some(14103), "neither"),
        ("<Message to=\"ann@b\">a</Message>", Some(14101), "ann@b"),
        ("<Message from=\"whatsapp:12\">a</Message>", Some(14102), "whatsapp:12"),
        ("<Message method=\"PUT\">a</Message>", Some(14104), "PUT"),
        ("<Message statusCallback=\"x:y\">a</Message>", Some(14105), "x:y"),
        ("<Message>a<Body>b</Body></Message>", Some(0), "beside"),
        (
            "<Message><Media>ftp://a.example/x</Media></Message>",
            Some(11100),
            "ftp",
        ),
        ("<Redirect>/a</Redirect><Message>b</Message>", Some(0), "never reached"),
        (many.as_str(), Some(14109), "11 messages"),
    ] {
        let root = read(&format!("<Response>{body}</Response>")).expect("well-formed");
        let found = check_messages(&root);
        assert_eq!(found.first().map(|problem| problem.code), code, "{body}: {found:#?}");
        assert!(
            found.first().is_none_or(|problem| problem.message.contains(message)),
            "{body}: {found:#?}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_document_makes_the_checker_panic(
        tags in proptest::collection::vec(proptest::sample::select(vec![
            "<Say>", "</Say>", "<Dial>", "</Dial>", "<Stream/>", "<Gather>", "</Gather>", "<Play/>", "<Record/>",
            "<Connect>", "</Connect>", "<Redirect/>", "x", "שלום", "<Sip/>", "<Message/>", "<Conference/>",
        ]), 0..12),
        name in "[a-zA-Z]{1,12}",
        value in "[^<&\"]{0,20}",
    ) {
        let xml = format!("<Response><Say {name}=\"{value}\"/>{}</Response>", tags.concat());
        if let Ok(root) = read(&xml) {
            for setting in [Setting::Webhook, Setting::LiveCall, Setting::Whisper] {
                for problem in check(&root, setting).into_iter().chain(check_messages(&root)) {
                    proptest::prop_assert!(xml.get(problem.range.clone()).is_some());
                }
            }
        }
    }
}
