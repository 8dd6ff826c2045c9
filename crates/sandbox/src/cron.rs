//! Schedules as cron writes them: five fields, `@hourly` and its kin, `@every 90s`. Mirrors robfig/cron's standard
//! parser, which Kubernetes uses, its messages included.

use jiff::civil::{Date, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// A time that no schedule names within this many days never comes (29 February on a weekday included).
const DAYS_AHEAD_MAX: usize = 366 * 30;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schedule {
    Fields(Fields),
    /// Whole seconds, at least one.
    Every(SignedDuration),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The numbers that a field names, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    bits: u64,
    is_star: bool,
}

impl Field {
    fn has(self, number: i8) -> bool {
        self.bits & (1 << number) != 0
    }
}

impl Schedule {
    /// Reads a schedule; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let spelled = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        if let Some(duration) = spelled.strip_prefix("@every ") {
            return parse_duration(duration).map(Self::Every).ok_or_else(|| {
                format!("failed to parse duration {text}: time: invalid duration \"{duration}\"")
            });
        }
        if spelled.starts_with('@') {
            return Err(format!("unrecognized descriptor: {text}"));
        }
        let fields: Vec<&str> = spelled.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            let (found, list) = (fields.len(), fields.join(" "));
            return Err(format!("expected exactly 5 fields, found {found}: [{list}]"));
        };
        Ok(Self::Fields(Fields {
            minutes: parse_field(minutes, 0, 59, &[])?,
            hours: parse_field(hours, 0, 23, &[])?,
            days: parse_field(days, 1, 31, &[])?,
            months: parse_field(months, 1, 12, &MONTHS)?,
            weekdays: parse_field(weekdays, 0, 6, &WEEKDAYS)?,
        }))
    }

    /// The first time after another, none if it never comes.
    pub(crate) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(period) => Some(Timestamp::from_second(after.as_second()).ok()? + *period),
            Self::Fields(fields) => fields.next(after, zone),
        }
    }

    /// The newest time after one and not after another.
    pub(crate) fn newest(&self, after: Timestamp, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if let Self::Every(period) = self {
            let first = self.next(after, zone).filter(|first| *first <= until)?;
            let periods = (until.as_second() - first.as_second()) / period.as_secs();
            return Timestamp::from_second(first.as_second() + periods * period.as_secs()).ok();
        }
        // From near the end backwards, so that a schedule that was silent for months is not counted through.
        let mut reach = SignedDuration::from_hours(1);
        loop {
            let from = after.max(until.checked_sub(reach).unwrap_or(after));
            let times = std::iter::successors(self.next(from, zone), |time| self.next(*time, zone));
            let found = times.take_while(|time| *time <= until).last();
            if found.is_some() || from == after {
                return found;
            }
            reach *= 24;
        }
    }
}

impl Fields {
    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let start = zone.to_datetime(after);
        let mut day = start.date();
        for _ in 0..DAYS_AHEAD_MAX {
            if self.names(day) {
                for minute in (0..24 * 60).filter(|minute| self.names_minute(*minute)) {
                    let (hour, minute) = (minute / 60, minute % 60);
                    let moment = day.to_datetime(time(hour as i8, minute as i8, 0, 0));
                    let found = zone.to_ambiguous_timestamp(moment).compatible().ok()?;
                    if found > after {
                        return Some(found);
                    }
                }
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }

    fn names_minute(&self, minute: i16) -> bool {
        self.hours.has((minute / 60) as i8) && self.minutes.has((minute % 60) as i8)
    }

    /// Where both days are restricted, one of them is enough.
    fn names(&self, day: Date) -> bool {
        let by_day = self.days.has(day.day());
        let by_weekday = self.weekdays.has(day.weekday().to_sunday_zero_offset());
        let is_one_free = self.days.is_star || self.weekdays.is_star;
        self.months.has(day.month()) && if is_one_free { by_day && by_weekday } else { by_day || by_weekday }
    }
}

/// `*`, `5`, `mon-fri`, `*/15`, `8-18/2`, and lists of those.
fn parse_field(text: &str, lowest: u32, highest: u32, names: &[&str]) -> Result<Field, String> {
    let mut field = Field { bits: 0, is_star: false };
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let number = |word: &str| {
            let named = names.iter().position(|name| name.eq_ignore_ascii_case(word));
            let named =
                named.and_then(|position| u32::try_from(position).ok()).map(|position| position + lowest);
            named.or_else(|| word.parse().ok()).ok_or_else(|| {
                format!("failed to parse int from {word}: strconv.Atoi: parsing \"{word}\": invalid syntax")
            })
        };
        let is_star = matches!(range, "*" | "?");
        let (first, last) = match range.split_once('-') {
            _ if is_star => (lowest, highest),
            Some((first, last)) => (number(first)?, number(last)?),
            None => {
                let first = number(range)?;
                (first, if step.is_some() { highest } else { first })
            }
        };
        let step = step.map_or(Ok(1), number)?;
        if first < lowest {
            return Err(format!("beginning of range ({first}) below minimum ({lowest}): {part}"));
        }
        if last > highest {
            return Err(format!("end of range ({last}) above maximum ({highest}): {part}"));
        }
        if first > last {
            return Err(format!("beginning of range ({first}) beyond end of range ({last}): {part}"));
        }
        if step == 0 {
            return Err(format!("step of range should be a positive number: {part}"));
        }
        field.is_star |= is_star && step == 1;
        for number in (first..=last).step_by(step as usize) {
            field.bits |= 1 << number;
        }
    }
    Ok(field)
}

/// Go's durations, in whole seconds.
fn parse_duration(text: &str) -> Option<SignedDuration> {
    let mut seconds = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let amount: i64 = rest[..end].parse().ok()?;
        let unit_seconds = match rest[end..].chars().next()? {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds += amount.checked_mul(unit_seconds)?;
        rest = &rest[end + 1..];
    }
    (!text.is_empty()).then(|| SignedDuration::from_secs(seconds.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next times of a schedule, and the newest of a span.
    fn check(schedule: &str, zone: &str, after: &str, expected: &[&str]) {
        let zone = TimeZone::get(zone).expect("a zone");
        let schedule = Schedule::parse(schedule).expect("a schedule");
        let after: Timestamp = after.parse().expect("a time");
        let times = std::iter::successors(schedule.next(after, &zone), |time| schedule.next(*time, &zone));
        let times: Vec<_> = times.take(expected.len()).collect();
        assert_eq!(times.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        let (first, last) = (times.first().copied(), times.last().copied());
        assert_eq!(last.and_then(|last| schedule.newest(after, last, &zone)), last);
        assert_eq!(first.and_then(|first| schedule.newest(first, first, &zone)), None);
    }

    #[test]
    fn the_next_time_follows_from_the_fields() {
        let new_year = "2026-01-01T00:00:00Z";
        check(
            "*/20 * * * *",
            "UTC",
            new_year,
            &["2026-01-01T00:20:00Z", "2026-01-01T00:40:00Z", "2026-01-01T01:00:00Z"],
        );
        check(
            "30 8-18/5 * * mon-fri",
            "UTC",
            "2026-01-02T13:30:00Z",
            &["2026-01-02T18:30:00Z", "2026-01-05T08:30:00Z"],
        );
        // A day of the month or one of the week, where both are named.
        check(
            "0 0 13 * FRI",
            "UTC",
            new_year,
            &["2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z"],
        );
        check("0 0 29 2 *", "UTC", new_year, &["2028-02-29T00:00:00Z"]);
        check("@monthly", "UTC", new_year, &["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]);
        check("@every 1m30s", "UTC", new_year, &["2026-01-01T00:01:30Z", "2026-01-01T00:03:00Z"]);
        check("0 9 * * *", "Asia/Taipei", new_year, &["2026-01-01T01:00:00Z", "2026-01-02T01:00:00Z"]);
    }

    #[test]
    fn a_time_that_never_comes_is_none() {
        let never = Schedule::parse("0 0 31 2 *").expect("a schedule");
        assert_eq!(never.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_the_reason() {
        for (text, why) in [
            ("* * *", "expected exactly 5 fields, found 3: [* * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("@often", "unrecognized descriptor: @often"),
            ("@every soon", "failed to parse duration @every soon: time: invalid duration \"soon\""),
        ] {
            assert_eq!(Schedule::parse(text), Err(why.to_owned()));
        }
    }
}
