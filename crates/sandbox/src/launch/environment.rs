//! The files that point clients at the sandbox: shell exports, a token, Terraform's CLI configuration and mirror.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use rand::RngExt as _;

use super::LaunchError;
use super::directory::{Directory, write_atomically};
use super::handover::Listeners;

/// The provider as Terraform names it, and the version that the mirror offers.
const PROVIDER_ADDRESS: &str = "registry.terraform.io/redis-ha/redis";
const PROVIDER_VERSION: &str = env!("CARGO_PKG_VERSION");
const PROVIDER_BINARY: &str = "terraform-provider-redis";

#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) kubernetes: u16,
    pub(super) google: u16,
}

impl Ports {
    pub(super) fn of(listeners: &Listeners) -> Result<Self, LaunchError> {
        let port = |listener: &TcpListener| {
            let address = listener.local_addr();
            address.map(|address| address.port()).map_err(|source| LaunchError::Listen { port: 0, source })
        };
        Ok(Self { kubernetes: port(&listeners.kubernetes)?, google: port(&listeners.google)? })
    }
}

/// Writes everything that is known before the sandbox runs. The kubeconfig needs the certificate authority and
/// follows from inside.
pub(super) fn write(directory: &Directory, ports: Ports) -> Result<(), LaunchError> {
    let token = generate_token();
    write_atomically(&directory.access_token(), token.as_bytes())?;
    let gcloud = directory.gcloud_config();
    fs::create_dir_all(&gcloud).map_err(LaunchError::file("create the directory", &gcloud))?;
    let provider = find_provider();
    match &provider {
        Some(provider) => write_mirror(directory, provider)?,
        None => eprintln!(
            "Note: no {PROVIDER_BINARY} beside this binary; Terraform will look for the provider elsewhere."
        ),
    }
    write_atomically(
        &directory.terraform_config(),
        render_terraform_config(directory, provider.is_some()).as_bytes(),
    )?;
    write_atomically(&directory.env(), render_env(directory, ports, &token).as_bytes())
}

fn generate_token() -> String {
    let bytes: [u8; 16] = rand::rng().random();
    bytes.iter().fold("sandbox-".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn find_provider() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let beside = own.parent()?.join(PROVIDER_BINARY);
    beside.is_file().then_some(beside)
}

/// The layout of an unpacked filesystem mirror.
fn write_mirror(directory: &Directory, provider: &Path) -> Result<(), LaunchError> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let platform = format!("{PROVIDER_VERSION}/linux_{architecture}");
    let place = directory.mirror().join(PROVIDER_ADDRESS).join(platform);
    fs::create_dir_all(&place).map_err(LaunchError::file("create the directory", &place))?;
    let binary = place.join(format!("{PROVIDER_BINARY}_v{PROVIDER_VERSION}"));
    // A rename keeps a provider that still runs from there intact; a link is as good as a copy, and instant.
    let partial = place.with_extension("partial");
    let _ = fs::remove_file(&partial);
    fs::hard_link(provider, &partial)
        .or_else(|_| fs::copy(provider, &partial).map(drop))
        .map_err(LaunchError::file("copy the provider to", &partial))?;
    let _ = fs::remove_file(&binary);
    fs::rename(&partial, &binary).map_err(LaunchError::file("put in place", &binary))
}

fn render_terraform_config(directory: &Directory, mirrored: bool) -> String {
    if !mirrored {
        return "disable_checkpoint = true\n".to_owned();
    }
    let mirror = hcl_string(&directory.mirror());
    format!(
        "disable_checkpoint = true\n\nprovider_installation {{\n  filesystem_mirror {{\n    path    = {mirror}\n    \
         include = [\"{PROVIDER_ADDRESS}\"]\n  }}\n  direct {{\n    exclude = [\"{PROVIDER_ADDRESS}\"]\n  }}\n}}\n"
    )
}

/// A path as an HCL string: no escapes, no templates.
fn hcl_string(path: &Path) -> String {
    let text = path.display().to_string();
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{text}\"")
}

fn render_env(directory: &Directory, ports: Ports, token: &str) -> String {
    let path = |path: PathBuf| path.display().to_string();
    let google = format!("http://127.0.0.1:{}", ports.google);
    let exports = [
        ("KUBECONFIG", path(directory.kubeconfig())),
        ("KUBE_CONFIG_PATH", path(directory.kubeconfig())),
        ("GOOGLE_CONTAINER_CUSTOM_ENDPOINT", format!("{google}/v1/")),
        ("GOOGLE_COMPUTE_CUSTOM_ENDPOINT", format!("{google}/compute/v1/")),
        ("GOOGLE_OAUTH_ACCESS_TOKEN", token.to_owned()),
        ("GOOGLE_PROJECT", "sandbox".to_owned()),
        ("GOOGLE_REGION", "asia-east1".to_owned()),
        ("CLOUDSDK_CONFIG", path(directory.gcloud_config())),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER", format!("{google}/")),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", format!("{google}/compute/v1/")),
        ("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", path(directory.access_token())),
        ("CLOUDSDK_CORE_PROJECT", "sandbox".to_owned()),
        ("CLOUDSDK_CORE_DISABLE_PROMPTS", "1".to_owned()),
        ("CLOUDSDK_CORE_DISABLE_USAGE_REPORTING", "true".to_owned()),
        ("CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "true".to_owned()),
        ("TF_CLI_CONFIG_FILE", path(directory.terraform_config())),
        ("CHECKPOINT_DISABLE", "1".to_owned()),
    ];
    let mut text = String::from("# Points kubectl, helm, gcloud and terraform at this sandbox.\n");
    for (name, value) in exports {
        let _ = writeln!(text, "export {name}={}", shell_quote(&value));
    }
    // Credentials of the real Google Cloud would win over the token; a proxy would not find 127.0.0.1.
    text.push_str(
        "unset GOOGLE_CREDENTIALS GOOGLE_APPLICATION_CREDENTIALS GOOGLE_IMPERSONATE_SERVICE_ACCOUNT\n",
    );
    text.push_str("export NO_PROXY=\"127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}\"\n");
    text.push_str("export no_proxy=\"$NO_PROXY\"\n");
    text
}

fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exports_survive_a_strict_shell_and_an_odd_path() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let directory = Directory::create(&parent.path().join("it's $HOME")).expect("a directory");
        let text = render_env(&directory, Ports { kubernetes: 1, google: 2 }, "token");
        let file = parent.path().join("env");
        fs::write(&file, text).expect("written");
        let output = std::process::Command::new("sh")
            .args(["-euc", ". \"$1\"; printf '%s\\n' \"$KUBECONFIG\" \"$GOOGLE_CONTAINER_CUSTOM_ENDPOINT\" \"$NO_PROXY\"", "sh"])
            .arg(&file)
            .env_remove("NO_PROXY")
            .output()
            .expect("a shell");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{}\nhttp://127.0.0.1:2/v1/\n127.0.0.1,localhost\n", directory.kubeconfig().display())
        );
    }

    #[test]
    fn terraform_finds_our_provider_in_the_mirror_and_nowhere_else() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        let directory = Directory::create(parent.path()).expect("a directory");
        let text = render_terraform_config(&directory, true);
        assert!(text.contains("include = [\"registry.terraform.io/redis-ha/redis\"]"), "{text}");
        assert!(text.contains("exclude = [\"registry.terraform.io/redis-ha/redis\"]"), "{text}");
    }
}
