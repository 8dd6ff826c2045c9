//! The level that Terraform's environment asks for.

use tracing::level_filters::LevelFilter;

/// TF_LOG_PROVIDER_NAME beats TF_LOG_PROVIDER beats TF_LOG, as in every provider. Without any,
/// only errors are written.
pub(super) fn of(address: &str, variable: impl Fn(&str) -> Option<String>) -> LevelFilter {
    let name = address.rsplit('/').next().unwrap_or_default().to_uppercase().replace('-', "_");
    let names = [format!("TF_LOG_PROVIDER_{name}"), "TF_LOG_PROVIDER".to_owned(), "TF_LOG".to_owned()];
    names.iter().find_map(|name| parse(&variable(name)?)).unwrap_or(LevelFilter::ERROR)
}

/// A level that is none of Terraform's is read as trace, as Terraform does.
fn parse(text: &str) -> Option<LevelFilter> {
    match text.trim().to_uppercase().as_str() {
        "" => None,
        "OFF" => Some(LevelFilter::OFF),
        "ERROR" => Some(LevelFilter::ERROR),
        "WARN" => Some(LevelFilter::WARN),
        "INFO" => Some(LevelFilter::INFO),
        "DEBUG" => Some(LevelFilter::DEBUG),
        _ => Some(LevelFilter::TRACE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], expected: LevelFilter) {
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(of("registry.terraform.io/redis-ha/redis", variable), expected, "{environment:?}");
    }

    #[test]
    fn the_narrower_variable_wins() {
        check(&[], LevelFilter::ERROR);
        check(&[("TF_LOG", "info")], LevelFilter::INFO);
        check(&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "WARN")], LevelFilter::WARN);
        check(&[("TF_LOG_PROVIDER", "WARN"), ("TF_LOG_PROVIDER_REDIS", "debug")], LevelFilter::DEBUG);
        check(&[("TF_LOG", "json")], LevelFilter::TRACE);
        check(&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "")], LevelFilter::TRACE);
        check(&[("TF_LOG", "off")], LevelFilter::OFF);
    }
}
