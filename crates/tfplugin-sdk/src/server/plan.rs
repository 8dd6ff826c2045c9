//! PlanResourceChange: what apply will do.

use super::{Encoded, Entry, Server, null, private};
use crate::diagnostic::Diagnostics;
use crate::path::AttributePath;
use crate::provider::Provider;
use crate::resource::{ErasedResource, PlanRequest};
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct Request {
    pub type_name: String,
    pub prior: Encoded,
    pub proposed: Encoded,
    pub config: Encoded,
    pub private: Vec<u8>,
    /// What Terraform keeps beside the prior state, where it has one already.
    pub identity: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct Response {
    /// None on an error.
    pub planned: Option<Vec<u8>>,
    pub requires_replace: Vec<AttributePath>,
    pub private: Vec<u8>,
    /// None while a new one is not wholly known.
    pub identity: Option<Vec<u8>>,
    pub diagnostics: Diagnostics,
}

impl<P: Provider> Server<P> {
    pub async fn plan(&self, request: Request) -> Response {
        let private = request.private.clone();
        self.try_plan(request).await.unwrap_or_else(|diagnostics| Response {
            planned: None,
            requires_replace: Vec::new(),
            private,
            identity: None,
            diagnostics,
        })
    }

    async fn try_plan(&self, request: Request) -> Result<Response, Diagnostics> {
        let entry = self.entry(&request.type_name)?;
        let prior = entry.decode(&request.prior)?;
        let proposed = entry.decode(&request.proposed)?;
        if proposed.is_null() {
            return self.plan_destroy(entry, &prior, request).await;
        }
        // An identity stays for life: a plan that changes it is a replacement, whose second plan has
        // no prior.
        let standing = request.identity.or(entry.identity(&prior)?);
        let typed = PlanRequest {
            prior: Some(prior).filter(|prior| !prior.is_null()),
            proposed,
            config: entry.decode(&request.config)?,
            private: private(&request.private)?,
        };
        let (ctx, clients) = (self.context(), self.clients());
        let verb = entry.native.plan(&ctx, clients.as_deref(), typed);
        let plan = self.look("PlanResourceChange", &ctx, verb).await?;
        let planned = plan.planned.filter(|_| !plan.diagnostics.has_errors());
        let identity = match (&planned, standing) {
            (Some(planned), None) => entry.identity(planned)?,
            (_, standing) => standing,
        };
        Ok(Response {
            planned: planned.map(|planned| entry.encode(planned)).transpose()?,
            requires_replace: plan.requires_replace,
            private: plan.private.to_bytes(),
            identity,
            diagnostics: plan.diagnostics,
        })
    }

    async fn plan_destroy(
        &self,
        entry: &Entry<dyn ErasedResource<P::Clients>>,
        prior: &Value,
        request: Request,
    ) -> Result<Response, Diagnostics> {
        let (ctx, clients) = (self.context(), self.clients());
        let verb = entry.native.plan_destroy(&ctx, clients.as_deref(), prior, private(&request.private)?);
        let (private, diagnostics) = self.look("PlanResourceChange", &ctx, verb).await?;
        let planned = Some(null()).filter(|_| !diagnostics.has_errors());
        let (identity, private) = (request.identity.or(entry.identity(prior)?), private.to_bytes());
        Ok(Response { planned, requires_replace: Vec::new(), private, identity, diagnostics })
    }
}
