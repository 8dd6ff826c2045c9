//! What create and update have in common: observe, compute the steps, execute them, look again.

use std::time::Duration;

use tfplugin_sdk::value::{Value, from_value, to_value};
use tfplugin_sdk::{Attr, Context, Diagnostics, Outcome, Private};
use tokio::time::Instant;

use super::clients::Clients;
use super::config::Config;
use super::diagnostics::failed;
use super::error::Error;
use super::execute::{Work, execute};
use super::fingerprint::{self, Progress};
use super::gather::{Here, gather};
use super::model::Model;
use super::observe::{observe, observe_and_judge};
use super::planning::{meant, next_revision, remember_applied};
use super::read::remember;
use super::refresh::refresh;
use super::resolve::{Revision, resolve};
use super::site::Site;
use super::steps::{Shown, steps};
use super::{cluster_schema, read};
use crate::kubernetes::Password;

/// One create or update at work.
pub struct Convergence<'a> {
    pub ctx: &'a Context,
    pub clients: &'a Clients,
    pub prior: Option<&'a Model>,
    pub planned: &'a Model,
    /// What the user wrote, with the password that he brought.
    pub config: &'a Model,
    pub private: Private,
    pub shown: Shown,
    pub limit: Duration,
}

/// How far it came.
pub enum Reached {
    /// Nothing was changed.
    Nothing(Diagnostics),
    /// Something may have been changed, and this went wrong.
    Part(Site, Diagnostics),
    All(Site),
}

impl Convergence<'_> {
    pub async fn run(&mut self, progress: Progress) -> Reached {
        let deadline = Instant::now() + self.limit;
        let doing = if progress == Progress::Creating { "create the cluster" } else { "update the cluster" };
        let (site, config) = match self.prepare().await {
            Ok(prepared) => prepared,
            Err(diagnostics) => return Reached::Nothing(diagnostics),
        };
        let resumes = match self.begin(&site, &config, progress, deadline).await {
            Ok(resumes) => resumes,
            Err(error) => return Reached::Nothing(failed(doing, &error)),
        };
        match Box::pin(self.work(&site, &config, resumes, deadline)).await {
            Ok(()) => Reached::All(site),
            // A state of what is another's would have the next apply destroy it.
            Err(error) if progress == Progress::Creating && error.is_lost_race() => {
                Reached::Nothing(failed(doing, &error))
            }
            Err(error) => Reached::Part(site, failed(doing, &error)),
        }
    }

    async fn prepare(&mut self) -> Result<(Site, Config), Diagnostics> {
        let gathered = gather(self.clients, self.config, self.prior, &mut self.private).await?;
        let revision = self.prior.map_or(Revision::FIRST, next_revision);
        let meant = meant(self.prior, &self.private);
        let config = resolve(self.config, meant.as_ref(), &gathered, revision, &Here)?;
        let site = read::site(self.clients, self.planned).await;
        Ok((site.map_err(|error| failed("reach the cluster", &error))?, config))
    }

    /// Refuses to touch what exists and is not ours, and leaves the mark by which a later run
    /// recognises this one. Returns whether an earlier run was interrupted.
    async fn begin(
        &self,
        site: &Site,
        config: &Config,
        progress: Progress,
        deadline: Instant,
    ) -> Result<bool, Error> {
        let before = fingerprint::progress(site, &config.names).await?;
        let creates = progress == Progress::Creating;
        if creates && before != Some(Progress::Creating) {
            refuse_existing(site).await?;
        }
        if config.create_namespace {
            let stop = &self.ctx.stop;
            let wait = crate::kubernetes::Wait { deadline, cancel: stop, secrets: &[] };
            site.kubernetes.ensure_namespace(&site.namespace, &site.owner(), wait).await?;
        }
        fingerprint::begin(site, &config.names, progress).await?;
        Ok(matches!(before, Some(Progress::Creating | Progress::Updating)))
    }

    async fn work(
        &self,
        site: &Site,
        config: &Config,
        resumes: bool,
        deadline: Instant,
    ) -> Result<(), Error> {
        let password = self.config.password_wo.as_str().map(Password::new);
        let work =
            Work { site, config, deadline, stop: &self.ctx.stop, password: password.as_ref(), resumes };
        let observed = observe(site).await?;
        execute(&work, &steps(config, &observed, &self.shown)).await?;
        fingerprint::note(site, &config.names, Progress::Done).await
    }

    /// The state of a run that reached its end: as planned, and what was unknown as it is now.
    pub async fn finished(mut self, site: &Site) -> Outcome<Model> {
        match observe_and_judge(site).await {
            Ok(observed) => {
                remember(&observed, &mut self.private);
                remember_applied(self.planned, &mut self.private);
                let live = refresh(self.planned, &observed, (&site.namespace, &site.release));
                Outcome::new(resolved(self.planned, Some(&live)), self.private)
            }
            Err(error) => {
                let state = resolved(self.planned, None);
                Outcome::failed(Some(state), failed("look at the finished cluster", &error))
                    .private(self.private)
            }
        }
    }
}

async fn refuse_existing(site: &Site) -> Result<(), Error> {
    let observed = observe(site).await?;
    if observed.release.is_some() {
        let (namespace, name) = (site.namespace.clone(), site.release.clone());
        return Err(Error::ReleaseExists {
            namespace,
            name,
            address: "redis_ha_cluster.NAME",
            id: site.import_id(),
        });
    }
    let ours = crate::gke::owner_label(&site.owner());
    match observed.node_pool {
        Some(pool) if pool.owner != Some(ours) => {
            Err(Error::NodePoolExists { pool: pool.name, id: site.import_id() })
        }
        _ => Ok(()),
    }
}

/// The plan, with what is live in place of each unknown value, at every depth. What is not there is
/// null.
pub fn resolved(planned: &Model, live: Option<&Model>) -> Model {
    let shape = cluster_schema().implied_type();
    let value = |model: &Model| to_value(model, &shape).expect("the model fits its schema: a test shows it");
    let filled = fill(value(planned), live.map(value).as_ref());
    let mut model: Model = from_value(&filled).expect("the model fits its schema: a test shows it");
    model.password_wo = Attr::Null;
    model
}

fn fill(planned: Value, live: Option<&Value>) -> Value {
    match planned {
        Value::Unknown(_) => live.cloned().unwrap_or(Value::Null),
        Value::Map(entries) => {
            let filled = entries.into_iter().map(|(key, value)| {
                let live = live.and_then(|live| live.get(&key));
                (key, fill(value, live))
            });
            Value::Map(filled.collect())
        }
        known => known,
    }
}
