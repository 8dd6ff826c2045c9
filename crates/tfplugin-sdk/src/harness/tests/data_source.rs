//! A data source in memory that keeps every rule but one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::super::{Harness, Reply, unknown};
use crate::{
    Attr, Attribute, Configured, Context, DataSource, Diagnostic, Diagnostics, ErasedDataSource,
    ErasedResource, Provider, Reading, Schema, async_trait, erase_data_source, path,
};

/// The one rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    WriteOnly,
    ValidateRefusesUnknown,
    ReadLeavesUnknown,
    ReadGivesNothing,
    ReadFlaps,
    ReadChangesConfigured,
    ReadPanics,
    ModelMisfit,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Model {
    name: Attr<String>,
    answer: Attr<i64>,
}

#[derive(Deserialize)]
struct Config {
    ready: Attr<bool>,
}

#[derive(Clone, Copy)]
struct Oracle(Fault);

#[async_trait]
impl Provider for Oracle {
    type Config = Config;
    type Clients = AtomicI64;

    fn schema(&self) -> Schema {
        Schema::new("", [("ready", Attribute::bool("Unknown means not yet.").optional())])
    }

    async fn configure(&self, _: &Context, config: Config) -> Configured<AtomicI64> {
        let clients = AtomicI64::new(0);
        if config.ready.is_unknown() { Configured::unknown() } else { Configured::ready(clients) }
    }

    fn resources(&self) -> Vec<Box<dyn ErasedResource<AtomicI64>>> {
        Vec::new()
    }

    fn data_sources(&self) -> Vec<Box<dyn ErasedDataSource<AtomicI64>>> {
        vec![erase_data_source(*self)]
    }
}

#[async_trait]
impl DataSource<AtomicI64> for Oracle {
    type Model = Model;

    fn type_name(&self) -> &'static str {
        "oracle"
    }

    fn schema(&self) -> Schema {
        let mut attributes = vec![
            ("name", Attribute::string("Whom to ask.").required()),
            ("answer", Attribute::number("What it says.").computed()),
        ];
        match self.0 {
            Fault::WriteOnly => attributes.push(("key_wo", Attribute::string("").optional().write_only())),
            Fault::ModelMisfit => attributes.push(("unmodelled", Attribute::string("").computed())),
            _ => {}
        }
        Schema::new("An oracle.", attributes)
    }

    fn validate(&self, config: Model) -> Diagnostics {
        let mut found = Diagnostics::none();
        if config.name.is(&"forbidden".to_owned())
            || (self.0 == Fault::ValidateRefusesUnknown && config.name.is_unknown())
        {
            found.error_at(path!["name"], "Bad name", "An oracle has another name.");
        }
        found
    }

    async fn read(&self, _: &Context, count: &AtomicI64, config: Model) -> Reading<Model> {
        let asked = count.fetch_add(1, Ordering::Relaxed);
        let mut model = Model { answer: Attr::Known(42), ..config };
        match self.0 {
            Fault::ReadLeavesUnknown => model.answer = Attr::Unknown,
            Fault::ReadGivesNothing => return Reading { state: None, diagnostics: Diagnostics::none() },
            Fault::ReadFlaps => model.answer = Attr::Known(asked),
            Fault::ReadChangesConfigured => model.name = Attr::from("other"),
            Fault::ReadPanics => panic!("a mistake in the oracle"),
            _ => {}
        }
        if model.name.is(&"silent".to_owned()) {
            return Reading::failed(Diagnostic::error("no answer", "The oracle is silent."));
        }
        Reading::new(model)
    }
}

/// Reads with a broken rule, and returns the reply or what the harness had to say.
fn read(fault: Fault, provider: Json, config: Json) -> Result<Reply, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let all = async {
        let harness = Harness::new(Oracle(fault));
        assert!(harness.configure(provider).await.is_empty());
        harness.data_source("oracle").read(config).await
    };
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(all)))
        .map_err(|panic| panic.downcast_ref::<String>().cloned().expect("a panic's text"))
}

fn summary(reply: &Reply) -> &str {
    reply.diagnostics.iter().next().map_or("", |one| one.summary.as_str())
}

#[test]
fn a_known_configuration_is_read_and_an_unknown_one_waits() {
    let reply = read(Fault::None, json!({}), json!({ "name": "n" })).expect("no rule is broken");
    assert_eq!(reply.state(), Some(json!({ "name": "n", "answer": 42 })));
    let reply = read(Fault::ReadPanics, json!({}), json!({ "name": unknown() })).expect("nothing is read");
    assert!(reply.deferred && reply.state().is_none() && reply.diagnostics.is_empty());
}

#[test]
fn what_cannot_be_read_is_an_error_and_no_object() {
    for (provider, name, expected) in [
        (json!({}), "forbidden", "Bad name"),
        (json!({}), "silent", "no answer"),
        (json!({ "ready": unknown() }), "n", "The provider is not configured"),
    ] {
        let reply = read(Fault::None, provider, json!({ "name": name })).expect("no rule is broken");
        assert_eq!((summary(&reply), reply.state()), (expected, None));
    }
}

#[test]
fn each_broken_rule_of_a_data_source_is_named_with_its_place() {
    let cases = [
        (Fault::WriteOnly, "rule 2 at key_wo"),
        (Fault::ValidateRefusesUnknown, "rule 3 at name"),
        (Fault::ReadLeavesUnknown, "not wholly known"),
        (Fault::ReadGivesNothing, "neither an object nor an error"),
        (Fault::ReadFlaps, "rule 25 at answer"),
        (Fault::ReadChangesConfigured, "rule 5 at name"),
        (Fault::ReadPanics, "a mistake in the oracle"),
        (Fault::ModelMisfit, "unmodelled"),
    ];
    for (fault, expected) in cases {
        let found = read(fault, json!({}), json!({ "name": "n" }));
        let found = found.expect_err(&format!("{fault:?} goes unnoticed"));
        assert!(found.contains(expected), "{fault:?}: {found}");
    }
}
