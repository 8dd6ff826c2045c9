//! What the files of a volume hold: entries of ConfigMaps and Secrets, fields of the pod, a token.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::access::Tokens;
use crate::node::NodeError;
use crate::node::environment::{PodFacts, data_of, find_object};
use crate::store::object::{items, namespace, text};
use crate::store::{Key, Store, kinds};

const DEFAULT_MODE: u32 = 0o644;
/// Longer than any sandbox lives: tokens in pods are not renewed.
const TOKEN_LIFE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 365);

#[derive(Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    pub(super) mode: u32,
}

/// Files by their path below the volume.
pub(super) type Files = BTreeMap<String, File>;

/// The files of a volume, none if it is of a kind that holds none of its own.
pub(super) fn collect(
    store: &Store,
    facts: &PodFacts<'_>,
    volume: &Value,
    tokens: &Tokens,
) -> Result<Option<Files>, NodeError> {
    let collector = Collector { store, facts, tokens };
    if let Some(projected) = volume.get("projected") {
        let mode = mode_of(projected, "/defaultMode").unwrap_or(DEFAULT_MODE);
        let mut files = Files::new();
        for source in items(projected, "/sources") {
            collector.add_source(source, mode, &mut files)?;
        }
        return Ok(Some(files));
    }
    for field in ["configMap", "secret", "downwardAPI"] {
        let Some(source) = volume.get(field).filter(|source| !source.is_null()) else { continue };
        let mode = mode_of(source, "/defaultMode").unwrap_or(DEFAULT_MODE);
        let mut files = Files::new();
        collector.add_source(volume, mode, &mut files)?;
        return Ok(Some(files));
    }
    Ok(None)
}

struct Collector<'a> {
    store: &'a Store,
    facts: &'a PodFacts<'a>,
    tokens: &'a Tokens,
}

impl Collector<'_> {
    /// Adds the files of one source: a volume, or an entry of a projected volume, which have the same form.
    fn add_source(&self, source: &Value, mode: u32, files: &mut Files) -> Result<(), NodeError> {
        for (field, kind) in [("configMap", &kinds::CONFIG_MAP), ("secret", &kinds::SECRET)] {
            let Some(reference) = source.get(field).filter(|reference| !reference.is_null()) else {
                continue;
            };
            let object = find_object(self.store, namespace(self.facts.pod), kind, reference)
                .map_err(|error| NodeError::Volume(error.to_string()))?;
            if let Some(object) = object {
                add_entries(&object, reference, mode, files)?;
            }
        }
        for item in items(source, "/downwardAPI/items") {
            let value = self.facts.field(text(item, "/fieldRef/fieldPath"))?;
            let mode = mode_of(item, "/mode").unwrap_or(mode);
            files.insert(text(item, "/path").to_owned(), File { bytes: value.into_bytes(), mode });
        }
        if let Some(token) = source.get("serviceAccountToken") {
            let bytes = self.token()?.into_bytes();
            files.insert(text(token, "/path").to_owned(), File { bytes, mode });
        }
        Ok(())
    }

    /// The token of the pod's account: the same at each call, so that a refresh of the volume changes nothing.
    fn token(&self) -> Result<String, NodeError> {
        let pod = self.facts.pod;
        let account = text(pod, "/spec/serviceAccountName");
        let key = Key::namespaced(&kinds::SERVICE_ACCOUNT, namespace(pod), account);
        let missing = || NodeError::Volume(format!("serviceaccount \"{account}\" not found"));
        let found = self.store.get(&key).ok_or_else(missing)?;
        let born: jiff::Timestamp =
            text(pod, "/metadata/creationTimestamp").parse().unwrap_or_else(|_| self.store.now());
        let end = born.saturating_add(TOKEN_LIFE).unwrap_or(born);
        Ok(self.tokens.issue(&found, end))
    }
}

/// All entries, or those that `items` names, under the paths it gives them.
fn add_entries(object: &Value, reference: &Value, mode: u32, files: &mut Files) -> Result<(), NodeError> {
    let wanted = items(reference, "/items");
    if wanted.is_empty() {
        files.extend(data_of(object).map(|(key, bytes)| (key, File { bytes, mode })));
        return Ok(());
    }
    for item in wanted {
        let key = text(item, "/key");
        let Some((_, bytes)) = data_of(object).find(|(found, _)| found == key) else {
            if reference.get("optional") == Some(&Value::Bool(true)) {
                continue;
            }
            return Err(NodeError::Volume(format!("references non-existent key: {key}")));
        };
        let mode = mode_of(item, "/mode").unwrap_or(mode);
        files.insert(text(item, "/path").to_owned(), File { bytes, mode });
    }
    Ok(())
}

fn mode_of(source: &Value, pointer: &str) -> Option<u32> {
    source.pointer(pointer).and_then(Value::as_u64).and_then(|mode| u32::try_from(mode).ok())
}
