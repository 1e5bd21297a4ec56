//! Addresses of a provider's API below a configured base.

use url::Url;

use super::ProviderError;

/// `{base}/{path}`, however many slashes the base ends in, keeping a query of the base (some gateways need one).
pub(super) fn endpoint(base: &str, path: &str) -> Result<Url, ProviderError> {
    let bad = || ProviderError::BadRequest {
        detail: "the provider's base URL is not an http or https URL".to_owned(),
    };
    let mut url = Url::parse(base.trim()).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(bad());
    }
    let joined = format!("{}/{path}", url.path().trim_end_matches('/'));
    url.set_path(&joined);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_with_and_without_slash_and_prefix() {
        let cases = [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/audio/speech"),
            ("https://api.openai.com/v1//", "https://api.openai.com/v1/audio/speech"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/audio/speech"),
            (
                " https://gw.example/a/b/?v=1 ",
                "https://gw.example/a/b/audio/speech?v=1",
            ),
        ];
        for (base, expected) in cases {
            assert_eq!(
                endpoint(base, "audio/speech").map(String::from),
                Ok(expected.to_owned())
            );
        }
        for base in ["", "api.openai.com/v1", "file:///v1", "mailto:a@b"] {
            assert!(endpoint(base, "x").is_err(), "{base}");
        }
    }
}
