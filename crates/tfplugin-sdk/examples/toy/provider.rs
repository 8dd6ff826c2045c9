//! The toy provider: boxes are JSON files in a directory.

mod shelf;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tfplugin_sdk::{
    Attr, Attribute, Configured, Context, CreateRequest, DeleteRequest, Diagnostic, Diagnostics,
    ErasedDataSource, ErasedResource, IdentityAttribute, IdentitySchema, MoveSource, Outcome, PlanOutcome,
    PlanRequest, Private, Provider, ReadRequest, Resource, Schema, Type, UpdateRequest, Value, async_trait,
    erase, erase_data_source, path,
};

use shelf::Shelf;

pub(crate) struct Toy {
    directory: PathBuf,
}

impl Toy {
    /// Boxes go into this directory unless the provider block names another.
    pub(crate) fn in_directory(directory: PathBuf) -> Self {
        Self { directory }
    }
}

#[derive(Deserialize)]
pub(crate) struct Config {
    directory: Attr<String>,
}

#[async_trait]
impl Provider for Toy {
    type Config = Config;
    type Clients = PathBuf;

    fn schema(&self) -> Schema {
        Schema::new("Boxes.", [("directory", Attribute::string("Where boxes are kept.").optional())])
    }

    async fn configure(&self, _: &Context, config: Config) -> Configured<PathBuf> {
        match config.directory {
            Attr::Known(directory) => Configured::ready(PathBuf::from(directory)),
            Attr::Null => Configured::ready(self.directory.clone()),
            Attr::Unknown => Configured::unknown(),
        }
    }

    fn resources(&self) -> Vec<Box<dyn ErasedResource<PathBuf>>> {
        vec![erase(ToyBox)]
    }

    fn data_sources(&self) -> Vec<Box<dyn ErasedDataSource<PathBuf>>> {
        vec![erase_data_source(Shelf)]
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Model {
    id: Attr<String>,
    name: Attr<String>,
    size: Attr<i64>,
    ratio: Attr<f64>,
    labels: Attr<BTreeMap<String, Attr<String>>>,
    tags: Attr<Vec<Attr<String>>>,
    anything: Attr<Value>,
    content: Attr<Content>,
    parts: Attr<Vec<Part>>,
    slow_seconds: Attr<u64>,
    secret_wo: Attr<String>,
    secret_length: Attr<u64>,
    writes: Attr<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    note: Attr<String>,
    weight: Attr<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    key: Attr<String>,
    weight: Attr<i64>,
}

pub(crate) struct ToyBox;

fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.box.json"))
}

fn save(directory: &Path, model: &Model) -> Result<(), Diagnostics> {
    let name = model.name.as_str().unwrap_or_default();
    let text = serde_json::to_string_pretty(model).expect("a model has a JSON form");
    fs::write(file(directory, name), text)
        .map_err(|error| Diagnostic::error(format!("Cannot write the box {name}"), error.to_string()).into())
}

fn load(directory: &Path, name: &str) -> Result<Option<Model>, Diagnostics> {
    let failed =
        |error: String| Diagnostics::from(Diagnostic::error(format!("Cannot read the box {name}"), error));
    match fs::read(file(directory, name)) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| failed(error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// What apply makes of a plan.
fn made(planned: Model, config: &Model, writes: u64) -> Model {
    Model {
        id: planned.name.clone(),
        secret_length: config.secret_wo.as_ref().map(|secret| secret.len() as u64),
        secret_wo: Attr::Null,
        writes: Attr::Known(writes),
        ..planned
    }
}

#[async_trait]
impl Resource<PathBuf> for ToyBox {
    type Model = Model;

    fn type_name(&self) -> &'static str {
        "toy_box"
    }

    fn schema(&self) -> Schema {
        let weight = || Attribute::number("How heavy.").optional().computed();
        Schema::new(
            "A box.",
            [
                ("id", Attribute::string("The name again.").computed()),
                ("name", Attribute::string("Names the file.").required().replaces()),
                ("size", Attribute::number("How big.").optional().computed().default("1")),
                ("ratio", Attribute::number("A fraction.").optional()),
                ("labels", Attribute::map(Type::String, "Labels.").optional()),
                ("tags", Attribute::set(Type::String, "Tags.").optional()),
                ("anything", Attribute::dynamic("Whatever.").optional()),
                (
                    "content",
                    Attribute::single(
                        "What is inside.",
                        [("note", Attribute::string("A note.").optional().computed()), ("weight", weight())],
                    )
                    .optional()
                    .computed(),
                ),
                (
                    "parts",
                    Attribute::nested_list(
                        "Parts.",
                        [("key", Attribute::string("Which.").required()), ("weight", weight())],
                    )
                    .optional(),
                ),
                ("slow_seconds", Attribute::number("How long a write takes.").optional()),
                ("secret_wo", Attribute::string("Never kept.").optional().write_only()),
                ("secret_length", Attribute::number("Of the secret.").computed()),
                ("writes", Attribute::number("How often it was written.").computed()),
            ],
        )
    }

    fn validate(&self, config: Model) -> Diagnostics {
        let mut diagnostics = Diagnostics::none();
        if config.size.known().is_some_and(|size| *size < 0) {
            diagnostics.error_at(path!["size"], "A box has no negative size", "The size must be 0 or more.");
        }
        diagnostics
    }

    async fn plan(
        &self,
        _: &Context,
        _: Option<&PathBuf>,
        request: PlanRequest<Model>,
    ) -> PlanOutcome<Model> {
        let PlanRequest { prior, config: _, proposed, private } = request;
        let mut planned = Model { size: proposed.size.or_value(1), ..proposed };
        if planned.content.is_null() {
            planned.content = Attr::Known(Content::default());
        }
        if let Attr::Known(content) = &mut planned.content {
            content.note = content.note.clone().or_value("empty".to_owned());
            content.weight = content.weight.or_value(0);
        }
        for part in planned.parts.known_mut().into_iter().flatten() {
            part.weight = part.weight.or_value(1);
        }
        let changed =
            prior.as_ref().is_none_or(|prior| *prior != Model { secret_wo: Attr::Null, ..planned.clone() });
        if changed {
            planned.writes = Attr::Unknown;
            planned.secret_length = Attr::Unknown;
            planned.id = planned.name.clone();
        }
        let replace = prior.map(|prior| self.schema().replaced(&prior, &planned)).unwrap_or_default();
        PlanOutcome::new(planned, private).replacing(replace)
    }

    async fn create(
        &self,
        ctx: &Context,
        clients: &PathBuf,
        request: CreateRequest<Model>,
    ) -> Outcome<Model> {
        let CreateRequest { planned, config, mut private } = request;
        let slow = Duration::from_secs(planned.slow_seconds.unwrap_or_default());
        let model = made(planned, &config, 1);
        if let Err(diagnostics) = save(clients, &model) {
            return Outcome::failed(None, diagnostics);
        }
        tracing::info!(name = model.name.as_str(), "a box is made");
        private.set("made_by", &"toy");
        tokio::select! {
            () = ctx.stop.cancelled() => {
                let detail = "Terraform was interrupted.";
                Outcome::failed(Some(model), Diagnostic::error("The box is not dry yet", detail)).private(private)
            }
            () = tokio::time::sleep(slow) => Outcome::new(model, private),
        }
    }

    async fn read(
        &self,
        _: &Context,
        clients: Option<&PathBuf>,
        request: ReadRequest<Model>,
    ) -> Outcome<Model> {
        let ReadRequest { state, private } = request;
        let Some(directory) = clients else { return Outcome::new(state, private) };
        match load(directory, state.name.as_str().unwrap_or_default()) {
            Ok(Some(model)) => Outcome::new(model, private),
            Ok(None) => Outcome::gone(),
            Err(diagnostics) => Outcome::failed(Some(state), diagnostics),
        }
    }

    async fn update(&self, _: &Context, clients: &PathBuf, request: UpdateRequest<Model>) -> Outcome<Model> {
        let UpdateRequest { prior, planned, config, private } = request;
        let model = made(planned, &config, prior.writes.unwrap_or_default() + 1);
        match save(clients, &model) {
            Ok(()) => Outcome::new(model, private),
            Err(diagnostics) => Outcome::failed(Some(prior), diagnostics).private(private),
        }
    }

    async fn delete(&self, _: &Context, clients: &PathBuf, request: DeleteRequest<Model>) -> Outcome<Model> {
        let DeleteRequest { state, private } = request;
        match fs::remove_file(file(clients, state.name.as_str().unwrap_or_default())) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let failed = Diagnostic::error("Cannot delete the box", error.to_string());
                Outcome::failed(Some(state), failed).private(private)
            }
            _ => Outcome::gone(),
        }
    }

    async fn import(&self, _: &Context, clients: &PathBuf, id: String) -> Outcome<Model> {
        match load(clients, &id) {
            Ok(Some(model)) => Outcome::new(model, Private::default()),
            Ok(None) => Outcome::gone(),
            Err(diagnostics) => Outcome::failed(None, diagnostics),
        }
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema::new([("name", IdentityAttribute::required("The box's name."))]))
    }

    fn identity(&self, model: &Model) -> Value {
        let name = model.name.as_str().map_or(Value::Null, |name| Value::String(name.to_owned()));
        Value::Map([("name".to_owned(), name)].into())
    }

    fn import_id(&self, identity: &Value) -> Result<String, Diagnostics> {
        match identity.get("name") {
            Some(Value::String(name)) => Ok(name.clone()),
            _ => Err(Diagnostic::error("No name", "A box is identified by its name.").into()),
        }
    }

    /// What Terraform's own `terraform_data` was given as input names the box.
    fn move_state(&self, source: &MoveSource) -> Outcome<Model> {
        match source.state["input"]["value"].as_str() {
            Some(name) if source.type_name == "terraform_data" => {
                Outcome::new(Model { name: Attr::from(name), ..Model::default() }, Private::default())
            }
            _ => Outcome::gone(),
        }
    }
}
