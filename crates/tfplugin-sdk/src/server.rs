//! The RPCs of a provider, free of any transport: one file an RPC.
//!
//! Enters: encoded values, private bytes. Leaves: encoded values, private bytes, diagnostics. In
//! between stand a provider's own types. It guards what Terraform must be able to rely on: a
//! write-only value is never returned, a state is wholly known, a panic is an error and loses no
//! state. Deliberately absent: gRPC (see `wire`), the checks of Terraform core (see `harness`).

pub mod apply;
pub mod configure;
mod guard;
pub mod identity;
pub mod import;
pub mod list;
pub mod move_state;
pub mod plan;
pub mod read;
pub mod read_data;
#[cfg(test)]
mod tests;
pub mod upgrade;
pub mod validate;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::data_source::ErasedDataSource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::list::ErasedList;
use crate::private::Private;
use crate::provider::Provider;
use crate::resource::ErasedResource;
use crate::schema::{Schema, null_write_only};
use crate::value::{Type, Value, ValueError, conform, from_json, from_msgpack, to_msgpack};

/// What a diagnostic says when the provider, not its user, is at fault.
pub(crate) const BUG: &str = "This is a bug in the provider.";

/// How long a verb that only looks may take to end by itself after a stop.
const STOP_GRACE: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 5_000 });

/// A value on its way in. Terraform sends msgpack; the protocol allows JSON.
#[derive(Clone, Debug)]
pub enum Encoded {
    Msgpack(Vec<u8>),
    Json(Vec<u8>),
}

impl Encoded {
    fn decode(&self, shape: &Type) -> Result<Value, ValueError> {
        match self {
            Self::Msgpack(bytes) => from_msgpack(bytes, shape),
            Self::Json(text) => from_json(text, shape),
        }
    }
}

/// A provider being served.
pub struct Server<P: Provider> {
    provider: P,
    schema: Schema,
    implied: Type,
    resources: BTreeMap<&'static str, Entry<dyn ErasedResource<P::Clients>>>,
    data_sources: BTreeMap<&'static str, Entry<dyn ErasedDataSource<P::Clients>>>,
    lists: BTreeMap<&'static str, Entry<dyn ErasedList<P::Clients>>>,
    configured: Mutex<Session<P::Clients>>,
    stop: Mutex<CancellationToken>,
}

/// A resource, a data source or a list with its schema.
struct Entry<T: ?Sized> {
    native: Box<T>,
    schema: Schema,
    implied: Type,
}

/// What the last configure left.
struct Session<C> {
    clients: Option<Arc<C>>,
    terraform_version: String,
}

impl<P: Provider> Server<P> {
    /// # Panics
    /// When two resources, two data sources or two lists have one type name.
    pub fn new(provider: P) -> Self {
        let schema = provider.schema();
        let resources = provider.resources().into_iter();
        let resources = by_name(resources.map(|one| (one.type_name(), Entry::new(one.schema(), one))));
        let sources = provider.data_sources().into_iter();
        let data_sources = by_name(sources.map(|one| (one.type_name(), Entry::new(one.schema(), one))));
        let lists = provider.lists().into_iter();
        let lists = by_name(lists.map(|one| (one.type_name(), Entry::new(one.schema(), one))));
        let implied = schema.implied_type();
        let configured = Mutex::new(Session { clients: None, terraform_version: String::new() });
        Self { provider, schema, implied, resources, data_sources, lists, configured, stop: Mutex::default() }
    }

    /// The schema of the provider block.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Every resource type and its schema.
    pub fn resource_schemas(&self) -> impl Iterator<Item = (&'static str, &Schema)> {
        self.resources.iter().map(|(name, entry)| (*name, &entry.schema))
    }

    /// Every data source type and its schema.
    pub fn data_source_schemas(&self) -> impl Iterator<Item = (&'static str, &Schema)> {
        self.data_sources.iter().map(|(name, entry)| (*name, &entry.schema))
    }

    /// Every resource type that can be listed, and the schema of its list's configuration.
    pub fn list_schemas(&self) -> impl Iterator<Item = (&'static str, &Schema)> {
        self.lists.iter().map(|(name, entry)| (*name, &entry.schema))
    }

    /// Cancels the verbs in flight. Those that start later are not stopped.
    pub fn stop(&self) {
        let mut current = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *current).cancel();
    }

    fn entry(&self, type_name: &str) -> Result<&Entry<dyn ErasedResource<P::Clients>>, Diagnostics> {
        self.resources.get(type_name).ok_or_else(|| unheard_of("resource", type_name))
    }

    fn data_source(&self, type_name: &str) -> Result<&Entry<dyn ErasedDataSource<P::Clients>>, Diagnostics> {
        self.data_sources.get(type_name).ok_or_else(|| unheard_of("data source", type_name))
    }

    fn clients(&self) -> Option<Arc<P::Clients>> {
        self.configured.lock().unwrap_or_else(PoisonError::into_inner).clients.clone()
    }

    /// The clients, for a verb that cannot do without.
    fn ready_clients(&self, type_name: &str) -> Result<Arc<P::Clients>, Diagnostics> {
        self.clients().ok_or_else(|| {
            Diagnostic::error(
                "The provider is not configured",
                format!(
                    "{type_name} needs the provider's configuration, and it is not known yet. Values that it is \
                     made of must be known before this step: apply them first, for example with -target."
                ),
            )
            .into()
        })
    }

    fn context(&self) -> Context {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let configured = self.configured.lock().unwrap_or_else(PoisonError::into_inner);
        Context { stop, terraform_version: configured.terraform_version.clone() }
    }

    /// Runs a verb that only looks: a panic becomes an error, and so does a stop that the verb does
    /// not answer by itself.
    async fn look<T>(
        &self,
        rpc: &str,
        ctx: &Context,
        verb: impl Future<Output = T> + Send,
    ) -> Result<T, Diagnostics> {
        let overdue = async {
            ctx.stop.cancelled().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        tokio::select! {
            biased;
            outcome = guard::guard(verb) => outcome.map_err(|panic| panic.diagnostic(rpc).into()),
            () = overdue => Err(Diagnostic::error(
                format!("{rpc} was stopped"),
                format!("Terraform asked the provider to stop and {rpc} did not end within {STOP_GRACE:?}."),
            )
            .into()),
        }
    }
}

/// # Panics
/// When two of a kind have one type name.
fn by_name<T: ?Sized>(
    entries: impl Iterator<Item = (&'static str, Entry<T>)>,
) -> BTreeMap<&'static str, Entry<T>> {
    let mut all = BTreeMap::new();
    for (name, entry) in entries {
        assert!(all.insert(name, entry).is_none(), "two of a kind are named {name}");
    }
    all
}

fn unheard_of(kind: &str, type_name: &str) -> Diagnostics {
    let detail = format!("This version of the provider has no such {kind}.");
    Diagnostic::error(format!("Unknown {kind} type {type_name}"), detail).into()
}

impl<T: ?Sized> Entry<T> {
    fn new(schema: Schema, native: Box<T>) -> Self {
        let implied = schema.implied_type();
        Self { native, schema, implied }
    }

    fn decode(&self, value: &Encoded) -> Result<Value, Diagnostics> {
        decode(value, &self.implied)
    }

    /// The bytes of a plan or a state, without write-only values.
    fn encode(&self, mut value: Value) -> Result<Vec<u8>, Diagnostics> {
        null_write_only(&self.schema.attributes, &mut value);
        let exact = conform(value, &self.implied).and_then(|value| to_msgpack(&value, &self.implied));
        exact.map_err(|error| unreadable(&error))
    }
}

fn null() -> Vec<u8> {
    to_msgpack(&Value::Null, &Type::Dynamic).expect("null is of every type")
}

fn decode(value: &Encoded, shape: &Type) -> Result<Value, Diagnostics> {
    value.decode(shape).map_err(|error| unreadable(&error))
}

fn unreadable(error: &ValueError) -> Diagnostics {
    let detail = format!("{error}. {BUG}");
    Diagnostic::error("A value does not fit the schema", detail).at(error.path().clone()).into()
}

fn private(bytes: &[u8]) -> Result<Private, Diagnostics> {
    Private::from_bytes(bytes).map_err(|error| {
        let detail = format!("{error}. Another provider or a much older version of this one wrote it.");
        Diagnostic::error("The resource's private state cannot be read", detail).into()
    })
}

/// A failed verb that says nothing of private state means to keep what there was.
fn kept(outcome: Private, before: Private, diagnostics: &Diagnostics) -> Private {
    if outcome.is_empty() && diagnostics.has_errors() { before } else { outcome }
}

/// Nulls what is still unknown in a state, and blames the provider unless the verb failed anyway.
fn settle(state: Value, verb: &str, diagnostics: &mut Diagnostics) -> Value {
    let unknown = state.unknown_paths();
    if let Some(first) = unknown.first().filter(|_| !diagnostics.has_errors()) {
        let all: Vec<_> = unknown.iter().map(ToString::to_string).collect();
        let detail = format!("Still unknown: {}. {BUG}", all.join(", "));
        diagnostics.push(
            Diagnostic::error(format!("After {verb} the state is not wholly known"), detail)
                .at(first.clone()),
        );
    }
    state.unknown_as_null()
}
