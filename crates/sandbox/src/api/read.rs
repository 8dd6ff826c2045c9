//! GET of one object.

use http::StatusCode;

use super::Api;
use super::accept::Form;
use super::request::Call;
use super::respond::{self, Answer};
use crate::store::Status;

impl Api {
    pub(super) fn read(&self, call: &Call) -> Answer {
        let key = call.key();
        let form = Form::of(&call.headers, &call.query)?;
        let object = self.store.get(&key).ok_or_else(|| Status::not_found(key.kind, &key.name))?;
        Ok(respond::json(StatusCode::OK, &form.one(key.kind, &object, self.store.now())))
    }
}
