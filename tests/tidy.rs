//! The style of the house, enforced: lengths, import direction, dead files, names, and an
//! architecture page that names every room. The limits only ever get stricter.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 400;
const TEST_FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MEDIAN_MAX: usize = 200;

/// The provider's rooms from the door inwards: a room imports only from rooms of a higher rank.
const ROOM_RANKS: [(&str, u8); 6] =
    [("provider", 1), ("cluster", 2), ("gke", 3), ("kubernetes", 3), ("sentinel", 3), ("chart", 3)];

/// Files that compute and never act: no client and no runtime may be named in them.
const PURE_STEMS: [&str; 6] = ["plan", "validate", "steps", "drift", "template", "topology"];
const IMPURE_WORDS: [&str; 6] = ["tokio", "kube::", "reqwest", "google_cloud_", "async fn", ".await"];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn is_test(&self) -> bool {
        let components: Vec<_> = self.path.iter().filter_map(|part| part.to_str()).collect();
        components.contains(&"tests") || self.path.file_stem().is_some_and(|stem| stem == "tests")
    }

    /// The lines before the unit tests of the same file.
    fn code_lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().take_while(|line| *line != "#[cfg(test)]").filter(|line| {
            let line = line.trim_start();
            !line.starts_with("//")
        })
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for top in ["src", "tests", "crates", "examples"] {
        walk(&root().join(top), &mut found);
    }
    assert!(found.len() > 10, "the walk lost the sources: {} found", found.len());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(directory: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.expect("a readable directory entry").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                walk(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a readable source file");
            let path = path.strip_prefix(root()).expect("below the root").to_path_buf();
            found.push(Source { path, text });
        }
    }
}

fn check(rule: &str, findings: &[String]) {
    let mut report = String::new();
    for finding in findings {
        let _ = writeln!(report, "  {finding}");
    }
    assert!(findings.is_empty(), "{rule}:\n{report}");
}

#[test]
fn files_stay_short() {
    let all = sources();
    let too_long: Vec<_> = all
        .iter()
        .filter_map(|source| {
            let limit = if source.is_test() { TEST_FILE_LINES_MAX } else { FILE_LINES_MAX };
            let lines = source.text.lines().count();
            (lines > limit).then(|| format!("{}: {lines} lines, at most {limit}", source.name()))
        })
        .collect();
    check("a file says one thing; split these", &too_long);
    let mut lengths: Vec<_> = all.iter().map(|source| source.text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= FILE_LINES_MEDIAN_MAX, "the median file has {median} lines");
}

/// rustfmt ends a function with a brace at the indentation of its `fn`, which is all this needs.
fn function_lengths(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<_> = text.lines().collect();
    let mut lengths = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let words: Vec<_> = code.split_whitespace().take(5).collect();
        let Some(position) = words.iter().position(|word| *word == "fn") else { continue };
        let qualified = words[..position]
            .iter()
            .all(|word| word.starts_with("pub") || ["async", "const", "extern", "default"].contains(word));
        if !qualified || line.ends_with(';') || line.ends_with('}') {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(indent));
        let signature_only = format!("{});", " ".repeat(indent));
        let end =
            lines[start..].iter().position(|line| **line == closing || line.starts_with(&signature_only));
        if let Some(length) = end {
            lengths.push((start + 1, length + 1));
        }
    }
    lengths
}

#[test]
fn functions_stay_short() {
    let mut too_long = Vec::new();
    for source in sources() {
        for (line, length) in function_lengths(&source.text) {
            if length > FUNCTION_LINES_MAX {
                too_long
                    .push(format!("{}:{line}: {length} lines, at most {FUNCTION_LINES_MAX}", source.name()));
            }
        }
    }
    check("a function does one thing; split these", &too_long);
}

#[test]
fn measures_functions_by_their_closing_brace() {
    let text = "impl A {\n    pub async fn one(\n        a: u8,\n    ) {\n        if a { }\n    }\n    fn two();\n}\n";
    assert_eq!(function_lengths(text), [(2, 5)]);
}

#[test]
fn imports_run_one_way() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Ok(inside) = source.path.strip_prefix("src") else { continue };
        let Some(room) = inside.iter().next().and_then(|part| part.to_str()) else { continue };
        let room = room.trim_end_matches(".rs");
        let Some((_, rank)) = ROOM_RANKS.iter().find(|(name, _)| *name == room) else { continue };
        for (other, other_rank) in ROOM_RANKS {
            let named = source.code_lines().any(|line| line.contains(&format!("crate::{other}")));
            if named && other != room && other_rank <= *rank {
                wrong.push(format!("{} imports {other}", source.name()));
            }
        }
        if *rank == 3 && source.code_lines().any(|line| line.contains("tfplugin_sdk")) {
            wrong.push(format!("{} knows Terraform", source.name()));
        }
    }
    check("main → provider → cluster → {gke, kubernetes, sentinel, chart} → crates", &wrong);
}

#[test]
fn the_crates_import_nothing_of_ours() {
    let mut wrong = Vec::new();
    for name in ["tfplugin-sdk", "helm", "sandbox"] {
        let manifest = fs::read_to_string(root().join("crates").join(name).join("Cargo.toml"))
            .expect("a readable manifest");
        for other in ["tfplugin-sdk", "helm", "sandbox", "terraform-provider-redis"] {
            let depends = manifest
                .lines()
                .any(|line| line.strip_prefix(other).is_some_and(|rest| rest.starts_with([' ', '.', '='])));
            if depends {
                wrong.push(format!("crates/{name} depends on {other}"));
            }
        }
    }
    let provider = fs::read_to_string(root().join("Cargo.toml")).expect("the root manifest");
    let linked = provider.lines().any(|line| line.starts_with("sandbox"));
    if linked {
        wrong.push("the provider links the sandbox: a shared type lets both agree on a mistake".into());
    }
    check("crates stand alone", &wrong);
}

#[test]
fn only_the_wire_of_the_sdk_names_grpc() {
    let wrong: Vec<_> = sources()
        .iter()
        .filter(|source| source.path.starts_with("crates/tfplugin-sdk/src"))
        // A test that plays go-plugin's side is a gRPC client by nature.
        .filter(|source| !source.is_test())
        .filter(|source| !source.path.starts_with("crates/tfplugin-sdk/src/wire"))
        .filter(|source| source.path != Path::new("crates/tfplugin-sdk/src/wire.rs"))
        .filter(|source| source.code_lines().any(|line| line.contains("tonic") || line.contains("prost")))
        .map(Source::name)
        .collect();
    check("prost and tonic live in crates/tfplugin-sdk/src/wire", &wrong);
}

#[test]
fn pure_files_name_no_client_and_no_runtime() {
    let mut wrong = Vec::new();
    for source in sources() {
        let pure = source
            .path
            .iter()
            .filter_map(|part| part.to_str())
            .any(|part| PURE_STEMS.contains(&part.trim_end_matches(".rs")));
        // An example or a test may be named after what it shows; the SDK's verbs are I/O by nature.
        let room = source.path.starts_with("src") || source.path.starts_with("crates/helm/src");
        if !pure || !room {
            continue;
        }
        for word in IMPURE_WORDS {
            if source.code_lines().any(|line| line.contains(word)) {
                wrong.push(format!("{} names {word}", source.name()));
            }
        }
    }
    check("plan, validate, steps, drift, template and topology are pure", &wrong);
}

#[test]
fn every_file_is_reached_by_a_mod_line() {
    let all = sources();
    let mut dead = Vec::new();
    for source in &all {
        let stem = source.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let in_src = source.path.iter().any(|part| part == "src");
        let entry = ["lib", "main", "mod"].contains(&stem) || source.path.iter().any(|part| part == "bin");
        if !in_src || entry {
            continue;
        }
        let directory = source.path.parent().expect("a file has a directory");
        let parents = ["lib.rs", "main.rs", "mod.rs"].map(|name| directory.join(name));
        let sibling = directory.with_extension("rs");
        let declared = all.iter().any(|candidate| {
            (parents.contains(&candidate.path) || candidate.path == sibling)
                && candidate.text.lines().any(|line| {
                    let line = line.trim_start_matches(|c: char| c != 'm' || !line.contains("mod "));
                    line.contains(&format!("mod {stem};")) || line.contains(&format!("mod {stem} {{"))
                })
        });
        if !declared {
            dead.push(source.name());
        }
    }
    check("no mod line reaches these files", &dead);
}

#[test]
fn nothing_is_postponed_or_hidden() {
    let marks = [["TO", "DO"], ["FIX", "ME"], ["#[ig", "nore"], ["#[al", "low("], ["todo", "!("]];
    let mut wrong = Vec::new();
    for source in sources() {
        for mark in marks.map(|halves| halves.concat()) {
            if source.text.contains(&mark) {
                wrong.push(format!("{} holds {mark}", source.name()));
            }
        }
        let stem = source.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if ["utils", "util", "common", "helpers", "misc"].contains(&stem) {
            wrong.push(format!("{} names nothing", source.name()));
        }
    }
    check("what is postponed is an issue, what is unsaid has a name", &wrong);
}

#[test]
fn the_architecture_page_names_every_room() {
    let page = fs::read_to_string(root().join("docs/internals/architecture.md")).expect("the page");
    let mut rooms = BTreeSet::new();
    for base in ["src", "crates/tfplugin-sdk/src", "crates/helm/src", "crates/sandbox/src"] {
        for entry in fs::read_dir(root().join(base)).expect("a room's directory") {
            let entry = entry.expect("a readable directory entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            rooms.insert(format!("{base}/{name}{}", if entry.path().is_dir() { "/" } else { "" }));
        }
    }
    let missing: Vec<_> = rooms.into_iter().filter(|room| !page.contains(room.as_str())).collect();
    check("docs/internals/architecture.md does not name", &missing);
}

#[test]
fn every_room_says_what_it_is() {
    let silent: Vec<_> = sources()
        .iter()
        .filter(|source| !source.is_test())
        .filter(|source| ["mod.rs", "lib.rs", "main.rs"].iter().any(|name| source.path.ends_with(name)))
        .filter(|source| !source.text.trim_start().starts_with("//!") && !source.text.contains("\n//! "))
        .map(Source::name)
        .collect();
    check("a room's module page opens with what enters, what leaves and what is absent", &silent);
}
