//! The commands this provider speaks, one method each. They send and parse; they decide nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::{Cmd, Value};

use super::access::{self, DefaultUser};
use super::connection::Connection;
use super::credentials::Password;
use super::dialer::Dialer;
use super::error::Error;
use super::observation::{Address, PasswordState, Role, WatchedGroup};
use super::replies;

/// A Redis server.
#[derive(Debug)]
pub struct ServerClient(Connection);

/// A sentinel.
#[derive(Debug)]
pub struct SentinelClient(Connection);

fn command(words: &[&str]) -> Cmd {
    let mut built = Cmd::new();
    for word in words {
        built.arg(word);
    }
    built
}

async fn parsed<T>(
    connection: &Connection,
    operation: &'static str,
    words: &[&str],
    parse: impl FnOnce(&Value) -> Result<T, String>,
) -> Result<T, Error> {
    let reply = connection.ask(operation, &command(words)).await?;
    parse(&reply).map_err(|detail| connection.unexpected(operation, detail))
}

async fn okay(connection: &Connection, operation: &'static str, words: &[&str]) -> Result<(), Error> {
    connection.ask(operation, &command(words)).await.map(drop)
}

impl ServerClient {
    pub fn new(connection: Connection) -> Self {
        Self(connection)
    }

    pub async fn open(
        dialer: &dyn Dialer,
        pod: &str,
        port: u16,
        password: Option<&Password>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        Connection::open(dialer, pod, port, password, timeout).await.map(Self)
    }

    pub fn target(&self) -> &str {
        self.0.target()
    }

    pub async fn role(&self) -> Result<Role, Error> {
        parsed(&self.0, "ROLE", &["ROLE"], replies::role).await
    }

    /// One section of INFO, such as `server` or `replication`.
    pub async fn info(&self, section: &str) -> Result<BTreeMap<String, String>, Error> {
        parsed(&self.0, "INFO", &["INFO", section], replies::info).await
    }

    /// CONFIG GET of one pattern, without passwords.
    pub async fn config(&self, pattern: &str) -> Result<BTreeMap<String, String>, Error> {
        parsed(&self.0, "CONFIG GET", &["CONFIG", "GET", pattern], replies::config).await
    }

    pub async fn set_config(&self, setting: &str, value: &str) -> Result<(), Error> {
        okay(&self.0, "CONFIG SET", &["CONFIG", "SET", setting, value]).await
    }

    /// The default user beside our password. Before Redis 6, which has no users, what requirepass says.
    pub(super) async fn default_user(&self, ours: Option<&Password>) -> Result<DefaultUser, Error> {
        let read = |reply: &Value| access::default_user(reply, ours);
        match parsed(&self.0, "ACL GETUSER", &["ACL", "GETUSER", "default"], read).await {
            Err(Error::Command { source, .. }) if source.code() == Some("ERR") => {
                let password = self.secret_setting("requirepass", ours).await?;
                Ok(DefaultUser { password, restricted: None })
            }
            other => other,
        }
    }

    /// How a setting that is a password stands beside ours.
    pub async fn secret_setting(
        &self,
        setting: &str,
        ours: Option<&Password>,
    ) -> Result<PasswordState, Error> {
        parsed(&self.0, "CONFIG GET", &["CONFIG", "GET", setting], |reply| {
            let live = replies::map(reply)?.remove(setting).unwrap_or_default();
            Ok(access::compare(&live, ours))
        })
        .await
    }

    /// Those of the commands that the server knows under these names.
    pub async fn known_commands(&self, names: &[String]) -> Result<Vec<String>, Error> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let words: Vec<_> = ["COMMAND", "INFO"].into_iter().chain(names.iter().map(String::as_str)).collect();
        parsed(&self.0, "COMMAND INFO", &words, |reply| match reply {
            Value::Array(found) => {
                let known = names.iter().zip(found).filter(|(_, info)| !matches!(info, Value::Nil));
                Ok(known.map(|(name, _)| name.clone()).collect())
            }
            other => Err(format!("wanted a list, got {}", replies::shape(other))),
        })
        .await
    }

    /// Whether the connection may ask at all.
    pub async fn ping(&self) -> Result<(), Error> {
        okay(&self.0, "PING", &["PING"]).await
    }

    /// Makes this the one password of the default user. CONFIG SET alone would do nothing where
    /// requirepass has the value already and ACL SETUSER has changed the user behind it.
    pub async fn set_password(&self, password: &Password) -> Result<(), Error> {
        let rule = format!(">{}", password.expose());
        match okay(&self.0, "ACL SETUSER", &["ACL", "SETUSER", "default", "resetpass", &rule]).await {
            // Redis 5 has no users.
            Err(Error::Command { source, .. }) if source.code() == Some("ERR") => {}
            done => done?,
        }
        okay(&self.0, "CONFIG SET requirepass", &["CONFIG", "SET", "requirepass", password.expose()]).await
    }

    /// Has the default user take this password too. Redis 5 knows one only: there it replaces the other.
    pub async fn add_password(&self, password: &Password) -> Result<(), Error> {
        let rule = format!(">{}", password.expose());
        match okay(&self.0, "ACL SETUSER", &["ACL", "SETUSER", "default", &rule]).await {
            Err(Error::Command { source, .. }) if source.code() == Some("ERR") => {
                let words = ["CONFIG", "SET", "requirepass", password.expose()];
                okay(&self.0, "CONFIG SET requirepass", &words).await
            }
            done => done,
        }
    }

    /// What the server gives to its master from now on.
    pub async fn set_masterauth(&self, password: &Password) -> Result<(), Error> {
        okay(&self.0, "CONFIG SET masterauth", &["CONFIG", "SET", "masterauth", password.expose()]).await
    }

    /// Lets the default user do everything again. From Redis 6.
    pub async fn unrestrict_user(&self) -> Result<(), Error> {
        let words = ["ACL", "SETUSER", "default", "on", "allkeys", "allcommands"];
        okay(&self.0, "ACL SETUSER", &words).await
    }

    /// Makes the server a master.
    pub async fn promote(&self) -> Result<(), Error> {
        okay(&self.0, "REPLICAOF NO ONE", &["REPLICAOF", "NO", "ONE"]).await
    }

    /// Holds back writes for at most `milliseconds`; reads go on. From Redis 6.2.
    pub async fn pause_writes(&self, milliseconds: u64) -> Result<(), Error> {
        okay(&self.0, "CLIENT PAUSE", &["CLIENT", "PAUSE", &milliseconds.to_string(), "WRITE"]).await
    }

    pub async fn unpause(&self) -> Result<(), Error> {
        okay(&self.0, "CLIENT UNPAUSE", &["CLIENT", "UNPAUSE"]).await
    }

    /// Drops every client but this one, so that they ask the sentinels again.
    pub async fn kill_clients(&self) -> Result<(), Error> {
        okay(&self.0, "CLIENT KILL", &["CLIENT", "KILL", "TYPE", "normal"]).await
    }

    pub async fn replicate(&self, master: &Address) -> Result<(), Error> {
        okay(&self.0, "REPLICAOF", &["REPLICAOF", &master.host, &master.port.to_string()]).await
    }
}

impl SentinelClient {
    pub fn new(connection: Connection) -> Self {
        Self(connection)
    }

    pub async fn open(
        dialer: &dyn Dialer,
        pod: &str,
        port: u16,
        password: Option<&Password>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        Connection::open(dialer, pod, port, password, timeout).await.map(Self)
    }

    pub fn target(&self) -> &str {
        self.0.target()
    }

    /// SENTINEL MYID; `None` before Redis 6.2, which does not know it.
    pub async fn id(&self) -> Result<Option<String>, Error> {
        match self.0.ask("SENTINEL MYID", &command(&["SENTINEL", "MYID"])).await {
            Ok(reply) => Ok(replies::text(&reply)),
            Err(Error::Command { source, .. }) if source.code() == Some("ERR") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// INFO of the sentinel itself, such as `sentinel_tilt`.
    pub async fn info(&self) -> Result<BTreeMap<String, String>, Error> {
        parsed(&self.0, "INFO", &["INFO", "sentinel"], replies::info).await
    }

    /// SENTINEL MASTER, REPLICAS and SENTINELS of the group; `None` when it is not watched.
    pub async fn group(&self, name: &str) -> Result<Option<WatchedGroup>, Error> {
        let ask = |operation, word: &'static str| {
            let command = command(&["SENTINEL", word, name]);
            async move { self.0.ask(operation, &command).await }
        };
        let (master, replicas, peers) = tokio::join!(
            ask("SENTINEL MASTER", "MASTER"),
            ask("SENTINEL SLAVES", "SLAVES"),
            ask("SENTINEL SENTINELS", "SENTINELS"),
        );
        let master = match master {
            Err(Error::Command { source, .. }) if source.code() == Some("ERR") => return Ok(None),
            other => other?,
        };
        let group = (|| {
            let (replicas, peers) = (replies::maps(&replicas?), replies::maps(&peers?));
            Ok::<_, Error>(replies::map(&master).and_then(|map| replies::group(map, &replicas?, &peers?)))
        })()?;
        group.map(Some).map_err(|detail| self.0.unexpected("SENTINEL MASTER", detail))
    }

    /// SENTINEL GET-MASTER-ADDR-BY-NAME; `None` when the group is not watched.
    pub async fn master_address(&self, group: &str) -> Result<Option<Address>, Error> {
        let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", group];
        parsed(&self.0, "SENTINEL GET-MASTER-ADDR-BY-NAME", &words, |reply| match reply {
            Value::Nil => Ok(None),
            other => replies::address(other).map(Some),
        })
        .await
    }

    /// SENTINEL SET of one option on this sentinel alone: it never propagates, and it persists itself.
    pub async fn set(&self, group: &str, option: &str, value: &str) -> Result<(), Error> {
        okay(&self.0, "SENTINEL SET", &["SENTINEL", "SET", group, option, value]).await
    }

    /// The password that this sentinel gives to the servers of the group.
    pub async fn set_auth_pass(&self, group: &str, password: &Password) -> Result<(), Error> {
        let words = ["SENTINEL", "SET", group, "auth-pass", password.expose()];
        okay(&self.0, "SENTINEL SET auth-pass", &words).await
    }

    /// Stops watching the group; one that is not watched is a success.
    pub async fn remove(&self, group: &str) -> Result<(), Error> {
        match okay(&self.0, "SENTINEL REMOVE", &["SENTINEL", "REMOVE", group]).await {
            Err(Error::Command { source, .. }) if source.code() == Some("ERR") => Ok(()),
            other => other,
        }
    }

    /// Watches the group from now on, with the settings that SENTINEL MONITOR gives by itself.
    pub async fn monitor(&self, group: &str, master: &Address, quorum: &str) -> Result<(), Error> {
        let port = master.port.to_string();
        let words = ["SENTINEL", "MONITOR", group, &master.host, &port, quorum];
        okay(&self.0, "SENTINEL MONITOR", &words).await
    }

    /// Forgets every replica and every other sentinel of the group; they are found anew within seconds.
    pub async fn reset(&self, group: &str) -> Result<(), Error> {
        okay(&self.0, "SENTINEL RESET", &["SENTINEL", "RESET", group]).await
    }

    /// Starts a failover. `NOGOODSLAVE` and `INPROG` come back as [`Error::code`].
    pub async fn fail_over(&self, group: &str) -> Result<(), Error> {
        okay(&self.0, "SENTINEL FAILOVER", &["SENTINEL", "FAILOVER", group]).await
    }

    /// SENTINEL CKQUORUM: whether enough sentinels are reachable. No health check: it is OK with a
    /// wrong password on every one of them.
    pub async fn check_quorum(&self, group: &str) -> Result<(), Error> {
        okay(&self.0, "SENTINEL CKQUORUM", &["SENTINEL", "CKQUORUM", group]).await
    }
}
