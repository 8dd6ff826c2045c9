//! A set of field paths, in the tree form that managedFields prints.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Paths below one field. A path element is kept in its printed form: `f:name`, `k:{"name":"redis"}` or `v:"x"`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSet {
    pub(super) children: BTreeMap<String, Node>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Node {
    /// Whether the path that ends here is itself in the set.
    pub(super) is_member: bool,
    pub(super) below: FieldSet,
}

impl FieldSet {
    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    pub fn insert(&mut self, path: &[String]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = self.children.entry(first.clone()).or_default();
        if rest.is_empty() {
            node.is_member = true;
        } else {
            node.below.insert(rest);
        }
    }

    pub fn remove(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else { return };
        let Some(node) = self.children.get_mut(*first) else { return };
        if rest.is_empty() {
            node.is_member = false;
        } else {
            node.below.remove(rest);
        }
        if !node.is_member && node.below.is_empty() {
            self.children.remove(*first);
        }
    }

    pub fn union(mut self, other: &Self) -> Self {
        for (element, node) in &other.children {
            let mine = self.children.remove(element).unwrap_or_default();
            let joined =
                Node { is_member: mine.is_member || node.is_member, below: mine.below.union(&node.below) };
            self.children.insert(element.clone(), joined);
        }
        self
    }

    /// The paths of this set that are not in the other.
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine && !theirs)
    }

    /// The paths that are in both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine && theirs)
    }

    fn combine(&self, other: &Self, rule: fn(bool, bool) -> bool) -> Self {
        let nothing = Node::default();
        let mut children = BTreeMap::new();
        for (element, node) in &self.children {
            let theirs = other.children.get(element).unwrap_or(&nothing);
            let is_member = rule(node.is_member, theirs.is_member);
            let below = node.below.combine(&theirs.below, rule);
            if is_member || !below.is_empty() {
                children.insert(element.clone(), Node { is_member, below });
            }
        }
        Self { children }
    }

    /// Every path, printed as conflicts print it: `.spec.containers[name="redis"].image`.
    pub fn printed_paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_paths("", &mut found);
        found
    }

    fn collect_paths(&self, prefix: &str, found: &mut Vec<String>) {
        for (element, node) in &self.children {
            let path = format!("{prefix}{}", print_element(element));
            node.below.collect_paths(&path, found);
            if node.is_member {
                found.push(path);
            }
        }
    }

    /// The fieldsV1 form.
    pub fn as_json(&self) -> Value {
        let mut map = Map::new();
        for (element, node) in &self.children {
            let mut below = node.below.as_json();
            if node.is_member
                && !node.below.is_empty()
                && let Some(below) = below.as_object_mut()
            {
                below.shift_insert(0, ".".to_owned(), json!({}));
            }
            map.insert(element.clone(), below);
        }
        Value::Object(map)
    }

    /// Reads the fieldsV1 form.
    pub fn parse(fields: &Value) -> Self {
        let mut set = Self::default();
        for (element, below) in
            fields.as_object().into_iter().flatten().filter(|(element, _)| *element != ".")
        {
            let inner = Self::parse(below);
            let is_member = inner.is_empty() || below.get(".").is_some();
            set.children.insert(element.clone(), Node { is_member, below: inner });
        }
        set
    }
}

fn print_element(element: &str) -> String {
    match element.split_at_checked(2) {
        Some(("f:", name)) => format!(".{name}"),
        Some(("v:", value)) => format!("[={value}]"),
        Some(("k:", keys)) => {
            let parsed: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let shown: Vec<_> = parsed.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("[{}]", shown.join(","))
        }
        _ => format!("[{element}]"),
    }
}
