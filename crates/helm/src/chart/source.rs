//! Reads the files of a chart from a directory or an archive, within bounds.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::ignore::IgnoreRules;
use super::{ChartError, ChartFile};

/// The largest file that a chart may hold, unpacked, in bytes. Helm's limit.
pub const FILE_BYTES_MAX: u64 = 5 * 1024 * 1024;
/// The largest sum of a chart's files, unpacked, in bytes. Helm's limit.
pub const CHART_BYTES_MAX: u64 = 100 * 1024 * 1024;

const UTF8_BOM: &[u8] = &[0xEF, 0xBB, 0xBF];

fn without_bom(mut data: Vec<u8>) -> Vec<u8> {
    if data.starts_with(UTF8_BOM) {
        data.drain(..UTF8_BOM.len());
    }
    data
}

/// Counts what has been read against [`CHART_BYTES_MAX`], in a chart and in all archives in it.
pub(super) struct Budget {
    files: u64,
    /// What is unpacked is bounded too: headers and skipped entries are no files.
    unpacked: u64,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { files: CHART_BYTES_MAX, unpacked: 2 * CHART_BYTES_MAX }
    }

    fn take(&mut self, path: &str, bytes: u64) -> Result<(), ChartError> {
        if bytes > FILE_BYTES_MAX {
            return Err(ChartError::FileTooLarge { path: path.to_owned(), bytes, limit: FILE_BYTES_MAX });
        }
        self.files = self
            .files
            .checked_sub(bytes)
            .ok_or_else(|| ChartError::TooLarge { path: path.to_owned(), limit: CHART_BYTES_MAX })?;
        Ok(())
    }
}

/// The files of a chart directory that its `.helmignore` leaves in, in the order of their paths.
/// Symbolic links are followed, as Helm follows them.
pub(super) fn read_directory(root: &Path, budget: &mut Budget) -> Result<Vec<ChartFile>, ChartError> {
    let ignore_path = root.join(".helmignore");
    let rules = match fs::read_to_string(&ignore_path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(ChartError::Read { path: ignore_path, source }),
    };
    let mut walk =
        Walk { rules: IgnoreRules::parse(&rules)?, budget, open: BTreeSet::new(), files: Vec::new() };
    walk.directory(root, "")?;
    Ok(walk.files)
}

struct Walk<'a> {
    rules: IgnoreRules,
    budget: &'a mut Budget,
    /// The directories between the root and here, resolved: a link back to one is a cycle.
    open: BTreeSet<PathBuf>,
    files: Vec<ChartFile>,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Path, prefix: &str) -> Result<(), ChartError> {
        let read = |source| ChartError::Read { path: directory.to_path_buf(), source };
        let resolved = directory.canonicalize().map_err(read)?;
        if !self.open.insert(resolved.clone()) {
            return Err(ChartError::LinkCycle { path: directory.to_path_buf() });
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(directory).map_err(read)? {
            names.push(entry.map_err(read)?.file_name());
        }
        names.sort();
        for name in names {
            let path = directory.join(&name);
            let name = name.to_str().ok_or_else(|| ChartError::Name { path: path.clone() })?;
            self.entry(&path, format!("{prefix}{name}"))?;
        }
        self.open.remove(&resolved);
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: String) -> Result<(), ChartError> {
        let read = |source| ChartError::Read { path: path.to_path_buf(), source };
        let metadata = fs::metadata(path).map_err(read)?;
        if self.rules.ignores(&name, metadata.is_dir()) {
            return Ok(());
        }
        if metadata.is_dir() {
            return self.directory(path, &format!("{name}/"));
        }
        if !metadata.is_file() {
            return Err(ChartError::Irregular { path: path.to_path_buf() });
        }
        self.budget.take(&name, metadata.len())?;
        let data = fs::read(path).map_err(read)?;
        self.files.push(ChartFile { path: name, data: without_bom(data) });
        Ok(())
    }
}

/// The files of a gzipped tar archive without their first path part, which names the chart.
pub(super) fn read_archive(archive: impl Read, budget: &mut Budget) -> Result<Vec<ChartFile>, ChartError> {
    let unreadable = |source| ChartError::Archive { source };
    let mut tar = tar::Archive::new(MultiGzDecoder::new(archive).take(budget.unpacked));
    let mut files = Vec::new();
    for entry in tar.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let full = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = path_in_chart(&full)?;
        budget.take(&path, entry.size())?;
        let mut data = Vec::new();
        entry.read_to_end(&mut data).map_err(unreadable)?;
        files.push(ChartFile { path, data: without_bom(data) });
    }
    budget.unpacked = tar.into_inner().limit();
    if files.is_empty() {
        return Err(ChartError::EmptyArchive);
    }
    Ok(files)
}

/// The path below the archive's top directory; refuses every way out of it.
fn path_in_chart(full: &str) -> Result<String, ChartError> {
    let escapes = || ChartError::PathEscape { path: full.to_owned() };
    let slashed = full.replace('\\', "/");
    let (top, rest) = slashed.split_once('/').ok_or_else(escapes)?;
    if top == "Chart.yaml" || rest.starts_with('/') {
        return Err(escapes());
    }
    let mut parts = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(escapes()),
            part => parts.push(part),
        }
    }
    let has_drive = parts.first().is_some_and(|part| {
        part.len() == 2 && part.ends_with(':') && part.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    if parts.is_empty() || has_drive {
        return Err(escapes());
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::path_in_chart;

    #[test]
    fn keeps_paths_inside_the_chart() {
        assert_eq!(path_in_chart("redis/templates/a.yaml").expect("inside"), "templates/a.yaml");
        assert_eq!(path_in_chart("redis\\templates\\a.yaml").expect("inside"), "templates/a.yaml");
        assert_eq!(path_in_chart("redis/./values.yaml").expect("inside"), "values.yaml");
        for outside in ["redis/../../etc/passwd", "redis//etc/passwd", "redis/", "alone", "redis/c:/x"] {
            assert!(path_in_chart(outside).is_err(), "{outside}");
        }
    }
}
