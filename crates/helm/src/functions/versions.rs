//! Semantic versions.

use super::{Function, FunctionError, STRING, boolean, fixed, text_of};
use crate::template::format::{plain, quote};
use crate::value::{ConvertError, Object, Signature, Type, Value};
use crate::version::{Range, Version};

const TYPE: &str = "*semver.Version";

pub(super) const TABLE: &[Function] = &[
    fixed("semver", &[STRING], |arguments| {
        Ok(Value::object(SemanticVersion(parse(text_of(&arguments[0]))?)))
    }),
    fixed("semverCompare", &[STRING, STRING], |arguments| {
        let constraint = text_of(&arguments[0]);
        let range = Range::parse(constraint)
            .ok_or_else(|| FunctionError::from(format!("improper constraint: {constraint}")))?;
        boolean(range.contains(&parse(text_of(&arguments[1]))?))
    }),
];

fn parse(text: &str) -> Result<Version, FunctionError> {
    Version::parse(text).ok_or_else(|| match text {
        "" => FunctionError::from("version string empty"),
        _ => FunctionError::from("invalid semantic version"),
    })
}

#[derive(Debug)]
struct SemanticVersion(Version);

impl SemanticVersion {
    /// A changed copy without what stands behind the numbers.
    fn with(&self, change: impl FnOnce(&mut Version)) -> Result<Value, String> {
        let mut next = self.0.clone();
        change(&mut next);
        (next.pre, next.metadata) = (String::new(), String::new());
        self.read(&next.to_string())
    }

    fn labelled(&self, pre: &str, metadata: &str) -> Result<Value, String> {
        let numbers = format!("{}.{}.{}", self.0.major, self.0.minor, self.0.patch);
        let part =
            |mark: char, text: &str| if text.is_empty() { String::new() } else { format!("{mark}{text}") };
        self.read(&format!("{numbers}{}{}", part('-', pre), part('+', metadata)))
    }

    /// A version in the spelling of this one: with its `v`, if it has one.
    fn read(&self, text: &str) -> Result<Value, String> {
        let v = if self.0.original.starts_with('v') { "v" } else { "" };
        let version = Version::parse(&format!("{v}{text}")).ok_or("invalid prerelease or metadata string")?;
        Ok(Value::object(Self(version)))
    }
}

impl Object for SemanticVersion {
    fn type_name(&self) -> &str {
        TYPE
    }

    fn kind_name(&self) -> &str {
        "ptr"
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let fixed: &'static [Type] = match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" | "IncMajor"
            | "IncMinor" | "IncPatch" => &[],
            "SetPrerelease" | "SetMetadata" => &[Type::String],
            "Compare" | "Equal" | "LessThan" | "GreaterThan" => &[Type::Object(TYPE)],
            _ => return None,
        };
        Some(Signature { fixed, rest: None })
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, String> {
        let text = arguments.first().map(plain).unwrap_or_default();
        let number = |number: u64| Value::Int64(i64::try_from(number).unwrap_or(i64::MAX));
        let order = || -> Result<std::cmp::Ordering, String> {
            let other = Version::parse(&text).ok_or_else(|| format!("{} is no version", quote(&text)))?;
            Ok(self.0.precedence(&other))
        };
        Ok(match name {
            "Major" => number(self.0.major),
            "Minor" => number(self.0.minor),
            "Patch" => number(self.0.patch),
            "Prerelease" => Value::from(self.0.pre.as_str()),
            "Metadata" => Value::from(self.0.metadata.as_str()),
            "Original" => Value::from(self.0.original.as_str()),
            "Compare" => Value::Int(order()? as i64),
            "Equal" => Value::Bool(order()?.is_eq()),
            "LessThan" => Value::Bool(order()?.is_lt()),
            "GreaterThan" => Value::Bool(order()?.is_gt()),
            "IncMajor" => self.with(|next| (next.major, next.minor, next.patch) = (next.major + 1, 0, 0))?,
            "IncMinor" => self.with(|next| (next.minor, next.patch) = (next.minor + 1, 0))?,
            // A pre-release is before its version: the next patch is the version itself.
            "IncPatch" => self.with(|next| next.patch += u64::from(self.0.pre.is_empty()))?,
            "SetPrerelease" => self.labelled(&text, &self.0.metadata)?,
            "SetMetadata" => self.labelled(&self.0.pre, &text)?,
            _ => Value::from(self.display()),
        })
    }

    fn display(&self) -> String {
        self.0.to_string()
    }

    fn to_plain(&self) -> Result<Value, ConvertError> {
        Ok(Value::from(self.0.original.as_str()))
    }
}
