//! Moving a device that is there already into a container, with its addresses: the `netDevices` of the OCI runtime
//! specification.
//!
//! A move drops the addresses, so they are read before it and given back behind it: two calls with plain data in between,
//! for runtimes whose second half runs in another process.

use crate::addr::{AddressFlags, ListAddresses, NewAddress};
use crate::batch::Batch;
use crate::error::Result;
use crate::link::LinkChange;
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use crate::value::{IfIndex, IfName, Scope};
use ipnetwork::IpNetwork;
use std::os::fd::AsFd;

/// A device that was moved into a container, and waits there, down, for its addresses.
///
/// ```no_run
/// use sublink::{IfName, Netns, Sandbox, Socket};
/// use sublink::endpoint::MovedDevice;
/// let pod = Netns::open("/run/netns/c1")?;
/// let moved = MovedDevice::take(&mut Socket::open()?, "eth1", &pod, Some(IfName::new("ctr0")?))?;
/// // perhaps in another process:
/// moved.restore(&mut Sandbox::of(pod)?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MovedDevice {
    /// Its name in the container.
    pub name: IfName,
    /// The addresses it had, of global scope and given for good, in the kernel's order.
    pub addrs: Vec<IpNetwork>,
}

impl MovedDevice {
    /// Moves the link `name` into `namespace`, under a new name if one is given.
    ///
    /// # Errors
    /// When the move fails, [`Error::link_is`](crate::Error::link_is) says which namespace has the link. Where it is still
    /// here it may be down, without its IPv6 addresses.
    pub fn take(
        host: &mut Socket,
        name: impl AsRef<[u8]>,
        namespace: impl AsFd,
        new_name: Option<IfName>,
    ) -> Result<Self> {
        let link = host.link(name)?;
        let (index, name) = (link.index(), new_name.unwrap_or_else(|| link.if_name()));
        let addresses = host.snapshot(&ListAddresses::new().index(index))?; // down drops those of IPv6
        let is_kept = |flags: AddressFlags| flags.contains(AddressFlags::PERMANENT);
        let kept = addresses.iter().filter(|a| a.scope == Scope::GLOBAL && a.flags.is_some_and(is_kept));
        let addrs = kept.filter_map(|address| address.addr).collect();
        host.change(&LinkChange::move_to(index, &namespace).name(name))?;
        Ok(Self { name, addrs })
    }

    /// Gives the device its addresses back, inside, and brings it up. Returns its index there.
    ///
    /// # Errors
    /// The step that failed; the others were done all the same. It can be called again.
    pub fn restore(&self, sandbox: &mut Sandbox) -> Result<IfIndex> {
        let inside = sandbox.socket();
        let index = inside.index_of(self.name)?;
        let mut batch = Batch::new();
        for addr in &self.addrs {
            batch.push(&NewAddress::new(index, *addr).replace())?;
        }
        batch.push(&LinkChange::new(index).up())?;
        inside.run(&mut batch)?;
        Ok(index)
    }
}
