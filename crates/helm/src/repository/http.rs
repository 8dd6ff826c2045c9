//! A [`Transport`] over reqwest.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, Identity, Response};

use super::transport::{Answer, Get, Tls, Transport, TransportError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest silence in the middle of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest that one request may take, a large chart on a slow line included.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(300);
const REDIRECTS_MAX: usize = 10;
/// The pauses before a request is sent again that got no answer, or one that says to come again.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(2)];

/// Speaks HTTP by reqwest, inside a tokio runtime, through the proxies that the environment names.
#[derive(Debug, Default)]
pub struct HttpTransport {
    /// A client for each way to check certificates: each has connections of its own.
    clients: Mutex<HashMap<Tls, Client>>,
}

impl HttpTransport {
    pub fn new() -> Self {
        Self::default()
    }

    fn client(&self, tls: &Tls) -> Result<Client, TransportError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(tls) {
            return Ok(client.clone());
        }
        let client = build(tls)?;
        clients.insert(tls.clone(), client.clone());
        Ok(client)
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn get(&self, request: &Get<'_>) -> Result<Answer, TransportError> {
        let client = self.client(request.tls)?;
        for pause in PAUSES {
            match send(&client, request).await {
                Ok(answer) if answer.status < 500 && answer.status != 429 => return Ok(answer),
                Err(error) if !is_passing(&error) => return Err(error),
                _ => tokio::time::sleep(pause).await,
            }
        }
        send(&client, request).await
    }
}

async fn send(client: &Client, request: &Get<'_>) -> Result<Answer, TransportError> {
    let mut headers = HeaderMap::new();
    if let Ok(accept) = HeaderValue::from_str(request.accept)
        && !request.accept.is_empty()
    {
        headers.insert(ACCEPT, accept);
    }
    if let Some(authorization) = request.authorization {
        let value = HeaderValue::from_str(authorization.expose());
        let mut value = value.map_err(|_| failed("the credentials hold a character that no header may"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let mut response = client.get(request.url).headers(headers).send().await.map_err(of_reqwest)?;
    let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let challenge = challenge.unwrap_or_default().to_owned();
    let body = read(&mut response, request.bytes_max).await?;
    Ok(Answer { status: response.status().as_u16(), challenge, body })
}

async fn read(response: &mut Response, bytes_max: u64) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(of_reqwest)? {
        if (body.len() + chunk.len()) as u64 > bytes_max {
            return Err(failed(&format!("the answer has more than {bytes_max} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn build(tls: &Tls) -> Result<Client, TransportError> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(Policy::custom(follow))
        .danger_accept_invalid_certs(tls.insecure_skip_verify);
    if let Some(path) = &tls.ca_file {
        let certificates = Certificate::from_pem_bundle(&read_file(path)?);
        let certificates = certificates.map_err(|error| unusable(path, "PEM certificates", error))?;
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some((certificate, key)) = &tls.client_files {
        let pem = [read_file(certificate)?, b"\n".to_vec(), read_file(key)?].concat();
        let identity = Identity::from_pem(&pem);
        let identity = identity.map_err(|error| unusable(key, "a PEM certificate and its key", error))?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(of_reqwest)
}

/// reqwest itself keeps an authorization from other hosts; the clear text is ours to refuse.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let was_secret = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error("too many redirects");
    }
    if was_secret && attempt.url().scheme() != "https" {
        return attempt.error("it redirects from https to http");
    }
    attempt.follow()
}

fn read_file(path: &Path) -> Result<Vec<u8>, TransportError> {
    std::fs::read(path).map_err(|error| TransportError {
        message: format!("{} cannot be read", path.display()),
        source: Some(error.into()),
    })
}

fn unusable(path: &Path, wanted: &str, error: reqwest::Error) -> TransportError {
    let message = format!("{} does not hold {wanted}", path.display());
    TransportError { message, source: Some(error.into()) }
}

fn failed(message: &str) -> TransportError {
    TransportError { message: message.to_owned(), source: None }
}

/// Without the URL, whose query may hold a signature.
fn of_reqwest(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let message = if error.is_timeout() { "no answer in time" } else { "no answer" };
    TransportError { message: message.to_owned(), source: Some(error.into()) }
}

/// Whether the same request may go well a moment later: nothing was refused, something broke.
fn is_passing(error: &TransportError) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<reqwest::Error>());
    source
        .is_some_and(|error| (error.is_connect() || error.is_timeout() || error.is_body()) && !is_tls(error))
}

/// A certificate that is not trusted now will not be in two seconds either.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("certificate") {
            return true;
        }
        cause = error.source();
    }
    false
}
