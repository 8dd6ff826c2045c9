//! Core's play, on a provider that keeps the rules and on one that breaks each in turn.

mod adopt;
mod crooked;
mod data_source;
mod life;
mod proposal;
mod rules;
