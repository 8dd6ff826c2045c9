//! Tables for what is pure; real servers and sentinels for what talks.

mod faults;
mod group;
mod live;
mod structure;
mod tables;
mod tls;
