//! Files that change all at once: `..data` points to a directory of one generation, and every file points through it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::payload::Files;
use crate::node::NodeError;

const DATA: &str = "..data";

/// Puts the files in place of those there, in one rename; does nothing if they are the same.
pub(super) fn write(directory: &Path, files: &Files) -> Result<(), NodeError> {
    let current = directory.join(DATA);
    if current.exists() && is_same(&current, files) {
        return Ok(());
    }
    fs::create_dir_all(directory).map_err(NodeError::file("create the directory", directory))?;
    let previous = fs::read_link(&current).ok();
    let generation = format!("..{:016x}", rand::random::<u64>());
    write_generation(&directory.join(&generation), files)?;
    let partial = directory.join("..data_tmp");
    let _ = fs::remove_file(&partial);
    symlink(&generation, &partial).map_err(NodeError::file("link", &partial))?;
    fs::rename(&partial, &current).map_err(NodeError::file("put in place", &current))?;
    link_entries(directory, files)?;
    if let Some(previous) = previous {
        let previous = directory.join(previous);
        fs::remove_dir_all(&previous).map_err(NodeError::file("remove", &previous))?;
    }
    Ok(())
}

fn write_generation(directory: &Path, files: &Files) -> Result<(), NodeError> {
    fs::create_dir_all(directory).map_err(NodeError::file("create the directory", directory))?;
    for (path, file) in files {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(NodeError::file("create the directory", parent))?;
        }
        fs::write(&path, &file.bytes).map_err(NodeError::file("write", &path))?;
        fs::set_permissions(&path, Permissions::from_mode(file.mode))
            .map_err(NodeError::file("set the mode of", &path))?;
    }
    Ok(())
}

/// One link for each first part of a path; links of entries that are no more go away.
fn link_entries(directory: &Path, files: &Files) -> Result<(), NodeError> {
    let tops: Vec<_> = files.keys().filter_map(|path| path.split('/').next()).collect();
    let entries = fs::read_dir(directory).map_err(NodeError::file("list", directory))?;
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with("..") && !tops.contains(&&*name) {
            fs::remove_file(entry.path()).map_err(NodeError::file("remove", entry.path()))?;
        }
    }
    for top in tops {
        let link = directory.join(top);
        if link.symlink_metadata().is_err() {
            symlink(Path::new(DATA).join(top), &link).map_err(NodeError::file("link", &link))?;
        }
    }
    Ok(())
}

fn is_same(current: &Path, files: &Files) -> bool {
    let same = files.iter().all(|(path, file)| {
        let path = current.join(path);
        let mode = fs::metadata(&path).map(|found| found.permissions().mode() & 0o7777);
        mode.is_ok_and(|mode| mode == file.mode) && fs::read(&path).is_ok_and(|bytes| bytes == file.bytes)
    });
    same && count_files(current) == files.len()
}

fn count_files(directory: &Path) -> usize {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let count = |entry: fs::DirEntry| if entry.path().is_dir() { count_files(&entry.path()) } else { 1 };
    entries.filter_map(Result::ok).map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::super::payload::File;
    use super::*;

    fn files(entries: &[(&str, &str)]) -> Files {
        let file = |text: &str| File { bytes: text.as_bytes().to_vec(), mode: 0o640 };
        entries.iter().map(|(path, text)| ((*path).to_owned(), file(text))).collect()
    }

    /// Writes each generation in turn and reads the last one back through its links.
    fn check(generations: &[&[(&str, &str)]]) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for generation in generations {
            write(directory.path(), &files(generation)).expect("written");
        }
        let last = generations.last().expect("a generation");
        for (path, text) in *last {
            let path = directory.path().join(path);
            assert_eq!(fs::read_to_string(&path).expect("readable"), *text, "{}", path.display());
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o640);
        }
        let visible = fs::read_dir(directory.path()).expect("listed").filter_map(Result::ok);
        let names: Vec<_> = visible.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let generations_left = names.iter().filter(|name| name.starts_with("..") && *name != DATA).count();
        assert_eq!(generations_left, 1, "{names:?}");
        let tops: std::collections::BTreeSet<_> =
            last.iter().filter_map(|(path, _)| path.split('/').next()).collect();
        assert_eq!(names.iter().filter(|name| !name.starts_with("..")).count(), tops.len(), "{names:?}");
    }

    #[test]
    fn files_appear_below_the_volume() {
        check(&[&[("redis.conf", "port 6379"), ("deep/er.conf", "x")]]);
    }

    #[test]
    fn a_change_replaces_adds_and_removes() {
        check(&[&[("a", "1"), ("b", "2")], &[("b", "3"), ("c", "4")]]);
    }

    #[test]
    fn the_same_again_changes_nothing() {
        check(&[&[("a", "1")], &[("a", "1")]]);
    }
}
