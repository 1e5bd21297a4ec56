//! The clients of the carrier and of other services, against local servers that speak their protocols.

mod calls;
mod http;
mod messages;
mod recording;

use std::time::Duration;

use engine::channels::twilio::{Credentials, Timeouts, TwilioClient, TwilioConfig};

use crate::wire::Wire;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "a-token";
/// Basic sign-in of the account above.
const BASIC: &str = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTphLXRva2Vu";

fn config(server: &Wire) -> TwilioConfig {
    TwilioConfig {
        account_sid: Some(ACCOUNT.to_owned()),
        credentials: Some(Credentials::AuthToken(TOKEN.into())),
        api_url: server.url(""),
        ..TwilioConfig::default()
    }
}

fn client(server: &Wire) -> TwilioClient {
    TwilioClient::new(config(server))
}

/// As [`client`], but it gives up soon.
fn hasty(server: &Wire) -> TwilioClient {
    let soon = Duration::from_millis(200);
    TwilioClient::new(TwilioConfig {
        timeouts: Timeouts {
            calls: soon,
            messages: soon,
            recordings: soon,
        },
        ..config(server)
    })
}
