//! The socket between the launcher and the namespaces: listeners in, readiness out, and its end as the end of both.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use super::LaunchError;

/// The two sockets that are bound outside and served inside.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) kubernetes: TcpListener,
    pub(super) google: TcpListener,
}

/// The byte that carries the descriptors; a control message needs one.
const CARRIER: [u8; 1] = *b"L";

impl Listeners {
    /// Binds both on 127.0.0.1; port 0 is a free one.
    pub(super) fn bind(kubernetes_port: u16) -> Result<Self, LaunchError> {
        let bind = |port| {
            TcpListener::bind(("127.0.0.1", port)).map_err(|source| LaunchError::Listen { port, source })
        };
        Ok(Self { kubernetes: bind(kubernetes_port)?, google: bind(0)? })
    }

    pub(super) fn send(&self, socket: &UnixStream) -> Result<(), LaunchError> {
        let descriptors: [BorrowedFd<'_>; 2] = [self.kubernetes.as_fd(), self.google.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let fits = control.push(SendAncillaryMessage::ScmRights(&descriptors));
        debug_assert!(fits, "the space is computed for two descriptors");
        rustix::net::sendmsg(socket, &[IoSlice::new(&CARRIER)], &mut control, SendFlags::NOSIGNAL)
            .map_err(|errno| failed("send the listeners", errno))?;
        Ok(())
    }

    pub(super) fn receive(socket: &UnixStream) -> Result<Self, LaunchError> {
        let mut carrier = [0; 1];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        rustix::net::recvmsg(
            socket,
            &mut [IoSliceMut::new(&mut carrier)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )
        .map_err(|errno| failed("receive the listeners", errno))?;
        let descriptors: Vec<OwnedFd> = control
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
                _ => None,
            })
            .flatten()
            .collect();
        let [kubernetes, google]: [OwnedFd; 2] =
            descriptors.try_into().map_err(|_| failed("receive two listeners", Errno::BADMSG))?;
        Ok(Self { kubernetes: kubernetes.into(), google: google.into() })
    }
}

fn failed(operation: &'static str, errno: Errno) -> LaunchError {
    LaunchError::Handover { operation, source: errno.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_arrive_on_the_other_side() {
        let (here, there) = UnixStream::pair().expect("a pair of sockets");
        let sent = Listeners::bind(0).expect("free ports");
        sent.send(&here).expect("sent");
        let received = Listeners::receive(&there).expect("received");
        assert_eq!(
            received.kubernetes.local_addr().expect("an address"),
            sent.kubernetes.local_addr().expect("an address")
        );
        assert_eq!(
            received.google.local_addr().expect("an address"),
            sent.google.local_addr().expect("an address")
        );
    }
}
