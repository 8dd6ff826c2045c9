//! One conversation with one process, over a stream that somebody else opened.

use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ProtocolVersion, RedisConnectionInfo, Value};
use tokio::task::JoinHandle;

use super::credentials::Password;
use super::dialer::{ByteStream, DialError, Dialer};
use super::error::Error;

/// Commands in flight share the stream; each has its own deadline. Dropping the last handle closes it.
pub struct Connection {
    target: String,
    inner: MultiplexedConnection,
    driver: JoinHandle<()>,
    timeout: Duration,
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// Dials and authenticates within `timeout`, which then bounds each command as well.
    pub async fn open(
        dialer: &dyn Dialer,
        pod: &str,
        port: u16,
        password: Option<&Password>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let dialled = tokio::time::timeout(timeout, dialer.dial(pod, port)).await;
        let dialled = dialled.map_err(|_| late(&format!("{pod}:{port}"), "dial", timeout))?;
        Self::dialled(format!("{pod}:{port}"), dialled, password, timeout).await
    }

    /// Goes on from a dial, whichever way it ended.
    pub async fn dialled(
        target: String,
        dialled: Result<Box<dyn ByteStream>, DialError>,
        password: Option<&Password>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        match dialled {
            Err(source) => Err(Error::Dial { target, source }),
            Ok(stream) => Self::over(target, stream, password, timeout).await,
        }
    }

    /// Authenticates over an open stream.
    pub async fn over(
        target: String,
        stream: Box<dyn ByteStream>,
        password: Option<&Password>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let mut setup =
            RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
        if let Some(password) = password {
            setup = setup.set_password(password.expose());
        }
        // The crate's own, shorter limit on replies would hide ours.
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(timeout));
        let opening = MultiplexedConnection::new_with_config(&setup, stream, config);
        let opened = tokio::time::timeout(timeout, opening).await;
        let (inner, driver) = match opened {
            Err(_) => return Err(late(&target, "AUTH", timeout)),
            Ok(Err(source)) => return Err(Error::Command { target, operation: "AUTH", source }),
            Ok(Ok(opened)) => opened,
        };
        Ok(Self { target, inner, driver: tokio::spawn(driver), timeout })
    }

    pub fn target(&self) -> &str {
        &self.target
    }

    /// Sends `command` and waits for its reply. `operation` names it in errors: never its arguments.
    pub async fn ask(&self, operation: &'static str, command: &Cmd) -> Result<Value, Error> {
        let mut inner = self.inner.clone();
        let answered = tokio::time::timeout(self.timeout, inner.send_packed_command(command)).await;
        let failed = |source| Error::Command { target: self.target.clone(), operation, source };
        match answered {
            Err(_) => Err(late(&self.target, operation, self.timeout)),
            Ok(Err(source)) => Err(failed(source)),
            Ok(Ok(value)) => value.extract_error().map_err(failed),
        }
    }

    /// An error that says that a reply was understood by nobody.
    pub(super) fn unexpected(&self, operation: &'static str, detail: impl Into<String>) -> Error {
        Error::Reply { target: self.target.clone(), operation, detail: detail.into() }
    }
}

pub(super) fn late(target: &str, operation: &'static str, timeout: Duration) -> Error {
    Error::Timeout { target: target.to_owned(), operation, timeout_milliseconds: timeout.as_millis() }
}
