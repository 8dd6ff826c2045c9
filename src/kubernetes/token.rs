//! Access tokens that are asked for at each request, so that one that expires between plan and
//! apply, or during a long wait, is renewed by its source.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use kube::client::Body;
use tower::BoxError;

use super::Password;

/// Where access tokens come from. A source keeps a token until shortly before it expires.
#[async_trait]
pub trait TokenSource: Send + Sync {
    async fn token(&self) -> Result<Password, BoxError>;
}

/// No token was to be had. It passes through the layers of the HTTP client as their error.
#[derive(Debug)]
pub(super) struct NoToken(pub(super) BoxError);

impl fmt::Display for NoToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl std::error::Error for NoToken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Adds the token of this moment to a request.
pub(super) async fn authorize(
    source: Arc<dyn TokenSource>,
    mut request: Request<Body>,
) -> Result<Request<Body>, BoxError> {
    let token = source.token().await.map_err(|error| Box::new(NoToken(error)))?;
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| Box::new(NoToken("the access token holds characters that no header may hold".into())))?;
    value.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, value);
    Ok(request)
}
