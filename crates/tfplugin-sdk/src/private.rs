//! What a resource keeps between verbs and never shows to the user.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

/// Named JSON values that travel with a resource's state, outside its schema.
///
/// Never a place for secrets: Terraform stores it in the state file as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Private(Map<String, Json>);

impl Private {
    /// The value of a name, or none where it is absent or of another shape (an older version of the
    /// provider wrote it).
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.0.get(name).and_then(|json| serde_json::from_value(json.clone()).ok())
    }

    /// Sets a name to a value.
    ///
    /// # Panics
    /// When the value has no JSON form (a map whose keys are no strings).
    pub fn set<T: Serialize>(&mut self, name: &str, value: &T) {
        let json = serde_json::to_value(value).expect("private values are plain data");
        self.0.insert(name.to_owned(), json);
    }

    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes that Terraform keeps. Nothing is kept as no bytes at all.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return Vec::new();
        }
        serde_json::to_vec(&self.0).expect("a JSON object has a text")
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes).map(Self)
    }
}
