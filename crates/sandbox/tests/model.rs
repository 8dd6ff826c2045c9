//! Random histories of the store against a model: whoever lists and then watches sees every change once and in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use sandbox::store::{DeleteOptions, EventType, Key, Store, Watch, kinds, object};
use serde_json::{Value, json};

const STEPS: usize = 400;
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Small, and the same for the same seed (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (limit as u64)).expect("below the limit")
    }
}

/// What a client knows of a namespace's ConfigMaps: a list, and then what its watch told.
struct Client {
    watch: Watch,
    known: BTreeMap<String, Arc<Value>>,
    newest: u64,
}

impl Client {
    fn list_and_watch(store: &Store) -> Self {
        let (objects, revision) = store.list(&kinds::CONFIG_MAP, Some("default"));
        let watch = store.watch(&kinds::CONFIG_MAP, Some("default"), revision).expect("recent");
        let known = objects.into_iter().map(|found| (object::name(&found).to_owned(), found)).collect();
        Self { watch, known, newest: revision }
    }

    /// Takes all that the watch has to tell; each event has to fit what is known.
    fn catch_up(&mut self, context: &str) {
        while let Some(event) = self.watch.next().now_or_never() {
            let event = event.expect("the watch keeps up");
            let revision = object::resource_version(&event.object);
            assert!(revision > self.newest, "{context}: {revision} comes after {}", self.newest);
            self.newest = revision;
            let name = object::name(&event.object).to_owned();
            let before = self.known.remove(&name);
            let is_known = before.is_some();
            let is_expected = match event.event_type {
                EventType::Added => !is_known,
                EventType::Modified | EventType::Deleted => is_known,
            };
            assert!(is_expected, "{context}: {:?} of {name}, known: {is_known}", event.event_type);
            assert_eq!(event.previous, before, "{context}: what {name} was before");
            if event.event_type != EventType::Deleted {
                self.known.insert(name, event.object);
            }
        }
    }
}

/// One step of a writer, on the store and on the model; both agree on whether it is refused.
fn step(store: &Store, model: &mut BTreeMap<String, i64>, random: &mut Random) {
    let name = NAMES[random.below(NAMES.len())];
    let key = Key::namespaced(&kinds::CONFIG_MAP, "default", name);
    let value = i64::try_from(random.below(3)).expect("small");
    match random.below(4) {
        0 => {
            let made =
                json!({"metadata": {"name": name, "namespace": "default"}, "data": {"v": value.to_string()}});
            let created = store.create(&kinds::CONFIG_MAP, made);
            assert_eq!(created.is_ok(), !model.contains_key(name), "create {name}: {created:?}");
            model.entry(name.to_owned()).or_insert(value);
        }
        1 | 2 => {
            let before = store.revision();
            let patched = store.update(&key, |found| found["data"]["v"] = json!(value.to_string()));
            let changes = model.get(name).is_some_and(|known| *known != value);
            assert_eq!(patched.is_ok(), model.contains_key(name), "patch {name}: {patched:?}");
            assert_eq!(store.revision() - before, u64::from(changes), "a change is one revision");
            model.entry(name.to_owned()).and_modify(|known| *known = value);
        }
        _ => {
            let deleted = store.delete(&key, &DeleteOptions::default());
            assert_eq!(deleted.is_ok(), model.remove(name).is_some(), "delete {name}");
        }
    }
}

fn values(objects: &BTreeMap<String, Arc<Value>>) -> BTreeMap<String, i64> {
    let value = |found: &Value| object::text(found, "/data/v").parse().expect("a number");
    objects.iter().map(|(name, found)| (name.clone(), value(found))).collect()
}

fn check(seed: u64) {
    let store = Store::new(Arc::new(jiff::Timestamp::now));
    let mut random = Random(seed);
    let mut model = BTreeMap::new();
    let mut clients = vec![Client::list_and_watch(&store)];
    for number in 0..STEPS {
        step(&store, &mut model, &mut random);
        // Now and then a client joins, or one that lagged catches up.
        if random.below(40) == 0 {
            clients.push(Client::list_and_watch(&store));
        }
        if random.below(20) == 0 {
            let at = random.below(clients.len());
            clients[at].catch_up(&format!("seed {seed}, step {number}"));
            assert_eq!(values(&clients[at].known), model, "seed {seed}, step {number}");
        }
    }
    for client in &mut clients {
        client.catch_up(&format!("seed {seed}, at the end"));
        assert_eq!(values(&client.known), model, "seed {seed}, at the end");
    }
}

#[test]
fn no_event_is_lost_repeated_or_out_of_order() {
    for seed in 1..=40 {
        check(seed);
    }
}

/// Writers on several threads: a client that watches meanwhile ends with what the store holds.
#[test]
fn concurrent_writers_are_seen_in_one_order() {
    let store = Store::new(Arc::new(jiff::Timestamp::now));
    let mut client = Client::list_and_watch(&store);
    let writers = (1..=4).map(|seed| {
        let store = store.clone();
        std::thread::spawn(move || {
            let mut random = Random(seed);
            for _ in 0..STEPS {
                let name = NAMES[random.below(NAMES.len())];
                let key = Key::namespaced(&kinds::CONFIG_MAP, "default", name);
                let made = json!({"metadata": {"name": name, "namespace": "default"}, "data": {"v": "0"}});
                // Another writer may have been faster: a refusal is as good.
                let _ = match random.below(3) {
                    0 => store.create(&kinds::CONFIG_MAP, made).is_ok(),
                    1 => store.update(&key, |found| found["data"]["v"] = json!(seed.to_string())).is_ok(),
                    _ => store.delete(&key, &DeleteOptions::default()).is_ok(),
                };
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.join().expect("a writer ends");
    }
    client.catch_up("concurrent writers");
    let (objects, _) = store.list(&kinds::CONFIG_MAP, Some("default"));
    assert_eq!(client.known.into_values().collect::<Vec<_>>(), objects);
}
