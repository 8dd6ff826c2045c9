//! Helm in Rust: charts, values, templates, releases and hooks. The core has no runtime and no client.
//!
//! Enters: a chart (directory, archive, files in memory, repository or registry), values, and a cluster behind the
//! [`cluster::Cluster`] trait, which the caller implements over its own client. Leaves: the objects of
//! a release, applied server-side and marked as Helm marks them, and the release records that Helm 3
//! and 4 read and go on from.
//! Deliberately absent: plugins, post-renderers and provenance files.
//!
//! The rooms, in the order in which data goes through them:
//! [`repository`] fetches; [`chart`] reads files; [`values`] brings defaults and the user's values together; [`render`] runs
//! the [`template`]s on them ([`value`] and [`yaml`] are what those compute with); [`manifest`] splits,
//! orders and digests what comes out; [`action`] installs, upgrades, repairs and uninstalls it on a
//! [`cluster`]; [`release`] writes down how that went; [`readiness`] tells whether an object works.
//!
//! Rendering is pure, and needs no cluster:
//!
//! ```
//! use helm::chart::Chart;
//! use helm::render::{Request, offline_capabilities, render};
//! use helm::template::World;
//! use helm::values;
//!
//! /// What templates may ask beyond their values.
//! struct Nothing;
//!
//! impl World for Nothing {
//!     fn now(&self) -> jiff::Timestamp {
//!         jiff::Timestamp::UNIX_EPOCH
//!     }
//!     fn fill_random(&self, bytes: &mut [u8]) {
//!         bytes.fill(0);
//!     }
//! }
//!
//! let template = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: {{ .Release.Name }}-{{ .Values.colour }}}\n";
//! let chart = Chart::from_files([
//!     ("Chart.yaml", "apiVersion: v2\nname: tiny\nversion: 0.1.0\n"),
//!     ("values.yaml", "colour: blue\n"),
//!     ("templates/config.yaml", template),
//! ])?;
//! let rendered = render(
//!     &chart,
//!     &Request {
//!         name: "rel",
//!         namespace: "default",
//!         revision: 1,
//!         is_upgrade: false,
//!         values: &values::parse("colour: red")?,
//!         capabilities: &offline_capabilities(),
//!     },
//!     &Nothing,
//! )?;
//! assert_eq!(rendered.manifests[0].name(), "rel-red");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it rendered is then given to [`action::install`] or [`action::upgrade`].

pub mod action;
pub mod chart;
pub mod cluster;
mod functions;
pub mod manifest;
pub mod readiness;
pub mod release;
pub mod render;
pub mod repository;
pub mod template;
pub mod value;
pub mod values;
pub mod version;
pub mod yaml;
