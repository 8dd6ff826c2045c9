//! Attributes as the registry's pages list them: required, optional, read-only, and each nested schema
//! under a heading of its own. Pure text.

use std::fmt::Write as _;

use tfplugin_sdk::schema::{Attribute, AttributeType, Attributes, Nesting};
use tfplugin_sdk::value::Type;

/// Whether an attribute belongs under a heading.
type Belongs = fn(&Attribute) -> bool;

const GROUPS: [(&str, Belongs); 3] = [
    ("Required", |attribute| attribute.required),
    ("Optional", |attribute| attribute.optional),
    ("Read-Only", |attribute| !attribute.required && !attribute.optional),
];

/// The whole `## Schema` section.
pub(crate) fn render_schema(attributes: &Attributes) -> String {
    let mut text = "## Schema\n".to_owned();
    let mut sections = Vec::new();
    render_groups(&mut text, "###", attributes, "", &mut sections);
    // Parents come before their children, and children in the order of the lists above them.
    while !sections.is_empty() {
        let (path, nested) = sections.remove(0);
        let _ = write!(text, "\n<a id=\"{}\"></a>\n### Nested Schema for `{path}`\n", anchor(&path));
        let mut children = Vec::new();
        render_groups(&mut text, "####", nested, &path, &mut children);
        sections.splice(0..0, children);
    }
    text
}

fn render_groups<'a>(
    text: &mut String,
    heading: &str,
    attributes: &'a Attributes,
    parent: &str,
    sections: &mut Vec<(String, &'a Attributes)>,
) {
    for (title, belongs) in GROUPS {
        let mut rows = attributes.iter().filter(|(_, attribute)| belongs(attribute)).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let _ = write!(text, "\n{heading} {title}\n\n");
        for (name, attribute) in rows {
            let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
            let _ = writeln!(text, "{}", render_row(name, &path, attribute));
            if let AttributeType::Nested(nested) = &attribute.shape {
                sections.push((path, &nested.attributes));
            }
        }
    }
}

fn render_row(name: &str, path: &str, attribute: &Attribute) -> String {
    let mut marks = vec![type_name(attribute)];
    if attribute.sensitive {
        marks.push("Sensitive".into());
    }
    if attribute.write_only {
        marks.push("Write-only".into());
    }
    if attribute.deprecated.is_some() {
        marks.push("Deprecated".into());
    }
    let mut row = format!("- `{name}` ({}) {}", marks.join(", "), attribute.description);
    if let Some(default) = &attribute.default {
        let _ = write!(row, " Default: {default}.");
    }
    if attribute.replaces {
        row.push_str(" **Changes replace the resource.**");
    }
    if let Some(reason) = &attribute.deprecated {
        let _ = write!(row, " Deprecated: {reason}");
    }
    if matches!(attribute.shape, AttributeType::Nested(_)) {
        let _ = write!(row, " (see [below for nested schema](#{}))", anchor(path));
    }
    row
}

fn anchor(path: &str) -> String {
    format!("nestedatt--{}", path.replace('.', "--"))
}

fn type_name(attribute: &Attribute) -> String {
    match &attribute.shape {
        AttributeType::Plain(plain) => plain_name(plain),
        AttributeType::Nested(nested) => match nested.nesting {
            Nesting::Single => "Attributes",
            Nesting::List => "Attributes List",
            Nesting::Set => "Attributes Set",
            Nesting::Map => "Attributes Map",
        }
        .into(),
    }
}

fn plain_name(plain: &Type) -> String {
    match plain {
        Type::Dynamic => "Dynamic".into(),
        Type::Bool => "Boolean".into(),
        Type::Number => "Number".into(),
        Type::String => "String".into(),
        Type::List(element) => format!("List of {}", plain_name(element)),
        Type::Set(element) => format!("Set of {}", plain_name(element)),
        Type::Map(element) => format!("Map of {}", plain_name(element)),
        Type::Object(_) => "Object".into(),
        Type::Tuple(_) => "Tuple".into(),
    }
}
