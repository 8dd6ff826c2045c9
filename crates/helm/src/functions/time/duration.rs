//! Go's `time.Duration`: its text, both ways.

/// Units by their nanoseconds, as `ParseDuration` knows them.
const UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
];

const SECOND: i128 = 1_000_000_000;

/// Reads `1h15m30.5s` to nanoseconds.
///
/// # Errors
/// Go's complaint about the text.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", crate::template::format::quote(text));
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0i128;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(invalid());
        }
        if unit.is_empty() {
            let shown = crate::template::format::quote(text);
            return Err(format!("time: missing unit in duration {shown}"));
        }
        let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let quote = crate::template::format::quote;
            return Err(format!("time: unknown unit {} in duration {}", quote(unit), quote(text)));
        };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let mut part = whole.checked_mul(*size).ok_or_else(invalid)?;
        let mut scale = *size;
        for digit in fraction.bytes() {
            scale /= 10;
            part += i128::from(digit - b'0') * scale;
        }
        total = total.checked_add(part).ok_or_else(invalid)?;
        rest = after;
    }
    i64::try_from(if is_negative { -total } else { total }).map_err(|_| invalid())
}

/// Writes nanoseconds as Go's `Duration.String`: `1h0m5.5s`, `1.5ms`, `0s`.
pub(super) fn format(nanoseconds: i128) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    let unit = |name: &str, size: u128| format!("{sign}{}{name}", fraction(total, size));
    match total {
        0 => "0s".to_owned(),
        1..1_000 => unit("ns", 1),
        1_000..1_000_000 => unit("µs", 1_000),
        1_000_000..1_000_000_000 => unit("ms", 1_000_000),
        _ => {
            let second = SECOND.unsigned_abs();
            let (minutes, seconds) = (total / (60 * second), fraction(total % (60 * second), second));
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// A quotient with its decimals, without zeros at the end.
fn fraction(total: u128, size: u128) -> String {
    let digits = size.ilog10() as usize;
    let decimals = if digits == 0 { String::new() } else { format!("{:0>digits$}", total % size) };
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{}{point}{decimals}", total / size)
}
