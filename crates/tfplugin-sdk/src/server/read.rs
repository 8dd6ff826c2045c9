//! ReadResource: what is live. Null means gone; on an error Terraform keeps the state it has.

use super::{Encoded, Server, kept, null, private, settle};
use crate::diagnostic::Diagnostics;
use crate::private::Private;
use crate::provider::Provider;
use crate::resource::ReadRequest;

#[derive(Clone, Debug)]
pub struct Request {
    pub type_name: String,
    pub state: Encoded,
    pub private: Vec<u8>,
    /// What Terraform keeps beside the state, where it has one already.
    pub identity: Option<Vec<u8>>,
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
    pub async fn read(&self, request: Request) -> Response {
        let private = request.private.clone();
        self.try_read(request).await.unwrap_or_else(|diagnostics| Response {
            state: None,
            private,
            identity: None,
            diagnostics,
        })
    }

    async fn try_read(&self, request: Request) -> Result<Response, Diagnostics> {
        let (entry, standing) = (self.entry(&request.type_name)?, request.identity);
        let state = entry.decode(&request.state)?;
        let before = private(&request.private)?;
        let (ctx, clients) = (self.context(), self.clients());
        let typed = ReadRequest { state, private: before.clone() };
        let verb = entry.native.read(&ctx, clients.as_deref(), typed);
        let outcome = self.look("ReadResource", &ctx, verb).await?;
        let mut diagnostics = outcome.diagnostics;
        let state = outcome.state.map(|state| settle(state, "read", &mut diagnostics));
        let private = kept(outcome.private, before, &diagnostics);
        if diagnostics.has_errors() {
            return Ok(Response { state: None, private: private.to_bytes(), identity: None, diagnostics });
        }
        let Some(state) = state else {
            let private = Private::default().to_bytes();
            return Ok(Response { state: Some(null()), private, identity: None, diagnostics });
        };
        let identity = standing.or(entry.identity(&state)?);
        Ok(Response { state: Some(entry.encode(state)?), private: private.to_bytes(), identity, diagnostics })
    }
}
