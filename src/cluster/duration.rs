//! Durations as Terraform users write them in `timeouts`: Go's form, such as `45m` or `1h30m`.

use std::time::Duration;

/// Reads a sum of numbers with the units h, m, s and ms; `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|at| *at > 0)?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        total += Duration::try_from_secs_f64(number * seconds).ok()?;
        rest = &rest[unit..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let cases = [
            ("45m", Some(2700.0)),
            ("1h30m", Some(5400.0)),
            ("10s", Some(10.0)),
            ("250ms", Some(0.25)),
            ("1.5h", Some(5400.0)),
            ("", None),
            ("10", None),
            ("m", None),
            ("10 minutes", None),
            ("-5s", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_duration(text).map(|duration| duration.as_secs_f64()), seconds, "{text}");
        }
    }
}
