//! A command in a running container, as `kubectl exec` runs it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::Kubernetes;
use super::error::{KubernetesError, Source};
use super::sort::innermost;

impl Kubernetes {
    /// Runs a command and returns what it printed on stdout. Neither the output nor the arguments are
    /// logged or part of an error.
    pub async fn exec(
        &self,
        (namespace, pod, container): (&str, &str, &str),
        command: &[&str],
        limit: Duration,
    ) -> Result<String, KubernetesError> {
        let ran = timeout(limit, self.exec_unbounded((namespace, pod, container), command)).await;
        let ran = ran.unwrap_or_else(|_| Err(format!("no answer within {} s", limit.as_secs_f32()).into()));
        ran.map_err(|source| KubernetesError::Exec {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            container: container.to_owned(),
            reason: innermost(source.as_ref()),
            source,
        })
    }

    async fn exec_unbounded(
        &self,
        (namespace, pod, container): (&str, &str, &str),
        command: &[&str],
    ) -> Result<String, Source> {
        let api: Api<Pod> = Api::namespaced(self.raw().await?, namespace);
        let parameters = AttachParams::default().container(container).stdout(true).stderr(false);
        let mut attached = api.exec(pod, command.iter().copied(), &parameters).await?;
        let mut printed = String::new();
        if let Some(mut stdout) = attached.stdout() {
            stdout.read_to_string(&mut printed).await?;
        }
        let status = attached.take_status();
        attached.join().await?;
        match status {
            Some(status) => match status.await {
                Some(status) if status.status.as_deref() == Some("Failure") => {
                    Err(status.reason.unwrap_or_else(|| "the command failed".into()).into())
                }
                _ => Ok(printed),
            },
            None => Ok(printed),
        }
    }
}
