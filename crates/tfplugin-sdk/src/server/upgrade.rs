//! UpgradeResourceState: brings stored state to the present schema. Called even when the version
//! is the same; nothing is contacted.

use super::guard::guard_sync;
use super::{Entry, Server};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::Provider;
use crate::resource::ErasedResource;
use crate::value::from_state_json;

#[derive(Clone, Debug)]
pub struct Request {
    pub type_name: String,
    pub version: i64,
    /// The state as the state file holds it. None for the flatmap of Terraform before 0.12.
    pub json: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct Response {
    pub state: Option<Vec<u8>>,
    pub diagnostics: Diagnostics,
}

impl<P: Provider> Server<P> {
    pub fn upgrade(&self, request: &Request) -> Response {
        let upgraded = self.entry(&request.type_name).and_then(|entry| upgrade(entry, request));
        match upgraded {
            Ok(state) => Response { state: Some(state), diagnostics: Diagnostics::none() },
            Err(diagnostics) => Response { state: None, diagnostics },
        }
    }
}

fn upgrade<C: Send + Sync + 'static>(
    entry: &Entry<dyn ErasedResource<C>>,
    request: &Request,
) -> Result<Vec<u8>, Diagnostics> {
    let unreadable = |detail: String| -> Diagnostics {
        Diagnostic::error(format!("The stored state of {} cannot be read", request.type_name), detail).into()
    };
    let json = request.json.as_ref().ok_or_else(|| {
        unreadable(
            "It was written by a Terraform before 0.12, and this provider never ran under one.".to_owned(),
        )
    })?;
    let version = u64::try_from(request.version)
        .map_err(|_| unreadable(format!("{} is no schema version.", request.version)))?;
    let state = if version == entry.schema.version {
        from_state_json(json, &entry.implied).map_err(|error| unreadable(format!("{error}.")))?
    } else {
        let json = serde_json::from_slice(json).map_err(|error| unreadable(format!("{error}.")))?;
        guard_sync(|| entry.native.upgrade(version, json))
            .unwrap_or_else(|panic| Err(panic.diagnostic("UpgradeResourceState").into()))?
    };
    entry.encode(state)
}
