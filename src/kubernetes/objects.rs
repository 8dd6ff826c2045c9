//! Get, list, create, apply, update, patch and delete, of any kind.

use helm::cluster::{ApplyOptions, DeleteOptions, ObjectRef, Propagation};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::Kubernetes;
use super::error::KubernetesError;
use super::request::{APPLY_PATCH, Call, JSON, MERGE_PATCH, Verb};

/// The owner of fields that this provider applies outside a release.
pub const FIELD_MANAGER: &str = "terraform-provider-redis";

const PAGE_SIZE: &str = "500";

impl Kubernetes {
    async fn call_on(&self, verb: Verb, object: &ObjectRef) -> Result<Call, KubernetesError> {
        let kind = self.resource_kind(&object.api_version, &object.kind).await?;
        Ok(Call::on(verb, &kind, object.namespace.as_deref(), &object.name))
    }

    /// The object, or `None` when it, its namespace or its kind does not exist.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Json>, KubernetesError> {
        let found = async { self.send(&self.call_on(Verb::Get, object).await?).await };
        match found.await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The object as a typed one.
    pub async fn get_as<K: DeserializeOwned>(
        &self,
        object: &ObjectRef,
    ) -> Result<Option<K>, KubernetesError> {
        self.get(object).await?.map(|found| typed(&format!("get {object}"), found)).transpose()
    }

    /// The objects of a kind in a namespace (`None`: in all, or cluster-scoped), all pages, each
    /// with its apiVersion and kind. A kind that is not served has no objects.
    pub async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        label_selector: &str,
    ) -> Result<Vec<Json>, KubernetesError> {
        let served = match self.resource_kind(api_version, kind).await {
            Ok(served) => served,
            Err(KubernetesError::KindNotServed { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut items = Vec::new();
        let mut page = String::new();
        loop {
            let call = Call::on(Verb::List, &served, namespace, "")
                .with_query("labelSelector", label_selector)
                .with_query("limit", PAGE_SIZE)
                .with_query("continue", &page);
            let mut list = self.send(&call).await?;
            if let Some(found) = list["items"].as_array_mut() {
                items.append(found);
            }
            page = list["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if page.is_empty() {
                break;
            }
        }
        for item in items.iter_mut().filter_map(Json::as_object_mut) {
            item.insert("apiVersion".to_owned(), api_version.into());
            item.insert("kind".to_owned(), kind.into());
        }
        Ok(items)
    }

    /// The objects of a kind as typed ones.
    pub async fn list_as<K: DeserializeOwned>(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        label_selector: &str,
    ) -> Result<Vec<K>, KubernetesError> {
        let found = self.list(api_version, kind, namespace, label_selector).await?;
        found.into_iter().map(|object| typed(&format!("list {kind}s"), object)).collect()
    }

    /// Creates the object and returns it as stored.
    pub async fn create(&self, object: &Json) -> Result<Json, KubernetesError> {
        let call = self.call_on(Verb::Create, &reference("create", object)?).await?;
        let call = call.with_query("fieldManager", FIELD_MANAGER).with_body(JSON, object.clone());
        self.send(&call).await
    }

    /// Server-side apply: creates or updates, and returns the object as stored.
    pub async fn apply(&self, object: &Json, options: &ApplyOptions) -> Result<Json, KubernetesError> {
        let call = self.call_on(Verb::Apply, &reference("apply", object)?).await?;
        let call = call
            .with_query("fieldManager", &options.field_manager)
            .with_query("force", if options.force { "true" } else { "" })
            .with_query("dryRun", if options.dry_run { "All" } else { "" })
            .with_body(APPLY_PATCH, object.clone());
        self.send(&call).await
    }

    /// Replaces the object and returns it as stored.
    pub async fn update(&self, object: &Json) -> Result<Json, KubernetesError> {
        let call = self.call_on(Verb::Update, &reference("update", object)?).await?;
        let call = call.with_query("fieldManager", FIELD_MANAGER).with_body(JSON, object.clone());
        self.send(&call).await
    }

    /// JSON merge patch: a null deletes, a list replaces. Returns the object as stored.
    pub async fn merge_patch(
        &self,
        object: &ObjectRef,
        patch: &Json,
        field_manager: &str,
    ) -> Result<Json, KubernetesError> {
        let call = self.call_on(Verb::Patch, object).await?;
        let call = call.with_query("fieldManager", field_manager).with_body(MERGE_PATCH, patch.clone());
        self.send(&call).await
    }

    /// Starts the deletion; an object that is not there is a success.
    pub async fn delete(&self, object: &ObjectRef, options: &DeleteOptions) -> Result<(), KubernetesError> {
        let started = async {
            let call = self.call_on(Verb::Delete, object).await?;
            self.send(&call.with_body(JSON, delete_body(options))).await
        };
        match started.await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn delete_body(options: &DeleteOptions) -> Json {
    let propagation = match options.propagation {
        Propagation::Background => "Background",
        Propagation::Foreground => "Foreground",
        Propagation::Orphan => "Orphan",
    };
    let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation});
    if let Some(uid) = &options.uid {
        body["preconditions"]["uid"] = uid.as_str().into();
    }
    if let Some(version) = &options.resource_version {
        body["preconditions"]["resourceVersion"] = version.as_str().into();
    }
    body
}

fn reference(verb: &'static str, object: &Json) -> Result<ObjectRef, KubernetesError> {
    ObjectRef::of(object).ok_or(KubernetesError::Anonymous { verb })
}

/// Reads an object into its type. The error names the place, never the value.
pub(super) fn typed<K: DeserializeOwned>(operation: &str, object: Json) -> Result<K, KubernetesError> {
    serde_json::from_value(object).map_err(|error| KubernetesError::Malformed {
        operation: operation.to_owned(),
        reason: format!("{:?} error in the object", error.classify()),
    })
}

/// Whether all that was sent is in what is live.
pub(super) fn contains(live: &Json, sent: &Json) -> bool {
    match (live, sent) {
        (Json::Object(live), Json::Object(sent)) => {
            sent.iter().all(|(name, value)| live.get(name).is_some_and(|live| contains(live, value)))
        }
        (Json::Array(live), Json::Array(sent)) => {
            live.len() == sent.len() && live.iter().zip(sent).all(|(live, sent)| contains(live, sent))
        }
        (live, sent) => live == sent,
    }
}
