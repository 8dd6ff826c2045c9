//! GetResourceIdentitySchemas, UpgradeResourceIdentity, and the identity that goes with each state.

use super::{Encoded, Entry, Server, decode, unreadable};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::identity::IdentitySchema;
use crate::provider::Provider;
use crate::resource::ErasedResource;
use crate::value::{Value, conform, from_json, to_msgpack};

#[derive(Clone, Debug)]
pub struct Upgrade {
    pub type_name: String,
    pub version: i64,
    /// The identity as the state file holds it.
    pub json: Vec<u8>,
}

impl<P: Provider> Server<P> {
    /// The identity schema of every resource type that has one.
    pub fn identity_schemas(&self) -> impl Iterator<Item = (&'static str, IdentitySchema)> {
        self.resources.iter().filter_map(|(name, entry)| Some((*name, entry.native.identity_schema()?)))
    }

    /// Brings a stored identity to the present schema.
    ///
    /// # Errors
    /// When the version is not the present one: there was never another.
    pub fn upgrade_identity(&self, request: &Upgrade) -> Result<Vec<u8>, Diagnostics> {
        let entry = self.entry(&request.type_name)?;
        let schema = entry.identity_schema(&request.type_name)?;
        if u64::try_from(request.version) != Ok(schema.version) {
            let detail = format!(
                "It has version {}, this provider writes version {}. Use the provider version that wrote it, or \
                 a newer one.",
                request.version, schema.version
            );
            let summary = format!("The identity of {} is of another version", request.type_name);
            return Err(Diagnostic::error(summary, detail).into());
        }
        let shape = schema.implied_type();
        let identity = from_json(&request.json, &shape).and_then(|value| to_msgpack(&value, &shape));
        identity.map_err(|error| unreadable(&error))
    }
}

impl<C: Send + Sync + 'static> Entry<dyn ErasedResource<C>> {
    fn identity_schema(&self, type_name: &str) -> Result<IdentitySchema, Diagnostics> {
        self.native.identity_schema().ok_or_else(|| {
            let detail = "Import it by its id.".to_owned();
            Diagnostic::error(format!("{type_name} has no identity"), detail).into()
        })
    }

    /// The identity of a state. None where there is no state, the type has no identities, or it is
    /// not known yet.
    pub(super) fn identity(&self, state: &Value) -> Result<Option<Vec<u8>>, Diagnostics> {
        let Some(schema) = self.native.identity_schema().filter(|_| !state.is_null()) else {
            return Ok(None);
        };
        let shape = schema.implied_type();
        let identity = self.native.identity(state)?;
        if !identity.unknown_paths().is_empty() {
            return Ok(None);
        }
        let exact = conform(identity, &shape).and_then(|value| to_msgpack(&value, &shape));
        exact.map(Some).map_err(|error| unreadable(&error))
    }

    /// The import id that an identity stands for.
    pub(super) fn import_id(&self, type_name: &str, identity: &Encoded) -> Result<String, Diagnostics> {
        let schema = self.identity_schema(type_name)?;
        let identity = decode(identity, &schema.implied_type())?;
        let missing = schema.attributes.iter().filter(|(_, one)| one.required_for_import);
        let missing = missing.filter(|(name, _)| identity.get(name).is_none_or(Value::is_null));
        let missing: Vec<_> = missing.map(|(name, _)| name.as_str()).collect();
        if !missing.is_empty() {
            let detail = format!("It lacks {}.", missing.join(" and "));
            return Err(Diagnostic::error(format!("Incomplete identity of a {type_name}"), detail).into());
        }
        self.native.import_id(&identity)
    }
}
