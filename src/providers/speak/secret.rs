//! Keys stay out of errors, even where a service repeats them in its answer.

use crate::providers::{ProviderError, Service};
use secrecy::ExposeSecret;

/// A value shorter than this is no secret, and hiding it would garble the text.
const SHORTEST: usize = 6;

/// The error without the service's key and header values.
pub(super) fn hide(mut error: ProviderError, service: &Service) -> ProviderError {
    let detail = match &mut error {
        ProviderError::Auth { detail }
        | ProviderError::Quota { detail, .. }
        | ProviderError::BadRequest { detail }
        | ProviderError::Transient { detail }
        | ProviderError::Protocol { detail } => detail,
        ProviderError::Timeout { .. } => return error,
    };
    let key = service.key.as_ref().map(ExposeSecret::expose_secret);
    let headers = service.headers.iter().map(|(_, value)| value.as_str());
    for secret in key.into_iter().chain(headers) {
        if secret.len() >= SHORTEST && detail.contains(secret) {
            *detail = detail.replace(secret, "…");
        }
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_repeated_is_hidden() {
        let service = Service {
            key: Some("xi-1234567".into()),
            headers: vec![("x-gateway".to_owned(), "gatekey".to_owned())],
            ..Service::default()
        };
        let error = ProviderError::Auth {
            detail: "bad xi-1234567 or gatekey".to_owned(),
        };
        assert_eq!(
            hide(error, &service),
            ProviderError::Auth {
                detail: "bad … or …".to_owned()
            }
        );
    }
}
