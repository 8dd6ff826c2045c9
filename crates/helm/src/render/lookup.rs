//! `lookup` against a cluster, from templates that cannot wait.
//!
//! A rendering that asks for an object not fetched yet is thrown away, the object is fetched, and
//! the chart is rendered again, until a rendering asks for nothing new.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::{RenderError, Rendered, Request, render};
use crate::chart::Chart;
use crate::cluster::{Cluster, ObjectRef};
use crate::release::ReleaseError;
use crate::template::World;
use crate::value::{Map, Value};

/// More than any chart's lookups depend on each other.
const ROUNDS_MAX: usize = 8;

/// apiVersion, kind, namespace and name as a template gave them.
type Question = (String, String, String, String);

/// Renders a chart with `lookup` answered by the cluster. `world` gives time and randomness.
///
/// # Errors
/// As [`render`], and what the cluster answers to a lookup other than that there is no such object.
pub async fn render_on(
    cluster: &dyn Cluster,
    chart: &Chart,
    request: &Request<'_>,
    world: &dyn World,
) -> Result<Rendered, ReleaseError> {
    let mut answers = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let looking = Looking { world, answers: &answers, open: Mutex::default() };
        let rendered = render(chart, request, &looking);
        let open = looking.open.into_inner().unwrap_or_else(PoisonError::into_inner);
        if open.is_empty() {
            return Ok(rendered?);
        }
        for question in open {
            let answer = answer(cluster, &question).await?;
            answers.insert(question, answer);
        }
    }
    Err(RenderError::Lookups { rounds: ROUNDS_MAX }.into())
}

struct Looking<'a> {
    world: &'a dyn World,
    answers: &'a BTreeMap<Question, Value>,
    /// What was asked and has no answer yet.
    open: Mutex<BTreeSet<Question>>,
}

impl World for Looking<'_> {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, String> {
        let question = [api_version, kind, namespace, name].map(str::to_owned).into();
        match self.answers.get(&question) {
            // A template may change what it is given.
            Some(answer) => Ok(answer.deep_clone()),
            None => {
                self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(question);
                Ok(Map::new().into())
            }
        }
    }

    fn now(&self) -> jiff::Timestamp {
        self.world.now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.world.fill_random(bytes);
    }
}

async fn answer(cluster: &dyn Cluster, question: &Question) -> Result<Value, ReleaseError> {
    let (api_version, kind, namespace, name) = question;
    let namespace = Some(namespace.as_str()).filter(|namespace| !namespace.is_empty());
    let failed = |source| ReleaseError::Cluster {
        operation: "look up",
        object: format!("{kind} {name:?} of {api_version}"),
        source,
    };
    if name.is_empty() {
        let items = cluster.list(api_version, kind, namespace, "").await.map_err(failed)?;
        let list = json!({ "apiVersion": api_version, "kind": format!("{kind}List"), "items": items });
        return Ok(list.into());
    }
    let found = cluster.get(&ObjectRef::new(api_version, kind, namespace, name)).await;
    Ok(found.map_err(failed)?.map_or_else(|| Map::new().into(), Value::from))
}
