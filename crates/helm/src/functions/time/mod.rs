//! Dates and durations. The time of now comes from the [`World`](crate::template::World).
//!
//! Go's `Local` is UTC here, so that a chart renders alike wherever it is rendered; the names of
//! zones are those of the tz database, and an unknown one is UTC, as in Sprig.

mod duration;
mod layout;
mod moment;
mod read;
mod write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{ANY, Answer, Function, Host, STRING, fixed, hosted, string, text_of};
use crate::value::{Type, Value};
use moment::Moment;

const TIME: Type = Type::Object(moment::TYPE);
const DATE_LAYOUT: &str = "2006-01-02";

pub(super) const TABLE: &[Function] = &[
    hosted("now", &[], None, |host, _| Ok(Value::object(Moment::utc(host.world().now())))),
    hosted("date", &[STRING, ANY], None, |host, arguments| {
        string(moment_of(host, &arguments[1]).in_zone(TimeZone::UTC).format(text_of(&arguments[0])))
    }),
    hosted("dateInZone", &[STRING, ANY, STRING], None, date_in_zone),
    hosted("date_in_zone", &[STRING, ANY, STRING], None, date_in_zone),
    hosted("htmlDate", &[ANY], None, |host, arguments| {
        string(moment_of(host, &arguments[0]).in_zone(TimeZone::UTC).format(DATE_LAYOUT))
    }),
    hosted("htmlDateInZone", &[ANY, STRING], None, |host, arguments| {
        string(moment_of(host, &arguments[0]).in_zone(zone(&arguments[1])).format(DATE_LAYOUT))
    }),
    fixed("dateModify", &[STRING, TIME], |arguments| modify(arguments).or_else(|_| Ok(arguments[1].clone()))),
    fixed("date_modify", &[STRING, TIME], |arguments| {
        modify(arguments).or_else(|_| Ok(arguments[1].clone()))
    }),
    fixed("mustDateModify", &[STRING, TIME], modify),
    fixed("must_date_modify", &[STRING, TIME], modify),
    hosted("ago", &[ANY], None, |host, arguments| {
        let then = moment_of(host, &arguments[0]).0.timestamp().as_nanosecond();
        string(duration::format(round_to_seconds(host.world().now().as_nanosecond() - then)))
    }),
    fixed("duration", &[ANY], |arguments| {
        string(duration::format(i128::from(seconds_of(&arguments[0])) * NANOSECONDS))
    }),
    hosted("durationRound", &[ANY], None, round_duration),
    fixed("toDate", &[STRING, STRING], |arguments| {
        Ok(Value::object(to_date(arguments).unwrap_or_else(|_| Moment::zero())))
    }),
    fixed("mustToDate", &[STRING, STRING], |arguments| Ok(Value::object(to_date(arguments)?))),
    fixed("unixEpoch", &[TIME], |arguments| {
        let time = Moment::of(&arguments[0]).cloned().unwrap_or_else(Moment::zero);
        string(time.0.timestamp().as_nanosecond().div_euclid(NANOSECONDS).to_string())
    }),
];

const NANOSECONDS: i128 = 1_000_000_000;

/// A time, or the seconds since 1970; anything else is now.
fn moment_of(host: &dyn Host, value: &Value) -> Moment {
    let seconds = match value {
        Value::Int(seconds) | Value::Int64(seconds) => Timestamp::from_second(*seconds).ok(),
        _ => None,
    };
    match (Moment::of(value), seconds) {
        (Some(moment), _) => moment.clone(),
        (None, Some(timestamp)) => Moment::utc(timestamp),
        (None, None) => Moment::utc(host.world().now()),
    }
}

fn zone(name: &Value) -> TimeZone {
    TimeZone::get(text_of(name)).unwrap_or(TimeZone::UTC)
}

fn date_in_zone(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    let moment = moment_of(host, &arguments[1]).in_zone(zone(&arguments[2]));
    string(moment.format(text_of(&arguments[0])))
}

fn modify(arguments: &[Value]) -> Answer {
    let by = duration::parse(text_of(&arguments[0]))?;
    let time = Moment::of(&arguments[1]).cloned().unwrap_or_else(Moment::zero);
    Ok(Value::object(time.plus(by).ok_or("the time is beyond the years that can be written")?))
}

fn to_date(arguments: &[Value]) -> Result<Moment, String> {
    read::parse(text_of(&arguments[0]), text_of(&arguments[1]))
}

fn round_to_seconds(nanoseconds: i128) -> i128 {
    let half = if nanoseconds < 0 { -NANOSECONDS / 2 } else { NANOSECONDS / 2 };
    (nanoseconds + half) / NANOSECONDS * NANOSECONDS
}

/// Sprig reads texts and `int64`, and nothing else.
fn seconds_of(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.parse().unwrap_or(0),
        Value::Int64(seconds) => *seconds,
        _ => 0,
    }
}

/// The largest unit that a duration exceeds: `2h`, `3mo`.
fn round_duration(host: &mut dyn Host, arguments: &[Value]) -> Answer {
    let nanoseconds = match &arguments[0] {
        Value::String(text) => i128::from(duration::parse(text).unwrap_or(0)),
        Value::Int64(nanoseconds) => i128::from(*nanoseconds),
        other => match Moment::of(other) {
            Some(then) => host.world().now().as_nanosecond() - then.0.timestamp().as_nanosecond(),
            None => 0,
        },
    };
    const HOUR: u128 = 3_600_000_000_000;
    let units = [
        ("y", HOUR * 24 * 365),
        ("mo", HOUR * 24 * 30),
        ("d", HOUR * 24),
        ("h", HOUR),
        ("m", HOUR / 60),
        ("s", HOUR / 3600),
    ];
    let total = nanoseconds.unsigned_abs();
    let largest = units.iter().find(|(_, size)| total > *size);
    string(largest.map_or_else(|| "0s".to_owned(), |(unit, size)| format!("{}{unit}", total / size)))
}

/// A date and time with an offset, as TOML writes them; `None` for what has none.
pub(super) fn from_rfc3339(text: &str) -> Option<Value> {
    read::parse("2006-01-02T15:04:05Z07:00", text).ok().map(Value::object)
}
