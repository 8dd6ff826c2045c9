//! Notes whether a template asked for anything that another rendering may answer differently.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::template::World;
use crate::value::Value;

/// Passes every question on to the world, and remembers that there was one.
pub(super) struct Witness<'a> {
    world: &'a dyn World,
    asked: AtomicBool,
}

impl<'a> Witness<'a> {
    pub(super) fn new(world: &'a dyn World) -> Self {
        Self { world, asked: AtomicBool::new(false) }
    }

    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    fn note(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }
}

impl World for Witness<'_> {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, String> {
        self.note();
        self.world.lookup(api_version, kind, namespace, name)
    }

    fn now(&self) -> jiff::Timestamp {
        self.note();
        self.world.now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.note();
        self.world.fill_random(bytes);
    }
}
