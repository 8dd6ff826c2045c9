//! A sandbox of the built binary for a test, a small client of its Kubernetes API, and its process tree.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_redis-ha-sandbox");
const LIMIT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(50);

/// A detached sandbox; it ends with the value.
pub(crate) struct Sandbox {
    parent: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.command(&["down"]);
    }
}

impl Sandbox {
    pub(crate) fn up() -> Self {
        Self::up_with(&[])
    }

    pub(crate) fn up_with(flags: &[&str]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let sandbox = Self { parent: tempfile::tempdir().expect("a temporary directory"), runtime };
        let output = sandbox.command(&[&["up", "--detach", "--nodes", "3"], flags].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        sandbox
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.parent.path().join("sandbox")
    }

    /// Runs the binary: the command, the directory, then the other arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        let (command, others) = arguments.split_first().expect("a command");
        Command::new(BINARY)
            .arg(command)
            .arg("--dir")
            .arg(self.dir())
            .args(others)
            .output()
            .expect("the binary runs")
    }

    pub(crate) fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir().join(name)).expect("a file of the sandbox")
    }

    pub(crate) fn state(&self) -> Value {
        serde_json::from_str(&self.file("state.json")).expect("the state is JSON")
    }

    pub(crate) fn create(&self, path: &str, object: &Value) -> Value {
        self.request("POST", path, Some(object))
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        serde_json::from_slice(&self.send("GET", path, None).expect("an answer").1).expect("an object")
    }

    pub(crate) fn get_text(&self, path: &str) -> String {
        text(&self.send("GET", path, None).expect("an answer").1)
    }

    pub(crate) fn delete(&self, path: &str) {
        self.request("DELETE", path, None);
    }

    fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, bytes) =
            self.send(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert!(status.is_success(), "{method} {path}: {status} {}", text(&bytes));
        serde_json::from_slice(&bytes).expect("an object")
    }

    /// One request to the Kubernetes API; an answer that does not come whole is an error.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> std::io::Result<(http::StatusCode, Vec<u8>)> {
        let (status, received, end) = self.send_until_end(method, path, body)?;
        end.map(|()| (status, received))
    }

    /// One request, and what came of its answer until that ended or broke off.
    pub(crate) fn send_until_end(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> std::io::Result<(http::StatusCode, Vec<u8>, std::io::Result<()>)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let port = self.state()["kubernetes_port"].as_u64().expect("a port");
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", format!("127.0.0.1:{port}"))
            .header("authorization", format!("Bearer {}", self.file("access-token")))
            .header("content-type", "application/json")
            .body(Full::new(bytes::Bytes::from(body)))
            .expect("a request");
        self.runtime.block_on(async {
            let connector = tokio_rustls::TlsConnector::from(Arc::new(self.tls()));
            let stream =
                tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.expect("connected");
            let name = ServerName::try_from("127.0.0.1").expect("a name");
            let stream = connector.connect(name, stream).await.expect("trusted");
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
            tokio::spawn(connection);
            let answer = sender.send_request(request).await.map_err(std::io::Error::other)?;
            let status = answer.status();
            let (mut body, mut received) = (answer.into_body(), Vec::new());
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => received.extend(frame.into_data().unwrap_or_default()),
                    Err(error) => return Ok((status, received, Err(std::io::Error::other(error)))),
                }
            }
            Ok((status, received, Ok(())))
        })
    }

    /// Trusts the authority in the kubeconfig, as clients do.
    fn tls(&self) -> rustls::ClientConfig {
        let kubeconfig = self.file("kubeconfig");
        let data =
            kubeconfig.lines().find_map(|line| line.trim().strip_prefix("certificate-authority-data: "));
        let pem =
            base64::engine::general_purpose::STANDARD.decode(data.expect("an authority")).expect("base64");
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&pem).expect("a certificate")).expect("an authority");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// Every process of the sandbox, the launcher first.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let launcher = self.state()["launcher"]["pid"].as_i64().expect("a launcher");
        let mut found = vec![i32::try_from(launcher).expect("a process number")];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            found.extend(children_of(parent));
            at += 1;
        }
        found
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// State and parent of a process, none if it is gone.
fn stat(pid: i32) -> Option<(String, i32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn children_of(parent: i32) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|pid| stat(*pid).is_some_and(|(_, found)| found == parent)).collect()
}

pub(crate) fn is_running(pid: i32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z")
}

/// Looks again until the answer is there; fails with what it saw last.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) if Instant::now() >= deadline => {
                panic!("no {what} within {LIMIT:?}; last seen: {seen}")
            }
            Err(_) => std::thread::sleep(POLL),
        }
    }
}
