//! Floats as Go's `strconv.FormatFloat` writes them.

/// How to write a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// `%g`: `%e` for exponents below -4 or from the precision on (from 6 without one), else `%f`.
    Shortest,
    /// `%e`
    Exponent,
    /// `%f`
    Fixed,
}

/// The significant digits of a number, and where the point goes: 0.DIGITS × 10^point.
struct Digits {
    digits: String,
    point: i32,
}

/// Writes a float; without a precision, as few digits as read back to the same number.
pub fn format_float(number: f64, notation: Notation, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    match notation {
        Notation::Fixed => match precision {
            Some(precision) => format!("{number:.precision$}"),
            None => format!("{number}"),
        },
        Notation::Exponent => match precision {
            Some(precision) => go_exponent(&format!("{number:.precision$e}")),
            None => go_exponent(&format!("{number:e}")),
        },
        Notation::Shortest => shortest(number, precision),
    }
}

fn shortest(number: f64, precision: Option<usize>) -> String {
    let precision = precision.map(|digits| digits.max(1));
    let text = match precision {
        Some(precision) => format!("{number:.*e}", precision - 1),
        None => format!("{number:e}"),
    };
    let Digits { digits, point } = digits_of(&text);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let threshold = match precision {
        None => 6,
        Some(precision) => {
            let precision = i32::try_from(precision).unwrap_or(i32::MAX);
            if precision > count && count >= point { count } else { precision }
        }
    };
    let exponent = point - 1;
    if exponent < -4 || exponent >= threshold {
        return go_exponent(&format!("{number:.*e}", digits.len() - 1));
    }
    let decimals = usize::try_from((count - point).max(0)).unwrap_or(0);
    format!("{number:.decimals$}")
}

/// Splits Rust's `d.ddde±x` into digits without trailing zeros, and the position of the point.
fn digits_of(text: &str) -> Digits {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let trimmed = digits.trim_end_matches('0');
    let digits = if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    Digits { digits, point: exponent + 1 }
}

/// Rust writes `1e6`; Go writes `1e+06`.
fn go_exponent(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}
