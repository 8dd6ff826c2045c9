//! `.helmignore`: which files of a chart directory are no part of the chart.

use super::ChartError;
use super::pattern::Pattern;

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    directories_only: bool,
    /// Whether the pattern is held against the whole path and not against the last part of it.
    whole_path: bool,
}

/// The rules of one chart directory, dotfiles below `templates/` always among the ignored.
#[derive(Debug)]
pub(super) struct IgnoreRules(Vec<Rule>);

impl IgnoreRules {
    /// The text of a `.helmignore`, or an empty one.
    pub(super) fn parse(text: &str) -> Result<Self, ChartError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let rules = text.lines().chain(["templates/.?*"]).map(str::trim);
        let rules = rules.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Self(rules.map(parse_rule).collect::<Result<_, _>>()?))
    }

    /// Whether the file or directory at this slash-separated path is left out. The first rule
    /// that decides ends the search; a negated rule leaves out all that it does not match.
    pub(super) fn ignores(&self, path: &str, is_directory: bool) -> bool {
        let base = path.rsplit('/').next().unwrap_or(path);
        for rule in &self.0 {
            let applies = is_directory || !rule.directories_only;
            let matches = rule.pattern.matches(if rule.whole_path { path } else { base });
            if rule.negated {
                if !applies || !matches {
                    return true;
                }
            } else if applies && matches {
                return true;
            }
        }
        false
    }
}

fn parse_rule(line: &str) -> Result<Rule, ChartError> {
    let bad = |reason: &str| ChartError::IgnoreRule { rule: line.to_owned(), reason: reason.to_owned() };
    if line.contains("**") {
        return Err(bad("double-star (**) is not supported"));
    }
    let (negated, rest) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
    let (directories_only, rest) = rest.strip_suffix('/').map_or((false, rest), |rest| (true, rest));
    let (rooted, rest) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
    Ok(Rule {
        pattern: Pattern::parse(rest).map_err(bad)?,
        negated,
        directories_only,
        whole_path: rooted || rest.contains('/'),
    })
}

#[cfg(test)]
mod tests {
    use super::IgnoreRules;

    fn check(rules: &str, path: &str, is_directory: bool, expected: bool) {
        let parsed = IgnoreRules::parse(rules).expect("valid rules");
        assert_eq!(parsed.ignores(path, is_directory), expected, "{rules:?} on {path}");
    }

    #[test]
    fn leaves_out_what_a_rule_names() {
        check("*.txt", "a/b/c.txt", false, true);
        check("# comment\n\n", "a.txt", false, false);
        check("ci/", "ci", true, true);
        check("ci/", "ci", false, false);
        check("/a.txt", "a.txt", false, true);
        check("/a.txt", "b/a.txt", false, false);
        check("a/*.txt", "a/x.txt", false, true);
        check("", "templates/.swp", false, true);
        check("!*.yaml", "README.md", false, true);
        check("!*.yaml", "a.yaml", false, false);
    }

    #[test]
    fn refuses_double_stars() {
        let error = IgnoreRules::parse("a/**/b").expect_err("no double stars");
        assert!(error.to_string().contains("a/**/b"), "{error}");
    }
}
