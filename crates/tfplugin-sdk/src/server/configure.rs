//! ConfigureProvider: makes the clients that all later verbs share.

use std::sync::{Arc, PoisonError};

use super::{Encoded, Server, Session, decode};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::Provider;
use crate::value::from_value;

impl<P: Provider> Server<P> {
    pub async fn configure(&self, terraform_version: &str, config: &Encoded) -> Diagnostics {
        let config = match decode(config, &self.implied) {
            Ok(config) => config,
            Err(diagnostics) => return diagnostics,
        };
        let config = match from_value(&config) {
            Ok(config) => config,
            Err(error) => {
                return Diagnostic::error("Invalid provider configuration", error.to_string())
                    .at(error.path().clone())
                    .into();
            }
        };
        let mut ctx = self.context();
        terraform_version.clone_into(&mut ctx.terraform_version);
        let configured =
            match self.look("ConfigureProvider", &ctx, self.provider.configure(&ctx, config)).await {
                Ok(configured) => configured,
                Err(diagnostics) => return diagnostics,
            };
        let clients = configured.clients.filter(|_| !configured.diagnostics.has_errors()).map(Arc::new);
        let session = Session { clients, terraform_version: ctx.terraform_version };
        *self.configured.lock().unwrap_or_else(PoisonError::into_inner) = session;
        configured.diagnostics
    }
}
