//! PUT of a whole object.

use http::StatusCode;

use super::Api;
use super::request::Call;
use super::respond::{self, Answer};

impl Api {
    pub(super) fn update(&self, call: &Call) -> Answer {
        let (object, unknown) = call.object()?;
        let updated = self.store.update_with(&call.key(), &call.write_options(), |stored| {
            *stored = object;
            Ok(())
        })?;
        Ok(respond::warn(respond::json(StatusCode::OK, &updated), &unknown))
    }
}
