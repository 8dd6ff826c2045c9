//! Kubernetes resource quantities ("250m", "16Gi") as thousandths of their unit.

use serde_json::Value;

/// Parses a quantity to thousandths; `None` when it is no quantity.
pub(crate) fn parse_quantity_milli(value: &Value) -> Option<i128> {
    let owned;
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Number(number) => {
            owned = number.to_string();
            owned.as_str()
        }
        _ => return None,
    };
    let split =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let scale = scale_of(suffix)?;
    let number: f64 = number.parse().ok()?;
    // Quantities met here are far below 2^53 thousandths of a byte times a small factor; rounding up
    // is what Kubernetes does below its own precision.
    Some((number * scale * 1000.0).ceil() as i128)
}

fn scale_of(suffix: &str) -> Option<f64> {
    Some(match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "Pi" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        other => {
            let exponent = other.strip_prefix(['e', 'E'])?;
            10f64.powi(exponent.parse().ok()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_read_in_all_their_forms() {
        for (text, milli) in [
            (json!("250m"), Some(250)),
            (json!("4"), Some(4000)),
            (json!(2), Some(2000)),
            (json!("0.5"), Some(500)),
            (json!("1Ki"), Some(1_024_000)),
            (json!("16Gi"), Some(16 * 1024 * 1024 * 1024 * 1000)),
            (json!("1e3"), Some(1_000_000)),
            (json!("abc"), None),
        ] {
            assert_eq!(parse_quantity_milli(&text), milli, "{text}");
        }
    }
}
