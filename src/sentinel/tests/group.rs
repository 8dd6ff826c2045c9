//! Real redis-server and redis-sentinel processes on loopback, one pair a pretended pod.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::sentinel::execute::Reach;
use crate::sentinel::observe::observe;
use crate::sentinel::topology::verdict;
use crate::sentinel::{
    Address, ByteStream, Credentials, DialError, Dialer, Observation, Password, Question, SentinelClient,
    ServerClient, Target, Topology, Verdict,
};

pub(super) const GROUP: &str = "cache";
pub(super) const PASSWORD: &str = "a-password-of-the-tests";
pub(super) const TIMEOUT: Duration = Duration::from_secs(2);
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// Dials loopback, whatever the pod: ports tell the processes apart.
pub(super) struct Loopback;

#[async_trait]
impl Dialer for Loopback {
    async fn dial(&self, _pod: &str, port: u16) -> Result<Box<dyn ByteStream>, DialError> {
        Ok(Box::new(TcpStream::connect(("127.0.0.1", port)).await?))
    }
}

pub(super) fn question(master_group: &str) -> Question<'_> {
    Question { master_group, disabled_commands: &[] }
}

pub(super) struct Group {
    pub(super) targets: Vec<Target>,
    pub(super) credentials: Credentials,
    processes: Vec<Child>,
    directory: TempDir,
}

impl Drop for Group {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

pub(super) fn start(program: &str, directory: &Path, name: &str, config: &str) -> Child {
    let file = directory.join(format!("{name}.conf"));
    fs::write(&file, config).expect("a writable directory");
    let log = fs::File::create(directory.join(format!("{name}.log"))).expect("a log");
    let mut command = Command::new(program);
    command.arg(&file).stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{program} has to be installed: {error}"))
}

fn server_config(directory: &Path, target: &Target, master: &Target) -> String {
    let data = directory.join(&target.pod);
    fs::create_dir(&data).expect("a data directory");
    let mut config = format!(
        "port {}\nbind 127.0.0.1\ndir {}\nrequirepass {PASSWORD}\nmasterauth {PASSWORD}\n\
         repl-diskless-sync-delay 0\nsave 900 1\n",
        target.server_port,
        data.display(),
    );
    if target != master {
        config += &format!("replicaof 127.0.0.1 {}\n", master.server_port);
    }
    config
}

fn sentinel_config(index: usize, targets: &[Target], master: &Target) -> String {
    let target = &targets[index];
    let mut config = format!(
        "port {}\nbind 127.0.0.1\nsentinel myid {index:040}\nsentinel monitor {GROUP} 127.0.0.1 {} 2\n\
         sentinel down-after-milliseconds {GROUP} 2000\nsentinel failover-timeout {GROUP} 20000\n\
         sentinel auth-pass {GROUP} {PASSWORD}\n",
        target.sentinel_port, master.server_port,
    );
    for (other, peer) in targets.iter().enumerate() {
        if peer != master {
            config += &format!("sentinel known-replica {GROUP} 127.0.0.1 {}\n", peer.server_port);
        }
        if other != index {
            config +=
                &format!("sentinel known-sentinel {GROUP} 127.0.0.1 {} {other:040}\n", peer.sentinel_port);
        }
    }
    config
}

impl Group {
    /// Starts three pairs, the first of which is master, and waits until they have settled.
    pub(super) async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let targets: Vec<_> = (0..3)
            .map(|index| Target {
                pod: format!("cache-server-{index}"),
                addresses: vec!["127.0.0.1".into()],
                server_port: free_port(),
                sentinel_port: free_port(),
                other_ports: Vec::new(),
            })
            .collect();
        let mut processes = Vec::new();
        for (index, target) in targets.iter().enumerate() {
            let server = server_config(directory.path(), target, &targets[0]);
            processes.push(start("redis-server", directory.path(), &format!("server-{index}"), &server));
            let sentinel = sentinel_config(index, &targets, &targets[0]);
            processes.push(start(
                "redis-sentinel",
                directory.path(),
                &format!("sentinel-{index}"),
                &sentinel,
            ));
        }
        let credentials = Credentials { server: Some(Password::new(PASSWORD)), ..Credentials::default() };
        let group = Self { targets, credentials, processes, directory };
        group.settled().await;
        group
    }

    pub(super) async fn look(&self) -> Observation {
        observe(&Loopback, &self.targets, question(GROUP), &self.credentials, TIMEOUT).await
    }

    /// Looks until `wanted` gives something, and panics with the last look after a while.
    pub(super) async fn until<T>(&self, wanted: impl Fn(&Observation) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            let observation = self.look().await;
            if let Some(found) = wanted(&observation) {
                return found;
            }
            assert!(started.elapsed() < SETTLED_WITHIN, "last seen: {:#?}", verdict(&observation));
            sleep(Duration::from_millis(100)).await;
        }
    }

    pub(super) async fn settled(&self) -> Topology {
        self.until(|observation| match verdict(observation) {
            Verdict::Settled(topology) => Some(topology),
            Verdict::NotSettled(_) => None,
        })
        .await
    }

    pub(super) async fn server(&self, index: usize) -> ServerClient {
        let (target, password) = (&self.targets[index], self.credentials.server.as_ref());
        ServerClient::open(&Loopback, &target.pod, target.server_port, password, TIMEOUT)
            .await
            .expect("the server answers")
    }

    pub(super) async fn sentinel(&self, index: usize) -> SentinelClient {
        let target = &self.targets[index];
        SentinelClient::open(&Loopback, &target.pod, target.sentinel_port, None, TIMEOUT)
            .await
            .expect("the sentinel answers")
    }

    pub(super) fn reach(&self) -> Reach<'_> {
        Reach { dialer: &Loopback, targets: &self.targets, credentials: &self.credentials, timeout: TIMEOUT }
    }

    pub(super) fn address(&self, index: usize) -> Address {
        Address { host: "127.0.0.1".into(), port: self.targets[index].server_port }
    }

    /// Attaches a replica that is none of the pods, and tells its address.
    pub(super) fn attach_replica(&mut self) -> Address {
        let target = Target { pod: "stranger".into(), server_port: free_port(), ..self.targets[1].clone() };
        let config = server_config(self.directory.path(), &target, &self.targets[0]);
        self.processes.push(start("redis-server", self.directory.path(), "stranger", &config));
        Address { host: "127.0.0.1".into(), port: target.server_port }
    }

    pub(super) fn kill_attached(&mut self) {
        let process = self.processes.last_mut().expect("a process");
        process.kill().expect("a running server");
        process.wait().expect("its end");
    }

    /// Kills the server of one pod, as a crash would.
    pub(super) fn kill_server(&mut self, index: usize) {
        let process = &mut self.processes[index * 2];
        process.kill().expect("a running server");
        process.wait().expect("its end");
    }
}
