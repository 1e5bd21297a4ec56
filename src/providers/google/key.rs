//! What a configured key for Google turns out to be: an API key, or a service account's JSON with its private key.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::providers::ProviderError;

/// The scope that all of Google's cloud services accept.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The longest life that Google grants an assertion and its token.
pub(super) const ASSERTION_LIFE: Duration = Duration::from_secs(3600);
/// How far this machine's clock may be ahead of Google's.
const SKEW: Duration = Duration::from_secs(30);

/// A key as configured.
pub(super) enum Key {
    Api(SecretString),
    Account(Box<AccountKey>),
}

/// A service account that can sign for itself.
pub(super) struct AccountKey {
    email: String,
    key_id: Option<String>,
    /// Where assertions are exchanged for tokens.
    pub token_uri: Url,
    pair: RsaKeyPair,
}

/// The parts of a service account's JSON that are needed.
#[derive(Deserialize)]
struct AccountFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: Option<String>,
    private_key: Option<SecretString>,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl Key {
    /// Reads a key. Errors: a JSON text that is no service account's, or one whose private key cannot be used.
    pub(super) fn read(key: &SecretString) -> Result<Self, ProviderError> {
        let text = key.expose_secret().trim();
        if !text.starts_with('{') {
            return match text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                true => Err(unusable(
                    "it is neither an API key nor the JSON text of a service account",
                )),
                false => Ok(Self::Api(text.to_owned().into())),
            };
        }
        // The parser's own message could quote the text.
        let file: AccountFile = serde_json::from_str(text).map_err(|error| {
            unusable(&format!(
                "line {}, column {}: not a service account",
                error.line(),
                error.column()
            ))
        })?;
        if file.kind.as_deref() != Some("service_account") {
            return Err(unusable("the JSON text is not of the type `service_account`"));
        }
        let (Some(email), Some(private)) = (file.client_email, file.private_key) else {
            return Err(unusable(
                "the service account has no `client_email` or no `private_key`",
            ));
        };
        let token_uri = file
            .token_uri
            .as_deref()
            .unwrap_or("https://oauth2.googleapis.com/token");
        let token_uri = Url::parse(token_uri)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| unusable("the service account's `token_uri` is not an http or https URL"))?;
        Ok(Self::Account(Box::new(AccountKey {
            email,
            key_id: file.private_key_id,
            token_uri,
            pair: pair(private.expose_secret())?,
        })))
    }
}

impl AccountKey {
    /// A signed statement (RFC 7523) that this account wants a token: good for an hour, for the token address alone.
    pub(super) fn assertion(&self, now: SystemTime) -> Result<SecretString, ProviderError> {
        let issued = now.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(SKEW);
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.key_id {
            header["kid"] = json!(id);
        }
        let claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_uri.as_str(),
            "iat": issued.as_secs(),
            "exp": issued.as_secs() + ASSERTION_LIFE.as_secs(),
        });
        let base64 = base64_simd::URL_SAFE_NO_PAD;
        let mut assertion = format!(
            "{}.{}",
            base64.encode_to_string(header.to_string()),
            base64.encode_to_string(claims.to_string())
        );
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                assertion.as_bytes(),
                &mut signature,
            )
            .map_err(|_| unusable("the service account's private key does not sign"))?;
        assertion.push('.');
        assertion.push_str(&base64.encode_to_string(signature));
        Ok(assertion.into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(_) => f.write_str("an API key"),
            Self::Account(account) => write!(f, "the account {}", account.email),
        }
    }
}

/// PKCS#8, as Google writes it, or PKCS#1.
fn pair(pem: &str) -> Result<RsaKeyPair, ProviderError> {
    let bad = || unusable("the service account's `private_key` is not an RSA key in PEM form");
    let pair = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| bad())? {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(bad()),
    };
    pair.map_err(|_| bad())
}

fn unusable(why: &str) -> ProviderError {
    ProviderError::Auth {
        detail: format!("the key for Google cannot be used: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_is_told_from_an_account_and_from_nonsense() {
        assert!(
            matches!(Key::read(&" AIzaSy-abc_1 \n".into()), Ok(Key::Api(key)) if key.expose_secret() == "AIzaSy-abc_1")
        );
        let cases = [
            ("", "neither"),
            ("two words", "neither"),
            ("{", "line 1, column 1"),
            (r#"{"type":"authorized_user","refresh_token":"r"}"#, "service_account"),
            (r#"{"type":"service_account","client_email":"a@b"}"#, "private_key"),
            (
                r#"{"type":"service_account","client_email":"a@b","private_key":"secret"}"#,
                "PEM",
            ),
            (
                r#"{"type":"service_account","client_email":"a@b","private_key":"secret","token_uri":"file:///x"}"#,
                "token_uri",
            ),
        ];
        for (text, expected) in cases {
            let error = Key::read(&text.into()).expect_err(text);
            assert!(matches!(error, ProviderError::Auth { .. }));
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
