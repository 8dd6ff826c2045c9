//! The way to servers and sentinels whose plain ports are closed: under TLS, by the certificates of the
//! chart's own Secret.

use super::error::Error;
use super::resolve::chain;
use super::site::Site;
use crate::chart::{Effective, TlsFiles};
use crate::kubernetes::KubernetesError;
use crate::sentinel::{Tls, Trust};

/// What opens a stream under TLS, or why nothing does.
pub type Found = Result<Tls, String>;

/// Asks for the Secret only where TLS is the only way. A Secret that is of no use is told by every pod
/// that is asked, not by an error: whatever else can be seen is seen.
pub async fn find(site: &Site, effective: &Effective) -> Result<Option<Found>, Error> {
    match require(site, effective).await {
        Ok(found) => Ok(found.map(Ok)),
        Err(error @ (Error::Tls { .. } | Error::Kubernetes(KubernetesError::SecretMissing { .. }))) => {
            Ok(Some(Err(chain(&error))))
        }
        Err(error) => Err(error),
    }
}

/// The same, where a Secret that is of no use is an error.
pub async fn require(site: &Site, effective: &Effective) -> Result<Option<Tls>, Error> {
    let is_needed = effective.redis.is_tls_only() || effective.sentinels.is_tls_only();
    let Some(files) = effective.tls.as_ref().filter(|_| is_needed) else { return Ok(None) };
    let texts = site.kubernetes.secret_texts(&site.namespace, &files.secret).await?;
    let text = |key: &String| texts.get(key).map(|text| text.expose());
    let trust = Trust {
        ca: text(&files.ca),
        servers: text(&files.certificate),
        key: text(&files.key).filter(|_| files.asks_for_certificate),
    };
    Tls::new(trust).map(Some).map_err(|source| {
        let TlsFiles { secret, ca, certificate, key, .. } = files;
        let secret = format!("Secret {}/{secret} (its keys {ca}, {certificate}, {key})", site.namespace);
        Error::Tls { secret: secret.into(), source: Box::new(source) }
    })
}
