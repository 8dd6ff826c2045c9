//! ReadDataSource: an object for a configuration. Terraform asks once the configuration is known.

use super::{BUG, Encoded, Server, settle};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::Provider;

#[derive(Clone, Debug)]
pub struct Request {
    pub type_name: String,
    pub config: Encoded,
}

#[derive(Clone, Debug)]
pub struct Response {
    /// None on an error.
    pub state: Option<Vec<u8>>,
    pub diagnostics: Diagnostics,
}

impl<P: Provider> Server<P> {
    pub async fn read_data(&self, request: Request) -> Response {
        self.try_read_data(request).await.unwrap_or_else(|diagnostics| Response { state: None, diagnostics })
    }

    async fn try_read_data(&self, request: Request) -> Result<Response, Diagnostics> {
        let entry = self.data_source(&request.type_name)?;
        let config = entry.decode(&request.config)?;
        let clients = self.ready_clients(&request.type_name)?;
        let ctx = self.context();
        let verb = entry.native.read(&ctx, &clients, &config);
        let reading = self.look("ReadDataSource", &ctx, verb).await?;
        let mut diagnostics = reading.diagnostics;
        let state = reading.state.map(|state| settle(state, "read", &mut diagnostics));
        if state.is_none() && !diagnostics.has_errors() {
            let detail = format!("The provider returned neither an object nor an error. {BUG}");
            diagnostics
                .push(Diagnostic::error(format!("Reading {} gave nothing", request.type_name), detail));
        }
        let state = state.filter(|_| !diagnostics.has_errors());
        Ok(Response { state: state.map(|state| entry.encode(state)).transpose()?, diagnostics })
    }
}
