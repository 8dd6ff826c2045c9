//! Chart archives on disk, by their digest, so that a chart is downloaded once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::digest;

/// A directory of chart archives. Several processes may share one: files are only ever put in place
/// whole. What is read is held against its digest, and what does not match is taken for absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// The directory is made when the first chart is put in.
    pub fn at(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Below the user's own cache directory (`XDG_CACHE_HOME`, else `HOME/.cache`); `None` where the
    /// environment names neither by an absolute path. `application` becomes a directory's name.
    pub fn of_user(lookup: &dyn Fn(&str) -> Option<String>, application: &str) -> Option<Self> {
        let absolute = |name| lookup(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
        Some(Self::at(base.join(application).join("charts")))
    }

    /// Where the digest of a source's archive is written down.
    fn name_path(&self, identity: &str) -> PathBuf {
        self.directory.join("names").join(hex_of(&digest::sha256(identity.as_bytes())))
    }

    fn archive_path(&self, digest: &str) -> PathBuf {
        self.directory.join("sha256").join(hex_of(digest))
    }

    /// The archive that was put in under this identity, unless it is damaged.
    pub(super) fn get(&self, identity: &str) -> Option<Vec<u8>> {
        let digest = digest::parse(fs::read_to_string(self.name_path(identity)).ok()?.trim())?;
        let path = self.archive_path(&digest);
        let archive = fs::read(&path).ok()?;
        if digest::sha256(&archive) == digest {
            return Some(archive);
        }
        tracing::warn!(path = %path.display(), "a cached chart is damaged and will be fetched again");
        None
    }

    pub(super) fn put(&self, identity: &str, archive: &[u8]) -> io::Result<()> {
        let digest = digest::sha256(archive);
        write_whole(&self.archive_path(&digest), archive)?;
        write_whole(&self.name_path(identity), digest.as_bytes())
    }
}

fn hex_of(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or(digest)
}

/// Writes beside the file and renames, so that no reader ever sees a part of it.
fn write_whole(path: &Path, data: &[u8]) -> io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private(directory)?;
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let scratch = path.with_extension(format!("{}-{number}", std::process::id()));
    let written = fs::write(&scratch, data).and_then(|()| fs::rename(&scratch, path));
    if written.is_err() {
        // The write's own error is the one to tell.
        let _ = fs::remove_file(&scratch);
    }
    written
}

/// A private repository's charts are for the user's own eyes.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Cache;

    #[test]
    fn gives_back_what_was_put_in_and_nothing_that_is_damaged() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Cache::at(directory.path().join("new"));
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"chart").expect("a writable directory");
        cache.put("b", b"chart").expect("a writable directory");
        assert_eq!(cache.get("a").as_deref(), Some(b"chart".as_slice()));
        let archives: Vec<_> = fs::read_dir(directory.path().join("new/sha256")).expect("archives").collect();
        let [archive] = archives.as_slice() else { panic!("one archive under two names: {archives:?}") };
        fs::write(archive.as_ref().expect("a file").path(), b"chars").expect("a writable file");
        assert_eq!(cache.get("a"), None);
    }

    #[test]
    fn lives_below_the_users_cache_directory() {
        let check = |variables: &[(&str, &str)], expected: Option<&str>| {
            let lookup = |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            let expected = expected.map(|path| Cache::at(path.into()));
            assert_eq!(Cache::of_user(&lookup, "x"), expected, "{variables:?}");
        };
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")], Some("/c/x/charts"));
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "relative")], Some("/h/.cache/x/charts"));
        check(&[("HOME", "")], None);
        check(&[], None);
    }
}
