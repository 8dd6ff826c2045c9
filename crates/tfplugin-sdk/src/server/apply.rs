//! ApplyResourceChange: creates, updates or deletes. Whatever happens, what stands is returned.

use super::guard::guard;
use super::{BUG, Encoded, Entry, Server, kept, null, private, settle};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::private::Private;
use crate::provider::Provider;
use crate::resource::{CreateRequest, DeleteRequest, ErasedOutcome, ErasedResource, UpdateRequest};
use crate::value::Value;

#[derive(Clone, Debug)]
pub struct Request {
    pub type_name: String,
    pub prior: Encoded,
    pub planned: Encoded,
    pub config: Encoded,
    pub private: Vec<u8>,
    /// As it was planned.
    pub identity: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct Response {
    /// None where nothing could even be read; otherwise what stands, null included.
    pub state: Option<Vec<u8>>,
    pub private: Vec<u8>,
    pub identity: Option<Vec<u8>>,
    pub diagnostics: Diagnostics,
}

/// The change, decoded.
struct Change {
    prior: Value,
    planned: Value,
    config: Value,
    private: Private,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Update,
    Delete,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Change {
    fn verb(&self) -> Verb {
        match (self.prior.is_null(), self.planned.is_null()) {
            (true, _) => Verb::Create,
            (false, true) => Verb::Delete,
            (false, false) => Verb::Update,
        }
    }

    /// What is known to stand when a verb does not say: a create may have made all that was
    /// planned, and losing it would orphan it; the others started from the prior state.
    fn fallback(&self) -> Value {
        match self.verb() {
            Verb::Create => self.planned.clone().unknown_as_null(),
            Verb::Update | Verb::Delete => self.prior.clone(),
        }
    }
}

impl<P: Provider> Server<P> {
    pub async fn apply(&self, request: Request) -> Response {
        let untouched = match &request.prior {
            Encoded::Msgpack(bytes) => Some(bytes.clone()),
            Encoded::Json(_) => None,
        };
        let private = request.private.clone();
        self.try_apply(request).await.unwrap_or_else(|diagnostics| Response {
            state: untouched,
            private,
            identity: None,
            diagnostics,
        })
    }

    async fn try_apply(&self, request: Request) -> Result<Response, Diagnostics> {
        let entry = self.entry(&request.type_name)?;
        let change = Change {
            prior: entry.decode(&request.prior)?,
            planned: entry.decode(&request.planned)?,
            config: entry.decode(&request.config)?,
            private: private(&request.private)?,
        };
        let (clients, planned) = (self.ready_clients(&request.type_name)?, request.identity);
        let ctx = self.context();
        let outcome =
            guard(run(entry, &ctx, &clients, &change)).await.unwrap_or_else(|panic| ErasedOutcome {
                state: None,
                lost: true,
                private: Private::default(),
                diagnostics: panic.diagnostic("ApplyResourceChange").into(),
            });
        let (state, private, diagnostics) = stands(&change, outcome);
        let identity = if state.is_null() { None } else { planned.or(entry.identity(&state)?) };
        let state = if state.is_null() { null() } else { entry.encode(state)? };
        Ok(Response { state: Some(state), private: private.to_bytes(), identity, diagnostics })
    }
}

async fn run<C: Send + Sync + 'static>(
    entry: &Entry<dyn ErasedResource<C>>,
    ctx: &Context,
    clients: &C,
    change: &Change,
) -> ErasedOutcome {
    let (planned, config) = (change.planned.clone(), change.config.clone());
    let (prior, private) = (change.prior.clone(), change.private.clone());
    match change.verb() {
        Verb::Create => entry.native.create(ctx, clients, CreateRequest { planned, config, private }).await,
        Verb::Update => {
            entry.native.update(ctx, clients, UpdateRequest { prior, planned, config, private }).await
        }
        Verb::Delete => entry.native.delete(ctx, clients, DeleteRequest { state: prior, private }).await,
    }
}

/// What stands after a verb, and what more there is to say of it.
fn stands(change: &Change, outcome: ErasedOutcome) -> (Value, Private, Diagnostics) {
    let verb = change.verb();
    let mut diagnostics = outcome.diagnostics;
    let failed = diagnostics.has_errors();
    let state = match outcome.state {
        Some(state) if verb == Verb::Delete && !failed => {
            let detail = format!("The provider returned a state and no error. {BUG}");
            diagnostics.push(Diagnostic::error("After delete the resource still stands", detail));
            state
        }
        Some(state) => settle(state, verb.name(), &mut diagnostics),
        None if outcome.lost => change.fallback(),
        None if verb == Verb::Delete && !failed => Value::Null,
        None if verb == Verb::Create && failed => Value::Null,
        None if failed => change.prior.clone(),
        None => {
            let detail = format!("The provider returned neither a state nor an error. {BUG}");
            diagnostics
                .push(Diagnostic::error(format!("After {} there is no resource", verb.name()), detail));
            change.fallback()
        }
    };
    let private = kept(outcome.private, change.private.clone(), &diagnostics);
    (state.unknown_as_null(), private, diagnostics)
}
