//! YAML as Helm reads and writes it: version 1.1, by way of JSON's data model.
//!
//! In: text. Out: [`Value`](crate::value::Value)s whose maps have string keys and whose numbers are all `float64`; and
//! the other way round, text with sorted keys. Deliberately absent: comments, custom tags, anything
//! that JSON cannot say.
//!
//! ```
//! use helm::yaml;
//!
//! let value = yaml::parse("port: 0x1F\nenabled: yes\nname: '017'\n")?;
//! assert_eq!(yaml::to_yaml(&value)?, "enabled: true\nname: \"017\"\nport: 31\n");
//! assert_eq!(yaml::parse_documents("a: 1\n---\nb: 2\n")?.len(), 2);
//! let error = yaml::parse("a: [").unwrap_err();
//! assert!(error.to_string().starts_with("error converting YAML to JSON: yaml: line 1:"), "{error}");
//! # Ok::<(), yaml::YamlError>(())
//! ```

mod astral;
mod emit;
mod key_order;
mod load;
mod pretty;
mod scalar;

pub use emit::to_yaml;
pub use load::{parse, parse_documents};
pub use pretty::to_yaml_pretty;

use crate::value::ConvertError;

/// Why text is not YAML that Helm would read, or a value cannot be written as YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// In the words that Helm's library uses.
    #[error("error converting YAML to JSON: yaml: {message}")]
    Syntax { message: String },
    /// A construct that JSON has no form for.
    #[error("error converting YAML to JSON: {message}")]
    NotJson { message: String },
    #[error("error marshaling into YAML: {0}")]
    Convert(#[from] ConvertError),
    #[error("error marshaling into YAML: yaml: {message}")]
    Emit { message: String },
}
