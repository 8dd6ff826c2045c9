//! A release record as the Secret that holds it.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Map as JsonMap, Value as Json, json};

use super::{Release, ReleaseError};

/// The most that a Secret may hold, in bytes of data. Kubernetes' limit.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;
/// What a new record leaves free for how the work will end, in bytes: hooks' times, and an error.
const LAST_WORDS_BYTES_MAX: usize = 4 * 1024;
/// A record unpacks to less than this, in bytes; a larger one is no record.
const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b, 0x08];
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// The Secret of a release. `modified` is false for a new record. The release inside is gzipped and
/// encoded in base64 once by Helm's rule and once more by the API's.
///
/// # Errors
/// The record is larger than a Secret may be.
pub fn encode(release: &Release, now: Timestamp, modified: bool) -> Result<Json, ReleaseError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ReleaseError::Record {
        record: release.record_name(),
        source,
    };
    let json = serde_json::to_vec(release).map_err(|error| failed(error.into()))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let packed = gzip.write_all(&json).and_then(|()| gzip.finish()).map_err(|error| failed(error.into()))?;
    let data = STANDARD.encode(packed);
    let limit = RECORD_BYTES_MAX - if modified { 0 } else { LAST_WORDS_BYTES_MAX };
    if data.len() > limit {
        let (name, bytes) = (release.name.clone(), data.len());
        return Err(ReleaseError::TooLarge { name, bytes, limit });
    }
    let mut labels = JsonMap::new();
    for (label, value) in &release.labels {
        labels.insert(label.clone(), json!(value));
    }
    let stamp = if modified { "modifiedAt" } else { "createdAt" };
    labels.insert(stamp.to_owned(), json!(now.as_second().to_string()));
    labels.insert("name".to_owned(), json!(release.name));
    labels.insert("owner".to_owned(), json!("helm"));
    labels.insert("status".to_owned(), json!(release.info.status.as_str()));
    labels.insert("version".to_owned(), json!(release.version.to_string()));
    let mut metadata = json!({
        "name": release.record_name(),
        "namespace": release.namespace,
        "labels": labels,
    });
    if !release.resource_version.is_empty() {
        metadata["resourceVersion"] = json!(release.resource_version);
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "helm.sh/release.v1",
        "data": { "release": STANDARD.encode(data) },
    }))
}

/// The release in a Secret that Helm 3, Helm 4 or [`encode`] made.
///
/// # Errors
/// The Secret holds no release.
pub fn decode(secret: &Json) -> Result<Release, ReleaseError> {
    let name = secret.pointer("/metadata/name").and_then(Json::as_str).unwrap_or("without a name");
    let mut release =
        decode_data(secret).map_err(|source| ReleaseError::Record { record: name.to_owned(), source })?;
    let text = |pointer: &str| secret.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
    text("/metadata/resourceVersion").clone_into(&mut release.resource_version);
    if release.namespace.is_empty() {
        text("/metadata/namespace").clone_into(&mut release.namespace);
    }
    let labels = secret.pointer("/metadata/labels").and_then(Json::as_object);
    for (label, value) in labels.into_iter().flatten() {
        if let (false, Some(value)) = (SYSTEM_LABELS.contains(&label.as_str()), value.as_str()) {
            release.labels.insert(label.clone(), value.to_owned());
        }
    }
    Ok(release)
}

fn decode_data(secret: &Json) -> Result<Release, Box<dyn std::error::Error + Send + Sync>> {
    let data = secret.pointer("/data/release").and_then(Json::as_str).ok_or("it has no data.release")?;
    let packed = STANDARD.decode(STANDARD.decode(data)?)?;
    if !packed.starts_with(GZIP_MAGIC) {
        return Ok(serde_json::from_slice(&packed)?);
    }
    let mut json = Vec::new();
    GzDecoder::new(packed.as_slice()).take(UNPACKED_BYTES_MAX).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}
