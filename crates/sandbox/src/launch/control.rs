//! Asking a running sandbox for something, over its control channel.

use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::{Directory, LaunchError};

/// The way to the sandbox that runs in a directory.
#[derive(Debug)]
pub struct Control {
    directory: Directory,
    port: u16,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Control {
    /// Finds the sandbox, or says how to start one.
    pub fn open(path: &Path) -> Result<Self, LaunchError> {
        let running = Directory::open(path).and_then(|directory| {
            let port = directory.running()?.google_port;
            Some(Self { directory, port })
        });
        running.ok_or_else(|| LaunchError::NotRunning { path: path.to_path_buf() })
    }

    /// One request; the JSON of a success, or the words of a refusal.
    pub fn call(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value, LaunchError> {
        let failed = |source| LaunchError::Control { path: self.directory.root().to_path_buf(), source };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| failed(source.into()))?;
        let (status, answer) = runtime.block_on(self.send(method, path, body)).map_err(failed)?;
        if status.is_success() {
            return Ok(answer);
        }
        let words =
            answer["error"].as_str().map_or_else(|| format!("the sandbox says {status}"), str::to_owned);
        Err(LaunchError::Refused(words))
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Failure> {
        let token = std::fs::read_to_string(self.directory.access_token())?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", token.trim()))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}
