//! POST of a new object.

use http::StatusCode;

use super::Api;
use super::request::Call;
use super::respond::{self, Answer};

impl Api {
    pub(super) fn create(&self, call: &Call) -> Answer {
        let (object, unknown) = call.object()?;
        let created = self.store.create_with(call.kind(), object, &call.write_options())?;
        let answer = respond::advise(call.kind(), respond::json(StatusCode::CREATED, &created));
        Ok(respond::warn(answer, &unknown))
    }
}
