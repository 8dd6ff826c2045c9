//! How a cluster is reached, as the provider block and the environment say it.

use std::collections::BTreeMap;

use super::Password;

/// What may be set about the connection. `None` is 'not said'. The fields and their variables are
/// those of the kubernetes provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubernetesSettings {
    /// A kubeconfig file; a leading `~/` is the home directory.
    pub config_path: Option<String>,
    /// Several kubeconfig files, merged as kubectl merges them: what the first says wins.
    pub config_paths: Vec<String>,
    pub config_context: Option<String>,
    pub config_context_cluster: Option<String>,
    pub config_context_auth_info: Option<String>,
    /// Address of the API server. Without a scheme it is https when any TLS setting is present.
    pub host: Option<String>,
    pub token: Option<Password>,
    pub username: Option<String>,
    pub password: Option<Password>,
    /// PEM.
    pub cluster_ca_certificate: Option<String>,
    /// PEM.
    pub client_certificate: Option<String>,
    /// PEM.
    pub client_key: Option<Password>,
    pub tls_server_name: Option<String>,
    /// Accept any certificate of the server.
    pub insecure: Option<bool>,
    pub exec: Option<ExecSettings>,
}

/// A command that prints credentials, as in a kubeconfig's `exec`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecSettings {
    pub api_version: String,
    pub command: String,
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
}

/// Looks a variable up in the environment. An empty variable counts as unset.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

impl KubernetesSettings {
    /// Whether nothing at all is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Fills what is not said from the `KUBE_*` variables. Where credentials are said, those of
    /// the environment are not mixed in.
    #[must_use]
    pub fn with_environment(self, lookup: Lookup<'_>) -> Self {
        let variable = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let says_credentials = self.says_credentials();
        let credential = |name: &str| variable(name).filter(|_| !says_credentials);
        let says_file = self.config_path.is_some() || !self.config_paths.is_empty() || self.host.is_some();
        let file = |name: &str| variable(name).filter(|_| !says_file);
        let from_list = file("KUBE_CONFIG_PATHS").map(|list| split_paths(&list)).unwrap_or_default();
        Self {
            config_path: self.config_path.or_else(|| file("KUBE_CONFIG_PATH")),
            config_paths: if self.config_paths.is_empty() { from_list } else { self.config_paths },
            config_context: self.config_context.or_else(|| variable("KUBE_CTX")),
            config_context_cluster: self.config_context_cluster.or_else(|| variable("KUBE_CTX_CLUSTER")),
            config_context_auth_info: self
                .config_context_auth_info
                .or_else(|| variable("KUBE_CTX_AUTH_INFO")),
            host: self.host.or_else(|| file("KUBE_HOST")),
            token: self.token.or_else(|| credential("KUBE_TOKEN").map(Password::new)),
            username: self.username.or_else(|| credential("KUBE_USER")),
            password: self.password.or_else(|| credential("KUBE_PASSWORD").map(Password::new)),
            cluster_ca_certificate: self
                .cluster_ca_certificate
                .or_else(|| variable("KUBE_CLUSTER_CA_CERT_DATA")),
            client_certificate: self.client_certificate.or_else(|| credential("KUBE_CLIENT_CERT_DATA")),
            client_key: self.client_key.or_else(|| credential("KUBE_CLIENT_KEY_DATA").map(Password::new)),
            tls_server_name: self.tls_server_name.or_else(|| variable("KUBE_TLS_SERVER_NAME")),
            insecure: self.insecure.or_else(|| variable("KUBE_INSECURE").map(|text| is_true(&text))),
            exec: self.exec,
        }
    }

    fn says_credentials(&self) -> bool {
        self.token.is_some()
            || self.username.is_some()
            || self.client_certificate.is_some()
            || self.exec.is_some()
    }

    /// The kubeconfig files in the order of their precedence.
    pub fn files(&self) -> Vec<String> {
        if self.config_paths.is_empty() {
            self.config_path.iter().cloned().collect()
        } else {
            self.config_paths.clone()
        }
    }

    /// In words, where the connection comes from; for errors.
    pub fn describe(&self) -> String {
        let files = self.files();
        if !files.is_empty() {
            let context = self.config_context.as_ref().map(|name| format!(", context `{name}`"));
            return format!("the kubeconfig {}{}", files.join(", "), context.unwrap_or_default());
        }
        match &self.host {
            Some(_) => "`host` of the provider's kubernetes block or KUBE_HOST".to_owned(),
            None => "the service account of the pod that Terraform runs in".to_owned(),
        }
    }
}

fn split_paths(list: &str) -> Vec<String> {
    list.split(':').filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

/// As Go's `strconv.ParseBool` reads a true.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "True" | "TRUE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn reads_the_variables_of_the_kubernetes_provider() {
        let pairs = [
            ("KUBE_CONFIG_PATHS", "/a:/b"),
            ("KUBE_CTX", "prod"),
            ("KUBE_TOKEN", "t0ken"),
            ("KUBE_INSECURE", "true"),
            ("KUBE_CLUSTER_CA_CERT_DATA", "PEM"),
            ("KUBE_HOST", ""),
        ];
        let settings = KubernetesSettings::default().with_environment(&environment(&pairs));
        assert_eq!(settings.files(), ["/a", "/b"]);
        assert_eq!(settings.config_context.as_deref(), Some("prod"));
        assert_eq!(settings.token, Some(Password::new("t0ken")));
        assert_eq!(settings.insecure, Some(true));
        assert_eq!(settings.host, None, "an empty variable is unset");
        assert!(!format!("{settings:?}").contains("t0ken"), "a token is never printed");
    }

    #[test]
    fn what_is_said_beats_the_environment() {
        let pairs = [("KUBE_CONFIG_PATH", "/env"), ("KUBE_TOKEN", "env"), ("KUBE_HOST", "https://env")];
        let said = KubernetesSettings {
            host: Some("https://said".into()),
            client_certificate: Some("PEM".into()),
            ..KubernetesSettings::default()
        };
        let settings = said.clone().with_environment(&environment(&pairs));
        assert_eq!(settings, said, "no file and no token of the environment is mixed in");
    }
}
