//! ValidateListResourceConfig and ListResource: the instances that there are, each with its identity.

use super::guard::guard_sync;
use super::{BUG, Encoded, Server, settle, unheard_of};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::list::{ListRequest, Listed};
use crate::provider::Provider;

#[derive(Clone, Debug)]
pub struct Request {
    pub type_name: String,
    pub config: Encoded,
    pub whole: bool,
    pub limit: usize,
}

/// One instance, or only a diagnostic about the search as a whole.
#[derive(Clone, Debug, Default)]
pub struct Event {
    pub identity: Option<Vec<u8>>,
    pub display_name: String,
    pub object: Option<Vec<u8>>,
    pub diagnostics: Diagnostics,
}

impl<P: Provider> Server<P> {
    pub fn validate_list(&self, type_name: &str, config: &Encoded) -> Diagnostics {
        let checked = self.lister(type_name).and_then(|entry| {
            let config = entry.decode(config)?;
            guard_sync(|| entry.native.validate(&config))
                .map_err(|panic| panic.diagnostic("ValidateListResourceConfig").into())
        });
        checked.unwrap_or_else(|diagnostics| diagnostics)
    }

    /// Every instance in turn; what is to be said of the search as a whole comes last.
    pub async fn list(&self, request: Request) -> Vec<Event> {
        self.try_list(request)
            .await
            .unwrap_or_else(|diagnostics| vec![Event { diagnostics, ..Event::default() }])
    }

    async fn try_list(&self, request: Request) -> Result<Vec<Event>, Diagnostics> {
        let Request { type_name, config, whole, limit } = request;
        let (lister, listed) = (self.lister(&type_name)?, self.entry(&type_name)?);
        let clients = self.ready_clients(&type_name)?;
        let typed = ListRequest { config: lister.decode(&config)?, whole, limit };
        let ctx = self.context();
        let verb = lister.native.list(&ctx, &clients, typed, &listed.implied);
        let mut listing = self.look("ListResource", &ctx, verb).await?;
        let mut events = Vec::new();
        for Listed { display_name, object, mut diagnostics } in listing.found.into_iter().take(limit) {
            let identity = listed.identity(&object)?;
            let object = settle(object, "list", &mut diagnostics);
            if identity.is_none() {
                let detail = format!("{display_name} was listed without one. {BUG}");
                listing.diagnostics.push(Diagnostic::error("A listed object has no identity", detail));
                continue;
            }
            let object = if whole { Some(listed.encode(object)?) } else { None };
            events.push(Event { identity, display_name, object, diagnostics });
        }
        if !listing.diagnostics.is_empty() {
            events.push(Event { diagnostics: listing.diagnostics, ..Event::default() });
        }
        Ok(events)
    }

    fn lister(
        &self,
        type_name: &str,
    ) -> Result<&super::Entry<dyn crate::list::ErasedList<P::Clients>>, Diagnostics> {
        self.lists.get(type_name).ok_or_else(|| unheard_of("list resource", type_name))
    }
}
