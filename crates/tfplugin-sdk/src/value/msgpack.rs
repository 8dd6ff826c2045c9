//! Values as msgpack, the form in which they travel.

mod decode;
mod encode;

pub use decode::from_msgpack;
pub use encode::to_msgpack;

use super::conform::conform;
use super::types::Type;
use super::{Value, ValueError};

/// The extension that says unknown and nothing more.
const PLAIN_UNKNOWN: i8 = 0;
/// The extension whose payload is a map of refinements.
const REFINED_UNKNOWN: i8 = 12;

/// The keys of the refinements' map.
mod refinement_key {
    pub(super) const NULL: u64 = 1;
    pub(super) const STRING_PREFIX: u64 = 2;
    pub(super) const NUMBER_MIN: u64 = 3;
    pub(super) const NUMBER_MAX: u64 = 4;
    pub(super) const LENGTH_MIN: u64 = 5;
    pub(super) const LENGTH_MAX: u64 = 6;
}

/// A value with the type it has, as bytes of the dynamic type.
pub(super) fn to_dynamic_bytes(value: &Value) -> Result<Vec<u8>, ValueError> {
    to_msgpack(&conform(value.clone(), &Type::Dynamic)?, &Type::Dynamic)
}
