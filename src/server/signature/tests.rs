//! The carrier's published vectors and this project's own, as one table, and what a validator must accept and refuse.

use proptest::prelude::*;

use super::*;

const SDK: &str = "12345";
const OWN: &str = "0123456789abcdef0123456789abcdef";
const BASE: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const B1: &[u8] = br#"{"property": "value", "boolean": true}"#;
const B1_HASH: &str = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const EMPTY_HASH: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
const SID: &str = "CA0123456789abcdef0123456789abcdef";

type Pairs = Vec<(String, String)>;

fn pairs(list: &[(&str, &str)]) -> Pairs {
    list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn p() -> Pairs {
    p_from("+14158675309")
}

fn p_from(from: &str) -> Pairs {
    pairs(&[
        ("To", "+18005551212"),
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", from),
        ("Digits", "1234"),
        ("From", from),
    ])
}

fn p_and(more: &[(&str, &str)]) -> Pairs {
    let mut all = p();
    all.extend(pairs(more));
    all
}

fn list(urls: &[&str]) -> Vec<String> {
    urls.iter().map(|url| (*url).to_owned()).collect()
}

#[test]
fn vectors_with_the_published_token() {
    let long = format!("{BASE}&type=thiswontbeusedinthesignaturegeneratorandsoshouldbeignored");
    let s09 = format!("{BASE}&Body=It%27s+amazing");
    let s09n = format!("{BASE}&Body=It's+amazing");
    let j01 = format!("{BASE}&bodySHA256={B1_HASH}");
    let j02 = format!("https://mycompany.com/myapp.php?bodySHA256={B1_HASH}");
    let j03 = format!("https://mycompany.com:443/myapp.php?foo=1&bar=2&bodySHA256={EMPTY_HASH}");
    let j03n = format!("{BASE}&bodySHA256={EMPTY_HASH}");
    let prefix = [("ReasonConferenceEnded", "test"), ("Reason", "Participant")];
    let tail = "myapp.php?foo=1&bar=2";
    let table: Vec<(&str, String, Pairs, &str)> = vec![
        ("S01", BASE.into(), p(), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (
            "S02",
            format!("http://mycompany.com:1234/{tail}"),
            p(),
            "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
        ),
        (
            "S03",
            format!("https://mycompany.com:443/{tail}"),
            p(),
            "kvajT1Ptam85bY51eRf/AJRuM3w=",
        ),
        (
            "S04",
            format!("http://mycompany.com:80/{tail}"),
            p(),
            "0ZXoZLH/DfblKGATFgpif+LLRf4=",
        ),
        (
            "S05",
            format!("https://user:pass@mycompany.com/{tail}"),
            p(),
            "CukzLTc1tT5dXEDIHm/tKBanW10=",
        ),
        (
            "S06",
            format!("https://user@mycompany.com/{tail}"),
            p(),
            "2YRLlVAflCqxaNicjMpJcSTgzSs=",
        ),
        (
            "S07",
            format!("https://user:pass@mycompany.com:443/{tail}"),
            p(),
            "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=",
        ),
        (
            "S08",
            format!("https://user@mycompany.com:443/{tail}"),
            p(),
            "aZfj4hyX1MLZhSS6QIL18Vn2/RA=",
        ),
        ("S09", s09, p(), "TfZzewPq8wqrGlMfyAud8+/IvJ0="),
        ("S09n", s09n, p(), "dsq4Ehbj6cs+KdTkpF5sSSplOWw="),
        (
            "S10",
            BASE.into(),
            pairs(&[
                ("MessagingBinding.Address", "+1325xxxxxxx"),
                ("MessagingBinding.Address", "+1415xxxxxxx"),
            ]),
            "83O6e2vORAoJHUNzJjDWN1jz+BA=",
        ),
        (
            "S11",
            BASE.into(),
            pairs(&[
                ("Sid", "CA123"),
                ("SidAccount", "AC123"),
                ("Digits", "5678"),
                ("Digits", "1234"),
                ("Digits", "1234"),
            ]),
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
        ("S12", BASE.into(), p_and(&prefix), "vOEb5UThFn24KEfnOFLQY2AE5FY="),
        (
            "S13",
            format!("http://mycompany.com/{tail}"),
            p_and(&prefix),
            "n2xBNyzSW7rfYStDtOFiFMv7qNo=",
        ),
        (
            "S14",
            BASE.into(),
            pairs(&[("property", "value"), ("boolean", "true")]),
            "NBdBDr/T/lgjI+tlgpXjKZQZs/k=",
        ),
        ("S15", BASE.into(), pairs(&[]), "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
        (
            "S16",
            "https://mycompany.com/myapp.php".into(),
            p(),
            "1xaxFBvyzXYvWplzNOSs28HWO94=",
        ),
        ("S17", long, p(), "hYkNsTBttoNGkyCS0p+wWmQoRTg="),
        (
            "S18",
            "https://mycompany.com/myapp.php?foo=hello%20world&bar=test%2Bvalue".into(),
            p(),
            "er2tvAP1Wx+iuTTE2BPgvEaN1cs=",
        ),
        (
            "S19",
            BASE.into(),
            pairs(&[
                ("Message", "Hello & goodbye! @#$%^*()"),
                ("From", "+1 (415) 867-5309"),
                ("Special", "unicode: ñáéíóú"),
            ]),
            "dCPiR4WtQ6QFN6pJh81CtlCcWLQ=",
        ),
        (
            "S20",
            BASE.into(),
            pairs(&[("Digits", ""), ("CallSid", "CA1234567890ABCDE"), ("EmptyParam", "")]),
            "9HHp/OqQMEwdrVebHDdA/+tqjX8=",
        ),
        (
            "S21",
            BASE.into(),
            pairs(&[
                ("Zebra", "last"),
                ("Alpha", "first"),
                ("Beta", "second"),
                ("Gamma", "third"),
            ]),
            "enveUe73ZTVLAekHxez3Qx6JuuQ=",
        ),
        (
            "S22",
            "https://mycompany.com/webhook/España?año=2023".into(),
            p(),
            "G/Hx6mqqnjUNlPAoi2Sp9bGst0g=",
        ),
        (
            "S23",
            BASE.into(),
            pairs(&[
                ("callSid", "lowercase"),
                ("CallSid", "uppercase"),
                ("CALLSID", "allcaps"),
            ]),
            "jDK7WKT8wiNrwggd4ceTv4e1MJ4=",
        ),
        (
            "S24",
            format!("https://mycompany.com:443//{tail}"),
            p(),
            "A9lH3u16NjyiiM/+wylw5rirFUs=",
        ),
        (
            "S25",
            format!("https://MyCompany.com/{tail}"),
            p(),
            "g9IN/x4Cft2g517EjYvEvM/W7LU=",
        ),
        ("J01", j01, pairs(&[]), "a9nBmqA0ju/hNViExpshrM61xv4="),
        ("J02", j02, pairs(&[]), "y77kIzt2vzLz71DgmJGsen2scGs="),
        ("J03", j03, pairs(&[]), "Ldidvp12m26NI7eqEvxnEpkd9Hc="),
        ("J03n", j03n, pairs(&[]), "rw/jVviOgicj2+kHZULvebnA4ag="),
        (
            "D01",
            BASE.into(),
            p_from("+12349013030"),
            "0/KCTR6DLpKmkAf8muzZqo1nDgQ=",
        ),
    ];
    for (id, url, params, expected) in table {
        assert_eq!(sign(SDK, &url, &params), expected, "{id} {url}");
        let seen = candidates(&url, UrlKind::Webhook);
        assert_eq!(
            matching(SDK, expected, &seen, SignedBody::Form(&params)),
            Some(url.as_str()),
            "{id}"
        );
    }
}

#[test]
fn vectors_with_the_own_token() {
    let f01 = pairs(&[
        ("AccountSid", "AC0123456789abcdef0123456789abcdef"),
        ("ApiVersion", "2010-04-01"),
        ("CallSid", SID),
        ("CallStatus", "ringing"),
        ("Called", "+97231234567"),
        ("Caller", "+972501234567"),
        ("Direction", "inbound"),
        ("From", "+972501234567"),
        ("To", "+97231234567"),
    ]);
    let f02 = pairs(&[
        ("Body", "\u{5e9}\u{5dc}\u{5d5}\u{5dd} "),
        ("From", "whatsapp:+972501234567"),
        ("MessageSid", "SM0123456789abcdef0123456789abcdef"),
        ("NumMedia", "0"),
        ("To", "whatsapp:+14155238886"),
    ]);
    let f03 = pairs(&[("CallSid", SID), ("Digits", "1#")]);
    let g01 = format!("https://voice.example.com/voice?CallSid={SID}&From=%2B972501234567&To=%2B97231234567");
    let none = pairs(&[]);
    let table: Vec<(&str, &str, &Pairs, &str)> = vec![
        (
            "W01",
            "wss://voice.example.com/ws/twilio",
            &none,
            "DQQhj2qLgwJb4m70cS7SeqAHeBE=",
        ),
        (
            "W02",
            "wss://voice.example.com/ws/twilio/",
            &none,
            "E+59uY5oXRmHRM3towiEXqi0/9s=",
        ),
        (
            "W03",
            "wss://voice.example.com:8443/ws/twilio",
            &none,
            "8fPIf6YljH5Rsa2TInxFRCqZ57c=",
        ),
        ("W05", "wss://voice.example.com", &none, "LTNc5OeQVPZL6E2Birj6O1bpaMc="),
        ("W06", "wss://voice.example.com/", &none, "mdZ0WZCJ6GoYsAcIGYax9h4blE4="),
        ("G01", &g01, &none, "+fSJKDeo/T3xlv6rJUfV+Js2kog="),
        (
            "F01",
            "https://voice.example.com/voice/incoming",
            &f01,
            "FD6szKirObC9lvNF5ls4OeOjE50=",
        ),
        (
            "F02",
            "https://voice.example.com/wa/incoming",
            &f02,
            "ZkxBCYWXifsGMTfCHbidFh++GT0=",
        ),
        (
            "F03",
            "https://voice.example.com/voice?tenant=7",
            &f03,
            "p51WO/fOeYiCEzj5Gu1S1FDivmo=",
        ),
    ];
    for (id, url, params, expected) in table {
        assert_eq!(sign(OWN, url, params), expected, "{id} {url}");
    }

    let with_fragment = candidates(
        "https://voice.example.com/voice?tenant=7#rc=2&rt=5000",
        UrlKind::Webhook,
    );
    assert!(with_fragment.iter().all(|url| !url.contains('#')));
    let body = SignedBody::Form(&f03);
    assert!(
        matching(OWN, "p51WO/fOeYiCEzj5Gu1S1FDivmo=", &with_fragment, body).is_some(),
        "F03"
    );
}

#[test]
fn a_websocket_is_tried_with_and_without_port_and_slash() {
    let kind = UrlKind::WebSocket { also_https: false };
    let valid = |url: &str, kind: UrlKind, header: &str| {
        matching(OWN, header, &candidates(url, kind), SignedBody::Nothing).is_some()
    };
    let (w01, w02) = ("DQQhj2qLgwJb4m70cS7SeqAHeBE=", "E+59uY5oXRmHRM3towiEXqi0/9s=");
    for url in [
        "wss://voice.example.com/ws/twilio",
        "wss://voice.example.com/ws/twilio/",
    ] {
        assert!(valid(url, kind, w01), "{url}");
        assert!(valid(url, kind, w02), "{url}");
    }
    // W03 and W04: signed with its port, or with the port left out.
    let with_port = "wss://voice.example.com:8443/ws/twilio";
    assert!(valid(with_port, kind, "8fPIf6YljH5Rsa2TInxFRCqZ57c="));
    assert!(valid(with_port, kind, w01));
    // W05 and W06.
    assert!(valid("wss://voice.example.com", kind, "mdZ0WZCJ6GoYsAcIGYax9h4blE4="));
    assert!(valid("wss://voice.example.com/", kind, "LTNc5OeQVPZL6E2Birj6O1bpaMc="));

    let as_https = sign(OWN, "https://voice.example.com/ws/twilio", &[]);
    assert!(!valid("wss://voice.example.com/ws/twilio", kind, &as_https));
    let lenient = UrlKind::WebSocket { also_https: true };
    assert!(valid("wss://voice.example.com/ws/twilio", lenient, &as_https));
}

#[test]
fn a_slash_is_only_toggled_for_websockets() {
    let slashed = sign(SDK, "https://h.example/voice/", &[]);
    let seen = candidates("https://h.example/voice", UrlKind::Webhook);
    assert_eq!(matching(SDK, &slashed, &seen, SignedBody::Nothing), None);
    assert_eq!(toggle_slash("wss://h.example/ws?a=1"), "wss://h.example/ws/?a=1");
}

#[test]
fn ports_and_users_may_be_left_out() {
    let params = p();
    let body = SignedBody::Form(&params);
    let s01 = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let s03 = "kvajT1Ptam85bY51eRf/AJRuM3w=";
    let explicit = candidates("https://mycompany.com:443/myapp.php?foo=1&bar=2", UrlKind::Webhook);
    assert_eq!(matching(SDK, s01, &explicit, body), Some(BASE));
    assert!(matching(SDK, s03, &candidates(BASE, UrlKind::Webhook), body).is_some());
    let user = candidates(
        "https://user:pass@mycompany.com:443/myapp.php?foo=1&bar=2",
        UrlKind::Webhook,
    );
    for header in ["ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=", "CukzLTc1tT5dXEDIHm/tKBanW10=", s01, s03] {
        assert!(matching(SDK, header, &user, body).is_some(), "{header}");
    }
    assert_eq!(
        candidates("http://[::1]/x", UrlKind::Webhook),
        list(&["http://[::1]/x", "http://[::1]:80/x"])
    );
    assert_eq!(
        candidates("http://[::1]:5000/x", UrlKind::Webhook),
        list(&["http://[::1]:5000/x", "http://[::1]/x"])
    );
    let j03 = format!("{BASE}&bodySHA256={EMPTY_HASH}");
    let seen = candidates(&j03, UrlKind::Webhook);
    assert!(matching(SDK, "Ldidvp12m26NI7eqEvxnEpkd9Hc=", &seen, SignedBody::Raw(b"{}")).is_some());
}

#[test]
fn what_must_not_validate() {
    let params = p_and(&[("ReasonConferenceEnded", "test"), ("Reason", "Participant")]);
    let seen = candidates(BASE, UrlKind::Webhook);
    // N01: concatenated strings sorted instead of keys.
    assert_eq!(
        matching(SDK, "95+Bu0JVPi0r/SsESZCVf0dWAjw=", &seen, SignedBody::Form(&params)),
        None
    );

    let right = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    let params = p();
    // N02: any one character changed.
    for at in 0..right.len() {
        let mut bytes = right.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let wrong = String::from_utf8(bytes).expect("ASCII");
        assert_eq!(matching(SDK, &wrong, &seen, SignedBody::Form(&params)), None, "{wrong}");
    }
    // N03: one digit more.
    let mut other = p();
    other
        .iter_mut()
        .filter(|(k, _)| k == "Digits")
        .for_each(|(_, v)| v.push('5'));
    assert_eq!(matching(SDK, right, &seen, SignedBody::Form(&other)), None);
    // N04: a body that differs in whitespace only.
    let j01 = candidates(&format!("{BASE}&bodySHA256={B1_HASH}"), UrlKind::Webhook);
    let header = "a9nBmqA0ju/hNViExpshrM61xv4=";
    assert!(matching(SDK, header, &j01, SignedBody::Raw(B1)).is_some());
    let spaced = br#"{"property":"value", "boolean": true}"#;
    assert_eq!(matching(SDK, header, &j01, SignedBody::Raw(spaced)), None);
    assert!(names_body_hash(&j01[0]) && !names_body_hash(BASE));
    // N05: headers that are no signature. The last is right, but for the newer SHA-256 scheme.
    for junk in [
        "",
        " ",
        "short",
        "not base64 at all !!!!!!!!!!",
        "RSOYDt4T1cUTdK1PDd93/VVr8B8",
        "====",
        "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=",
    ] {
        assert_eq!(matching(SDK, junk, &seen, SignedBody::Form(&params)), None, "{junk:?}");
    }
    assert_eq!(matching("other token", right, &seen, SignedBody::Form(&params)), None);
}

proptest! {
    #[test]
    fn any_url_and_header_is_survived(url in ".{0,60}", header in ".{0,40}", also_https: bool) {
        for kind in [UrlKind::Webhook, UrlKind::WebSocket { also_https }] {
            let seen = candidates(&url, kind);
            prop_assert!(!seen.is_empty());
            prop_assert_eq!(matching(SDK, &header, &seen, SignedBody::Raw(b"x")), None);
        }
    }

    #[test]
    fn the_order_of_parameters_does_not_matter(
        mut params in prop::collection::vec(("[A-Za-z]{1,5}", ".{0,8}"), 0..8), turn in 0usize..8
    ) {
        let one = sign(SDK, BASE, &params);
        let by = turn % params.len().max(1);
        params.rotate_left(by);
        prop_assert_eq!(one, sign(SDK, BASE, &params));
    }
}
