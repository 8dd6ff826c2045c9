//! Where in a resource a value lives, as diagnostics and replacements name it.

use std::fmt;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An attribute of an object.
    Attribute(String),
    /// A key of a map.
    ElementKey(String),
    /// A position in a list or tuple.
    ElementIndex(i64),
}

impl From<&str> for Step {
    fn from(name: &str) -> Self {
        Self::Attribute(name.to_owned())
    }
}

impl From<String> for Step {
    fn from(name: String) -> Self {
        Self::Attribute(name)
    }
}

impl From<i64> for Step {
    fn from(index: i64) -> Self {
        Self::ElementIndex(index)
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::ElementIndex(i64::try_from(index).expect("a collection's length fits an i64"))
    }
}

/// A path from the root of a resource or provider configuration. The empty path is the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributePath(pub Vec<Step>);

impl AttributePath {
    /// The whole object.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// This path and one attribute more.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>) -> Self {
        self.step(Step::Attribute(name.into()))
    }

    /// This path and one map key more.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.step(Step::ElementKey(key.into()))
    }

    /// This path and one list position more.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.step(Step::from(index))
    }

    /// This path and one step more.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// Whether the path names the whole object.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for AttributePath {
    /// As Terraform prints it: `gke.node_pool.taints[0].key`, `labels["app"]`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => out.write_str(name)?,
                Step::Attribute(name) => write!(out, ".{name}")?,
                Step::ElementKey(key) => write!(out, "[{key:?}]")?,
                Step::ElementIndex(index) => write!(out, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A path from attribute names and list positions: `path!["gke", "node_pool", "taints", 0, "key"]`.
/// A map key is written as `Step::ElementKey(…)` through [`AttributePath::key`].
#[macro_export]
macro_rules! path {
    ($($step:expr),* $(,)?) => {
        $crate::AttributePath(vec![$($crate::Step::from($step)),*])
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_terraform_does() {
        let path = path!["gke", "node_pool", "taints", 0_usize, "labels"].key("a/b");
        assert_eq!(path.to_string(), r#"gke.node_pool.taints[0].labels["a/b"]"#);
        assert_eq!(AttributePath::root().to_string(), "");
    }
}
