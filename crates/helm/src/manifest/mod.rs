//! Rendered text as objects: split, parsed, ordered, told apart from hooks, and digested.
//!
//! Enters: the text of rendered templates. Leaves: [`Manifest`]s in the order in which Helm installs
//! them, and [`Hook`]s.
//! Deliberately absent: templates, the cluster, and any knowledge of what an object means.
//!
//! ```
//! use helm::manifest;
//!
//! let rendered = "kind: Service\nmetadata: {name: a}\n---\nkind: ConfigMap\nmetadata: {name: b}\n";
//! let sorted = manifest::sort([("c/templates/a.yaml", rendered)])?;
//! let kinds: Vec<_> = sorted.manifests.iter().map(|one| one.kind()).collect();
//! assert_eq!(kinds, ["ConfigMap", "Service"]);
//! let text = manifest::join(&sorted.manifests);
//! assert!(text.starts_with("---\n# Source: c/templates/a.yaml\nkind: ConfigMap\n"));
//! assert_eq!(manifest::parse_joined(&text)?.len(), 2);
//! # Ok::<(), manifest::ManifestError>(())
//! ```

mod hook;
mod order;
mod split;

pub use hook::{Hook, HookDeletePolicy, HookEvent, HookPhase, HookRun};
pub use order::{install_rank, uninstall_rank};
pub use split::split_documents;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::cluster::ObjectRef;
use crate::yaml::{self, YamlError};

/// One document of a rendered template.
#[derive(Clone, PartialEq)]
pub struct Manifest {
    /// The template it came from, such as `redis-ha/templates/service.yaml`.
    pub path: String,
    /// The document's text without surrounding white space.
    pub content: String,
    /// The parsed document; null when it holds only comments.
    pub object: Json,
    /// Whether its template asked for the time, randomness or the cluster: another rendering of the
    /// same values may differ.
    pub is_volatile: bool,
}

/// Without its content, which may be a Secret's.
impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Manifest({} of {})",
            ObjectRef::of(&self.object).map_or_else(String::new, |it| it.key()),
            self.path
        )
    }
}

/// A document that is no object.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("YAML parse error on {path}")]
    Yaml { path: String, source: YamlError },
    #[error("{path} renders {found} where an object belongs")]
    NotAnObject { path: String, found: String },
    #[error("{path}: the annotation {annotation} is no text, number or bool")]
    Annotation { path: String, annotation: String },
    #[error("{path}: the annotations are no map of texts")]
    Annotations { path: String },
}

fn scalar_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

impl Manifest {
    /// Parses one document. It means what it means with a line break at its end, since that is how
    /// it is joined and applied.
    ///
    /// # Errors
    /// It is no YAML, or neither a map nor empty.
    pub fn parse(path: &str, content: &str) -> Result<Self, ManifestError> {
        let wrong = |source| ManifestError::Yaml { path: path.to_owned(), source };
        let value = yaml::parse(&format!("{content}\n")).map_err(wrong)?;
        let object = value.to_json().map_err(|error| wrong(error.into()))?;
        if !object.is_object() && !object.is_null() {
            let found = value.noun().to_owned();
            return Err(ManifestError::NotAnObject { path: path.to_owned(), found });
        }
        let annotations = object.pointer("/metadata/annotations");
        if annotations.is_some_and(|found| !found.is_object() && !found.is_null()) {
            return Err(ManifestError::Annotations { path: path.to_owned() });
        }
        let annotations = annotations.and_then(Json::as_object);
        let is_text = |value: &Json| value.is_null() || scalar_text(value).is_some();
        if let Some((annotation, _)) = annotations.into_iter().flatten().find(|(_, value)| !is_text(value)) {
            let (path, annotation) = (path.to_owned(), annotation.clone());
            return Err(ManifestError::Annotation { path, annotation });
        }
        Ok(Self { path: path.to_owned(), content: content.to_owned(), object, is_volatile: false })
    }

    fn text(&self, pointer: &str) -> String {
        self.object.pointer(pointer).and_then(scalar_text).unwrap_or_default()
    }

    /// Empty when the document does not say.
    pub fn kind(&self) -> String {
        self.text("/kind")
    }

    /// Empty when the document does not say.
    pub fn name(&self) -> String {
        self.text("/metadata/name")
    }

    /// `None` when the document leaves it to the release.
    pub fn namespace(&self) -> Option<String> {
        Some(self.text("/metadata/namespace")).filter(|namespace| !namespace.is_empty())
    }

    /// An annotation as text; numbers and bools are written out.
    pub fn annotation(&self, name: &str) -> Option<String> {
        scalar_text(self.object.get("metadata")?.get("annotations")?.get(name)?)
    }

    /// The objects of the document: none when it is empty, the items when it is a list.
    pub fn objects(&self) -> Vec<&Json> {
        let items = self.object.get("items").and_then(Json::as_array);
        match items {
            Some(items) if self.kind().ends_with("List") => items.iter().collect(),
            _ if self.object.is_null() => Vec::new(),
            _ => vec![&self.object],
        }
    }
}

/// What the templates of a release render to.
#[derive(Debug, Clone, Default)]
pub struct Sorted {
    /// In the order of installation.
    pub manifests: Vec<Manifest>,
    /// In the order of installation; [`crate::action`] runs them by weight and name.
    pub hooks: Vec<Hook>,
}

/// Splits, parses and orders rendered files, given as path and text. Partials and empty files are
/// skipped, and so are hooks of unknown events, as Helm skips them.
///
/// # Errors
/// A document is no object.
pub fn sort<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Sorted, ManifestError> {
    let files: BTreeMap<&str, &str> = files.into_iter().collect();
    let mut sorted = Sorted::default();
    for (path, text) in files {
        let base = path.rsplit('/').next().unwrap_or(path);
        if base.starts_with('_') || text.trim().is_empty() {
            continue;
        }
        for document in split_documents(text) {
            let manifest = Manifest::parse(path, document)?;
            match manifest.annotation(hook::EVENT_ANNOTATION) {
                None => sorted.manifests.push(manifest),
                Some(events) => sorted.hooks.extend(Hook::of(&manifest, &events)),
            }
        }
    }
    sorted.manifests.sort_by_cached_key(|manifest| install_rank(&manifest.kind()));
    sorted.hooks.sort_by_cached_key(|hook| install_rank(&hook.kind));
    Ok(sorted)
}

/// The manifests as one text, as Helm stores and prints it.
pub fn join(manifests: &[Manifest]) -> String {
    let sources = manifests.iter();
    sources.map(|one| format!("---\n# Source: {}\n{}\n", one.path, one.content)).collect()
}

/// The manifests in a text that [`join`] or Helm made.
///
/// # Errors
/// A document is no object.
pub fn parse_joined(text: &str) -> Result<Vec<Manifest>, ManifestError> {
    let documents = split_documents(text).into_iter();
    documents
        .map(|document| {
            let source = document.lines().find_map(|line| line.strip_prefix("# Source: "));
            Manifest::parse(source.unwrap_or("manifest"), document)
        })
        .collect()
}

/// A sha256 in hex for each object, by `Kind/name`: equal as long as the object means the same.
/// `None` for an object that another rendering may change. Objects of one kind and name in
/// several namespaces or API groups share an entry.
pub fn digests(manifests: &[Manifest]) -> BTreeMap<String, Option<String>> {
    let mut digests: BTreeMap<String, Option<String>> = BTreeMap::new();
    for manifest in manifests {
        for object in manifest.objects() {
            let Some(reference) = ObjectRef::of(object) else { continue };
            let digest = (!manifest.is_volatile).then(|| sha256_hex(&object.to_string()));
            let merged = match (digests.remove(&reference.key()), digest) {
                (None, digest) => digest,
                (Some(Some(other)), Some(digest)) => Some(sha256_hex(&format!("{other}{digest}"))),
                (Some(_), _) => None,
            };
            digests.insert(reference.key(), merged);
        }
    }
    digests
}

fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
