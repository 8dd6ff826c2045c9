//! Numbers of any precision, as exact decimals.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The newtype name under which a number travels as decimal text.
pub(super) const NUMBER: &str = "$tfplugin_sdk::Number";
/// A number whose text would be longer than this is refused: it can only be an attack or a mistake.
const EXPONENT_MAX: i64 = 10_000;

/// An exact decimal: `mantissa × 10^exponent`, the mantissa no multiple of ten.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    mantissa: BigInt,
    exponent: i64,
}

/// Text that is no decimal number within bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no decimal number with an exponent within ±{EXPONENT_MAX}")]
pub struct ParseNumberError(String);

impl Number {
    fn normal(mut mantissa: BigInt, mut exponent: i64) -> Self {
        if mantissa.is_zero() {
            return Self { mantissa, exponent: 0 };
        }
        let ten = BigInt::from(10);
        loop {
            let quotient = &mantissa / &ten;
            if &quotient * &ten != mantissa {
                return Self { mantissa, exponent };
            }
            mantissa = quotient;
            exponent += 1;
        }
    }

    /// Exactly the value of the bits. None for infinities and NaN.
    #[must_use]
    pub fn from_f64_exact(float: f64) -> Option<Self> {
        if !float.is_finite() {
            return None;
        }
        let bits = float.to_bits();
        let raw_exponent = i64::try_from((bits >> 52) & 0x7ff).expect("eleven bits");
        let fraction = bits & 0x000f_ffff_ffff_ffff;
        let (significand, binary) =
            if raw_exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), raw_exponent - 1075) };
        let magnitude = BigInt::from(significand);
        let mantissa = if float.is_sign_negative() { -magnitude } else { magnitude };
        let power = u32::try_from(binary.unsigned_abs()).expect("at most 1074");
        if binary >= 0 {
            Some(Self::normal(mantissa * BigInt::from(2).pow(power), 0))
        } else {
            Some(Self::normal(mantissa * BigInt::from(5).pow(power), binary))
        }
    }

    /// The shortest decimal that reads back as this float: what a person who wrote 0.1 meant.
    /// None for infinities and NaN.
    #[must_use]
    pub fn from_f64_shortest(float: f64) -> Option<Self> {
        if float.is_finite() { float.to_string().parse().ok() } else { None }
    }

    /// The integer, when the number is one that fits.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        self.to_integer()?.to_i64()
    }

    /// The integer, when the number is one that fits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        self.to_integer()?.to_u64()
    }

    fn to_integer(&self) -> Option<BigInt> {
        let exponent = u32::try_from(self.exponent).ok().filter(|exponent| *exponent <= 20)?;
        Some(&self.mantissa * BigInt::from(10).pow(exponent))
    }

    /// The nearest float, infinite when out of range.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent).parse().expect("digits and an exponent")
    }

    /// The float, when it is exactly this number.
    #[must_use]
    pub fn to_f64_exact(&self) -> Option<f64> {
        let float = self.to_f64();
        (Self::from_f64_exact(float).as_ref() == Some(self)).then_some(float)
    }
}

impl FromStr for Number {
    type Err = ParseNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseNumberError(text.chars().take(80).collect());
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i64>().map_err(|_| error())?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, digits.strip_prefix('+').unwrap_or(digits)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = [whole, fraction].concat();
        let scale = i64::try_from(fraction.len()).map_err(|_| error())?;
        let plain = !all.is_empty() && all.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || exponent.abs() > EXPONENT_MAX || all.len() > 2 * EXPONENT_MAX as usize {
            return Err(error());
        }
        let magnitude = BigInt::parse_bytes(all.as_bytes(), 10).ok_or_else(error)?;
        Ok(Self::normal(if negative { -magnitude } else { magnitude }, exponent - scale))
    }
}

impl fmt::Display for Number {
    /// Plain decimal digits, never an exponent.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.mantissa.abs().to_string();
        if self.mantissa.sign() == Sign::Minus {
            out.write_str("-")?;
        }
        let shift = usize::try_from(self.exponent.unsigned_abs()).expect("bounded by EXPONENT_MAX");
        if self.exponent >= 0 {
            write!(out, "{digits}{}", "0".repeat(shift))
        } else if digits.len() > shift {
            let (whole, fraction) = digits.split_at(digits.len() - shift);
            write!(out, "{whole}.{fraction}")
        } else {
            write!(out, "0.{}{digits}", "0".repeat(shift - digits.len()))
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let base = self.exponent.min(other.exponent);
        let scaled = |number: &Self| {
            let power = u32::try_from(number.exponent - base).expect("bounded by EXPONENT_MAX");
            &number.mantissa * BigInt::from(10).pow(power)
        };
        scaled(self).cmp(&scaled(other))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self::normal(integer.into(), 0)
    }
}

impl From<u64> for Number {
    fn from(integer: u64) -> Self {
        Self::normal(integer.into(), 0)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NUMBER, &self.to_string())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NUMBER, NumberVisitor)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Number, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Number, E> {
        Ok(integer.into())
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<Number, E> {
        Ok(integer.into())
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<Number, E> {
        Number::from_f64_shortest(float).ok_or_else(|| E::custom("infinite numbers are not supported"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        text.parse().map_err(E::custom)
    }
}
