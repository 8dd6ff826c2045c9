//! ValidateProviderConfig, ValidateResourceConfig, ValidateDataResourceConfig: values may be unknown, nothing is contacted.

use super::guard::guard_sync;
use super::{Encoded, Server, decode, unreadable};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::Provider;
use crate::value::from_value;

impl<P: Provider> Server<P> {
    pub fn validate_provider(&self, config: &Encoded) -> Diagnostics {
        let config = match decode(config, &self.implied) {
            Ok(config) => config,
            Err(diagnostics) => return diagnostics,
        };
        match from_value(&config) {
            Ok(config) => guard_sync(|| self.provider.validate(config))
                .unwrap_or_else(|panic| panic.diagnostic("ValidateProviderConfig").into()),
            Err(error) if error.is_bug() => unreadable(&error),
            Err(error) => Diagnostic::error("Invalid provider configuration", error.to_string())
                .at(error.path().clone())
                .into(),
        }
    }

    pub fn validate_resource(&self, type_name: &str, config: &Encoded) -> Diagnostics {
        let checked = self.entry(type_name).and_then(|entry| {
            let config = entry.decode(config)?;
            guard_sync(|| entry.native.validate(&config))
                .map_err(|panic| panic.diagnostic("ValidateResourceConfig").into())
        });
        checked.unwrap_or_else(|diagnostics| diagnostics)
    }

    pub fn validate_data(&self, type_name: &str, config: &Encoded) -> Diagnostics {
        let checked = self.data_source(type_name).and_then(|entry| {
            let config = entry.decode(config)?;
            guard_sync(|| entry.native.validate(&config))
                .map_err(|panic| panic.diagnostic("ValidateDataResourceConfig").into())
        });
        checked.unwrap_or_else(|diagnostics| diagnostics)
    }
}
