//! The registry's pages are what the schema says.

use std::path::Path;

#[path = "../examples/docs/attributes.rs"]
mod attributes;
#[path = "../examples/docs/pages.rs"]
mod pages;

use provider_redis::cluster::cluster_schema;
use tfplugin_sdk::schema::Attribute;

#[test]
fn the_committed_pages_are_those_of_the_schema() {
    let pages = pages::pages(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the examples are readable");
    if let Err(error) = pages::require_same(&pages) {
        panic!("{error}");
    }
}

fn check(attribute: Attribute, expected: &str) {
    let text = attributes::render_schema(&[("a".to_owned(), attribute)].into());
    assert!(text.contains(expected), "wanted {expected:?} in:\n{text}");
}

#[test]
fn a_row_tells_all_that_a_user_must_know() {
    check(Attribute::string("Text.").required().replaces(), "- `a` (String) Text. **Changes replace");
    check(Attribute::string("Text.").optional().sensitive().write_only(), "(String, Sensitive, Write-only)");
    check(Attribute::bool("Text.").optional().default("`true`"), "(Boolean) Text. Default: `true`.");
    check(Attribute::bool("Text.").optional().deprecated("Use b."), "Deprecated) Text. Deprecated: Use b.");
    check(Attribute::number("Text.").computed(), "### Read-Only\n\n- `a` (Number)");
    check(Attribute::single("Text.", [("b", Attribute::string("In.").required())]).optional(), {
        "### Nested Schema for `a`\n\n#### Required\n\n- `b` (String) In."
    });
}

#[test]
fn each_link_to_a_nested_schema_has_its_anchor() {
    let text = attributes::render_schema(&cluster_schema().attributes);
    for link in text.split("(#").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(text.contains(&format!("<a id=\"{link}\"></a>")), "no anchor {link}");
    }
}
