//! A moment by the parts of a layout, as Go's `Time.Format`.

use jiff::ZonedDateTime;

use super::layout::{OffsetStyle, Part};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) fn format(time: &ZonedDateTime, parts: &[Part<'_>]) -> String {
    parts.iter().map(|part| write(time, *part)).collect()
}

fn write(time: &ZonedDateTime, part: Part<'_>) -> String {
    let month = MONTHS[usize::try_from(time.month() - 1).unwrap_or(0)];
    let weekday = WEEKDAYS[usize::try_from(time.weekday().to_sunday_zero_offset()).unwrap_or(0)];
    let hour12 = (time.hour() + 11) % 12 + 1;
    let noon = if time.hour() < 12 { "am" } else { "pm" };
    match part {
        Part::Text(text) => text.to_owned(),
        Part::LongMonth => month.to_owned(),
        Part::ShortMonth => month[..3].to_owned(),
        Part::Month => time.month().to_string(),
        Part::ZeroMonth => format!("{:02}", time.month()),
        Part::LongWeekday => weekday.to_owned(),
        Part::ShortWeekday => weekday[..3].to_owned(),
        Part::Day => time.day().to_string(),
        Part::SpaceDay => format!("{:>2}", time.day()),
        Part::ZeroDay => format!("{:02}", time.day()),
        Part::SpaceYearDay => format!("{:>3}", time.day_of_year()),
        Part::ZeroYearDay => format!("{:03}", time.day_of_year()),
        Part::Hour => format!("{:02}", time.hour()),
        Part::Hour12 => hour12.to_string(),
        Part::ZeroHour12 => format!("{hour12:02}"),
        Part::Minute => time.minute().to_string(),
        Part::ZeroMinute => format!("{:02}", time.minute()),
        Part::Second => time.second().to_string(),
        Part::ZeroSecond => format!("{:02}", time.second()),
        Part::LongYear => format!("{:04}", time.year()),
        Part::Year => format!("{:02}", time.year().rem_euclid(100)),
        Part::UpperNoon => noon.to_uppercase(),
        Part::LowerNoon => noon.to_owned(),
        Part::ZoneName => zone_name(time),
        Part::Offset(style) => offset(time, style),
        Part::Fraction { separator, digits, keeps_zeros } => {
            let nanoseconds = format!("{:09}", time.subsec_nanosecond());
            let shown = &nanoseconds[..digits.min(9)];
            let shown = if keeps_zeros { shown } else { shown.trim_end_matches('0') };
            if shown.is_empty() { String::new() } else { format!("{separator}{shown}") }
        }
    }
}

/// The zone's abbreviation, or its offset where it has none.
fn zone_name(time: &ZonedDateTime) -> String {
    let info = time.time_zone().to_offset_info(time.timestamp());
    info.abbreviation().to_owned()
}

fn offset(time: &ZonedDateTime, style: OffsetStyle) -> String {
    let seconds = time.offset().seconds();
    if style.has_z && seconds == 0 {
        return "Z".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let total = seconds.abs();
    let colon = if style.has_colon { ":" } else { "" };
    let mut text = format!("{sign}{:02}", total / 3600);
    if style.has_minutes {
        text.push_str(&format!("{colon}{:02}", total / 60 % 60));
    }
    if style.has_seconds {
        text.push_str(&format!("{colon}{:02}", total % 60));
    }
    text
}
