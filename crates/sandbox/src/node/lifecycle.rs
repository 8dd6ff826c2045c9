//! What a node does to a container from outside: the actions of probes and of lifecycle hooks.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;

use super::Spawner;
use super::ask::{HttpGet, check_health};
use super::container::{Instance, enter};
use crate::store::object::{items, text};

/// Output of a probe that is worth keeping for an event.
const OUTPUT_BYTES_MAX: usize = 1024;

/// One action, as probes and hooks write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Exec(Vec<String>),
    Tcp {
        host: String,
        port: u16,
    },
    Http(HttpGet),
    Grpc {
        port: u16,
        service: String,
    },
    Sleep(Duration),
    /// Something that the sandbox cannot do; it fails with these words.
    Unsupported(String),
}

impl Action {
    /// Reads the handler of a probe or hook; named ports are those of the container.
    pub(super) fn parse(handler: &Value, container: &Value) -> Option<Self> {
        if handler.get("exec").is_some() {
            let words = items(handler, "/exec/command").iter().filter_map(Value::as_str);
            return Some(Self::Exec(words.map(str::to_owned).collect()));
        }
        if let Some(seconds) = handler.pointer("/sleep/seconds").and_then(Value::as_u64) {
            return Some(Self::Sleep(Duration::from_secs(seconds)));
        }
        for field in ["tcpSocket", "httpGet"] {
            let Some(target) = handler.get(field).filter(|target| !target.is_null()) else { continue };
            let Some(port) = target.get("port").and_then(|port| resolve_port(port, container)) else {
                return Some(Self::Unsupported(format!(
                    "{field}: the container has no port {}",
                    target["port"]
                )));
            };
            let host = text(target, "/host").to_owned();
            if field == "tcpSocket" {
                return Some(Self::Tcp { host, port });
            }
            let is_tls = text(target, "/scheme").eq_ignore_ascii_case("https");
            let headers = items(target, "/httpHeaders").iter();
            let headers =
                headers.map(|header| (text(header, "/name").to_owned(), text(header, "/value").to_owned()));
            let path = Some(text(target, "/path")).filter(|path| !path.is_empty()).unwrap_or("/").to_owned();
            return Some(Self::Http(HttpGet { host, port, path, headers: headers.collect(), is_tls }));
        }
        let grpc = handler.get("grpc").filter(|target| !target.is_null())?;
        let port = grpc.get("port").and_then(|port| resolve_port(port, container))?;
        Some(Self::Grpc { port, service: text(grpc, "/service").to_owned() })
    }
}

fn resolve_port(port: &Value, container: &Value) -> Option<u16> {
    let number = port.as_u64().or_else(|| port.as_str()?.parse().ok());
    let named = || {
        let wanted = port.as_str()?;
        let found = items(container, "/ports").iter().find(|port| text(port, "/name") == wanted)?;
        found.get("containerPort")?.as_u64()
    };
    number.or_else(named).and_then(|number| u16::try_from(number).ok())
}

/// Where an action takes place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) spawner: &'a Spawner,
    pub(super) instance: &'a Instance,
    pub(super) pod_address: Ipv4Addr,
}

impl Place<'_> {
    /// Performs an action within a limit; the error is what an event says.
    pub(super) async fn perform(&self, action: &Action, limit: Duration) -> Result<(), String> {
        let performed = async {
            match action {
                Action::Exec(command) => self.exec(command).await,
                Action::Tcp { host, port } => self.connect(host, *port).await.map(drop),
                Action::Http(get) => {
                    get.ask(self.connect(&get.host, get.port).await?, &self.host(&get.host)).await
                }
                Action::Grpc { port, service } => {
                    let address = format!("{}:{port}", self.pod_address);
                    check_health(self.connect("", *port).await?, &address, service).await
                }
                Action::Sleep(duration) => {
                    tokio::time::sleep(*duration).await;
                    Ok(())
                }
                Action::Unsupported(why) => Err(why.clone()),
            }
        };
        match tokio::time::timeout(limit, performed).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("{action} timed out after {limit:?}")),
        }
    }

    async fn exec(&self, command: &[String]) -> Result<(), String> {
        let entered = enter(self.spawner, self.instance, command, false, false)
            .await
            .map_err(|error| error.in_one_line())?;
        let output = entered.child.wait_with_output().await.map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said[..said.len().min(OUTPUT_BYTES_MAX)]).trim().to_owned();
        Err(if said.is_empty() { format!("the command ended with {}", output.status) } else { said })
    }

    /// The host of an action, its pod unless it names one.
    fn host(&self, named: &str) -> String {
        if named.is_empty() { self.pod_address.to_string() } else { named.to_owned() }
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let host = self.host(host);
        let connected = TcpStream::connect((host.as_str(), port)).await;
        connected.map_err(|error| format!("dial tcp {host}:{port}: {error}"))
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exec(command) => write!(formatter, "command {:?}", command.join(" ")),
            Self::Tcp { port, .. } => write!(formatter, "a connection to port {port}"),
            Self::Http(HttpGet { port, path, .. }) => write!(formatter, "GET {path} on port {port}"),
            Self::Grpc { port, .. } => write!(formatter, "a health check on port {port}"),
            Self::Sleep(duration) => write!(formatter, "a sleep of {duration:?}"),
            Self::Unsupported(why) => formatter.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(handler: &Value, expected: Option<Action>) {
        let container = json!({"ports": [{"name": "redis", "containerPort": 6379}]});
        assert_eq!(Action::parse(handler, &container), expected, "{handler}");
    }

    #[test]
    fn reads_every_handler() {
        check(
            &json!({"exec": {"command": ["sh", "-c", "x"]}}),
            Some(Action::Exec(["sh", "-c", "x"].map(str::to_owned).to_vec())),
        );
        check(
            &json!({"tcpSocket": {"port": "redis"}}),
            Some(Action::Tcp { host: String::new(), port: 6379 }),
        );
        let http = |is_tls| {
            let (host, path) = (String::new(), "/healthz".into());
            Action::Http(HttpGet { host, port: 8888, path, headers: Vec::new(), is_tls })
        };
        check(&json!({"httpGet": {"port": 8888, "path": "/healthz"}}), Some(http(false)));
        check(&json!({"httpGet": {"port": 8888, "path": "/healthz", "scheme": "HTTPS"}}), Some(http(true)));
        let health = Action::Grpc { port: 9000, service: "cache".into() };
        check(&json!({"grpc": {"port": 9000, "service": "cache"}}), Some(health));
        check(&json!({"sleep": {"seconds": 5}}), Some(Action::Sleep(Duration::from_secs(5))));
        check(&json!({}), None);
    }

    #[test]
    fn a_port_that_is_not_there_fails_with_its_name() {
        let action = Action::parse(&json!({"tcpSocket": {"port": "web"}}), &json!({}));
        assert!(matches!(&action, Some(Action::Unsupported(why)) if why.contains("\"web\"")), "{action:?}");
    }
}
