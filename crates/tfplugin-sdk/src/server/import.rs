//! ImportResourceState: finds an existing object by the user's identifier. A Read follows.

use super::{Server, settle};
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;

#[derive(Clone, Debug)]
pub struct Request {
    pub type_name: String,
    pub id: String,
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
}

impl<P: Provider> Server<P> {
    pub async fn import(&self, request: Request) -> Response {
        self.try_import(request).await.unwrap_or_else(|diagnostics| Response { imported: None, diagnostics })
    }

    async fn try_import(&self, Request { type_name, id }: Request) -> Result<Response, Diagnostics> {
        let entry = self.entry(&type_name)?;
        let clients = self.ready_clients(&type_name)?;
        let ctx = self.context();
        let verb = entry.native.import(&ctx, &clients, id.clone());
        let outcome = self.look("ImportResourceState", &ctx, verb).await?;
        let mut diagnostics = outcome.diagnostics;
        let state = outcome.state.map(|state| settle(state, "import", &mut diagnostics));
        let state = match state {
            _ if diagnostics.has_errors() => return Ok(Response { imported: None, diagnostics }),
            Some(state) => entry.encode(state)?,
            None => {
                let summary = format!("Cannot import a {type_name} that does not exist");
                diagnostics.error(summary, format!("Nothing is found under {id:?}."));
                return Ok(Response { imported: None, diagnostics });
            }
        };
        let imported = Imported { type_name, state, private: outcome.private.to_bytes() };
        Ok(Response { imported: Some(imported), diagnostics })
    }
}
