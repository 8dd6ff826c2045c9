//! PATCH by server-side apply: creates or merges.

use http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::request::Call;
use super::respond::{self, Answer};
use crate::store::managed::{ApplyOptions, apply, check};
use crate::store::{Cause, Managed, Status, WriteOptions, defaults, object};

impl Api {
    pub(super) fn apply(&self, call: &Call) -> Answer {
        let kind = call.kind();
        if call.query.get("fieldManager").is_none() {
            return Err(manager_required());
        }
        let mut applied = call.json_body()?;
        check(kind, &applied)?;
        call.place(&mut applied)?;
        if applied.pointer("/metadata/managedFields").is_some_and(|record| !record.is_null()) {
            return Err(Status::bad_request("metadata.managedFields must be nil"));
        }
        let write = WriteOptions { managed: Managed::Given, ..call.write_options() };
        let options = ApplyOptions {
            manager: call.manager(),
            is_forced: call.query.flag("force"),
            subresource: write.subresource,
            now: self.store.now(),
        };
        let merged = self.store.update_with(&call.key(), &write, |stored| {
            let mut merged = apply(kind, stored, &applied, &options)?;
            call.decode(&mut merged)?;
            *stored = merged;
            Ok(())
        });
        match merged {
            Err(status) if status.is_not_found() && call.target.subresource.is_none() => {
                let created = self.create_applied(call, &applied, &options, &write)?;
                Ok(respond::advise(kind, respond::json(StatusCode::CREATED, &created)))
            }
            merged => Ok(respond::json(StatusCode::OK, merged?.as_ref())),
        }
    }

    fn create_applied(
        &self,
        call: &Call,
        applied: &Value,
        options: &ApplyOptions,
        write: &WriteOptions,
    ) -> Result<std::sync::Arc<Value>, Status> {
        let kind = call.kind();
        let mut merged = apply(kind, &defaults::empty(kind), applied, options)?;
        // Unknown fields were refused before the merge, so this only holds the values' types against the schema.
        call.decode(&mut merged)?;
        if !object::uid(applied).is_empty() {
            let why = "uid mismatch: the provided object specified uid but the object does not exist";
            return Err(Status::conflict(kind, object::name(applied), why));
        }
        self.store.create_with(kind, merged, write)
    }
}

fn manager_required() -> Status {
    let cause = Cause::required("fieldManager", "is required for apply patch");
    let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: {}: {}", cause.field, cause.message);
    let details = json!({"group": "meta.k8s.io", "kind": "PatchOptions",
        "causes": [{"reason": cause.reason, "message": cause.message, "field": cause.field}]});
    Status::new(422, "Invalid", message, Some(details))
}
