//! Live calls: what goes over the wire, and what each failure becomes.

use std::time::Duration;

use engine::channels::twilio::{CallStatus, CarrierError, Credentials, Redirect, TwilioClient, TwilioConfig};

use super::{ACCOUNT, BASIC, client, config, hasty};
use crate::wire::{Answer, Wire};

const CALL: &str = "CA00000000000000000000000000000002";

fn call_path() -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}.json")
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect()
}

#[tokio::test]
async fn a_redirect_carries_the_document_or_its_url() {
    let server = Wire::answering([Answer::json(200, r#"{"status":"in-progress"}"#)]).await;
    let client = client(&server);
    let twiml = "<Response><Say>שלום & ברוך</Say></Response>".to_owned();
    client
        .redirect_call(CALL, &Redirect::Twiml(twiml.clone()))
        .await
        .expect("accepted");
    let url = "https://example.com/webhook/next?n=2".to_owned();
    client
        .redirect_call(CALL, &Redirect::Url(url.clone()))
        .await
        .expect("accepted");
    client.hang_up(CALL).await.expect("accepted");

    let seen = server.requests();
    for request in &seen {
        assert_eq!(request.method, "POST");
        assert_eq!(request.target, call_path());
        assert_eq!(request.header("authorization"), Some(BASIC));
        assert_eq!(
            request.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
    }
    assert_eq!(seen[0].form(), pairs(&[("Twiml", &twiml)]));
    assert_eq!(seen[1].form(), pairs(&[("Url", &url), ("Method", "POST")]));
    assert_eq!(seen[2].form(), pairs(&[("Status", "completed")]));
}

#[tokio::test]
async fn an_api_key_signs_in_for_the_account() {
    let server = Wire::answering([Answer::json(200, "{}")]).await;
    let key = Credentials::ApiKey {
        sid: "SK1".to_owned(),
        secret: "s".into(),
    };
    let client = TwilioClient::new(TwilioConfig {
        credentials: Some(key),
        ..config(&server)
    });
    client.hang_up(CALL).await.expect("accepted");
    assert_eq!(server.request().header("authorization"), Some("Basic U0sxOnM="));
    assert_eq!(server.request().target, call_path());
}

#[tokio::test]
async fn a_path_in_the_api_url_is_kept_and_a_sid_cannot_leave_it() {
    let server = Wire::answering([Answer::json(200, "{}")]).await;
    let client = TwilioClient::new(TwilioConfig {
        api_url: server.url("/carrier/"),
        ..config(&server)
    });
    client.hang_up("../CA1?x=/#").await.expect("accepted");
    assert_eq!(
        server.request().target,
        format!("/carrier/2010-04-01/Accounts/{ACCOUNT}/Calls/..%2FCA1%3Fx=%2F%23.json")
    );
}

#[tokio::test]
async fn a_call_is_read_with_its_numbers_given_as_text() {
    let body = r#"{"sid":"CA1","status":"completed","duration":"42","direction":"inbound","price":null}"#;
    let live = r#"{"sid":"CA1","status":"in-progress","duration":null}"#;
    let odd = r#"{"sid":"CA1","status":"parked"}"#;
    let server = Wire::answering([body, live, odd].map(|body| Answer::json(200, body))).await;
    let client = client(&server);

    let call = client.call_status(CALL).await.expect("a call");
    assert_eq!(
        (call.status.clone(), call.duration),
        (CallStatus::Completed, Some(Duration::from_secs(42)))
    );
    assert!(call.status.is_over());
    let call = client.call_status(CALL).await.expect("a call");
    assert_eq!((call.status, call.duration), (CallStatus::InProgress, None));
    let call = client.call_status(CALL).await.expect("a call");
    assert!(!call.status.is_over());
    assert_eq!(call.status, CallStatus::Other("parked".to_owned()));

    let first = &server.requests()[0];
    assert_eq!(
        (first.method.as_str(), first.target.as_str()),
        ("GET", call_path().as_str())
    );
    assert_eq!(first.header("authorization"), Some(BASIC));
}

#[tokio::test]
async fn each_refusal_has_its_own_error() {
    let error =
        |code: u32, message: &str| format!(r#"{{"code":{code},"message":"{message}","more_info":"x","status":1}}"#);
    let cases = [
        (
            Answer::json(401, &error(20003, "Authenticate")),
            CarrierError::Auth {
                code: Some(20003),
                message: "Authenticate".to_owned(),
            },
        ),
        (
            Answer::json(403, &error(20003, "Permission")),
            CarrierError::Auth {
                code: Some(20003),
                message: "Permission".to_owned(),
            },
        ),
        (
            Answer::json(404, &error(20404, "not found")),
            CarrierError::NotFound {
                message: "not found".to_owned(),
            },
        ),
        (
            Answer::json(400, &error(21220, "Call is not in-progress. Cannot redirect.")),
            CarrierError::CallNotInProgress,
        ),
        (
            Answer::json(400, &error(21205, "bad")),
            CarrierError::Refused {
                status: 400,
                code: Some(21205),
                message: "bad".to_owned(),
            },
        ),
        (
            Answer::json(400, &error(21211, "The number +972501234567 is bad")),
            CarrierError::Refused {
                status: 400,
                code: Some(21211),
                message: "The number +…67 is bad".to_owned(),
            },
        ),
        (
            Answer::with(400, "text/html", "<html>"),
            CarrierError::Refused {
                status: 400,
                code: None,
                message: String::new(),
            },
        ),
        (
            Answer::redirect(302, "https://elsewhere.example/"),
            CarrierError::Refused {
                status: 302,
                code: None,
                message: String::new(),
            },
        ),
        (
            Answer::json(429, &error(20429, "Too Many Requests")),
            CarrierError::RateLimited { retry_after: None },
        ),
        (
            Answer::json(429, "").header("retry-after", "3"),
            CarrierError::RateLimited {
                retry_after: Some(Duration::from_secs(3)),
            },
        ),
        (
            Answer::json(429, "")
                .header("date", "Thu, 24 Aug 2023 05:01:45 GMT")
                .header("retry-after", "Thu, 24 Aug 2023 05:01:50 GMT"),
            CarrierError::RateLimited {
                retry_after: Some(Duration::from_secs(5)),
            },
        ),
        (
            Answer::json(500, ""),
            CarrierError::Unavailable {
                sent: true,
                status: Some(500),
            },
        ),
        (
            Answer::json(503, &error(20503, "x")),
            CarrierError::Unavailable {
                sent: true,
                status: Some(503),
            },
        ),
    ];
    for (answer, expected) in cases {
        let server = Wire::answering([answer.clone()]).await;
        let failed = client(&server).hang_up(CALL).await.expect_err("a refusal");
        assert_eq!(failed, expected, "{answer:?}");
        assert_eq!(server.requests().len(), 1, "the client itself repeats nothing");
        let later = matches!(
            failed,
            CarrierError::RateLimited { .. } | CarrierError::Unavailable { .. }
        );
        assert_eq!(failed.is_retryable(), later, "{failed}");
    }
}

#[tokio::test]
async fn silence_a_cut_and_a_closed_port_are_told_apart() {
    let server = Wire::answering([Answer::Silence]).await;
    let failed = hasty(&server).hang_up(CALL).await.expect_err("no answer");
    assert_eq!(failed, CarrierError::Timeout { sent: true });
    assert!(failed.is_retryable() && failed.may_have_happened());

    let server = Wire::answering([Answer::Reset]).await;
    let failed = client(&server).hang_up(CALL).await.expect_err("cut");
    assert_eq!(
        failed,
        CarrierError::Unavailable {
            sent: true,
            status: None
        }
    );
    assert!(failed.may_have_happened());
    assert_eq!(server.requests().len(), 1);

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let api_url = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    let client = TwilioClient::new(TwilioConfig {
        api_url,
        ..config(&server)
    });
    let failed = client.hang_up(CALL).await.expect_err("nobody there");
    assert_eq!(
        failed,
        CarrierError::Unavailable {
            sent: false,
            status: None
        }
    );
    assert!(failed.is_retryable() && !failed.may_have_happened());
}

#[tokio::test]
async fn what_is_missing_or_too_long_is_said_before_anything_is_sent() {
    let server = Wire::answering([Answer::json(200, "{}")]).await;
    let without = |change: fn(&mut TwilioConfig)| {
        let mut config = config(&server);
        change(&mut config);
        TwilioClient::new(config)
    };
    let no_account = without(|c| c.account_sid = None);
    assert!(!no_account.is_configured());
    let failed = no_account.hang_up(CALL).await.expect_err("no account");
    assert_eq!(failed, CarrierError::MissingCredentials { what: "account SID" });
    let failed = without(|c| c.credentials = None)
        .hang_up(CALL)
        .await
        .expect_err("no token");
    assert_eq!(
        failed,
        CarrierError::MissingCredentials {
            what: "auth token or API key"
        }
    );
    for url in ["", "api.twilio.com", "ftp://x", "mailto:a@b"] {
        let client = TwilioClient::new(TwilioConfig {
            api_url: url.to_owned(),
            ..config(&server)
        });
        let failed = client.hang_up(CALL).await.expect_err("no URL");
        assert!(matches!(failed, CarrierError::Misconfigured { .. }), "{url}: {failed}");
    }
    let failed = client(&server).hang_up("").await.expect_err("no call");
    assert!(matches!(failed, CarrierError::NotFound { .. }), "{failed}");
    let long = Redirect::Twiml("ש".repeat(4001));
    let failed = client(&server).redirect_call(CALL, &long).await.expect_err("too long");
    assert_eq!(failed, CarrierError::TwimlTooLong { characters: 4001 });
    assert_eq!(failed.code(), Some(32018));
    assert_eq!(server.connections(), 0);

    let longest = Redirect::Twiml("ש".repeat(4000));
    client(&server)
        .redirect_call(CALL, &longest)
        .await
        .expect("4000 characters are allowed");
}

#[tokio::test]
async fn secrets_are_not_printed() {
    let server = Wire::answering([Answer::json(200, "{}")]).await;
    let shown = format!("{:?} {:?}", client(&server), config(&server));
    assert!(!shown.contains(super::TOKEN), "{shown}");
}
