//! How literally the timings of pods are taken: as written, or scaled so that a set is ready in seconds.

use std::time::Duration;

use crate::cli::Probes;

const FAST_INITIAL_DELAY: Duration = Duration::from_millis(250);
/// Until a probe first succeeds; what waits for a pod waits for this.
const FAST_PERIOD_BEFORE_SUCCESS: Duration = Duration::from_millis(250);
/// Afterwards a probe only watches: an exec costs tens of milliseconds of processor.
const FAST_PERIOD_MIN: Duration = Duration::from_secs(1);
const FAST_PERIOD_DIVISOR: u32 = 5;
/// What `sleep N` of an init container is divided by.
pub(super) const FAST_SLEEP_DIVISOR: u32 = 20;

/// `node-monitor-grace-period` of Kubernetes 1.31 and before; 50 s since.
const NODE_GRACE: Duration = Duration::from_secs(40);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing(pub(crate) Probes);

impl Timing {
    pub(super) fn is_fast(self) -> bool {
        self.0 == Probes::Fast
    }

    /// How long a node may be silent before the control plane misses it.
    pub(super) fn node_grace(self) -> Duration {
        if self.is_fast() { NODE_GRACE / FAST_SLEEP_DIVISOR } else { NODE_GRACE }
    }

    /// What `tolerationSeconds` of pods are divided by.
    pub(crate) fn toleration_divisor(self) -> u32 {
        if self.is_fast() { FAST_SLEEP_DIVISOR } else { 1 }
    }

    pub(super) fn initial_delay(self, written: Duration) -> Duration {
        if self.is_fast() { written.min(FAST_INITIAL_DELAY) } else { written }
    }

    pub(super) fn period(self, written: Duration, has_succeeded: bool) -> Duration {
        match (self.is_fast(), has_succeeded) {
            (false, _) => written,
            (true, false) => written.min(FAST_PERIOD_BEFORE_SUCCESS),
            (true, true) => (written / FAST_PERIOD_DIVISOR).max(FAST_PERIOD_MIN).min(written),
        }
    }

    /// Failures in a row that count as failed. Shorter periods take more of them, so that a slow machine has the
    /// time that was written.
    pub(super) fn failure_threshold(self, written: u32, period: Duration, has_succeeded: bool) -> u32 {
        let scaled = self.period(period, has_succeeded).max(Duration::from_millis(1));
        let factor = period.as_millis().div_ceil(scaled.as_millis()).max(1);
        written.saturating_mul(u32::try_from(factor).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: Duration = Duration::from_secs(15);

    #[test]
    fn real_timings_are_as_written() {
        let timing = Timing(Probes::Real);
        assert_eq!(timing.initial_delay(WRITTEN), WRITTEN);
        assert_eq!(timing.period(WRITTEN, false), WRITTEN);
        assert_eq!(timing.failure_threshold(3, WRITTEN, false), 3);
    }

    #[test]
    fn fast_timings_ask_more_often_and_give_up_no_sooner() {
        let timing = Timing(Probes::Fast);
        assert_eq!(timing.initial_delay(WRITTEN), Duration::from_millis(250));
        for has_succeeded in [false, true] {
            let period = timing.period(WRITTEN, has_succeeded);
            assert!(period < WRITTEN);
            assert!(period * timing.failure_threshold(3, WRITTEN, has_succeeded) >= WRITTEN * 3);
        }
    }

    #[test]
    fn fast_is_never_slower_than_written() {
        let written = Duration::from_millis(100);
        assert_eq!(Timing(Probes::Fast).period(written, true), written);
    }
}
