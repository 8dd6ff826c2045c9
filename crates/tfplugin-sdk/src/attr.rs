//! One value that may be not known yet: the leaf of every model.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The newtype name under which a deserializer of ours offers unknown, null or a value.
pub(crate) const ATTR: &str = "$tfplugin_sdk::Attr";
/// The unit struct name under which an unknown value is written.
pub(crate) const UNKNOWN: &str = "$tfplugin_sdk::Unknown";

/// A value of a configuration, a plan or a state. Terraform gives it a value, leaves it out, or
/// says that only apply will tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attr<T> {
    /// Only apply will tell.
    Unknown,
    /// Left out.
    #[default]
    Null,
    Known(T),
}

impl<T> Attr<T> {
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// The value, when there is one now.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown | Self::Null => None,
        }
    }

    pub fn known_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown | Self::Null => None,
        }
    }

    /// The value, when there is one now.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown | Self::Null => None,
        }
    }

    pub fn as_ref(&self) -> Attr<&T> {
        match self {
            Self::Unknown => Attr::Unknown,
            Self::Null => Attr::Null,
            Self::Known(value) => Attr::Known(value),
        }
    }

    /// The same knowledge about another value.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Attr<U> {
        match self {
            Self::Unknown => Attr::Unknown,
            Self::Null => Attr::Null,
            Self::Known(value) => Attr::Known(convert(value)),
        }
    }

    pub fn and_then<U>(self, convert: impl FnOnce(T) -> Attr<U>) -> Attr<U> {
        match self {
            Self::Unknown => Attr::Unknown,
            Self::Null => Attr::Null,
            Self::Known(value) => convert(value),
        }
    }

    /// This, or `other` where this was left out. An unknown stays unknown.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self.is_null() { other } else { self }
    }

    /// This, or a known value where this was left out. An unknown stays unknown.
    #[must_use]
    pub fn or_value(self, value: T) -> Self {
        self.or(Self::Known(value))
    }

    /// This, or what `resolve` gives where this was unknown.
    #[must_use]
    pub fn or_resolve(self, resolve: impl FnOnce() -> Self) -> Self {
        if self.is_unknown() { resolve() } else { self }
    }

    pub fn unwrap_or(self, default: T) -> T {
        self.into_option().unwrap_or(default)
    }

    pub fn unwrap_or_else(self, default: impl FnOnce() -> T) -> T {
        self.into_option().unwrap_or_else(default)
    }

    pub fn unwrap_or_default(self) -> T
    where
        T: Default,
    {
        self.into_option().unwrap_or_default()
    }

    /// Whether the value is known and equal to this.
    pub fn is(&self, value: &T) -> bool
    where
        T: PartialEq,
    {
        self.known() == Some(value)
    }
}

impl Attr<String> {
    /// The text, when there is one now.
    pub fn as_str(&self) -> Option<&str> {
        self.known().map(String::as_str)
    }
}

impl<T: Clone> Attr<&T> {
    pub fn cloned(self) -> Attr<T> {
        self.map(Clone::clone)
    }
}

impl<T> From<T> for Attr<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> From<Option<T>> for Attr<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

impl From<&str> for Attr<String> {
    fn from(value: &str) -> Self {
        Self::Known(value.to_owned())
    }
}

impl<T: Serialize> Serialize for Attr<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown => serializer.serialize_unit_struct(UNKNOWN),
            Self::Null => serializer.serialize_none(),
            Self::Known(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Attr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(ATTR, AttrVisitor(PhantomData))
    }
}

struct AttrVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AttrVisitor<T> {
    type Value = Attr<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value, null or unknown")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Attr::Unknown)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Attr::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        T::deserialize(deserializer).map(Attr::Known)
    }

    /// A deserializer that is not ours, such as serde_json, has no unknown and passes through.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Option::<T>::deserialize(deserializer).map(Attr::from)
    }
}

/// What a model is: plain data of [`Attr`] leaves that serde can read and write.
pub trait Model: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Model for T {}
