//! ImportResourceState: finds an existing object by the user's identifier or identity. A Read follows.

use super::{Encoded, Server, settle};
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;

#[derive(Clone, Debug)]
pub struct Request {
    pub type_name: String,
    pub target: Target,
}

/// What the user named the object by.
#[derive(Clone, Debug)]
pub enum Target {
    Id(String),
    Identity(Encoded),
}

#[derive(Clone, Debug)]
pub struct Response {
    /// None on an error.
    pub imported: Option<Imported>,
    pub diagnostics: Diagnostics,
}

/// The one object that an import finds.
#[derive(Clone, Debug)]
pub struct Imported {
    pub type_name: String,
    pub state: Vec<u8>,
    pub private: Vec<u8>,
    pub identity: Option<Vec<u8>>,
}

impl<P: Provider> Server<P> {
    pub async fn import(&self, request: Request) -> Response {
        self.try_import(request).await.unwrap_or_else(|diagnostics| Response { imported: None, diagnostics })
    }

    async fn try_import(&self, Request { type_name, target }: Request) -> Result<Response, Diagnostics> {
        let entry = self.entry(&type_name)?;
        let clients = self.ready_clients(&type_name)?;
        let id = match target {
            Target::Id(id) => id,
            Target::Identity(identity) => entry.import_id(&type_name, &identity)?,
        };
        let ctx = self.context();
        let verb = entry.native.import(&ctx, &clients, id.clone());
        let outcome = self.look("ImportResourceState", &ctx, verb).await?;
        let mut diagnostics = outcome.diagnostics;
        let state = outcome.state.map(|state| settle(state, "import", &mut diagnostics));
        let state = match state {
            _ if diagnostics.has_errors() => return Ok(Response { imported: None, diagnostics }),
            Some(state) => state,
            None => {
                let summary = format!("Cannot import a {type_name} that does not exist");
                diagnostics.error(summary, format!("Nothing is found under {id:?}."));
                return Ok(Response { imported: None, diagnostics });
            }
        };
        let identity = entry.identity(&state)?;
        let (state, private) = (entry.encode(state)?, outcome.private.to_bytes());
        let imported = Imported { type_name, state, private, identity };
        Ok(Response { imported: Some(imported), diagnostics })
    }
}
