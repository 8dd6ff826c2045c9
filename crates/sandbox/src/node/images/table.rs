//! The images that a user adds: a JSON object from patterns of references to what stands for them here.

use std::fs;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::Family;
use crate::glob;
use crate::launch::find_program;

/// Why a table is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ImageTableError {
    #[error("cannot read the table of images {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the table of images {} is not what it should be, an object from images to {{like, programs, command, user}}", path.display())]
    Parse { path: PathBuf, source: serde_json::Error },
    #[error("the table of images {}: image {image:?}: {why}", path.display())]
    Entry { path: PathBuf, image: String, why: String },
}

/// From patterns (`redis:8*`, `ghcr.io/acme/*`) to local programs. The first that matches counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageTable(IndexMap<String, Entry>);

/// What stands for an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// An image of the built-in table whose entry point, user and directory it has.
    pub(super) like: Option<String>,
    /// A directory of programs that come before those of the machine, such as another redis.
    pub(super) programs: Option<PathBuf>,
    /// What runs when the pod names no command.
    pub(super) command: Option<Vec<String>>,
    /// The user of its processes unless the pod names one.
    pub(super) user: Option<u32>,
}

impl ImageTable {
    /// Reads a table and checks that all that it names is there.
    ///
    /// # Errors
    /// A file that is missing or no such table, and programs that are not there.
    pub fn read(path: &Path) -> Result<Self, ImageTableError> {
        let text =
            fs::read(path).map_err(|source| ImageTableError::Read { path: path.to_path_buf(), source })?;
        let table: Self = serde_json::from_slice(&text)
            .map_err(|source| ImageTableError::Parse { path: path.to_path_buf(), source })?;
        for (image, entry) in &table.0 {
            if let Err(why) = entry.check() {
                return Err(ImageTableError::Entry { path: path.to_path_buf(), image: image.clone(), why });
            }
        }
        Ok(table)
    }

    /// The entry of a reference: its pattern is held against the whole, `NAME:TAG` and `NAME`.
    pub(super) fn find(&self, reference: &str) -> Option<&Entry> {
        let tagged = reference.split('@').next().unwrap_or(reference).rsplit('/').next().unwrap_or(reference);
        let forms = [reference, tagged, super::repository_name(reference)];
        let matches = |pattern: &str| forms.iter().any(|form| glob::matches(pattern, form));
        self.0.iter().find(|(pattern, _)| matches(pattern)).map(|(_, entry)| entry)
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The directories of programs, with the kind of image that has each.
    pub(in crate::node) fn directories(&self) -> impl Iterator<Item = (Family, &Path)> {
        self.0.values().filter_map(|entry| Some((entry.family(), entry.programs.as_deref()?)))
    }
}

impl Entry {
    /// What it is like; an image that says nothing is a plain system with a shell.
    pub(super) fn family(&self) -> Family {
        self.like.as_deref().and_then(Family::named).unwrap_or(Family::Shell)
    }

    fn check(&self) -> Result<(), String> {
        if let Some(like) = self.like.as_deref().filter(|like| Family::named(like).is_none()) {
            return Err(format!("like: {like:?} is none of {}", super::built_in_names()));
        }
        if let Some(programs) = &self.programs {
            if !programs.is_absolute() || !programs.is_dir() {
                return Err(format!("programs: {} is no directory by its absolute path", programs.display()));
            }
            let needed = self.family().program();
            if matches!(self.family(), Family::Redis | Family::Valkey) && !programs.join(needed).is_file() {
                return Err(format!("programs: {} has no {needed}", programs.display()));
            }
        }
        let Some(command) = &self.command else { return Ok(()) };
        let program = command.first().map_or("", String::as_str);
        let own = self.programs.as_ref().map(|programs| programs.join(program));
        let is_there = own.is_some_and(|own| own.is_file()) || find_program(program).is_some();
        if program.is_empty() || !is_there {
            return Err(format!("command: there is no program {program:?}, by its path or on PATH"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ImageTable, String> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("images.json");
        fs::write(&path, text.replace("DIR", &directory.path().display().to_string())).expect("written");
        fs::write(directory.path().join("redis-server"), "").expect("written");
        ImageTable::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_pattern_that_matches_any_form_of_a_reference_counts() {
        let table = r#"{"redis:8*": {"like": "redis", "programs": "DIR"}, "ghcr.io/acme/*": {"user": 5}, "redis": {}}"#;
        let table = read(table).expect("a table");
        let user = |reference: &str| table.find(reference).map(|entry| entry.user);
        assert!(table.find("docker.io/library/redis:8.2-alpine").expect("found").programs.is_some());
        assert_eq!(user("ghcr.io/acme/proxy:1@sha256:00"), Some(Some(5)));
        assert_eq!(user("redis:7"), Some(None));
        assert_eq!(user("haproxy:3"), None);
    }

    fn check(table: &str, words: &str) {
        let said = read(table).expect_err("refused");
        assert!(said.contains(words), "{said}");
    }

    #[test]
    fn a_table_that_names_what_is_not_there_is_refused() {
        check("[]", "is not what it should be");
        check(r#"{"a": {"path": "x"}}"#, "is not what it should be");
        check(r#"{"a": {"like": "nginx"}}"#, "image \"a\": like: \"nginx\" is none of redis, valkey");
        check(r#"{"a": {"programs": "/nowhere"}}"#, "/nowhere is no directory");
        check(r#"{"a": {"like": "valkey", "programs": "DIR"}}"#, "has no valkey-server");
        check(r#"{"a": {"command": ["/nowhere/x"]}}"#, "there is no program \"/nowhere/x\"");
    }
}
