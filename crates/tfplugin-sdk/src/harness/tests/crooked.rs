//! A resource in memory that keeps every rule but one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::{
    Attr, Attribute, Configured, Context, CreateRequest, DeleteRequest, Diagnostic, Diagnostics, ErasedList,
    ErasedResource, IdentityAttribute, IdentitySchema, List, ListRequest, Listed, Listing, MoveSource,
    Outcome, PlanOutcome, PlanRequest, Private, Provider, ReadRequest, Resource, Schema, Type, UpdateRequest,
    Value, async_trait, erase, erase_list, path,
};

/// The one rule that is broken, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    NameInCapitals,
    NeitherRequiredNorComputed,
    WriteOnlyInSet,
    DynamicInSet,
    ReservedName,
    ValidateRefusesUnknown,
    PlanChangesConfigured,
    PlanInventsOptional,
    PlanChangesNested,
    PlanNullsNested,
    PlanUnknownNested,
    PlanAddsKey,
    ReplacesNowhere,
    PlanFlaps,
    FinalPlanDiffers,
    CreateChangesPlanned,
    CreateLeavesUnknown,
    CreateGivesNothing,
    DeleteLeaves,
    ReadGivesUnknown,
    ReadFlaps,
    ReadAfterImportIsGone,
    NeverSettles,
    CreateFailsHalfway,
    CreateFails,
    UpdateFails,
    ModelMisfit,
    IdentityHoldsAMap,
    IdentityWanders,
    IdentityIsUnknown,
    MoveLeavesUnknown,
    ListForgetsIdentity,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Model {
    pub(super) name: Attr<String>,
    pub(super) note: Attr<String>,
    pub(super) plain: Attr<String>,
    pub(super) serial: Attr<i64>,
    pub(super) token_wo: Attr<String>,
    pub(super) inner: Attr<Inner>,
    pub(super) items: Attr<BTreeMap<String, Item>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Inner {
    pub(super) a: Attr<String>,
    pub(super) b: Attr<String>,
    pub(super) key_wo: Attr<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) v: Attr<i64>,
}

/// Where the resource lives, and what was asked of it.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) live: Option<Model>,
    pub(super) calls: Vec<&'static str>,
    count: i64,
}

pub(super) type Shared = Arc<Mutex<World>>;

pub(super) struct Crooked {
    pub(super) fault: Fault,
    pub(super) world: Shared,
}

impl Crooked {
    pub(super) fn with(fault: Fault) -> Self {
        Self { fault, world: Shared::default() }
    }
}

#[derive(Deserialize)]
pub(super) struct Config {
    ready: Attr<bool>,
}

#[async_trait]
impl Provider for Crooked {
    type Config = Config;
    type Clients = Shared;

    fn schema(&self) -> Schema {
        Schema::new("", [("ready", Attribute::bool("Unknown means not yet.").optional())])
    }

    async fn configure(&self, _: &Context, config: Config) -> Configured<Shared> {
        if config.ready.is_unknown() { Configured::unknown() } else { Configured::ready(self.world.clone()) }
    }

    fn resources(&self) -> Vec<Box<dyn ErasedResource<Shared>>> {
        vec![erase(Thing { fault: self.fault, plans: Mutex::default() })]
    }

    fn lists(&self) -> Vec<Box<dyn ErasedList<Shared>>> {
        vec![erase_list(Things(self.fault))]
    }
}

struct Thing {
    fault: Fault,
    plans: Mutex<u64>,
}

impl Thing {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// Counts plans, so that two of them can differ.
    fn next_plan(&self) -> u64 {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        *plans += 1;
        *plans
    }

    fn spoil_plan(&self, planned: &mut Model) {
        let spoiled = Attr::from("spoiled");
        match self.fault {
            Fault::PlanChangesConfigured => planned.name = spoiled,
            Fault::PlanInventsOptional => planned.plain = spoiled,
            Fault::PlanNullsNested => planned.inner = Attr::Null,
            Fault::PlanUnknownNested => planned.inner = Attr::Unknown,
            Fault::PlanChangesNested => {
                if let Attr::Known(inner) = &mut planned.inner {
                    inner.a = spoiled;
                }
            }
            Fault::PlanAddsKey => {
                if let Attr::Known(items) = &mut planned.items {
                    items.insert("spoiled".to_owned(), Item::default());
                }
            }
            Fault::PlanFlaps | Fault::FinalPlanDiffers => {
                planned.note = Attr::Known(format!("plan {}", self.next_plan()));
            }
            _ => {}
        }
    }
}

fn named(
    world: &Shared,
    call: &'static str,
    act: impl FnOnce(&mut World) -> Outcome<Model>,
) -> Outcome<Model> {
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    world.calls.push(call);
    act(&mut world)
}

fn failed() -> Diagnostic {
    Diagnostic::error("refused", "The world refused.")
}

#[async_trait]
impl Resource<Shared> for Thing {
    type Model = Model;

    fn type_name(&self) -> &'static str {
        "crooked_thing"
    }

    fn schema(&self) -> Schema {
        let text = || Attribute::string("Text.");
        let inner = [
            ("a", text().optional()),
            ("b", text().optional().computed()),
            ("key_wo", text().optional().write_only()),
        ];
        let items = [("v", Attribute::number("A number.").optional())];
        let mut attributes = vec![
            ("name", text().required()),
            ("note", text().optional().computed()),
            ("plain", text().optional()),
            ("serial", Attribute::number("Changes with each write.").computed()),
            ("token_wo", text().optional().write_only()),
            ("inner", Attribute::single("Inside.", inner).optional()),
            ("items", Attribute::nested_map("Items.", items).optional()),
        ];
        match self.fault {
            Fault::NameInCapitals => attributes.push(("Name", text().optional())),
            Fault::NeitherRequiredNorComputed => attributes.push(("loose", text())),
            Fault::ReservedName => attributes.push(("count", text().optional())),
            Fault::DynamicInSet => attributes.push(("any", Attribute::set(Type::Dynamic, "").optional())),
            Fault::WriteOnlyInSet => {
                let inside = [("key_wo", text().optional().write_only())];
                attributes.push(("secrets", Attribute::nested_set("", inside).optional()));
            }
            Fault::ModelMisfit => attributes.push(("unmodelled", text().optional())),
            _ => {}
        }
        Schema::new("A thing.", attributes)
    }

    fn validate(&self, config: Model) -> Diagnostics {
        let mut found = Diagnostics::none();
        if self.is(Fault::ValidateRefusesUnknown) && config.name.known().is_none() {
            found.error_at(path!["name"], "No name", "A thing needs a name.");
        }
        if config.name.is(&"forbidden".to_owned()) {
            found.error_at(path!["name"], "Bad name", "A thing has another name.");
        }
        found
    }

    async fn plan(&self, _: &Context, _: Option<&Shared>, request: PlanRequest<Model>) -> PlanOutcome<Model> {
        let PlanRequest { prior, mut proposed, private, .. } = request;
        proposed.note = proposed.note.or_value("noted".to_owned());
        if let Attr::Known(inner) = &mut proposed.inner {
            inner.b = inner.b.clone().or_value("b".to_owned());
            inner.key_wo = Attr::Null;
        }
        proposed.token_wo = Attr::Null;
        if prior.as_ref() != Some(&proposed) || self.is(Fault::NeverSettles) {
            proposed.serial = Attr::Unknown;
        }
        self.spoil_plan(&mut proposed);
        let renamed = prior.as_ref().is_some_and(|prior| prior.name != proposed.name);
        let mut replaces = if renamed { vec![path!["name"]] } else { Vec::new() };
        if self.is(Fault::ReplacesNowhere) {
            replaces.push(path!["inner", "nowhere"]);
        }
        PlanOutcome::new(proposed, private).replacing(replaces)
    }

    async fn create(&self, _: &Context, world: &Shared, request: CreateRequest<Model>) -> Outcome<Model> {
        named(world, "create", |world| {
            world.count += 1;
            let mut made = Model { serial: Attr::Known(world.count), ..request.planned };
            match self.fault {
                Fault::CreateChangesPlanned => made.note = Attr::from("spoiled"),
                Fault::CreateLeavesUnknown => made.serial = Attr::Unknown,
                Fault::CreateGivesNothing => return Outcome::gone(),
                Fault::CreateFails => return Outcome::failed(None, failed()),
                _ => {}
            }
            world.live = Some(made.clone());
            if self.is(Fault::CreateFailsHalfway) {
                let half = Model { serial: Attr::Unknown, ..made };
                return Outcome::failed(Some(half), failed());
            }
            Outcome::new(made, request.private)
        })
    }

    async fn read(&self, _: &Context, world: Option<&Shared>, request: ReadRequest<Model>) -> Outcome<Model> {
        let Some(world) = world else { return Outcome::new(request.state, request.private) };
        named(world, "read", |world| {
            let Some(mut live) = world.live.clone() else { return Outcome::gone() };
            match self.fault {
                Fault::ReadGivesUnknown => live.note = Attr::Unknown,
                Fault::ReadFlaps => {
                    world.count += 1;
                    live.serial = Attr::Known(world.count);
                }
                Fault::ReadAfterImportIsGone => return Outcome::gone(),
                _ => {}
            }
            Outcome::new(live, request.private)
        })
    }

    async fn update(&self, _: &Context, world: &Shared, request: UpdateRequest<Model>) -> Outcome<Model> {
        named(world, "update", |world| {
            if self.is(Fault::UpdateFails) {
                return Outcome::failed(None, failed());
            }
            world.count += 1;
            let made = Model { serial: Attr::Known(world.count), ..request.planned };
            world.live = Some(made.clone());
            Outcome::new(made, request.private)
        })
    }

    async fn delete(&self, _: &Context, world: &Shared, request: DeleteRequest<Model>) -> Outcome<Model> {
        named(world, "delete", |world| {
            world.live = None;
            if self.is(Fault::DeleteLeaves) {
                Outcome::new(request.state, request.private)
            } else {
                Outcome::gone()
            }
        })
    }

    async fn import(&self, _: &Context, world: &Shared, id: String) -> Outcome<Model> {
        named(world, "import", |world| match &world.live {
            Some(live) if live.name.is(&id) => Outcome::new(live.clone(), Private::default()),
            _ => Outcome::gone(),
        })
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        let mut name = IdentityAttribute::required("Its name.");
        if self.is(Fault::IdentityHoldsAMap) {
            name.shape = Type::map(Type::String);
        }
        Some(IdentitySchema::new([("name", name)]))
    }

    fn identity(&self, model: &Model) -> Value {
        let name = match self.fault {
            Fault::IdentityWanders => model.serial.map(|serial| serial.to_string()),
            Fault::IdentityIsUnknown => Attr::Unknown,
            _ => model.name.clone(),
        };
        let name = match name {
            Attr::Known(name) => Value::String(name),
            Attr::Null => Value::Null,
            Attr::Unknown => Value::unknown(),
        };
        Value::Map([("name".to_owned(), name)].into())
    }

    fn import_id(&self, identity: &Value) -> Result<String, Diagnostics> {
        match identity.get("name") {
            Some(Value::String(name)) => Ok(name.clone()),
            other => panic!("a required text is {other:?}"),
        }
    }

    fn move_state(&self, source: &MoveSource) -> Outcome<Model> {
        if (source.type_name.as_str(), source.schema_version) != ("straight_thing", 3) {
            return Outcome::gone();
        }
        let name = source.state["title"].as_str();
        let note = if self.is(Fault::MoveLeavesUnknown) { Attr::Unknown } else { Attr::Null };
        Outcome::new(
            Model { name: Attr::from(name.map(str::to_owned)), note, ..Model::default() },
            Private::default(),
        )
    }
}

/// Lists the one thing that there may be, three times.
struct Things(Fault);

#[async_trait]
impl List<Shared> for Things {
    type Config = Filter;
    type Resource = Model;

    fn type_name(&self) -> &'static str {
        "crooked_thing"
    }

    fn schema(&self) -> Schema {
        Schema::new("", [("prefix", Attribute::string("Only names that start so.").optional())])
    }

    async fn list(&self, _: &Context, world: &Shared, request: ListRequest<Filter>) -> Listing<Model> {
        let live = world.lock().unwrap_or_else(PoisonError::into_inner).live.clone();
        let prefix = request.config.prefix.as_str().unwrap_or_default();
        let live = live.filter(|live| live.name.as_str().is_some_and(|name| name.starts_with(prefix)));
        let found = live.into_iter().flat_map(|live| {
            let name = if self.0 == Fault::ListForgetsIdentity { Attr::Unknown } else { live.name.clone() };
            let object = Model { name, ..live };
            let one = Listed { display_name: "it".to_owned(), object, diagnostics: Diagnostics::none() };
            [one.clone(), one.clone(), one]
        });
        Listing { found: found.collect(), diagnostics: Diagnostics::none() }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Filter {
    prefix: Attr<String>,
}
