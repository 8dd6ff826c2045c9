//! What is known of an unknown value.

use super::number::Number;

/// One end of a number's range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bound {
    pub number: Number,
    pub inclusive: bool,
}

/// Promises about an unknown value. All may be ignored; what is promised must be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refinements {
    /// The value will not be null (false) or will be (true).
    pub null: Option<bool>,
    /// What the string will begin with.
    pub string_prefix: Option<String>,
    pub number_min: Option<Bound>,
    pub number_max: Option<Bound>,
    /// The least number of elements.
    pub length_min: Option<u64>,
    /// The greatest number of elements.
    pub length_max: Option<u64>,
}

impl Refinements {
    /// Whether nothing is known but the type.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
