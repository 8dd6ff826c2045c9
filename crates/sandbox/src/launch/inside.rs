//! Process 2 of the namespaces: joins the store, the API, the controllers, Google's side and the node agent.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::Directory;
use super::directory::write_atomically;
use super::handover::Listeners;
use crate::api::tls::{Identity, Token, render_kubeconfig};
use crate::cli::SizeArguments;
use crate::faults::{Control, Faults};
use crate::node::{Kubelet, Network, Settings, Spawner, Timing, listen_for_pods, render_resolv_conf};
use crate::store::Store;
use crate::{api, controllers, faults, gke};

/// The name of the cluster, its context and its project.
const NAME: &str = "sandbox";
const DEFAULT_LOG: &str = "info,sandbox=debug";

/// Runs until the launcher lets go of the socket on standard input.
pub(crate) fn run_inside(dir: &Path, size: SizeArguments) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let directory = Directory::open(dir).with_context(|| format!("open {}", dir.display()))?;
    let socket = std::io::stdin().as_fd().try_clone_to_owned().context("take the launcher's socket")?;
    let socket = UnixStream::from(socket);
    let listeners = Listeners::receive(&socket)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("start the runtime")?;
    let outcome = runtime.block_on(serve(directory, size, listeners, socket));
    // Children are left to the kernel, which ends them with this namespace.
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn serve(
    directory: Directory,
    SizeArguments { nodes, probes, backoff_scale }: SizeArguments,
    listeners: Listeners,
    socket: UnixStream,
) -> anyhow::Result<()> {
    let spawner = Spawner::start()?;
    prepare_mounts(&spawner).await?;
    let network = Arc::new(Network::start(spawner.clone()).await?);
    let token = read_token(&directory)?;
    let identity = Identity::generate()?;
    let port = listeners.kubernetes.local_addr().context("read the port of the Kubernetes API")?.port();
    let endpoint = format!("127.0.0.1:{port}");
    let kubeconfig = render_kubeconfig(NAME, &format!("https://{endpoint}"), &identity.ca_pem, &token);
    let shutdown = CancellationToken::new();

    let store = Store::new(Arc::new(jiff::Timestamp::now));
    let google = gke::Settings::sandbox(endpoint, identity.ca_pem.clone(), token.reveal().to_owned(), nodes);
    let faults = Faults::default();
    let google = gke::Gke::new(store.clone(), google, faults.clone(), shutdown.clone());
    let controller_settings = controllers::Settings {
        cluster_ca_pem: identity.ca_pem.clone(),
        toleration_divisor: Timing(probes).toleration_divisor(),
    };
    let _controllers = controllers::spawn(store.clone(), &controller_settings, shutdown.clone())?;
    let settings = Settings {
        directory: directory.clone(),
        probes,
        backoff_scale,
        access_token: token.reveal().to_owned(),
        images: directory.read_images()?,
    };
    let kubelet = Kubelet::start(&store, network, spawner, settings).await?;
    let agent: Arc<dyn api::NodeAgent> = Arc::new(kubelet.agent());
    let outages = Arc::new(kubelet.outages(faults.clone()));
    tokio::spawn(Arc::clone(&outages).run());
    tokio::spawn(kubelet.run());

    let control = Control::new(faults.clone(), outages, token.clone());
    let for_pods = listen_for_pods(&store).await?;
    let api = api::Api::new(store, agent, token).with_faults(faults);
    tokio::spawn(api.clone().serve(for_pods, Arc::clone(&identity.server)));
    let api_server = api.serve(into_tokio(listeners.kubernetes)?, identity.server);
    let google = gke::router(google).merge(control.router());
    let google_server = faults::serve(into_tokio(listeners.google)?, google);
    write_atomically(&directory.kubeconfig(), kubeconfig.as_bytes())?;
    tokio::select! {
        outcome = tokio::spawn(api_server) => match outcome?.context("serve the Kubernetes API")? {},
        outcome = tokio::spawn(google_server) => match outcome?.context("serve Google's APIs")? {},
        outcome = hold_on(socket) => outcome?,
    }
    shutdown.cancel();
    Ok(())
}

fn read_token(directory: &Directory) -> anyhow::Result<Token> {
    let path = directory.access_token();
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(Token::new(text.trim()))
}

fn into_tokio(listener: std::net::TcpListener) -> anyhow::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true).context("prepare a listener")?;
    tokio::net::TcpListener::from_std(listener).context("serve a listener")
}

/// Says that the APIs answer, then waits for the launcher to let go.
async fn hold_on(socket: UnixStream) -> anyhow::Result<()> {
    socket.set_nonblocking(true).context("prepare the launcher's socket")?;
    let mut socket = tokio::net::UnixStream::from_std(socket).context("watch the launcher's socket")?;
    socket.write_all(b"R").await.context("tell the launcher")?;
    let mut nothing = [0; 1];
    // Any end is the end, and nothing else comes.
    let _ = socket.read(&mut nothing).await;
    tracing::info!("the launcher let go");
    Ok(())
}

/// A /run of its own, where `ip netns` may write, and name resolution by the cluster's DNS for whoever joins.
async fn prepare_mounts(spawner: &Spawner) -> anyhow::Result<()> {
    let resolv_conf = PathBuf::from("/etc/resolv.conf");
    // It may lead to a file below the /run that is about to be covered.
    let place = resolv_conf.canonicalize().unwrap_or(resolv_conf);
    spawner.run("mount", &["-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], "").await?;
    let text = render_resolv_conf("default");
    if place.starts_with("/run") {
        let parent = place.parent().context("a file has a directory")?;
        std::fs::create_dir_all(parent).with_context(|| format!("create {}", parent.display()))?;
        return std::fs::write(&place, text).with_context(|| format!("write {}", place.display()));
    }
    let ours = PathBuf::from("/run/resolv.conf");
    std::fs::write(&ours, text).with_context(|| format!("write {}", ours.display()))?;
    if place.exists() {
        let (ours, place) = (ours.display().to_string(), place.display().to_string());
        spawner.run("mount", &["--bind", &ours, &place], "").await?;
    }
    Ok(())
}
