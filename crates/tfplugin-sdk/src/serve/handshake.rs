//! The handshake: what Terraform says in the environment, and the one line that answers it.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::ServeOptions;

const COOKIE_NAME: &str = "TF_PLUGIN_MAGIC_COOKIE";
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
/// The version of the handshake itself.
const CORE_PROTOCOL: u8 = 1;
/// The version of the plugin protocol that we speak.
const PROTOCOL: &str = "6";

/// What Terraform told the process that it started.
#[derive(Debug)]
pub(super) struct Handshake {
    /// PEM of the certificate that Terraform will show. Set under AutoMTLS.
    pub(super) client_certificate: Option<String>,
    /// Where Terraform wants the socket, when it has a wish.
    pub(super) socket_directory: Option<PathBuf>,
}

/// Why the process does not serve whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error(
        "version {version} is a Terraform provider and is not meant to be run by hand. Terraform starts it \
         when a configuration requires {address}; `-debug` serves it to a Terraform of your own"
    )]
    NotTerraform { address: &'static str, version: &'static str },
    #[error(
        "Terraform offers plugin protocol {offered}, and this provider speaks {PROTOCOL}: Terraform 1.0 or later is needed"
    )]
    Protocol { offered: String },
}

impl Handshake {
    /// Reads the environment through `variable`.
    pub(super) fn of(
        variable: impl Fn(&str) -> Option<String>,
        options: &ServeOptions,
    ) -> Result<Self, Refusal> {
        if variable(COOKIE_NAME).as_deref() != Some(COOKIE) {
            return Err(Refusal::NotTerraform { address: options.address, version: options.version });
        }
        let offered = variable("PLUGIN_PROTOCOL_VERSIONS").filter(|offered| !offered.is_empty());
        if let Some(offered) = offered
            && !offered.split(',').any(|version| version.trim() == PROTOCOL)
        {
            return Err(Refusal::Protocol { offered });
        }
        let set = |name| variable(name).filter(|value| !value.is_empty());
        Ok(Self {
            client_certificate: set("PLUGIN_CLIENT_CERT"),
            socket_directory: set("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
        })
    }
}

/// The line on stdout: where we listen, and under TLS who we are.
pub(super) fn line(socket: &Path, certificate: Option<&[u8]>) -> String {
    let line = format!("{CORE_PROTOCOL}|{PROTOCOL}|unix|{}|grpc|", socket.display());
    match certificate {
        Some(der) => line + &STANDARD_NO_PAD.encode(der),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: ServeOptions =
        ServeOptions { address: "registry.terraform.io/acme/toy", version: "1.2.3", log_targets: &[] };

    fn check(environment: &[(&str, &str)]) -> Result<Handshake, String> {
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Handshake::of(variable, &OPTIONS).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn says_what_it_is_to_whoever_is_not_terraform() {
        for environment in [&[][..], &[(COOKIE_NAME, "wrong")]] {
            let refusal = check(environment).expect_err("no cookie");
            assert!(refusal.contains("registry.terraform.io/acme/toy"), "{refusal}");
            assert!(refusal.contains("Terraform provider"), "{refusal}");
        }
    }

    #[test]
    fn refuses_a_terraform_that_speaks_another_protocol() {
        let refusal = check(&[(COOKIE_NAME, COOKIE), ("PLUGIN_PROTOCOL_VERSIONS", "4,5")]).expect_err("no 6");
        assert!(refusal.contains("4,5"), "{refusal}");
    }

    #[test]
    fn takes_certificate_and_directory_from_the_environment() {
        let environment = [
            (COOKIE_NAME, COOKIE),
            ("PLUGIN_PROTOCOL_VERSIONS", "5,6"),
            ("PLUGIN_CLIENT_CERT", "PEM"),
            ("PLUGIN_UNIX_SOCKET_DIR", ""),
        ];
        let handshake = check(&environment).expect("Terraform's own environment");
        assert_eq!(handshake.client_certificate.as_deref(), Some("PEM"));
        assert_eq!(handshake.socket_directory, None);
    }

    #[test]
    fn announces_the_certificate_without_padding() {
        assert_eq!(line(Path::new("/tmp/s"), None), "1|6|unix|/tmp/s|grpc|");
        assert_eq!(line(Path::new("/tmp/s"), Some(b"a")), "1|6|unix|/tmp/s|grpc|YQ");
    }
}
