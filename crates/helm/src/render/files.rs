//! `.Files`: the files of a chart that are no templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

use crate::chart::ChartFile;
use crate::template::format::plain;
use crate::value::{ConvertError, Map, Object, Signature, Type, Value, text_of_bytes};
use crate::yaml;

/// The object that templates see.
pub(super) fn value(files: &[ChartFile]) -> Value {
    let files = files.iter().map(|file| (file.path.clone(), Arc::from(file.data.as_slice())));
    Value::object(Files(files.collect()))
}

#[derive(Debug)]
struct Files(BTreeMap<String, Arc<[u8]>>);

impl Files {
    fn text(&self, path: &str) -> String {
        self.0.get(path).map(|data| text_of_bytes(data)).unwrap_or_default()
    }

    fn glob(&self, pattern: &str) -> Self {
        // As in Helm, a pattern that cannot be read matches everything.
        let pattern = glob_regex(pattern);
        let matches = |path: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(path));
        let files = self.0.iter().filter(|(path, _)| matches(path));
        Self(files.map(|(path, data)| (path.clone(), Arc::clone(data))).collect())
    }

    /// One YAML entry for each file, by the last part of its path.
    fn as_yaml(&self, encode: impl Fn(&[u8]) -> String) -> Result<String, String> {
        if self.0.is_empty() {
            return Ok(String::new());
        }
        let entries = Map::new();
        for (path, data) in &self.0 {
            entries.insert(path.rsplit('/').next().unwrap_or(path), encode(data));
        }
        let text = yaml::to_yaml(&entries.into()).map_err(|error| error.to_string())?;
        Ok(text.strip_suffix('\n').map_or(text.clone(), str::to_owned))
    }

    fn lines(&self, path: &str) -> Value {
        if !self.0.contains_key(path) {
            return Value::strings([] as [&str; 0]);
        }
        let text = self.text(path);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Value::strings(text.split('\n'))
    }

    fn map(&self) -> Value {
        let map = Map::new();
        for (path, data) in &self.0 {
            map.insert(path, Value::Bytes(Arc::clone(data)));
        }
        map.into()
    }
}

impl Object for Files {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn kind_name(&self) -> &'static str {
        "map"
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.0.get(name).map(|data| Value::Bytes(Arc::clone(data)))
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(Signature { fixed: &[Type::String], rest: None }),
            "AsConfig" | "AsSecrets" => Some(Signature { fixed: &[], rest: None }),
            _ => None,
        }
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, String> {
        let argument = arguments.first().and_then(Value::as_str).unwrap_or_default();
        Ok(match name {
            "Get" => self.text(argument).into(),
            "GetBytes" => Value::Bytes(self.0.get(argument).cloned().unwrap_or_default()),
            "Glob" => Value::object(self.glob(argument)),
            "Lines" => self.lines(argument),
            "AsConfig" => self.as_yaml(|data| String::from_utf8_lossy(data).into_owned())?.into(),
            "AsSecrets" => self.as_yaml(|data| STANDARD.encode(data))?.into(),
            _ => return Err(format!("files have no method {name}")),
        })
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        let entries = self.0.iter();
        Some(entries.map(|(path, data)| (path.as_str().into(), Value::Bytes(Arc::clone(data)))).collect())
    }

    fn display(&self) -> String {
        plain(&self.map())
    }

    fn to_plain(&self) -> Result<Value, ConvertError> {
        self.map().to_plain()
    }
}

/// Wildcards as `.Files.Glob` has them: `*` and `?` stop at a slash, `**` does not, and there are
/// `[a-z]`, `[!a]` and `{a,b}`.
fn glob_regex(pattern: &str) -> Option<Regex> {
    let mut text = String::from("^(?s:");
    let mut rest = pattern.chars().peekable();
    let mut alternatives = 0_u32;
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => text.push_str(".*"),
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '[' => {
                text.push('[');
                if rest.next_if_eq(&'!').is_some() {
                    text.push('^');
                }
                loop {
                    match rest.next()? {
                        ']' => break,
                        '-' => text.push('-'),
                        other => text.push_str(&regex::escape(&other.to_string())),
                    }
                }
                text.push(']');
            }
            '{' => {
                alternatives += 1;
                text.push_str("(?:");
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                text.push(')');
            }
            ',' if alternatives > 0 => text.push('|'),
            '\\' => text.push_str(&regex::escape(&rest.next()?.to_string())),
            other => text.push_str(&regex::escape(&other.to_string())),
        }
    }
    text.push_str(")$");
    Regex::new(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::value;
    use crate::chart::ChartFile;
    use crate::value::Value;

    fn files() -> Value {
        let file = |path: &str, text: &str| ChartFile { path: path.to_owned(), data: text.into() };
        value(&[file("a.txt", "one\ntwo\n"), file("conf/b.conf", "b"), file("conf/d/c.conf", "c")])
    }

    fn check(method: &str, argument: Option<&str>, expected: &str) {
        let Value::Object(files) = files() else { panic!("an object") };
        let arguments: Vec<_> = argument.into_iter().map(Value::from).collect();
        let answer = files.call(method, &arguments).expect("an answer");
        let shown = match &answer {
            Value::Object(files) => {
                let names = files.entries().expect("files").into_iter();
                names.filter_map(|(name, _)| name.as_str().map(str::to_owned)).collect::<Vec<_>>().join(" ")
            }
            Value::List(lines) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("|"),
            other => other.as_str().expect("text").to_owned(),
        };
        assert_eq!(shown, expected, "{method} {argument:?}");
    }

    #[test]
    fn files_answer_as_in_helm() {
        check("Get", Some("a.txt"), "one\ntwo\n");
        check("Get", Some("absent"), "");
        check("Lines", Some("a.txt"), "one|two");
        check("Glob", Some("*"), "a.txt");
        check("Glob", Some("**.conf"), "conf/b.conf conf/d/c.conf");
        check("Glob", Some("conf/*"), "conf/b.conf");
        check("Glob", Some("{a,x}.*"), "a.txt");
        check("Glob", Some("[!b].txt"), "a.txt");
        check("AsConfig", None, "a.txt: |\n  one\n  two\nb.conf: b\nc.conf: c");
        check("AsSecrets", None, "a.txt: b25lCnR3bwo=\nb.conf: Yg==\nc.conf: Yw==");
    }
}
