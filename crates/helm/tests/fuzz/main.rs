//! Fuzzing: mutated templates, archives and values must never panic, hang or exhaust anything. Every
//! target is a test with a small number of rounds; `make fuzz` runs the same with many, from a seed of
//! its own: `FUZZ_ROUNDS` and `FUZZ_SEED`. A failure prints the seed, the round and the input.

mod mutate;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};

use mutate::Random;

/// Rounds of each target in an ordinary test run.
const ROUNDS: u64 = 1500;
const SEED: u64 = 1;

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}: {text:?} is no number")),
        Err(_) => default,
    }
}

/// Mutates the corpus and runs the target on each result.
fn fuzz(target: &str, corpus: &[Vec<u8>], words: &[&str], run: impl Fn(&[u8])) {
    let (rounds, seed) = (setting("FUZZ_ROUNDS", ROUNDS), setting("FUZZ_SEED", SEED));
    eprintln!("{target}: seed {seed}, {rounds} rounds over {} inputs", corpus.len());
    for round in 0..rounds {
        let mut random = Random::new(seed, round);
        let input = mutate::mutate(&mut random, corpus, words);
        if catch_unwind(AssertUnwindSafe(|| run(&input))).is_err() {
            let shown = String::from_utf8_lossy(&input);
            panic!("{target} fails at FUZZ_SEED={seed}, round {round}, on {shown:?}");
        }
    }
}
