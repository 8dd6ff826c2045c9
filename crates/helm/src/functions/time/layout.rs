//! Layouts of Go's `time` package: a format is the reference time, `Mon Jan 2 15:04:05 MST 2006`.

/// One part of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'l> {
    Text(&'l str),
    LongMonth,
    ShortMonth,
    Month,
    ZeroMonth,
    LongWeekday,
    ShortWeekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperNoon,
    LowerNoon,
    /// `MST`
    ZoneName,
    Offset(OffsetStyle),
    /// Decimals of the second: their separator, how many, and whether zeros at the end are kept.
    Fraction {
        separator: char,
        digits: usize,
        keeps_zeros: bool,
    },
}

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetStyle {
    /// Whether UTC is `Z`.
    pub(super) has_z: bool,
    pub(super) has_colon: bool,
    pub(super) has_minutes: bool,
    pub(super) has_seconds: bool,
}

const fn offset(has_z: bool, has_colon: bool, has_minutes: bool, has_seconds: bool) -> Part<'static> {
    Part::Offset(OffsetStyle { has_z, has_colon, has_minutes, has_seconds })
}

/// What starts a part; of several that fit, the first one counts.
const WORDS: [(&str, Part<'static>); 34] = [
    ("January", Part::LongMonth),
    ("Jan", Part::ShortMonth),
    ("Monday", Part::LongWeekday),
    ("Mon", Part::ShortWeekday),
    ("MST", Part::ZoneName),
    ("002", Part::ZeroYearDay),
    ("01", Part::ZeroMonth),
    ("02", Part::ZeroDay),
    ("03", Part::ZeroHour12),
    ("04", Part::ZeroMinute),
    ("05", Part::ZeroSecond),
    ("06", Part::Year),
    ("15", Part::Hour),
    ("1", Part::Month),
    ("2006", Part::LongYear),
    ("2", Part::Day),
    ("__2", Part::SpaceYearDay),
    // Go reads `_2006` as an underscore and a year.
    ("_2006", Part::Text("_")),
    ("_2", Part::SpaceDay),
    ("3", Part::Hour12),
    ("4", Part::Minute),
    ("5", Part::Second),
    ("PM", Part::UpperNoon),
    ("pm", Part::LowerNoon),
    ("-070000", offset(false, false, true, true)),
    ("-07:00:00", offset(false, true, true, true)),
    ("-0700", offset(false, false, true, false)),
    ("-07:00", offset(false, true, true, false)),
    ("-07", offset(false, false, false, false)),
    ("Z070000", offset(true, false, true, true)),
    ("Z07:00:00", offset(true, true, true, true)),
    ("Z0700", offset(true, false, true, false)),
    ("Z07:00", offset(true, true, true, false)),
    ("Z07", offset(true, false, false, false)),
];

/// Splits a layout into its parts.
pub(super) fn parts(layout: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut text_start, mut position) = (0, 0);
    while position < layout.len() {
        let rest = &layout[position..];
        let Some((part, length)) = part_at(rest) else {
            position += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if text_start < position {
            parts.push(Part::Text(&layout[text_start..position]));
        }
        parts.push(part);
        position += length;
        text_start = position;
    }
    if text_start < layout.len() {
        parts.push(Part::Text(&layout[text_start..]));
    }
    parts
}

fn part_at<'l>(rest: &'l str) -> Option<(Part<'l>, usize)> {
    if let Some(fraction) = fraction_at(rest) {
        return Some(fraction);
    }
    let (word, part) = WORDS.iter().find(|(word, _)| rest.starts_with(word))?;
    match (*word, *part) {
        ("_2006", part) => Some((part, 1)),
        // `Janet` is no month, as `Month` is no weekday.
        ("Jan" | "Mon", _) if rest[3..].starts_with(|c: char| c.is_ascii_lowercase()) => None,
        (word, part) => Some((part, word.len())),
    }
}

/// `.000`, `,000`, `.999` and `,999`, of any length, when no digit follows.
fn fraction_at<'l>(rest: &str) -> Option<(Part<'l>, usize)> {
    let separator = rest.chars().next().filter(|first| matches!(first, '.' | ','))?;
    let digit = rest[1..].chars().next().filter(|digit| matches!(digit, '0' | '9'))?;
    let after = rest[1..].trim_start_matches(digit);
    if after.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let digits = rest.len() - 1 - after.len();
    Some((Part::Fraction { separator, digits, keeps_zeros: digit == '0' }, digits + 1))
}
