//! Writes the registry's pages from the schema: `make docs`. With `--check` nothing is written, and a page
//! that differs is an error.

mod attributes;
mod pages;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when stderr is gone.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let pages = pages::pages(Path::new(env!("CARGO_MANIFEST_DIR")))?;
    if std::env::args().skip(1).any(|argument| argument == "--check") {
        return Ok(pages::require_same(&pages)?);
    }
    for page in &pages {
        write(page).map_err(|error| format!("cannot write {}: {error}", page.path.display()))?;
    }
    Ok(())
}

fn write(page: &pages::Page) -> std::io::Result<()> {
    if let Some(directory) = page.path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(&page.path, &page.text)
}
