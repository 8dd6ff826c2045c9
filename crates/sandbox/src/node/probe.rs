//! Probes: when to ask, and what answers in a row mean.

use std::time::Duration;

use serde_json::Value;

use super::cuts::Presence;
use super::lifecycle::{Action, Place};
use super::timing::Timing;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probe {
    action: Action,
    initial_delay: Duration,
    period: Duration,
    timeout: Duration,
    success_threshold: u32,
    failure_threshold: u32,
    /// The probe's own grace for the kill that it causes.
    pub(super) grace_seconds: Option<i64>,
}

/// What the answers in a row amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// With the words of the last answer.
    Failed(String),
}

impl Probe {
    /// Reads a probe with Kubernetes' defaults: period 10 s, timeout 1 s, one success, three failures.
    pub(super) fn parse(container: &Value, field: &str) -> Option<Self> {
        let probe = container.get(field).filter(|probe| !probe.is_null())?;
        let number = |key: &str, default: u64| probe.get(key).and_then(Value::as_u64).unwrap_or(default);
        let count = |key: &str, default| u32::try_from(number(key, default)).unwrap_or(u32::MAX);
        Some(Self {
            action: Action::parse(probe, container)?,
            initial_delay: Duration::from_secs(number("initialDelaySeconds", 0)),
            period: Duration::from_secs(number("periodSeconds", 10).max(1)),
            timeout: Duration::from_secs(number("timeoutSeconds", 1).max(1)),
            success_threshold: count("successThreshold", 1).max(1),
            failure_threshold: count("failureThreshold", 3).max(1),
            grace_seconds: probe.get("terminationGracePeriodSeconds").and_then(Value::as_i64),
        })
    }

    /// Asks until dropped, and only while the node is there. `unhealthy` hears of each failure, `verdict` of each change of the sum; true ends it.
    pub(super) async fn run(
        &self,
        timing: Timing,
        place: Place<'_>,
        presence: Presence<'_>,
        unhealthy: impl Fn(&str),
        mut verdict: impl FnMut(Verdict) -> bool,
    ) {
        tokio::time::sleep(timing.initial_delay(self.initial_delay)).await;
        let mut tally = Tally::default();
        loop {
            presence.until_found().await;
            let outcome = place.perform(&self.action, self.timeout).await;
            if let Err(why) = &outcome {
                unhealthy(why);
            }
            let failures_needed =
                timing.failure_threshold(self.failure_threshold, self.period, tally.has_passed);
            if let Some(changed) = tally.count(outcome, self.success_threshold, failures_needed)
                && verdict(changed)
            {
                return;
            }
            tokio::time::sleep(timing.period(self.period, tally.has_passed)).await;
        }
    }
}

/// Answers in a row.
#[derive(Debug, Default)]
struct Tally {
    successes: u32,
    failures: u32,
    /// The last verdict was that it passed.
    has_passed: bool,
}

impl Tally {
    /// A verdict when a threshold is reached; a failed one again at each further threshold.
    fn count(
        &mut self,
        outcome: Result<(), String>,
        successes_needed: u32,
        failures_needed: u32,
    ) -> Option<Verdict> {
        match outcome {
            Ok(()) => {
                self.failures = 0;
                self.successes += 1;
                let passes = !self.has_passed && self.successes >= successes_needed;
                self.has_passed |= passes;
                passes.then_some(Verdict::Passed)
            }
            Err(why) => {
                self.successes = 0;
                self.failures += 1;
                if self.failures < failures_needed {
                    return None;
                }
                self.failures = 0;
                self.has_passed = false;
                Some(Verdict::Failed(why))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+` is a success, `-` a failure; answers the verdicts in the same letters.
    fn check(outcomes: &str, successes_needed: u32, failures_needed: u32, expected: &str) {
        let mut tally = Tally::default();
        let verdicts: String = outcomes
            .chars()
            .filter_map(|letter| {
                let outcome = if letter == '+' { Ok(()) } else { Err("refused".to_owned()) };
                tally.count(outcome, successes_needed, failures_needed)
            })
            .map(|verdict| if verdict == Verdict::Passed { '+' } else { '-' })
            .collect();
        assert_eq!(verdicts, expected, "{outcomes}");
    }

    #[test]
    fn one_success_passes_and_is_said_once() {
        check("+++", 1, 3, "+");
    }

    #[test]
    fn failures_count_only_in_a_row() {
        check("--+--+---", 1, 3, "+-");
    }

    #[test]
    fn successes_count_only_in_a_row() {
        check("++-+++", 3, 5, "+");
    }

    #[test]
    fn a_probe_that_keeps_failing_fails_again() {
        check("------", 1, 3, "--");
    }
}
