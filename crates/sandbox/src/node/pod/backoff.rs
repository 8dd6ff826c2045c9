//! How long a container that ended waits for its next run: nothing, then 10 s doubling to five minutes.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);
/// A run this long clears what was before.
const FORGET_AFTER: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Backoff {
    next: Option<Duration>,
    /// What the times are multiplied by; what is said of them is not.
    scale: f64,
}

impl Backoff {
    pub(super) fn new(scale: f64) -> Self {
        Self { next: None, scale }
    }

    /// Waits as long as this wait is with the scale.
    pub(super) async fn elapse(&self, wait: Duration) {
        tokio::time::sleep(wait.mul_f64(self.scale)).await;
    }

    /// The wait after a run of this length; none the first time.
    pub(super) fn after_run_of(&mut self, ran: Duration) -> Option<Duration> {
        if ran >= FORGET_AFTER.mul_f64(self.scale) {
            self.next = None;
        }
        let wait = self.next;
        self.next = Some(wait.map_or(FIRST, |wait| (wait * 2).min(LONGEST)));
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(scale: f64, runs_seconds: &[u64], expected: &[u64]) {
        let mut backoff = Backoff::new(scale);
        let waits = runs_seconds.iter().map(|run| backoff.after_run_of(Duration::from_secs(*run)));
        let waits: Vec<_> = waits.map(|wait| wait.unwrap_or_default().as_secs()).collect();
        assert_eq!(waits, expected);
    }

    #[test]
    fn the_first_restart_is_at_once_and_later_ones_wait_longer() {
        check(1.0, &[0; 8], &[0, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn a_long_run_starts_over() {
        check(1.0, &[0, 0, 0, 601, 0], &[0, 10, 20, 0, 10]);
    }

    #[test]
    fn a_scale_shortens_the_long_run_too_and_waits_are_said_as_they_are_without() {
        check(0.01, &[0, 0, 0, 5, 7, 0], &[0, 10, 20, 40, 0, 10]);
    }
}
