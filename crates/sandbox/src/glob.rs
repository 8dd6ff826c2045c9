//! Patterns for paths and images: `*` stands for any characters, none too.

/// Whether a pattern stands for the whole text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, text, expected) in [
            ("*", "/api/v1/pods", true),
            ("/api/v1/pods", "/api/v1/pods", true),
            ("/api/v1/pods", "/api/v1/pods/p", false),
            ("*/pods", "/api/v1/namespaces/default/pods", true),
            ("*/pods*", "/api/v1/pods/p/log", true),
            ("/api/*/default/*", "/api/v1/namespaces/default/pods", true),
            ("/api/*/default/*", "/api/v1/namespaces/other/pods", false),
            ("a*a", "a", false),
            ("a**b", "ab", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
