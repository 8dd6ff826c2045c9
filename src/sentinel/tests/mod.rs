//! Tables for what is pure; real servers and sentinels for what talks.

mod group;
mod live;
mod tables;
