//! Which failed requests are sent again, and when. Pure.

use std::time::Duration;

use super::error::Source;
use super::request::Verb;

/// How long and how often one request is tried.
#[derive(Clone, Debug)]
pub struct RequestLimits {
    /// Of one attempt.
    pub attempt_timeout: Duration,
    /// Of all attempts and the pauses between them.
    pub deadline: Duration,
    pub attempts_max: u32,
    /// Doubles with every attempt.
    pub first_pause: Duration,
    pub pause_max: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(60),
            attempts_max: 6,
            first_pause: Duration::from_millis(200),
            pause_max: Duration::from_secs(5),
        }
    }
}

impl RequestLimits {
    /// The pause after the `attempt`th attempt, counted from 1.
    pub fn pause(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.first_pause.saturating_mul(factor).min(self.pause_max)
    }
}

/// Why one attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server answered with an error.
    Answered { status: u16, reason: String, message: String, retry_after: Option<Duration> },
    /// The request never left: no connection.
    NotSent { reason: String, source: Source },
    /// The connection broke, or the answer took too long: it may have taken effect.
    Lost { reason: String, source: Option<Source> },
    /// TLS, credentials or the answer itself: trying again changes nothing.
    Fatal { reason: String, source: Option<Source> },
}

/// What follows from a failed attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Stop,
    /// Send it again; `pause` is the server's wish, `None` leaves it to us.
    Again {
        pause: Option<Duration>,
    },
    /// Send it again, knowing that this attempt may have taken effect.
    AgainUncertain {
        pause: Option<Duration>,
    },
}

/// Decides from the verb and the failure alone; counting attempts is the caller's.
pub(super) fn decide(verb: Verb, failure: &Failure) -> Decision {
    let uncertain = |pause| match verb {
        Verb::Create => Decision::AgainUncertain { pause },
        _ if verb.is_idempotent() => Decision::Again { pause },
        _ => Decision::Stop,
    };
    match failure {
        // A refused eviction is the disruption budget's answer, not an overloaded server.
        Failure::Answered { status: 429, .. } if verb == Verb::Evict => Decision::Stop,
        Failure::Answered { status: 429, retry_after, .. } => Decision::Again { pause: *retry_after },
        Failure::Answered { status: 500 | 502 | 503 | 504, retry_after, .. } => uncertain(*retry_after),
        Failure::Answered { .. } | Failure::Fatal { .. } => Decision::Stop,
        Failure::NotSent { .. } => Decision::Again { pause: None },
        Failure::Lost { .. } => uncertain(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<Duration>) -> Failure {
        Failure::Answered { status, reason: String::new(), message: String::new(), retry_after }
    }

    #[test]
    fn only_what_is_safe_is_sent_again() {
        let second = Some(Duration::from_secs(1));
        let again = Decision::Again { pause: None };
        let cases = [
            (Verb::Get, answered(500, None), again),
            (Verb::Create, answered(503, None), Decision::AgainUncertain { pause: None }),
            (Verb::Create, answered(429, second), Decision::Again { pause: second }),
            (Verb::Evict, answered(429, second), Decision::Stop),
            (Verb::Evict, answered(500, None), Decision::Stop),
            (Verb::Apply, answered(504, second), Decision::Again { pause: second }),
            (Verb::Apply, answered(409, None), Decision::Stop),
            (Verb::Get, answered(403, None), Decision::Stop),
            (Verb::Get, answered(404, None), Decision::Stop),
            (Verb::Create, answered(422, None), Decision::Stop),
            (
                Verb::Create,
                Failure::NotSent { reason: String::new(), source: "refused".into() },
                Decision::Again { pause: None },
            ),
            (
                Verb::Create,
                Failure::Lost { reason: String::new(), source: None },
                Decision::AgainUncertain { pause: None },
            ),
            (Verb::Get, Failure::Fatal { reason: String::new(), source: None }, Decision::Stop),
        ];
        for (verb, failure, wanted) in cases {
            assert_eq!(decide(verb, &failure), wanted, "{verb:?} {failure:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_a_bound() {
        let limits = RequestLimits::default();
        let pauses: Vec<_> = (1..=7).map(|attempt| limits.pause(attempt).as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
    }
}
