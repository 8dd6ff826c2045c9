//! The faults in force, and how often each struck.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::fault::{ApiFault, Fault};
use super::strike::{Call, Strike};

/// A fault with its number and its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub id: u64,
    #[serde(flatten)]
    pub fault: Fault,
    /// How often it struck. A fault with a count is spent when this reaches it, and stays listed until cleared.
    pub fired: u64,
}

impl Recorded {
    fn is_spent(&self) -> bool {
        matches!(&self.fault, Fault::Api(ApiFault { count: Some(count), .. }) if self.fired >= *count)
    }
}

/// The list of faults; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    recorded: Vec<Recorded>,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is a single push, retain or assignment, so the list is whole even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault. `fired` is 1 for those that strike when they are added.
    pub fn add(&self, fault: Fault) -> Recorded {
        let fired = u64::from(matches!(fault, Fault::Stop(_) | Fault::Kill(_)));
        let mut state = self.lock();
        state.last_id += 1;
        let recorded = Recorded { id: state.last_id, fault, fired };
        state.recorded.push(recorded.clone());
        recorded
    }

    pub fn list(&self) -> Vec<Recorded> {
        self.lock().recorded.clone()
    }

    /// Removes one fault; none if there is no such number.
    pub fn remove(&self, id: u64) -> Option<Recorded> {
        let mut state = self.lock();
        let at = state.recorded.iter().position(|recorded| recorded.id == id)?;
        Some(state.recorded.remove(at))
    }

    /// The fault that a request meets, which is counted: the oldest of those that match.
    pub(crate) fn strike(&self, call: &Call<'_>) -> Option<Strike> {
        let mut state = self.lock();
        let meets = |recorded: &&mut Recorded| match &recorded.fault {
            Fault::Api(fault) => !recorded.is_spent() && fault.matches(call),
            _ => false,
        };
        let recorded = state.recorded.iter_mut().find(meets)?;
        recorded.fired += 1;
        let Fault::Api(fault) = &recorded.fault else { return None };
        Some(Strike { id: recorded.id, effect: fault.effect.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Effect, Service, Verb};

    fn refuse(status: u16, count: Option<u64>) -> Fault {
        Fault::Api(ApiFault {
            service: Service::Gke,
            verbs: vec![Verb::Create],
            path: "*/nodePools".to_owned(),
            count,
            effect: Effect::Status { status, retry_after_seconds: None },
        })
    }

    fn strike(faults: &Faults, verb: Verb) -> Option<u64> {
        let call = Call { service: Service::Gke, verb, path: "/v1/nodePools" };
        faults.strike(&call).map(|strike| strike.id)
    }

    #[test]
    fn a_fault_strikes_as_often_as_it_says_and_then_the_next_one_does() {
        let faults = Faults::default();
        faults.add(refuse(403, Some(2)));
        faults.add(refuse(429, None));
        let met: Vec<_> = (0..4).map(|_| strike(&faults, Verb::Create)).collect();
        assert_eq!(met, [Some(1), Some(1), Some(2), Some(2)]);
        assert_eq!(strike(&faults, Verb::Get), None);
        let fired: Vec<_> = faults.list().iter().map(|recorded| recorded.fired).collect();
        assert_eq!(fired, [2, 2], "a spent fault stays listed");
    }

    #[test]
    fn a_removed_fault_strikes_no_more_and_its_number_is_not_given_again() {
        let faults = Faults::default();
        let first = faults.add(refuse(403, None));
        assert_eq!(faults.remove(first.id), Some(first));
        assert_eq!(faults.remove(1), None);
        assert_eq!(strike(&faults, Verb::Create), None);
        assert_eq!(faults.add(refuse(403, None)).id, 2);
    }
}
