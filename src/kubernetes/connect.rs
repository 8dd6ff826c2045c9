//! From settings to an HTTP client. Reads files and runs credential commands; sends nothing.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::client::ClientBuilder;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value as Json, json};
use tower::buffer::BufferLayer;
use tower::filter::AsyncFilterLayer;

use super::error::{KubernetesError, Source};
use super::token::{TokenSource, authorize};
use super::{ExecSettings, KubernetesSettings};

/// Requests that may wait for a token at the same time.
const TOKEN_QUEUE_LENGTH: usize = 1024;

/// Where the kubeconfig paths start that begin with `~/`.
pub(super) type Home = Option<String>;

/// Reads the settings into kube's own configuration.
pub(super) async fn load_config(
    settings: &KubernetesSettings,
    home: &Home,
) -> Result<Config, KubernetesError> {
    let fail = |reason: String, source: Option<Source>| KubernetesError::Settings {
        described: settings.describe(),
        reason,
        source,
    };
    let mut kubeconfig = Kubeconfig::default();
    for file in settings.files() {
        let path = expand_home(&file, home);
        let read = Kubeconfig::read_from(&path)
            .map_err(|error| fail(format!("{path}: {error}"), Some(Box::new(error))))?;
        kubeconfig =
            kubeconfig.merge(read).map_err(|error| fail(error.to_string(), Some(Box::new(error))))?;
    }
    if settings.files().is_empty() {
        if settings.host.is_none() {
            return Config::incluster_env().map_err(|_| KubernetesError::NotConfigured);
        }
        kubeconfig = serde_json::from_value(bare_kubeconfig())
            .map_err(|error| fail(error.to_string(), Some(Box::new(error))))?;
    }
    let options = KubeConfigOptions {
        context: settings.config_context.clone(),
        cluster: settings.config_context_cluster.clone(),
        user: settings.config_context_auth_info.clone(),
    };
    override_fields(&mut kubeconfig, &options, settings)
        .map_err(|error| fail(error.to_string(), Some(Box::new(error))))?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| fail(error.to_string(), Some(Box::new(error))))?;
    // Retries are this room's own: they know which verb is safe.
    config.default_retry = false;
    Ok(config)
}

fn expand_home(path: &str, home: &Home) -> String {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => format!("{}/{rest}", home.trim_end_matches('/')),
        _ => path.to_owned(),
    }
}

/// A kubeconfig with one cluster and one user, to be filled by the settings.
fn bare_kubeconfig() -> Json {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "provider", "cluster": {}}],
        "users": [{"name": "provider", "user": {}}],
        "contexts": [{"name": "provider", "context": {"cluster": "provider", "user": "provider"}}],
        "current-context": "provider",
    })
}

/// Lets what the settings say win over the files, in the cluster and the user that are selected.
fn override_fields(
    kubeconfig: &mut Kubeconfig,
    options: &KubeConfigOptions,
    settings: &KubernetesSettings,
) -> Result<(), serde_json::Error> {
    let context_name = options.context.as_ref().or(kubeconfig.current_context.as_ref());
    let context = kubeconfig
        .contexts
        .iter()
        .find(|named| Some(&named.name) == context_name)
        .and_then(|named| named.context.clone());
    let cluster = options.cluster.clone().or_else(|| context.as_ref().map(|context| context.cluster.clone()));
    let user = options.user.clone().or_else(|| context.and_then(|context| context.user));
    for named in &mut kubeconfig.clusters {
        if Some(&named.name) == cluster.as_ref() {
            let text = serde_json::to_value(named.cluster.take().unwrap_or_default())?;
            named.cluster = Some(serde_json::from_value(overlaid(text, cluster_fields(settings)))?);
        }
    }
    for named in &mut kubeconfig.auth_infos {
        if Some(&named.name) == user.as_ref() {
            let text = serde_json::to_value(named.auth_info.take().unwrap_or_default())?;
            named.auth_info = Some(serde_json::from_value(overlaid(text, user_fields(settings)))?);
        }
    }
    Ok(())
}

/// Whatever is not null in `fields` replaces what is in `text`.
fn overlaid(mut text: Json, fields: Json) -> Json {
    if let (Some(text), Json::Object(fields)) = (text.as_object_mut(), fields) {
        for (name, value) in fields {
            if !value.is_null() {
                text.insert(name, value);
            }
        }
    }
    text
}

fn cluster_fields(settings: &KubernetesSettings) -> Json {
    json!({
        "server": settings.host.as_ref().map(|host| with_scheme(host, settings)),
        "certificate-authority-data": settings.cluster_ca_certificate.as_ref().map(|pem| STANDARD.encode(pem)),
        "insecure-skip-tls-verify": settings.insecure,
        "tls-server-name": settings.tls_server_name,
    })
}

fn user_fields(settings: &KubernetesSettings) -> Json {
    json!({
        "token": settings.token.as_ref().map(|token| token.expose()),
        "username": settings.username,
        "password": settings.password.as_ref().map(|password| password.expose()),
        "client-certificate-data": settings.client_certificate.as_ref().map(|pem| STANDARD.encode(pem)),
        "client-key-data": settings.client_key.as_ref().map(|pem| STANDARD.encode(pem.expose())),
        "exec": settings.exec.as_ref().map(exec_fields),
    })
}

fn exec_fields(exec: &ExecSettings) -> Json {
    let env: Vec<_> = exec.env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({
        "apiVersion": exec.api_version,
        "command": exec.command,
        "args": exec.args,
        "env": env,
        "interactiveMode": "Never",
    })
}

fn with_scheme(host: &str, settings: &KubernetesSettings) -> String {
    let speaks_tls = settings.cluster_ca_certificate.is_some()
        || settings.client_certificate.is_some()
        || settings.insecure == Some(true);
    match (host.contains("://"), speaks_tls) {
        (true, _) => host.to_owned(),
        (false, true) => format!("https://{host}"),
        (false, false) => format!("http://{host}"),
    }
}

/// Builds the client. A credential command runs here, off the threads of the runtime.
pub(super) async fn build_client(
    config: Config,
    described: &str,
    tokens: Option<Arc<dyn TokenSource>>,
) -> Result<kube::Client, KubernetesError> {
    // The provider's own servers choose the same one; whoever comes first installs it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let host = config.cluster_url.to_string();
    let built = tokio::task::spawn_blocking(move || {
        let builder = ClientBuilder::try_from(config)?;
        Ok(match tokens {
            None => builder.build(),
            Some(source) => {
                let add_token = move |request| authorize(Arc::clone(&source), request);
                builder
                    .with_layer(&BufferLayer::new(TOKEN_QUEUE_LENGTH))
                    .with_layer(&AsyncFilterLayer::new(add_token))
                    .build()
            }
        })
    });
    let fail = |reason: String, source: Option<Source>| KubernetesError::Credentials {
        host: host.clone(),
        described: described.to_owned(),
        reason,
        source,
    };
    match built.await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(fail(describe_auth_error(&error), None)),
        Err(error) => Err(fail("the credential command did not end".to_owned(), Some(Box::new(error)))),
    }
}

/// In words, without the standard output of a credential command, and without its command line,
/// which kube prints with the environment: both may hold credentials.
fn describe_auth_error(error: &kube::Error) -> String {
    match error {
        kube::Error::Auth(kube::client::AuthError::AuthExecRun { out, .. }) => {
            let said = String::from_utf8_lossy(&out.stderr);
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            format!("the credential command ended with {}: {last}", out.status)
        }
        kube::Error::Auth(kube::client::AuthError::AuthExecStart(source)) => {
            format!("the credential command cannot be started ({source}): is it installed and on PATH?")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::kubernetes::Password;

    const FILE: &str = r#"{
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "a", "user": "u"}},
            {"name": "two", "context": {"cluster": "b", "user": "u"}}
        ],
        "clusters": [
            {"name": "a", "cluster": {"server": "https://a.example"}},
            {"name": "b", "cluster": {"server": "https://b.example"}}
        ],
        "users": [{"name": "u", "user": {"token": "from-file"}}]
    }"#;

    async fn loaded(settings: KubernetesSettings) -> Config {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("config"), FILE).expect("a file");
        let home = Some(directory.path().display().to_string());
        let settings = KubernetesSettings { config_path: Some("~/config".into()), ..settings };
        load_config(&settings, &home).await.expect("a configuration")
    }

    #[tokio::test]
    async fn a_file_is_read_and_what_is_said_beats_it() {
        let read = loaded(KubernetesSettings::default()).await;
        assert_eq!(read.cluster_url, "https://a.example/");
        assert!(!read.default_retry, "retries are ours");
        let two = KubernetesSettings { config_context: Some("two".into()), ..KubernetesSettings::default() };
        assert_eq!(loaded(two).await.cluster_url, "https://b.example/");
        let said = KubernetesSettings {
            host: Some("c.example".into()),
            insecure: Some(true),
            token: Some(Password::new("said")),
            ..KubernetesSettings::default()
        };
        let read = loaded(said).await;
        assert_eq!(
            (read.cluster_url.to_string().as_str(), read.accept_invalid_certs),
            ("https://c.example/", true)
        );
        assert!(!format!("{:?}", read.auth_info).contains("said"), "a token is never printed");
    }

    #[tokio::test]
    async fn a_missing_file_and_no_settings_say_what_to_do() {
        let missing =
            KubernetesSettings { config_path: Some("/no/such/file".into()), ..KubernetesSettings::default() };
        let error = load_config(&missing, &None).await.expect_err("no such file").to_string();
        assert!(error.contains("cannot use the kubeconfig /no/such/file"), "{error}");
        let error = load_config(&KubernetesSettings::default(), &None).await.expect_err("nothing is said");
        assert!(error.to_string().contains("KUBE_CONFIG_PATH"), "{error}");
    }

    #[tokio::test]
    async fn a_failing_credential_command_is_told_without_what_it_printed_or_was_given() {
        let exec = ExecSettings {
            api_version: "client.authentication.k8s.io/v1".into(),
            command: "sh".into(),
            args: vec!["-c".into(), "echo printed-token; echo log in first >&2; exit 3".into()],
            env: BTreeMap::from([("GIVEN".into(), "given-secret".into())]),
        };
        let settings = KubernetesSettings {
            host: Some("https://c.example".into()),
            exec: Some(exec),
            ..Default::default()
        };
        let config = load_config(&settings, &None).await.expect("a configuration");
        let error = build_client(config, "the test", None).await.err().expect("no credentials").to_string();
        assert!(error.contains("log in first") && error.contains("exit status: 3"), "{error}");
        assert!(!error.contains("printed-token") && !error.contains("given-secret"), "{error}");
    }
}
