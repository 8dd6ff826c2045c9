//! The toy's data source: the boxes that lie in the directory.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tfplugin_sdk::{
    Attr, Attribute, Context, DataSource, Diagnostic, Diagnostics, Reading, Schema, Type, async_trait, path,
};

/// What follows a box's name in its file's name.
const SUFFIX: &str = ".box.json";

pub(super) struct Shelf;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Model {
    prefix: Attr<String>,
    names: Attr<Vec<String>>,
}

/// The boxes in a directory, in order.
pub(super) fn names(directory: &Path) -> Result<Vec<String>, std::io::Error> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        names.extend(file.strip_suffix(SUFFIX).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

#[async_trait]
impl DataSource<PathBuf> for Shelf {
    type Model = Model;

    fn type_name(&self) -> &'static str {
        "toy_shelf"
    }

    fn schema(&self) -> Schema {
        Schema::new(
            "The boxes that there are.",
            [
                ("prefix", Attribute::string("Only boxes whose name starts so.").optional()),
                ("names", Attribute::list(Type::String, "Their names, in order.").computed()),
            ],
        )
    }

    fn validate(&self, config: Model) -> Diagnostics {
        let mut diagnostics = Diagnostics::none();
        if config.prefix.as_str().is_some_and(|prefix| prefix.contains('/')) {
            diagnostics.error_at(path!["prefix"], "No box has such a name", "A name holds no slash.");
        }
        diagnostics
    }

    async fn read(&self, _: &Context, directory: &PathBuf, config: Model) -> Reading<Model> {
        let prefix = config.prefix.as_str().unwrap_or_default();
        match names(directory) {
            Ok(mut names) => {
                names.retain(|name| name.starts_with(prefix));
                Reading::new(Model { names: Attr::Known(names), ..config })
            }
            Err(error) => Reading::failed(Diagnostic::error("Cannot look at the shelf", error.to_string())),
        }
    }
}
