//! Go's `time.Time` as templates see it: `{{ now.Year }}`, `{{ (now | dateModify "-1h").Unix }}`.

use std::any::Any;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::{layout, write};
use crate::value::{ConvertError, Object, Signature, Type, Value};

pub(super) const TYPE: &str = "time.Time";

/// RFC 3339 as JSON has it.
const JSON_LAYOUT: &str = "2006-01-02T15:04:05.999999999Z07:00";
/// What `{{ now }}` prints, without Go's monotonic reading.
const DISPLAY_LAYOUT: &str = "2006-01-02 15:04:05.999999999 -0700 MST";

/// A moment in a zone.
#[derive(Clone, Debug)]
pub(super) struct Moment(pub(super) ZonedDateTime);

impl Moment {
    pub(super) fn utc(timestamp: Timestamp) -> Self {
        Self(timestamp.to_zoned_datetime(TimeZone::UTC))
    }

    /// Go's zero time, which is what cannot be read becomes.
    pub(super) fn zero() -> Self {
        let year_one = jiff::civil::date(1, 1, 1).to_zoned_datetime(TimeZone::UTC);
        Self(year_one.unwrap_or_else(|_| Timestamp::UNIX_EPOCH.to_zoned_datetime(TimeZone::UTC)))
    }

    pub(super) fn in_zone(&self, zone: TimeZone) -> Self {
        Self(self.0.timestamp().to_zoned_datetime(zone))
    }

    /// Later by this much; `None` beyond the years that can be written.
    pub(super) fn plus(&self, nanoseconds: i64) -> Option<Self> {
        let moved = self.0.timestamp().as_nanosecond().checked_add(i128::from(nanoseconds))?;
        let timestamp = Timestamp::from_nanosecond(moved).ok()?;
        Some(Self(timestamp.to_zoned_datetime(self.0.time_zone().clone())))
    }

    pub(super) fn format(&self, text: &str) -> String {
        write::format(&self.0, &layout::parts(text))
    }

    /// The moment that a value holds, if it holds one.
    pub(super) fn of(value: &Value) -> Option<&Self> {
        let Value::Object(object) = value else { return None };
        let object: &dyn Any = object.as_ref();
        object.downcast_ref()
    }

    fn add_date(&self, [years, months, days]: [i64; 3]) -> Option<Self> {
        // Go normalises: the 31st of a month with 30 days is the 1st of the next.
        let now = self.0.datetime();
        let month = i64::from(now.month()) - 1 + months;
        let year = i64::from(now.year()).checked_add(years)?.checked_add(month.div_euclid(12))?;
        let month = i8::try_from(month.rem_euclid(12) + 1).ok()?;
        let first = jiff::civil::Date::new(i16::try_from(year).ok()?, month, 1).ok()?;
        let days = i32::try_from(days.checked_add(i64::from(now.day()) - 1)?).ok()?;
        let span = jiff::Span::new().try_days(days).ok()?;
        let date = first.checked_add(span).ok()?;
        Some(Self(date.to_datetime(now.time()).to_zoned_datetime(self.0.time_zone().clone()).ok()?))
    }
}

impl Object for Moment {
    fn type_name(&self) -> &str {
        TYPE
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let fixed: &'static [Type] = match name {
            "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" | "Year" | "Month" | "Day" | "Hour"
            | "Minute" | "Second" | "Nanosecond" | "Weekday" | "YearDay" | "UTC" | "Local" | "String"
            | "IsZero" => &[],
            "Format" => &[Type::String],
            "AddDate" => &[Type::Int, Type::Int, Type::Int],
            "After" | "Before" | "Equal" => &[Type::Object(TYPE)],
            _ => return None,
        };
        Some(Signature { fixed, rest: None })
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, String> {
        let (time, stamp) = (&self.0, self.0.timestamp());
        let number = |number: i128| Value::Int64(number as i64);
        let int = |number: i64| Value::Int(number);
        let other = || arguments.first().and_then(Self::of).map_or(stamp, |other| other.0.timestamp());
        Ok(match name {
            "Unix" => Value::Int64(stamp.as_nanosecond().div_euclid(1_000_000_000) as i64),
            "UnixMilli" => number(stamp.as_nanosecond().div_euclid(1_000_000)),
            "UnixMicro" => number(stamp.as_nanosecond().div_euclid(1_000)),
            "UnixNano" => number(stamp.as_nanosecond()),
            "Year" => int(time.year().into()),
            "Month" => self.format("January").into(),
            "Weekday" => self.format("Monday").into(),
            "Day" => int(time.day().into()),
            "Hour" => int(time.hour().into()),
            "Minute" => int(time.minute().into()),
            "Second" => int(time.second().into()),
            "Nanosecond" => int(time.subsec_nanosecond().into()),
            "YearDay" => int(time.day_of_year().into()),
            "UTC" | "Local" => Value::object(self.in_zone(TimeZone::UTC)),
            "IsZero" => Value::Bool(stamp == Self::zero().0.timestamp()),
            "Format" => self.format(arguments.first().and_then(Value::as_str).unwrap_or_default()).into(),
            "After" => Value::Bool(stamp > other()),
            "Before" => Value::Bool(stamp < other()),
            "Equal" => Value::Bool(stamp == other()),
            "AddDate" => {
                let parts = [0, 1, 2].map(|index| match arguments.get(index) {
                    Some(Value::Int(number)) => *number,
                    _ => 0,
                });
                let moved = self.add_date(parts).ok_or("the date is beyond the years that can be written")?;
                Value::object(moved)
            }
            _ => self.display().into(),
        })
    }

    fn display(&self) -> String {
        self.format(DISPLAY_LAYOUT)
    }

    fn to_plain(&self) -> Result<Value, ConvertError> {
        Ok(self.format(JSON_LAYOUT).into())
    }
}
