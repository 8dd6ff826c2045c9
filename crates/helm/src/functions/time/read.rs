//! A text by the parts of a layout, as Go's `time.Parse`.

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};

use super::layout::{OffsetStyle, Part, parts};
use super::moment::Moment;
use super::write::{MONTHS, WEEKDAYS};
use crate::template::format::quote;

/// What was read so far.
#[derive(Default)]
struct Read {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    is_afternoon: Option<bool>,
    offset_seconds: Option<i32>,
    /// What was read and cannot be: a month 13, an hour 25.
    out_of_range: Option<&'static str>,
}

/// Reads a time; what the layout does not name is January 1 of year 0, at midnight UTC.
///
/// # Errors
/// Go's complaint about the first part that does not fit.
pub(super) fn parse(layout: &str, text: &str) -> Result<Moment, String> {
    let failed = |rest: &str, element: &str| {
        let [text, layout, rest, element] = [text, layout, rest, element].map(quote);
        format!("parsing time {text} as {layout}: cannot parse {rest} as {element}")
    };
    let mut read = Read::default();
    let mut rest = text;
    let split = parts(layout);
    let out_of_range = |what: &str| format!("parsing time {}: {what} out of range", quote(text));
    for (index, part) in split.iter().enumerate() {
        let fraction_follows = matches!(split.get(index + 1), Some(Part::Fraction { .. }));
        rest = read.part(*part, rest, fraction_follows).ok_or_else(|| failed(rest, element_name(*part)))?;
        if let Some(what) = read.out_of_range {
            return Err(out_of_range(what));
        }
    }
    if !rest.is_empty() {
        return Err(format!("parsing time {}: extra text: {}", quote(text), quote(rest)));
    }
    read.moment().ok_or_else(|| out_of_range("day"))
}

/// A part as Go's complaints write it.
fn element_name(part: Part<'_>) -> &str {
    match part {
        Part::Text(text) => text,
        Part::LongMonth => "January",
        Part::ShortMonth => "Jan",
        Part::Month => "1",
        Part::ZeroMonth => "01",
        Part::LongWeekday => "Monday",
        Part::ShortWeekday => "Mon",
        Part::Day => "2",
        Part::SpaceDay => "_2",
        Part::ZeroDay => "02",
        Part::SpaceYearDay => "__2",
        Part::ZeroYearDay => "002",
        Part::Hour => "15",
        Part::Hour12 => "3",
        Part::ZeroHour12 => "03",
        Part::Minute => "4",
        Part::ZeroMinute => "04",
        Part::Second => "5",
        Part::ZeroSecond => "05",
        Part::LongYear => "2006",
        Part::Year => "06",
        Part::UpperNoon => "PM",
        Part::LowerNoon => "pm",
        Part::ZoneName => "MST",
        Part::Offset(OffsetStyle { has_z: true, has_colon: true, .. }) => "Z07:00",
        Part::Offset(OffsetStyle { has_z: true, .. }) => "Z0700",
        Part::Offset(OffsetStyle { has_colon: true, .. }) => "-07:00",
        Part::Offset(_) => "-0700",
        Part::Fraction { .. } => ".000",
    }
}

impl Read {
    /// Reads one part, and returns the text behind it.
    fn part<'t>(&mut self, part: Part<'_>, text: &'t str, fraction_follows: bool) -> Option<&'t str> {
        let mut set = |slot: fn(&mut Self) -> &mut Option<i64>, found: Option<(i64, &'t str)>| {
            let (number, rest) = found?;
            *slot(self) = Some(number);
            Some(rest)
        };
        match part {
            Part::Text(expected) => text.strip_prefix(expected),
            Part::LongYear => set(|read| &mut read.year, digits(text, 4, 4)),
            Part::Year => {
                let (year, rest) = digits(text, 2, 2)?;
                self.year = Some(if year >= 69 { 1900 + year } else { 2000 + year });
                Some(rest)
            }
            Part::LongMonth => set(|read| &mut read.month, name(text, &MONTHS, usize::MAX)),
            Part::ShortMonth => set(|read| &mut read.month, name(text, &MONTHS, 3)),
            Part::Month | Part::ZeroMonth => {
                let (month, rest) = digits(text, if part == Part::Month { 1 } else { 2 }, 2)?;
                self.month = Some(month);
                self.limit("month", month, 1..=12);
                Some(rest)
            }
            Part::LongWeekday => name(text, &WEEKDAYS, usize::MAX).map(|(_, rest)| rest),
            Part::ShortWeekday => name(text, &WEEKDAYS, 3).map(|(_, rest)| rest),
            Part::Day | Part::SpaceDay => {
                set(|read| &mut read.day, digits(text.strip_prefix(' ').unwrap_or(text), 1, 2))
            }
            Part::ZeroDay => set(|read| &mut read.day, digits(text, 2, 2)),
            Part::SpaceYearDay => set(|read| &mut read.year_day, digits(text.trim_start_matches(' '), 1, 3)),
            Part::ZeroYearDay => set(|read| &mut read.year_day, digits(text, 3, 3)),
            Part::Hour => self.clock(("hour", |read| &mut read.hour), digits(text, 1, 2), 23),
            Part::Hour12 => self.clock(("hour", |read| &mut read.hour), digits(text, 1, 2), 12),
            Part::ZeroHour12 => self.clock(("hour", |read| &mut read.hour), digits(text, 2, 2), 12),
            Part::Minute => self.clock(("minute", |read| &mut read.minute), digits(text, 1, 2), 59),
            Part::ZeroMinute => self.clock(("minute", |read| &mut read.minute), digits(text, 2, 2), 59),
            Part::Second | Part::ZeroSecond => {
                let least = if part == Part::Second { 1 } else { 2 };
                let rest = self.clock(("second", |read| &mut read.second), digits(text, least, 2), 59)?;
                // A fraction may stand behind the seconds even where the layout has none.
                if fraction_follows { Some(rest) } else { Some(self.fraction(rest).unwrap_or(rest)) }
            }
            Part::UpperNoon | Part::LowerNoon => {
                let word = text.get(..2)?;
                let (am, pm) = if part == Part::UpperNoon { ("AM", "PM") } else { ("am", "pm") };
                self.is_afternoon = Some(word == pm);
                (word == am || word == pm).then(|| &text[2..])
            }
            Part::ZoneName => {
                // Go knows the abbreviations of its own zone only; others have no offset.
                let end = text.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(text.len());
                (3..=5).contains(&end).then(|| &text[end..])
            }
            Part::Offset(style) => self.offset(style, text),
            Part::Fraction { keeps_zeros: false, .. } => Some(self.fraction(text).unwrap_or(text)),
            Part::Fraction { digits: count, .. } => {
                let rest = self.fraction(text)?;
                (text.len() - rest.len() == count + 1).then_some(rest)
            }
        }
    }

    fn clock<'t>(
        &mut self,
        (what, slot): (&'static str, fn(&mut Self) -> &mut i64),
        found: Option<(i64, &'t str)>,
        most: i64,
    ) -> Option<&'t str> {
        let (number, rest) = found?;
        self.limit(what, number, 0..=most);
        *slot(self) = number;
        Some(rest)
    }

    fn limit(&mut self, what: &'static str, number: i64, range: std::ops::RangeInclusive<i64>) {
        if !range.contains(&number) {
            self.out_of_range = Some(what);
        }
    }

    fn fraction<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let after = text.strip_prefix(['.', ','])?;
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        if end == 0 {
            return None;
        }
        self.nanosecond = format!("{:0<9}", &after[..end.min(9)]).parse().ok()?;
        Some(&after[end..])
    }

    fn offset<'t>(&mut self, style: OffsetStyle, text: &'t str) -> Option<&'t str> {
        if style.has_z && text.starts_with('Z') {
            self.offset_seconds = Some(0);
            return Some(&text[1..]);
        }
        let sign = match text.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let mut rest = &text[1..];
        let mut total = 0;
        let fields = [(true, 3600), (style.has_minutes, 60), (style.has_seconds, 1)];
        for (index, (_, unit)) in fields.into_iter().filter(|(is_there, _)| *is_there).enumerate() {
            if index > 0 && style.has_colon {
                rest = rest.strip_prefix(':')?;
            }
            let (number, after) = digits(rest, 2, 2)?;
            total += i32::try_from(number).ok()? * unit;
            rest = after;
        }
        self.offset_seconds = Some(sign * total);
        Some(rest)
    }

    fn moment(&self) -> Option<Moment> {
        let hour = match self.is_afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let year = i16::try_from(self.year.unwrap_or(0)).ok()?;
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let date = match self.year_day {
            Some(day) => {
                Date::new(year, 1, 1).ok()?.with().day_of_year(i16::try_from(day).ok()?).build().ok()?
            }
            None => Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?,
        };
        let small = |number: i64| i8::try_from(number).ok();
        let nanosecond = i32::try_from(self.nanosecond).ok()?;
        let time = Time::new(small(hour)?, small(self.minute)?, small(self.second)?, nanosecond).ok()?;
        let zone = match self.offset_seconds {
            None | Some(0) => TimeZone::UTC,
            Some(seconds) => TimeZone::fixed(Offset::from_seconds(seconds).ok()?),
        };
        Some(Moment(date.to_datetime(time).to_zoned_datetime(zone).ok()?))
    }
}

/// From `least` to `most` digits at the start.
fn digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    Some((text[..count].parse().ok()?, &text[count..]))
}

/// One of the names (or as much of it as `length` says) at the start, counted from 1; case is ignored.
fn name<'t>(text: &'t str, names: &[&str], length: usize) -> Option<(i64, &'t str)> {
    let position = names.iter().position(|name| {
        let name = &name[..name.len().min(length)];
        text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
    })?;
    let end = names[position].len().min(length);
    Some((i64::try_from(position).ok()? + 1, &text[end..]))
}
