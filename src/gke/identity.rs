//! Who we are to Google Cloud: a given token, a key, or the Application Default Credentials, and
//! perhaps another account that we act as. Access tokens are renewed by their source.

use google_cloud_auth::credentials::service_account::AccessSpecifier;
use google_cloud_auth::credentials::{
    AccessToken, AccessTokenCredentials, AccessTokenCredentialsProvider, Builder, CacheableResource,
    Credentials, CredentialsProvider, EntityTag, external_account, impersonated, service_account,
    user_account,
};
use google_cloud_auth::errors::CredentialsError;
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap, HeaderValue};
use serde_json::Value as Json;

use super::error::{GkeError, innermost};
use super::{GkeSettings, Secret};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Finds the credentials. Reads files; sends nothing.
pub(super) fn find_credentials(settings: &GkeSettings) -> Result<AccessTokenCredentials, GkeError> {
    let described = describe(settings);
    let fail = |reason: String| GkeError::Credentials { described: described.clone(), reason, source: None };
    let base = match (&settings.access_token, &settings.credentials) {
        (Some(token), _) => AccessTokenCredentials::from(GivenToken::new(token).map_err(&fail)?),
        (None, Some(credentials)) => from_key(&read_key(credentials).map_err(&fail)?).map_err(&fail)?,
        (None, None) => Builder::default()
            .with_scopes([SCOPE])
            .build_access_token_credentials()
            .map_err(|error| fail(innermost(&error)))?,
    };
    let Some(account) = &settings.impersonate_service_account else { return Ok(base) };
    impersonated::Builder::from_source_credentials(Credentials::from(base))
        .with_target_principal(account)
        .with_scopes([SCOPE])
        .build_access_token_credentials()
        .map_err(|error| fail(innermost(&error)))
}

fn describe(settings: &GkeSettings) -> String {
    let base = match (&settings.access_token, &settings.credentials) {
        (Some(_), _) => "`access_token` or GOOGLE_OAUTH_ACCESS_TOKEN",
        (None, Some(_)) => "`credentials` or GOOGLE_CREDENTIALS",
        (None, None) => "the Application Default Credentials (run `gcloud auth application-default login`)",
    };
    match &settings.impersonate_service_account {
        Some(account) => format!("{base}, acting as {account}"),
        None => base.to_owned(),
    }
}

/// The key is JSON, or the path of a file with it.
fn read_key(credentials: &Secret) -> Result<Json, String> {
    let text = credentials.expose().trim();
    if text.starts_with('{') {
        // A parse error of serde names the place, not the text.
        return serde_json::from_str(text).map_err(|error| format!("the JSON is broken: {error}"));
    }
    let contents = std::fs::read_to_string(text)
        .map_err(|error| format!("it is neither JSON nor the path of a readable file: {error}"))?;
    serde_json::from_str(&contents).map_err(|error| format!("the file holds broken JSON: {error}"))
}

fn from_key(key: &Json) -> Result<AccessTokenCredentials, String> {
    let built = match key["type"].as_str().unwrap_or_default() {
        "service_account" => service_account::Builder::new(key.clone())
            .with_access_specifier(AccessSpecifier::from_scopes([SCOPE]))
            .build_access_token_credentials(),
        "authorized_user" => {
            user_account::Builder::new(key.clone()).with_scopes([SCOPE]).build_access_token_credentials()
        }
        "external_account" => {
            external_account::Builder::new(key.clone()).with_scopes([SCOPE]).build_access_token_credentials()
        }
        "impersonated_service_account" => {
            impersonated::Builder::new(key.clone()).with_scopes([SCOPE]).build_access_token_credentials()
        }
        other => {
            return Err(format!(
                "`type` is `{other}`: wanted service_account, authorized_user, external_account or \
                 impersonated_service_account"
            ));
        }
    };
    built.map_err(|error| innermost(&error))
}

/// A token that was given and that nobody renews.
struct GivenToken {
    token: Secret,
    header: HeaderValue,
    tag: EntityTag,
}

impl std::fmt::Debug for GivenToken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("GivenToken(redacted)")
    }
}

impl GivenToken {
    fn new(token: &Secret) -> Result<Self, String> {
        let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose().trim()))
            .map_err(|_| "it holds characters that no header may hold".to_owned())?;
        header.set_sensitive(true);
        Ok(Self { token: Secret::new(token.expose().trim()), header, tag: EntityTag::new() })
    }
}

impl CredentialsProvider for GivenToken {
    async fn headers(
        &self,
        extensions: Extensions,
    ) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        if extensions.get::<EntityTag>() == Some(&self.tag) {
            return Ok(CacheableResource::NotModified);
        }
        let data = HeaderMap::from_iter([(AUTHORIZATION, self.header.clone())]);
        Ok(CacheableResource::New { entity_tag: self.tag.clone(), data })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}

impl AccessTokenCredentialsProvider for GivenToken {
    async fn access_token(&self) -> Result<AccessToken, CredentialsError> {
        Ok(AccessToken { token: self.token.expose().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_key_is_told_without_its_text() {
        let cases = [
            ("{\"private_key\": \"s3cret\", ", "JSON is broken"),
            ("/no/such/key.json", "neither JSON nor the path"),
            ("{\"type\": \"s3cret_kind\"}", "wanted service_account"),
        ];
        for (key, wanted) in cases {
            let settings = GkeSettings { credentials: Some(Secret::new(key)), ..GkeSettings::default() };
            let error = find_credentials(&settings).expect_err(key).to_string();
            assert!(error.contains(wanted), "{error}");
            assert!(!error.contains("private_key"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_given_token_is_used_as_it_is() {
        let settings = GkeSettings { access_token: Some(Secret::new("ya29.x\n")), ..GkeSettings::default() };
        let credentials = find_credentials(&settings).expect("a token needs nothing else");
        assert_eq!(credentials.access_token().await.expect("the token").token, "ya29.x");
        assert!(!format!("{credentials:?}").contains("ya29"), "a token is never printed");
    }
}
