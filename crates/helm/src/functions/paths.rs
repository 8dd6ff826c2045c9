//! Slash-separated paths.

use super::{Function, STRING, boolean, fixed, string, text_of};

pub(super) const TABLE: &[Function] = &[
    fixed("base", &[STRING], |arguments| string(base(text_of(&arguments[0])))),
    fixed("dir", &[STRING], |arguments| string(directory(text_of(&arguments[0])))),
    fixed("clean", &[STRING], |arguments| string(clean(text_of(&arguments[0])))),
    fixed("ext", &[STRING], |arguments| string(extension(text_of(&arguments[0])))),
    fixed("isAbs", &[STRING], |arguments| boolean(text_of(&arguments[0]).starts_with('/'))),
    fixed("osBase", &[STRING], |arguments| string(base(text_of(&arguments[0])))),
    fixed("osDir", &[STRING], |arguments| string(directory(text_of(&arguments[0])))),
    fixed("osClean", &[STRING], |arguments| string(clean(text_of(&arguments[0])))),
    fixed("osExt", &[STRING], |arguments| string(extension(text_of(&arguments[0])))),
    fixed("osIsAbs", &[STRING], |arguments| boolean(text_of(&arguments[0]).starts_with('/'))),
];

pub(super) fn base(path: &str) -> String {
    match path {
        "" => ".".to_owned(),
        path => match path.trim_end_matches('/').rsplit('/').next() {
            Some("") | None => "/".to_owned(),
            Some(name) => name.to_owned(),
        },
    }
}

fn directory(path: &str) -> String {
    clean(&path[..path.rfind('/').map_or(0, |slash| slash + 1)])
}

fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rfind('.').map_or_else(String::new, |dot| name[dot..].to_owned())
}

/// The shortest path that means the same, by its text alone.
fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if is_absolute => {}
            part => kept.push(part),
        }
    }
    let joined = kept.join("/");
    match (is_absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
