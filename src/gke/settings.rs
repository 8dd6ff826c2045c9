//! How Google Cloud is reached, as the provider block and the environment say it.

use super::Secret;

/// Where the GKE API answers unless told otherwise. Without a version: the client adds it.
const CONTAINER_ENDPOINT: &str = "https://container.googleapis.com";
/// Where the Compute API answers unless told otherwise, with its version.
const COMPUTE_ENDPOINT: &str = "https://compute.googleapis.com/compute/v1";

const CREDENTIALS_VARIABLES: [&str; 3] =
    ["GOOGLE_CREDENTIALS", "GOOGLE_CLOUD_KEYFILE_JSON", "GCLOUD_KEYFILE_JSON"];
const PROJECT_VARIABLES: [&str; 4] =
    ["GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"];
/// A zone says more than a region, so where both are set the zone is meant.
const LOCATION_VARIABLES: [&str; 6] = [
    "GOOGLE_ZONE",
    "GCLOUD_ZONE",
    "CLOUDSDK_COMPUTE_ZONE",
    "GOOGLE_REGION",
    "GCLOUD_REGION",
    "CLOUDSDK_COMPUTE_REGION",
];

/// What may be set about Google Cloud. `None` is 'not said'; without credentials or a token the
/// Application Default Credentials are used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GkeSettings {
    pub project: Option<String>,
    /// Region or zone.
    pub location: Option<String>,
    /// The path of a credentials file, or its JSON.
    pub credentials: Option<Secret>,
    pub access_token: Option<Secret>,
    pub impersonate_service_account: Option<String>,
    /// With or without a trailing `/v1/`.
    pub container_endpoint: Option<String>,
    /// With or without a trailing `/v1/`.
    pub compute_endpoint: Option<String>,
}

/// Looks a variable up in the environment. An empty variable counts as unset.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl GkeSettings {
    /// Fills what is not said from the variables that the google provider reads. Where credentials
    /// or a token are said, those of the environment are not mixed in.
    #[must_use]
    pub fn with_environment(self, lookup: Lookup<'_>) -> Self {
        let variable = |name: &&str| lookup(name).filter(|value| !value.is_empty());
        let first = |names: &[&str]| names.iter().find_map(&variable);
        let says_identity = self.credentials.is_some() || self.access_token.is_some();
        let identity = |names: &[&str]| first(names).filter(|_| !says_identity).map(Secret::new);
        Self {
            project: self.project.or_else(|| first(&PROJECT_VARIABLES)),
            location: self.location.or_else(|| first(&LOCATION_VARIABLES)),
            credentials: self.credentials.or_else(|| identity(&CREDENTIALS_VARIABLES)),
            access_token: self.access_token.or_else(|| identity(&["GOOGLE_OAUTH_ACCESS_TOKEN"])),
            impersonate_service_account: self
                .impersonate_service_account
                .or_else(|| first(&["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"])),
            container_endpoint: self
                .container_endpoint
                .or_else(|| first(&["GOOGLE_CONTAINER_CUSTOM_ENDPOINT"])),
            compute_endpoint: self.compute_endpoint.or_else(|| first(&["GOOGLE_COMPUTE_CUSTOM_ENDPOINT"])),
        }
    }

    /// The GKE API without version and trailing slash.
    pub fn container_base(&self) -> String {
        let address = self.container_endpoint.as_deref().unwrap_or(CONTAINER_ENDPOINT);
        without_version(address).to_owned()
    }

    /// The Compute API up to and with its version, without trailing slash.
    pub fn compute_base(&self) -> String {
        let address = self.compute_endpoint.as_deref().unwrap_or(COMPUTE_ENDPOINT);
        format!("{}/v1", without_version(address))
    }
}

fn without_version(address: &str) -> &str {
    let address = address.trim_end_matches('/');
    address.strip_suffix("/v1").unwrap_or(address).trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_taken_with_and_without_their_version() {
        let cases = [
            (None, "https://container.googleapis.com", "https://compute.googleapis.com/compute/v1"),
            (Some("http://127.0.0.1:8085"), "http://127.0.0.1:8085", "http://127.0.0.1:8085/v1"),
            (Some("http://127.0.0.1:8085/"), "http://127.0.0.1:8085", "http://127.0.0.1:8085/v1"),
            (Some("http://127.0.0.1:8085/v1"), "http://127.0.0.1:8085", "http://127.0.0.1:8085/v1"),
            (Some("https://x/compute/v1/"), "https://x/compute", "https://x/compute/v1"),
        ];
        for (endpoint, container, compute) in cases {
            let settings = GkeSettings {
                container_endpoint: endpoint.map(str::to_owned),
                compute_endpoint: endpoint.map(str::to_owned),
                ..GkeSettings::default()
            };
            assert_eq!(settings.container_base(), container, "{endpoint:?}");
            assert_eq!(settings.compute_base(), compute, "{endpoint:?}");
        }
    }

    #[test]
    fn reads_the_variables_of_the_google_provider() {
        let pairs = [
            ("GOOGLE_CLOUD_PROJECT", "acme"),
            ("GOOGLE_REGION", "asia-east1"),
            ("GOOGLE_ZONE", "asia-east1-a"),
            ("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29"),
            ("GOOGLE_CREDENTIALS", ""),
        ];
        let lookup =
            |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let settings = GkeSettings::default().with_environment(&lookup);
        assert_eq!(settings.project.as_deref(), Some("acme"));
        assert_eq!(settings.location.as_deref(), Some("asia-east1-a"));
        assert_eq!(settings.access_token, Some(Secret::new("ya29")));
        assert_eq!(settings.credentials, None);
        assert!(!format!("{settings:?}").contains("ya29"), "a token is never printed");

        let said = GkeSettings { credentials: Some(Secret::new("/key.json")), ..GkeSettings::default() };
        let settings = said.with_environment(&lookup);
        assert_eq!(settings.access_token, None, "a token of the environment does not beat a said key");
    }
}
