//! What a fault does to a request.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use futures::{StreamExt as _, stream};
use http::{HeaderValue, StatusCode, header};

use super::Connection;
use super::fault::{Effect, Service, Verb};

/// A request, as far as a fault looks at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) service: Service,
    pub(crate) verb: Verb,
    /// Without the query.
    pub(crate) path: &'a str,
}

/// A fault that met a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(super) id: u64,
    pub(super) effect: Effect,
}

/// The stream of a watch was torn on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the watch was torn by a fault")]
struct Torn;

impl Strike {
    /// Lets the request feel it: `refuse` renders a refusal in the API's own form, `answer` is what would have come.
    /// Never returns for a request that gets no answer; the end of its connection drops it.
    pub(crate) async fn carry_out(
        self,
        call: &Call<'_>,
        connection: Option<&Connection>,
        refuse: impl FnOnce(StatusCode) -> Response,
        answer: impl Future<Output = Response>,
    ) -> Response {
        tracing::info!(target: "sandbox::faults", id = self.id, effect = ?self.effect, path = call.path, "struck");
        match self.effect {
            Effect::Status { status, retry_after_seconds } => {
                let mut response =
                    refuse(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
                if let Some(seconds) = retry_after_seconds {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                response
            }
            Effect::Delay { delay_milliseconds } => {
                tokio::time::sleep(Duration::from_millis(delay_milliseconds)).await;
                answer.await
            }
            Effect::Hang => std::future::pending().await,
            Effect::Reset => {
                if let Some(connection) = connection {
                    connection.reset();
                }
                std::future::pending().await
            }
            Effect::HalfWatch { after_events } => tear(answer.await, after_events),
        }
    }
}

/// Gives so many lines of a watch, half of the next one, and then an error, which breaks the stream off without the
/// end that HTTP has for a whole answer.
fn tear(response: Response, after_events: u64) -> Response {
    let (parts, body) = response.into_parts();
    let start = Rest::Whole { lines: body.into_data_stream(), left: after_events };
    let torn = stream::unfold(start, |rest| async move {
        match rest {
            Rest::Whole { mut lines, left } => match (lines.next().await?, left.checked_sub(1)) {
                (Ok(line), Some(left)) => Some((Ok(line), Rest::Whole { lines, left })),
                (Ok(line), None) => Some((Ok(line.slice(..line.len() / 2)), Rest::Break)),
                (Err(error), _) => Some((Err(error), Rest::Nothing)),
            },
            Rest::Break => {
                // What came before is sent when the stream pauses; an error in the same breath would swallow it.
                tokio::task::yield_now().await;
                Some((Err(axum::Error::new(Torn)), Rest::Nothing))
            }
            Rest::Nothing => None,
        }
    });
    Response::from_parts(parts, Body::from_stream(torn))
}

/// What is still to come of a torn watch.
enum Rest {
    Whole { lines: BodyDataStream, left: u64 },
    Break,
    Nothing,
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn a_late_answer_lets_others_go_first() {
        let order = std::sync::Mutex::new(Vec::new());
        let note = |what| order.lock().expect("no panic").push(what);
        let strike = Strike { id: 1, effect: Effect::Delay { delay_milliseconds: 20 } };
        let call = Call { service: Service::Kubernetes, verb: Verb::Get, path: "/" };
        let answer = async {
            note("late");
            Response::new(Body::empty())
        };
        let late = strike.carry_out(&call, None, |_| panic!("a delay refuses nothing"), answer);
        let other = async { note("other") };
        let (response, ()) = tokio::join!(late, other);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(*order.lock().expect("no panic"), ["other", "late"]);
    }

    #[tokio::test]
    async fn a_torn_watch_gives_whole_lines_half_a_line_and_an_error() {
        let lines = ["first\n", "second\n", "third\n"].map(|line| Ok::<_, Torn>(Bytes::from(line)));
        let response = tear(Response::new(Body::from_stream(stream::iter(lines))), 1);
        let mut body = response.into_body().into_data_stream();
        assert_eq!(body.next().await.expect("a line").expect("whole"), "first\n");
        assert_eq!(body.next().await.expect("a line").expect("half"), "sec");
        assert!(body.next().await.expect("an end").is_err());
        assert!(body.next().await.is_none());
    }
}
