//! Our own small Secret beside a release: the random key of the password's fingerprint, and the
//! mark of how far a create or an update has come, by which interrupted work is recognised.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use rand::distr::{Alphanumeric, SampleString};
use serde_json::{Value as Json, json};
use sha2::Sha256;

use super::digest::hex;
use super::error::Error;
use super::site::Site;
use crate::chart::Names;
use crate::kubernetes::{KubernetesError, Owner, Password, password_of};
use helm::cluster::ObjectRef;

const KEY: &str = "key";
const KEY_LENGTH: usize = 32;
/// Enough to tell passwords apart, too little to be of use for anything else.
const FINGERPRINT_BYTES: usize = 8;
const PROGRESS_ANNOTATION: &str = "terraform-provider-redis/progress";

/// How far the work on a cluster has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Creating,
    Updating,
    Done,
}

impl Progress {
    fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Updating => "updating",
            Self::Done => "done",
        }
    }
}

pub fn secret_name(names: &Names) -> String {
    format!("{}-terraform", names.fullname)
}

fn reference(site: &Site, names: &Names) -> ObjectRef {
    ObjectRef::new("v1", "Secret", Some(&site.namespace), &secret_name(names))
}

/// The key of the fingerprint among our own Secrets, where there is one yet.
pub fn key_of(own: &BTreeMap<String, Json>, names: &Names) -> Result<Option<Password>, KubernetesError> {
    own.get(&secret_name(names)).map_or(Ok(None), |secret| password_of(secret, KEY))
}

/// Makes the Secret unless it is there, and returns how far earlier work came.
pub async fn begin(site: &Site, names: &Names, progress: Progress) -> Result<Option<Progress>, Error> {
    let secret = reference(site, names);
    let found = site.kubernetes.get(&secret).await?;
    let before = found.as_ref().filter(|found| Owner::of(found, &site.owner()) == Owner::Ours).map(read);
    if before.is_none() {
        let random = Password::new(Alphanumeric.sample_string(&mut rand::rng(), KEY_LENGTH));
        let name = secret_name(names);
        site.kubernetes.create_secret(&site.namespace, &name, &site.owner(), &[(KEY, &random)]).await?;
    }
    if before != Some(Progress::Creating) {
        note(site, names, progress).await?;
    }
    Ok(before)
}

/// Writes down how far the work has come.
pub async fn note(site: &Site, names: &Names, progress: Progress) -> Result<(), Error> {
    let annotations = json!({PROGRESS_ANNOTATION: progress.as_str()});
    Ok(site.kubernetes.annotate(&reference(site, names), &annotations).await?)
}

/// How far earlier work came; `None` when there was none.
pub async fn progress(site: &Site, names: &Names) -> Result<Option<Progress>, Error> {
    let found = site.kubernetes.get(&reference(site, names)).await?;
    Ok(found.filter(|found| Owner::of(found, &site.owner()) == Owner::Ours).as_ref().map(read))
}

fn read(secret: &Json) -> Progress {
    match secret["metadata"]["annotations"][PROGRESS_ANNOTATION].as_str() {
        Some("creating") => Progress::Creating,
        Some("updating") => Progress::Updating,
        _ => Progress::Done,
    }
}

/// A keyed digest: it changes with the password and, without the key, tells nothing about it.
pub fn of(key: &Password, password: &Password) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(password.expose().as_bytes());
    hex(&mac.finalize().into_bytes()[..FINGERPRINT_BYTES])
}
