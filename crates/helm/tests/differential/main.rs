//! The engine beside the real `helm template`, of both major versions, in one run: what they print
//! must be the same to the byte. `make tools` brings the binaries.

mod bundled;
mod cases;
mod charts;
mod helm;
mod property;
