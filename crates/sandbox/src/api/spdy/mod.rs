//! SPDY/3.1 frames, as far as port-forwards and commands in containers speak them: streams that are opened, carry bytes, and end.
//!
//! Enters: bytes of a connection. Leaves: [`Frame`]s, and back. Mirrors the SPDY protocol draft 3.1, sections 2.2 and
//! 2.6. Deliberately absent: flow control and priorities, which kubectl's implementation does not have either.

mod frame;
mod headers;
mod upgrade;

pub(super) use frame::{Codec, Frame};
pub(super) use upgrade::{after_upgrade, wants_spdy, write_frames};

/// The other side sent what no SPDY/3.1 client sends.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpdyError {
    #[error("the connection failed")]
    Connection(#[from] std::io::Error),
    #[error("a control frame has version {0}; SPDY/3.1 has 3")]
    Version(u16),
    #[error("a frame of {found} bytes is longer than the {limit} that are taken")]
    TooLong { found: usize, limit: usize },
    #[error("a frame of type {0} ends early")]
    Short(u16),
    #[error("a header block is not compressed as SPDY/3.1 compresses it: {0}")]
    Headers(String),
}
