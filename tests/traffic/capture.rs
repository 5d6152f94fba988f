//! Frames as a packet socket sees them.

use crate::waits::uninterrupted;
use nix::sys::socket::{
    AddressFamily, LinkAddr, SockFlag, SockProtocol, SockType, recvfrom, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::os::fd::{AsRawFd, OwnedFd};
use sublink::IfIndex;

/// What a packet socket reports of a frame that the namespace sends (`PACKET_OUTGOING`).
const OUTGOING: u8 = 4;

/// A packet socket, which keeps every frame of a namespace's links from when it was opened.
#[derive(Debug)]
pub struct Capture(OwnedFd);

#[derive(Debug)]
pub struct Frame {
    /// The link on which it was seen.
    pub link: u32,
    /// Whether it left by that link.
    pub is_outgoing: bool,
    /// All of it but a tag that came in: the kernel keeps that beside the frame.
    pub bytes: Vec<u8>,
}

impl Capture {
    /// Captures in the calling thread's namespace.
    pub fn open() -> Self {
        let fd = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll);
        let fd = fd.expect("a packet socket");
        setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::seconds(120)).expect("a time limit");
        Self(fd)
    }

    fn next(&self) -> Frame {
        let mut buf = vec![0; 2048];
        let received = uninterrupted(|| Ok(recvfrom::<LinkAddr>(self.0.as_raw_fd(), &mut buf)?));
        let (len, from) = received.expect("a frame");
        let from = from.expect("its link");
        buf.truncate(len);
        let link = from.ifindex().try_into().expect("an index");
        Frame { link, is_outgoing: from.pkttype() == OUTGOING, bytes: buf }
    }

    /// All frames from the start of the capture to the first that holds this text.
    pub fn frames_until(&self, text: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        while frames.last().is_none_or(|frame: &Frame| !frame.holds(text)) {
            frames.push(self.next());
        }
        frames
    }

    /// What is wanted of the first frame that has it.
    pub fn first<T>(&self, wanted: impl Fn(&Frame) -> Option<T>) -> T {
        std::iter::repeat_with(|| self.next()).find_map(|frame| wanted(&frame)).expect("it goes on until there is one")
    }

    /// The first frame with this text that leaves by `link`.
    pub fn frame_out_of(&self, link: IfIndex, text: &str) -> Frame {
        let is_it = |frame: &Frame| frame.is_outgoing && frame.link == link.get() && frame.holds(text);
        std::iter::repeat_with(|| self.next()).find(is_it).expect("it goes on until there is one")
    }
}

impl Frame {
    pub fn holds(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub fn receiver(&self) -> &[u8] {
        &self.bytes[..6]
    }

    pub fn sender(&self) -> &[u8] {
        &self.bytes[6..12]
    }

    /// What stands behind the two MAC addresses, as numbers of 16 bits: Ethernet types, and what tags hold.
    pub fn words<const N: usize>(&self) -> [u16; N] {
        std::array::from_fn(|n| u16::from_be_bytes([self.bytes[12 + 2 * n], self.bytes[13 + 2 * n]]))
    }
}
