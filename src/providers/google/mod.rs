//! What Google's speech services have in common: signing in, REST requests, gRPC.

mod auth;
pub(super) mod grpc;
mod key;
pub(super) mod rest;
pub(super) mod speech;

pub(super) use auth::{Access, Pass};

/// The language of a tag as speech recognition v1 knows it: a region is added where a bare language has an obvious one, and Hebrew
/// goes by its withdrawn code there.
pub(super) fn recognition_language(tag: Option<&str>) -> String {
    let tag = tag.map_or("en-US", str::trim).replace('_', "-");
    let (language, region) = match tag.split_once('-') {
        Some((language, region)) => (language.to_ascii_lowercase(), Some(region)),
        None => (tag.to_ascii_lowercase(), None),
    };
    match (language.as_str(), region) {
        ("he" | "iw", region) => format!("iw-{}", region.unwrap_or("IL")),
        (_, Some(_)) => tag,
        ("en", None) => "en-US".to_owned(),
        ("ar", None) => "ar-EG".to_owned(),
        ("pt", None) => "pt-BR".to_owned(),
        ("zh", None) => "cmn-Hans-CN".to_owned(),
        ("ja", None) => "ja-JP".to_owned(),
        ("ko", None) => "ko-KR".to_owned(),
        ("hi", None) => "hi-IN".to_owned(),
        ("uk", None) => "uk-UA".to_owned(),
        ("sv", None) => "sv-SE".to_owned(),
        ("da", None) => "da-DK".to_owned(),
        ("cs", None) => "cs-CZ".to_owned(),
        ("el", None) => "el-GR".to_owned(),
        // Most languages are named as the country that has them: `fr-FR`, `de-DE`, `ru-RU`.
        (language, None) if language.len() == 2 => format!("{language}-{}", language.to_ascii_uppercase()),
        (_, None) => tag,
    }
}

/// The part of gRPC's and REST's refusals that both word alike: a bad API key is called a bad argument there.
fn is_about_the_key(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("api key") || message.contains("api_key_invalid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_named_as_the_service_names_them() {
        let cases = [
            (None, "en-US"),
            (Some("en"), "en-US"),
            (Some("en-GB"), "en-GB"),
            (Some("he"), "iw-IL"),
            (Some("he_IL"), "iw-IL"),
            (Some("iw-IL"), "iw-IL"),
            (Some("ru"), "ru-RU"),
            (Some("yue-Hant-HK"), "yue-Hant-HK"),
            (Some("cmn"), "cmn"),
        ];
        for (tag, expected) in cases {
            assert_eq!(recognition_language(tag), expected, "{tag:?}");
        }
    }
}
