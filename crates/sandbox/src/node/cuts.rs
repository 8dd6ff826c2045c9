//! Who is cut off from whom by now. The Service proxy, DNS and the workers of pods ask; `outages` decides.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::sync::watch;

/// What is cut off; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Cuts {
    now: Arc<watch::Sender<Cut>>,
}

/// A node that may be lost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Presence<'a> {
    pub(super) cuts: &'a Cuts,
    pub(super) node: &'a str,
}

impl Presence<'_> {
    /// Until the node is there; at once if it is.
    pub(super) async fn until_found(self) {
        self.cuts.until_found(self.node).await;
    }
}

/// Addresses of pods and names of nodes that are cut off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// Both directions; the lower address comes first.
    pub(super) pairs: BTreeSet<(Ipv4Addr, Ipv4Addr)>,
    /// Cut off from everything but their node.
    pub(super) isolated: BTreeSet<Ipv4Addr>,
    pub(super) lost_nodes: BTreeSet<String>,
}

impl Cut {
    pub(super) fn add_pair(&mut self, one: Ipv4Addr, other: Ipv4Addr) {
        self.pairs.insert((one.min(other), one.max(other)));
    }

    /// Whether packets between two addresses are lost. A pod always reaches itself.
    pub(super) fn severs(&self, one: Ipv4Addr, other: Ipv4Addr) -> bool {
        one != other
            && (self.isolated.contains(&one)
                || self.isolated.contains(&other)
                || self.pairs.contains(&(one.min(other), one.max(other))))
    }
}

impl Cuts {
    pub(super) fn new() -> Self {
        Self { now: Arc::new(watch::Sender::new(Cut::default())) }
    }

    pub(super) fn set(&self, cut: Cut) {
        self.now.send_if_modified(|now| {
            let changes = *now != cut;
            *now = cut;
            changes
        });
    }

    pub(super) fn isolates(&self, address: Ipv4Addr) -> bool {
        self.now.borrow().isolated.contains(&address)
    }

    pub(super) fn has_lost(&self, node: &str) -> bool {
        self.now.borrow().lost_nodes.contains(node)
    }

    /// Until packets between two addresses arrive; at once if they do already.
    pub(super) async fn until_joined(&self, one: Ipv4Addr, other: Ipv4Addr) {
        self.until(|cut| !cut.severs(one, other)).await;
    }

    /// Until a node is there; at once if it is.
    pub(super) async fn until_found(&self, node: &str) {
        self.until(|cut| !cut.lost_nodes.contains(node)).await;
    }

    async fn until(&self, holds: impl FnMut(&Cut) -> bool) {
        // The sender is in `self`, so that the channel does not close meanwhile.
        let _ = self.now.subscribe().wait_for(holds).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_works_both_ways_and_never_between_a_pod_and_itself() {
        let [a, b, c] = [1, 2, 3].map(|last| Ipv4Addr::new(10, 244, 0, last));
        let mut cut = Cut::default();
        cut.add_pair(b, a);
        assert!(cut.severs(a, b) && cut.severs(b, a) && !cut.severs(a, c));
        cut.isolated.insert(c);
        assert!(cut.severs(a, c) && cut.severs(c, b) && !cut.severs(c, c));
    }

    #[tokio::test]
    async fn who_waits_goes_on_when_the_cut_is_healed() {
        let [a, b] = [1, 2].map(|last| Ipv4Addr::new(10, 244, 0, last));
        let cuts = Cuts::new();
        let mut cut = Cut::default();
        cut.add_pair(a, b);
        cuts.set(cut);
        let waiting = tokio::spawn({
            let cuts = cuts.clone();
            async move { cuts.until_joined(a, b).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        cuts.set(Cut::default());
        waiting.await.expect("it goes on");
    }
}
