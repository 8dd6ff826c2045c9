//! Version ranges, by the rules of the Go package that Helm uses (Masterminds/semver 3.4).

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

use super::Version;

/// A range of versions: alternatives (`||`) of bounds that hold together (space or comma).
///
/// A pre-release is inside only if some bound of the same alternative names a pre-release.
#[derive(Debug, Clone)]
pub struct Range(Vec<Vec<Bound>>);

#[derive(Debug, Clone)]
struct Bound {
    operator: Operator,
    /// Missing and wildcard parts are 0.
    version: Version,
    precision: Precision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Tilde,
    Caret,
}

/// How much of the bound's version was given; the rest is missing or a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Nothing,
    Major,
    Minor,
    Full,
}

const VERSION: &str = "v?([0-9]+|[xX*])(?:[.]([0-9]+|[xX*]))?(?:[.]([0-9]+|[xX*]))?\
                       (-[0-9A-Za-z-]+(?:[.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+(?:[.][0-9A-Za-z-]+)*)?";

static BOUND: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = format!(r"^\s*(!=|>=|=>|<=|=<|~>|=|>|<|~|\^)?\s*{VERSION}");
    Regex::new(&pattern).expect("a constant pattern")
});

static HYPHEN: LazyLock<Regex> = LazyLock::new(|| {
    let version = VERSION.replace("(-", "(?:-").replace("([", "(?:[");
    let pattern = format!(r"\s*({version})\s+-\s+({version})\s*");
    Regex::new(&pattern).expect("a constant pattern")
});

impl Range {
    /// `None` when the text is no range; an empty text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = HYPHEN.replace_all(text, ">= $1, <= $2 ");
        text.split("||").map(parse_alternative).collect::<Option<_>>().map(Self)
    }

    pub fn contains(&self, version: &Version) -> bool {
        self.0.iter().any(|bounds| {
            let allows_pre = bounds.iter().any(|bound| !bound.version.pre.is_empty());
            (version.pre.is_empty() || allows_pre) && bounds.iter().all(|bound| bound.allows(version))
        })
    }
}

fn parse_alternative(text: &str) -> Option<Vec<Bound>> {
    let mut bounds = Vec::new();
    let mut rest = text;
    loop {
        let found = BOUND.captures(rest)?;
        bounds.push(parse_bound(&found)?);
        rest = &rest[found[0].len()..];
        let trimmed = rest.trim_start();
        if trimmed.is_empty() {
            return Some(bounds);
        }
        // Bounds are apart by a comma or at least one space.
        rest = match trimmed.strip_prefix(',') {
            Some(after_comma) => after_comma,
            None if trimmed.len() < rest.len() => trimmed,
            None => return None,
        };
    }
}

fn parse_bound(found: &regex::Captures<'_>) -> Option<Bound> {
    let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
    let operator = match part(1) {
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<" => Operator::Less,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::Equal,
    };
    let is_given = |index| part(index).starts_with(|c: char| c.is_ascii_digit());
    let (precision, numbers) = match [2, 3, 4].map(is_given) {
        [false, ..] => (Precision::Nothing, "0.0.0".to_owned()),
        [true, false, _] => (Precision::Major, format!("{}.0.0", part(2))),
        [true, true, false] => (Precision::Minor, format!("{}.{}.0", part(2), part(3))),
        [true, true, true] => (Precision::Full, format!("{}.{}.{}", part(2), part(3), part(4))),
    };
    let version = Version::parse(&format!("{numbers}{}", part(5)))?;
    Some(Bound { operator, version, precision })
}

impl Bound {
    fn allows(&self, version: &Version) -> bool {
        let order = version.precedence(&self.version);
        let majors = version.major.cmp(&self.version.major);
        let minors = (version.major, version.minor).cmp(&(self.version.major, self.version.minor));
        // What decides when the bound leaves parts open: `>1` starts at 2, `<=1.2` holds all 1.2.
        let open = match self.precision {
            Precision::Major => majors,
            Precision::Minor => minors,
            Precision::Nothing | Precision::Full => order,
        };
        match self.operator {
            Operator::Equal if self.precision == Precision::Full => order.is_eq(),
            Operator::Equal | Operator::Tilde => self.allows_by_tilde(version, order),
            Operator::NotEqual if self.precision == Precision::Minor => {
                open.is_ne() || version.pre != self.version.pre
            }
            Operator::NotEqual => open.is_ne(),
            Operator::Greater => open.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual if self.precision == Precision::Nothing => minors.is_le(),
            Operator::LessOrEqual => open.is_le(),
            Operator::Caret => self.allows_by_caret(version, order),
        }
    }

    fn allows_by_tilde(&self, version: &Version, order: Ordering) -> bool {
        let is_closed = matches!(self.precision, Precision::Nothing | Precision::Full);
        if order.is_lt() {
            return false;
        }
        // `~0.0.0` and `*` take everything.
        (is_closed && self.version.numbers() == (0, 0, 0))
            || (version.major == self.version.major
                && (self.precision == Precision::Major || version.minor == self.version.minor))
    }

    /// Nothing to the left of the first number that is not 0 may change.
    fn allows_by_caret(&self, version: &Version, order: Ordering) -> bool {
        if order.is_lt() || version.major != self.version.major {
            return false;
        }
        if self.version.major > 0 || self.precision == Precision::Major {
            return true;
        }
        if version.minor != self.version.minor {
            return false;
        }
        self.version.minor > 0 || self.precision == Precision::Minor || version.patch == self.version.patch
    }
}

#[cfg(test)]
mod tests {
    use super::{Range, Version};

    fn check(range: &str, version: &str, expected: bool) {
        let parsed = Range::parse(range).unwrap_or_else(|| panic!("{range} is a range"));
        let version = Version::parse(version).expect("a version");
        assert_eq!(parsed.contains(&version), expected, "{version} in {range}");
    }

    #[test]
    fn holds_what_masterminds_holds() {
        check(">=1.20.0-0", "1.33.4-gke.1", true);
        check(">=1.20.0", "1.33.4-gke.1", false);
        check(">= 1.20, < 2", "1.33.4", true);
        check(">= 1.20 < 2", "2.0.0", false);
        check("^1.2.3", "1.9.9", true);
        check("^0.2.3", "0.3.0", false);
        check("^0.0.3", "0.0.4", false);
        check("^0", "0.9.0", true);
        check("~1.2.3", "1.2.9", true);
        check("~1.2.3", "1.3.0", false);
        check("~1", "1.9.0", true);
        check("1.2.x", "1.2.7", true);
        check("1", "1.2.7", true);
        check("*", "17.0.0", true);
        check("!=1.2", "1.2.5", false);
        check(">1", "1.9.0", false);
        check(">1.1", "1.2.0", true);
        check("<=1.2", "1.2.9", true);
        check("1.2 - 1.4.5", "1.4.5", true);
        check("1.2 - 1.4.5", "1.4.6", false);
        check("<1 || >=2", "2.1.0", true);
        check("=1.2.3", "v1.2.3", true);
    }

    #[test]
    fn refuses_what_is_no_range() {
        for bad in ["", "a", ">=", "1.2.3.4", "1.2 ||", ">=1.2.3<2"] {
            assert!(Range::parse(bad).is_none(), "{bad}");
        }
    }
}
