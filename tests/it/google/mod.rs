//! Google's speech services: sign-in, streaming recognition, voices and whole recordings, against servers that speak their protocols.

mod auth;
mod listen;
mod service;
mod speak;
mod transcribe;

use serde_json::{Value, json};

/// Made for these tests; see `tests/fixtures/README.md`.
const TEST_KEY: &str = include_str!("../../fixtures/test_only_service_account_key.pem");

/// A service account's JSON text, signing in at this address.
fn account(token_uri: &str) -> String {
    let account: Value = json!({
        "type": "service_account",
        "project_id": "test",
        "private_key_id": "key-7",
        "private_key": TEST_KEY,
        "client_email": "speech@test.iam.gserviceaccount.com",
        "token_uri": token_uri,
    });
    account.to_string()
}
