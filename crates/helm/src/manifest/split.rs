//! Where one document ends and the next begins.

use std::sync::LazyLock;

use regex::Regex;

static SEPARATOR: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:\A|[\t\n\x0c\r ]*\n)---[\t\n\x0c\r ]*").expect("a constant pattern"));

/// The documents of a text, without surrounding white space; empty ones are left out.
/// Text after the dashes on a separator's line belongs to the document, as in Helm.
pub fn split_documents(text: &str) -> Vec<&str> {
    SEPARATOR.split(text.trim()).filter(|document| !document.is_empty()).map(str::trim).collect()
}
