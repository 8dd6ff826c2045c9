//! Secrets: the user's are read, ours are made, changed and deleted. No value is ever logged.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm::cluster::{DeleteOptions, ObjectRef};
use serde_json::{Map, Value as Json, json};

use super::error::KubernetesError;
use super::mark::{Owner, marked, own_selector};
use super::{FIELD_MANAGER, Kubernetes, Password};

/// Whether something was made just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    Now,
    /// It was there already, with our mark.
    Before,
}

fn reference(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef::new("v1", "Secret", Some(namespace), name)
}

impl Kubernetes {
    /// One key of a Secret. A Secret or a key that is missing is an error that says so.
    pub async fn secret_key(
        &self,
        namespace: &str,
        name: &str,
        key: &str,
    ) -> Result<Password, KubernetesError> {
        let (namespace_owned, name_owned) = (namespace.to_owned(), name.to_owned());
        let Some(secret) = self.get(&reference(namespace, name)).await? else {
            return Err(KubernetesError::SecretMissing { namespace: namespace_owned, name: name_owned });
        };
        password_of(&secret, key)?.ok_or_else(|| KubernetesError::SecretKeyMissing {
            namespace: namespace_owned,
            name: name_owned,
            key: key.to_owned(),
            present: key_names(&secret),
        })
    }

    /// The Secrets that were made for a release, by their names.
    pub async fn own_secrets(
        &self,
        namespace: &str,
        release: &str,
    ) -> Result<BTreeMap<String, Json>, KubernetesError> {
        let found = self.list("v1", "Secret", Some(namespace), &own_selector(release)).await?;
        let ours = found.into_iter().filter(|secret| Owner::of(secret, release) == Owner::Ours);
        Ok(ours.filter_map(|secret| Some((name_of(&secret)?.to_owned(), secret))).collect())
    }

    /// One key of a Secret, `None` when the Secret or the key is missing.
    pub async fn find_secret_key(
        &self,
        namespace: &str,
        name: &str,
        key: &str,
    ) -> Result<Option<Password>, KubernetesError> {
        match self.secret_key(namespace, name, key).await {
            Ok(password) => Ok(Some(password)),
            Err(KubernetesError::SecretMissing { .. } | KubernetesError::SecretKeyMissing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every key of a Secret that is text. A Secret that is missing is an error that says so.
    pub async fn secret_texts(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<BTreeMap<String, Password>, KubernetesError> {
        let Some(secret) = self.get(&reference(namespace, name)).await? else {
            let (namespace, name) = (namespace.to_owned(), name.to_owned());
            return Err(KubernetesError::SecretMissing { namespace, name });
        };
        let keys = secret["data"].as_object().into_iter().flat_map(Map::keys);
        let text = |key: &String| {
            let text = password_of(&secret, key).ok().flatten();
            text.map(|text| (key.clone(), text))
        };
        Ok(keys.filter_map(text).collect())
    }

    /// Whose a Secret is, `None` when it does not exist.
    pub async fn secret_owner(
        &self,
        namespace: &str,
        name: &str,
        release: &str,
    ) -> Result<Option<Owner>, KubernetesError> {
        let found = self.get(&reference(namespace, name)).await?;
        Ok(found.map(|secret| Owner::of(&secret, release)))
    }

    /// Makes an Opaque Secret with our mark. One of ours that an interrupted run left is kept as
    /// it is, value and all; anybody else's of that name is an error.
    pub async fn create_secret(
        &self,
        namespace: &str,
        name: &str,
        release: &str,
        data: &[(&str, &Password)],
    ) -> Result<Made, KubernetesError> {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": marked(Some(namespace), name, release),
            "data": encoded(data),
        });
        match self.create(&secret).await {
            Ok(_) => Ok(Made::Now),
            Err(error) if error.is_already_exists() => {
                match self.secret_owner(namespace, name, release).await? {
                    Some(Owner::Ours) => Ok(Made::Before),
                    Some(owner) => Err(not_ours(namespace, name, &owner)),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Sets keys of a Secret of ours and leaves its other keys alone.
    pub async fn write_secret(
        &self,
        namespace: &str,
        name: &str,
        release: &str,
        data: &[(&str, &Password)],
    ) -> Result<(), KubernetesError> {
        match self.secret_owner(namespace, name, release).await? {
            Some(Owner::Ours) => {
                let patch = json!({"data": encoded(data)});
                self.merge_patch(&reference(namespace, name), &patch, FIELD_MANAGER).await.map(drop)
            }
            Some(owner) => Err(not_ours(namespace, name, &owner)),
            None => {
                Err(KubernetesError::SecretMissing { namespace: namespace.to_owned(), name: name.to_owned() })
            }
        }
    }

    /// Deletes a Secret that carries our mark; tells whether there was one. Anybody else's is left.
    pub async fn delete_secret(
        &self,
        namespace: &str,
        name: &str,
        release: &str,
    ) -> Result<bool, KubernetesError> {
        let secret = reference(namespace, name);
        let Some(found) = self.get(&secret).await? else { return Ok(false) };
        let owner = Owner::of(&found, release);
        if owner != Owner::Ours {
            tracing::info!(%secret, "left alone: {}", owner.describe());
            return Ok(false);
        }
        // Only the one that was looked at: its name may have been taken since.
        let uid = found["metadata"]["uid"].as_str().map(str::to_owned);
        self.delete(&secret, &DeleteOptions { uid, ..DeleteOptions::default() }).await?;
        Ok(true)
    }
}

fn name_of(secret: &Json) -> Option<&str> {
    secret.pointer("/metadata/name")?.as_str()
}

/// One key of a Secret, where it has it.
pub fn password_of(secret: &Json, key: &str) -> Result<Option<Password>, KubernetesError> {
    let Some(encoded) = secret["data"][key].as_str() else { return Ok(None) };
    let text = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(|text| Some(Password::new(text))).ok_or_else(|| KubernetesError::SecretNotText {
        namespace: secret["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
        name: name_of(secret).unwrap_or_default().to_owned(),
        key: key.to_owned(),
    })
}

fn not_ours(namespace: &str, name: &str, owner: &Owner) -> KubernetesError {
    KubernetesError::NotOurs { subject: format!("Secret {namespace}/{name}"), owner: owner.describe() }
}

fn encoded(data: &[(&str, &Password)]) -> Json {
    let entries = data.iter().map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value.expose()).into()));
    Json::Object(entries.collect::<Map<_, _>>())
}

fn key_names(secret: &Json) -> String {
    let names: Vec<_> = secret["data"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
