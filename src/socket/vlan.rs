//! Whether a VLAN's id is free on a link.

use super::Socket;
use crate::error::{ErrorKind, Result};
use crate::link::{NewLink, Vlan, VlanFlagsChange, VlanId, VlanProtocol};
use crate::value::IfIndex;
use nix::errno::Errno;

/// A create that is always refused, and so changes nothing. The kernel checks for an existing VLAN before it checks the flags
/// (`vlan_newlink` in `net/8021q/vlan_netlink.c`): an existing one, in whatever namespace, answers EEXIST, and any other EINVAL.
pub(crate) const fn impossible_vlan(
    link: IfIndex,
    id: VlanId,
    protocol: VlanProtocol,
) -> NewLink<'static, Vlan<'static>> {
    NewLink::vlan(link, id).protocol(protocol).flags(VlanFlagsChange::IMPOSSIBLE)
}

impl Socket {
    /// Whether this VLAN stands on `link`, in whatever namespace it is now.
    ///
    /// # Errors
    /// ENODEV if there is no such link; EOPNOTSUPP without the driver of VLANs.
    pub(crate) fn has_vlan(&mut self, link: IfIndex, id: VlanId, protocol: VlanProtocol) -> Result<bool> {
        match self.apply(&impossible_vlan(link, id, protocol)) {
            Ok(()) => Err(ErrorKind::Unexpected.into()),
            Err(error) if error.is_already_there() => Ok(true),
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
