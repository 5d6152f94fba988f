//! Whether a tunnel sends its packets by a link.
//!
//! ```text
//!   vx0  VXLAN ──► eth0.50      the kernel deletes vx0 with eth0.50, and AMT links likewise
//!   tun0 IPIP  ──► eth0.50      the kernel keeps tun0, which then leads nowhere
//! ```
//!
//! Nothing on the link shows them: a [probe](super::probe) can be made beside a tunnel. Only a tunnel itself tells what it uses,
//! so tunnels are listed. A list of all links would take the kernel's lock of all links (RTNL) once for every twenty links of
//! the host. A list of one kind takes it once or twice. Sources: `vxlan_handle_lowerdev_unregister` in
//! `drivers/net/vxlan/vxlan_core.c`, `amt_device_event` in `drivers/net/amt.c`, `link_dump_filtered` in `net/core/rtnetlink.c`.

use crate::error::Result;
use crate::link::{LinkView, ListLinks};
use crate::netns::run_in;
use crate::socket::Socket;
use crate::value::IfIndex;
use std::os::fd::AsFd;

/// The kinds of tunnels that the kernel deletes with the link that they use. Their lists have room for links of any size: the
/// kernel may leave out what there is no room for, and say nothing.
const DELETED: [&str; 2] = ["vxlan", "amt"];

/// The kinds of other links that can use another and are no upper device of it that keeps a probe away. Their lists have no such
/// room, which would cost a look at all links for each kind: since Linux 6.10 one with hundreds of names hides those behind it.
const KEPT: [&str; 12] =
    ["ipip", "sit", "gre", "gretap", "erspan", "vti", "ip6tnl", "ip6gre", "ip6gretap", "ip6erspan", "vti6", "xfrm"];

/// Whether a tunnel of the socket's namespace uses the link. One that was moved to another namespace is not seen.
///
/// # Errors
/// Why that is not known: `false` is never returned where a list was interrupted each time.
pub(super) fn carries_tunnel(host: &mut Socket, link: IfIndex) -> Result<bool> {
    let Some(home) = host.home() else {
        let is_tunnel = |found: &LinkView<'_>| DELETED.iter().chain(&KEPT).any(|kind| found.kind() == *kind);
        return host.finds(&ListLinks::new(), |found| is_tunnel(found) && uses(found, link));
    };
    run_in(home.as_fd(), || {
        let mut socket = Socket::open()?;
        let deleted = DELETED.iter().map(|kind| ListLinks::new().kind(kind));
        for list in deleted.chain(KEPT.iter().map(|kind| ListLinks::new().kind(kind).without_room())) {
            if !socket.is_read_out() {
                socket = Socket::open()?; // a list that was left off would be read to its end first
            }
            if socket.finds_of_kind(list, |found| uses(found, link))? {
                return Ok(true);
            }
        }
        Ok(false)
    })?
}

/// Whether any link of the socket's namespace uses the link or stands on it.
pub(super) fn carries_link(host: &mut Socket, link: IfIndex) -> Result<bool> {
    host.finds(&ListLinks::new(), |found| uses(found, link))
}

fn uses(found: &LinkView<'_>, link: IfIndex) -> bool {
    found.parent_here() == Some(link) || (found.parent_netnsid().is_none() && found.tunnel_device() == Some(link))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::index;
    use super::*;
    use crate::error::Error;
    use crate::link::{NewLink, VlanId};
    use crate::socket::script::{Fate, Kernel, Shared, socket};
    use crate::value::NsId;
    use crate::wire::{Command, NoRoom, Request, Sealed, encoded};
    use std::sync::{Arc, Mutex};

    /// A request by its bytes.
    struct Raw(Vec<u8>);

    impl Sealed for Raw {}
    impl Command for Raw {}

    impl Request for Raw {
        fn encode(&self, seq: u32, buf: &mut [u8]) -> std::result::Result<usize, NoRoom> {
            buf[..self.0.len()].copy_from_slice(&self.0);
            buf[8..12].copy_from_slice(&seq.to_ne_bytes());
            Ok(self.0.len())
        }
    }

    /// A request for a link on #7, of a kind of four letters that the library does not make.
    fn on_seven(kind: &str, elsewhere: bool) -> Vec<u8> {
        let link = NewLink::vlan(index(7), VlanId::new(5).unwrap()).index(index(9));
        let mut bytes = if elsewhere { encoded(&link.parent_in(NsId::new(0).unwrap())) } else { encoded(&link) };
        let place = bytes.windows(4).position(|word| word == b"vlan").unwrap();
        bytes[place..place + 4].copy_from_slice(kind.as_bytes());
        bytes
    }

    #[test]
    fn a_link_uses_what_is_here() {
        for (kind, elsewhere, number, expected) in
            [("ipip", false, 7, true), ("ipip", false, 8, false), ("ipip", true, 7, false), ("vlan", false, 7, true)]
        {
            let bytes = on_seven(kind, elsewhere);
            let link = LinkView::of_request(&bytes).unwrap();
            assert_eq!(uses(&link, index(number)), expected, "{kind} {elsewhere} {number}");
        }
    }

    /// Where the host's namespace is not known, its socket lists all links.
    #[test]
    fn tunnels_are_found_among_all_links() {
        for (kind, tunnel, any) in [("ipip", true, true), ("vlan", false, true), ("none", false, true)] {
            let kernel: Shared = Arc::new(Mutex::new(Kernel::with_links(5)));
            let mut host = socket(&kernel, 0, |_, events, _| Ok(events));
            host.apply(&Raw(on_seven(kind, false))).unwrap();
            assert_eq!(carries_tunnel(&mut host, index(7)).unwrap(), tunnel, "{kind}");
            assert_eq!(carries_link(&mut host, index(7)).unwrap(), any, "{kind}");
            assert!(!carries_link(&mut host, index(8)).unwrap(), "{kind}");
        }
    }

    /// A list that was interrupted shows only what is in it.
    #[test]
    fn what_an_interrupted_list_may_lack_is_not_told_as_absent() {
        let kernel: Shared = Arc::new(Mutex::new(Kernel::with_links(5)));
        let interrupted = |request: &[u8], events, late: &mut Vec<_>| Fate::Interrupted.befall(request, events, late);
        let mut host = socket(&kernel, 0, interrupted);
        host.apply(&Raw(on_seven("ipip", false))).unwrap();
        assert!(carries_tunnel(&mut host, index(7)).unwrap());
        assert!(carries_link(&mut host, index(7)).unwrap());
        for found in [carries_tunnel(&mut host, index(8)), carries_link(&mut host, index(8))] {
            assert!(found.as_ref().is_err_and(Error::is_interrupted), "{found:?}");
        }
    }
}
