//! Versions and version ranges as Helm's charts use them.
//!
//! Enters: text, often loose (`v1.2`, `1.33.4-gke.1`). Leaves: a [`Version`] that can be compared,
//! and a [`Range`] that tells whether a version is inside it.
//! The semver crate is stricter than Helm in both, hence this room: parts may be missing, a leading
//! `v` is fine, and ranges know `||`, hyphens, wildcards and Masterminds' rules for pre-releases.

mod range;

pub use range::Range;

use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// A semantic version, of which minor and patch may have been left out.
#[derive(Debug, Clone)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
    /// What follows the `-`, empty for a release.
    pub pre: String,
    /// What follows the `+`; no part of any comparison.
    pub metadata: String,
    /// The text that was parsed.
    pub original: String,
}

static LOOSE: LazyLock<Regex> = LazyLock::new(|| {
    let identifiers = "[0-9A-Za-z-]+(?:[.][0-9A-Za-z-]+)*";
    let pattern =
        format!("^v?([0-9]+)(?:[.]([0-9]+))?(?:[.]([0-9]+))?(?:-({identifiers}))?(?:[+]({identifiers}))?$");
    Regex::new(&pattern).expect("a constant pattern")
});

impl Version {
    /// `None` when the text is no version, or a numeric part of its pre-release has a leading zero.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = LOOSE.captures(text)?;
        let part = |index: usize| parts.get(index).map_or("", |found| found.as_str());
        let number = |index| if part(index).is_empty() { Some(0) } else { part(index).parse().ok() };
        let padded = |id: &str| id.len() > 1 && id.starts_with('0') && id.bytes().all(|b| b.is_ascii_digit());
        if part(4).split('.').any(padded) {
            return None;
        }
        Some(Self {
            major: number(1)?,
            minor: number(2)?,
            patch: number(3)?,
            pre: part(4).to_owned(),
            metadata: part(5).to_owned(),
            original: text.to_owned(),
        })
    }

    fn numbers(&self) -> (u64, u64, u64) {
        (self.major, self.minor, self.patch)
    }

    /// Which of the two comes first, by semver's precedence.
    pub fn precedence(&self, other: &Self) -> Ordering {
        let by_numbers = self.numbers().cmp(&other.numbers());
        by_numbers.then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_pre(&self.pre, &other.pre),
        })
    }
}

fn compare_pre(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// All three numbers, without a leading `v`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// A Kubernetes version without what a vendor appends: `v1.33.4-gke.1245000` is 1.33.4. Major and
/// minor must be given.
pub fn kubernetes_release(git_version: &str) -> Option<Version> {
    let text = git_version.trim().strip_prefix('v').unwrap_or(git_version.trim());
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let numbers = text[..end].trim_end_matches('.');
    if !numbers.contains('.') {
        return None;
    }
    Version::parse(numbers)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::Version;

    #[test]
    fn reads_loose_versions() {
        let print = |text| Version::parse(text).map(|version| version.to_string());
        assert_eq!(print("v1.2").as_deref(), Some("1.2.0"));
        assert_eq!(print("1.33.4-gke.100+x").as_deref(), Some("1.33.4-gke.100+x"));
        for bad in ["", "a", "1.2.3.4", "1.2.3-01", "1.2.3-", "99999999999999999999"] {
            assert_eq!(print(bad), None, "{bad}");
        }
    }

    #[test]
    fn forgets_what_a_vendor_appends() {
        let print = |text| super::kubernetes_release(text).map(|version| version.to_string());
        assert_eq!(print("v1.33.4-gke.1245000").as_deref(), Some("1.33.4"));
        assert_eq!(print("1.27+").as_deref(), Some("1.27.0"));
        assert_eq!(print("v1"), None);
    }

    #[test]
    fn orders_by_precedence() {
        let ordered = ["1.0.0-1", "1.0.0-2", "1.0.0-a", "1.0.0-a.1", "1.0.0", "1.0.1", "1.2", "2"];
        for pair in ordered.windows(2) {
            let [a, b] = [pair[0], pair[1]].map(|text| Version::parse(text).expect("a version"));
            assert_eq!(a.precedence(&b), Ordering::Less, "{a} before {b}");
        }
    }
}
