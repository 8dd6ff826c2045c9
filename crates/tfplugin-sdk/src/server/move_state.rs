//! MoveResourceState: the state of another resource type becomes a state of ours. Nothing is
//! contacted: Terraform asks a provider that is not configured. A Read follows.

use serde_json::Value as Json;

use super::guard::guard_sync;
use super::{Server, settle};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::private::Private;
use crate::provider::Provider;
use crate::resource::MoveSource;

#[derive(Clone, Debug)]
pub struct Request {
    pub source_provider_address: String,
    pub source_type_name: String,
    pub source_schema_version: i64,
    /// The state as the state file holds it. None for the flatmap of Terraform before 0.12.
    pub source_json: Option<Vec<u8>>,
    pub target_type_name: String,
}

#[derive(Clone, Debug)]
pub struct Response {
    /// None on an error.
    pub state: Option<Vec<u8>>,
    pub private: Vec<u8>,
    pub identity: Option<Vec<u8>>,
    pub diagnostics: Diagnostics,
}

impl<P: Provider> Server<P> {
    pub fn move_state(&self, request: &Request) -> Response {
        self.try_move_state(request).unwrap_or_else(|diagnostics| Response {
            state: None,
            private: Vec::new(),
            identity: None,
            diagnostics,
        })
    }

    fn try_move_state(&self, request: &Request) -> Result<Response, Diagnostics> {
        let entry = self.entry(&request.target_type_name)?;
        let source = source(request)?;
        let outcome = guard_sync(|| entry.native.move_state(&source))
            .map_err(|panic| Diagnostics::from(panic.diagnostic("MoveResourceState")))?;
        let mut diagnostics = outcome.diagnostics;
        let state = outcome.state.map(|state| settle(state, "move", &mut diagnostics));
        let Some(state) = state.filter(|_| !diagnostics.has_errors()) else {
            if !diagnostics.has_errors() {
                diagnostics.extend(impossible(&source, &request.target_type_name));
            }
            return Err(diagnostics);
        };
        let identity = entry.identity(&state)?;
        let private: Private = outcome.private;
        Ok(Response { state: Some(entry.encode(state)?), private: private.to_bytes(), identity, diagnostics })
    }
}

fn source(request: &Request) -> Result<MoveSource, Diagnostics> {
    let unreadable = |detail: String| -> Diagnostics {
        Diagnostic::error(format!("The state of {} cannot be read", request.source_type_name), detail).into()
    };
    let json = request
        .source_json
        .as_ref()
        .ok_or_else(|| unreadable("It was written by a Terraform before 0.12.".to_owned()))?;
    let state: Json = serde_json::from_slice(json).map_err(|error| unreadable(format!("{error}.")))?;
    Ok(MoveSource {
        provider_address: request.source_provider_address.clone(),
        type_name: request.source_type_name.clone(),
        schema_version: request.source_schema_version,
        state,
    })
}

fn impossible(source: &MoveSource, target: &str) -> Diagnostics {
    let MoveSource { provider_address, type_name, schema_version, .. } = source;
    let detail = format!(
        "The source is of version {schema_version} of {type_name}, of the provider {provider_address}. This \
         version of the provider takes no such state. Import the object instead."
    );
    Diagnostic::error(format!("A {type_name} cannot become a {target}"), detail).into()
}
