//! Random trees of values, written and printed in every way that templates have.

use super::helm::{VERSIONS, difference, ours, parse, real, write_chart};

/// One chart holds this many trees; the seeds are those from 1 on.
const TREES: u64 = 60;
const DEPTH_MAX: u64 = 4;

const TEMPLATE: &str = r#"{{- range $name, $tree := .Values.trees }}
---
kind: Tree
name: {{ $name }}
yaml: {{ toYaml $tree | toJson }}
nested: {{ dict "a" (dict "b" (list $tree)) | toYaml | nindent 2 | toJson }}
pretty: {{ toYamlPretty $tree | toJson }}
json: {{ toJson $tree | toJson }}
prettyJson: {{ toPrettyJson $tree | toJson }}
printed: {{ printf "%v %d %s %q" $tree $tree $tree $tree | toJson }}
back: {{ toYaml $tree | fromYaml | toJson | toJson }}
{{- if kindIs "map" $tree }}
toml: {{ toToml $tree | toJson }}
kinds:
{{- range $key, $value := $tree }}
- {{ list $key (kindOf $value) (empty $value) ($value | toString) (quote $value) (squote $key) | toJson }}
{{- end }}
{{- end }}
{{- end }}
"#;

/// A small generator of fixed sequences (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// Pieces that YAML, JSON and TOML have rules about.
const PIECES: [&str; 52] = [
    "a",
    "b",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    ":",
    ": ",
    " #",
    "#",
    "-",
    "- ",
    "?",
    "'",
    "\"",
    "\\",
    "|",
    ">",
    "%",
    "@",
    "`",
    "&",
    "*",
    "!",
    "{",
    "}",
    "[",
    "]",
    ",",
    "~",
    "null",
    "true",
    "no",
    "y",
    "1",
    "0x1f",
    "017",
    "1e3",
    "1_000",
    ".5",
    "12:30:45",
    "2020-01-01",
    "<<",
    "=",
    "é",
    "日本",
    "😀",
    "<b>",
    "&amp;",
    "long words that go on and on until a line is folded ",
    "x.y/z",
];

const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "-1",
    "3.5",
    "1000000",
    "123456789",
    "1e21",
    "1.5e-7",
    "0.1",
    "-0.0",
    "9007199254740993",
    "1e6",
    "2147483648",
    "100000000000000000000",
    "1e100",
    "0.000001",
];

fn text(random: &mut Random) -> String {
    let count = random.below(5);
    (0..count).map(|_| random.pick(&PIECES)).collect()
}

fn tree(random: &mut Random, depth: u64) -> serde_json::Value {
    let kinds = if depth >= DEPTH_MAX { 5 } else { 8 };
    match random.below(kinds) {
        0 => serde_json::from_str(random.pick(&NUMBERS)).expect("a number"),
        1 => serde_json::Value::Bool(random.below(2) == 0),
        2..=4 => text(random).into(),
        5 => (0..random.below(4)).map(|_| tree(random, depth + 1)).collect(),
        _ => {
            let entries = (0..random.below(5)).map(|_| (text(random), tree(random, depth + 1)));
            serde_json::Value::Object(entries.collect())
        }
    }
}

/// JSON whose special characters are escaped: raw, YAML would not let them into a text.
fn escaped(json: &str) -> String {
    let is_special = |c: char| c == '\u{7f}' || ('\u{80}'..'\u{10000}').contains(&c);
    json.chars().map(|c| if is_special(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() }).collect()
}

/// Helm 3's TOML library writes floats another way: only Helm 4's is compared.
fn comparable(version: &str, text: &str) -> String {
    let lines = text.lines().filter(|line| version == "helm4" || !line.starts_with("toml: "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn random_values_render_alike() {
    let trees: serde_json::Map<String, serde_json::Value> = (1..=TREES)
        .map(|seed| {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let entries = (0..6).map(|_| (text(&mut random), tree(&mut random, 1)));
            (format!("seed-{seed}"), serde_json::Value::Object(entries.collect()))
        })
        .collect();
    let values = escaped(&serde_json::json!({ "trees": trees }).to_string());
    eprintln!("trees of the seeds 1 to {TREES}");
    let directory = tempfile::tempdir().expect("a directory");
    let files = [("values.yaml", values.as_str()), ("templates/trees.yaml", TEMPLATE)];
    write_chart(directory.path(), &files.map(|(path, text)| (path.to_owned(), text.to_owned())));
    let ours = ours(directory.path(), &parse(""), "v1.35.0").expect("a rendering");
    for version in VERSIONS {
        let real = real(version, directory.path(), &["--kube-version", "v1.35.0"]);
        let real = real.unwrap_or_else(|error| panic!("{version}: {error}"));
        let (real, ours) = (comparable(version, &real), comparable(version, &ours));
        for (real, ours) in real.split("---\n").zip(ours.split("---\n")) {
            if let Some(difference) = difference(real, ours) {
                panic!("{version}: {difference}\n{ours}");
            }
        }
        assert_eq!(real.len(), ours.len(), "{version}");
    }
}
