//! What only links of hardware have.

use crate::value::Name;
use crate::wire::{Attributes, Get, Inside, Row};
use std::fmt;

/// A link's port in the words of devlink (`man 8 devlink-port`). It prints as `pci/0000:03:00.0/1`: the bus, the device on it, and
/// the port's number.
///
/// ```no_run
/// # let mut socket = sublink::Socket::open()?;
/// if let Some(port) = socket.link("eth0")?.devlink_port() {
///     println!("devlink port show {port}");
/// }
/// # Ok::<(), sublink::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DevlinkPort<'a> {
    /// The bus: `pci`.
    pub bus: Name<'a>,
    /// The device on the bus: `0000:03:00.0`.
    pub device: Name<'a>,
    /// The port's number.
    pub port: u32,
}

impl DevlinkPort<'_> {
    const DEVLINK_ATTR_BUS_NAME: u16 = 1;
    const DEVLINK_ATTR_DEV_NAME: u16 = 2;
    const DEVLINK_ATTR_PORT_INDEX: u16 = 3;
}

impl<'a> Get<'a> for DevlinkPort<'a> {
    const INSIDE: Inside = Inside::Rows(&[
        Row::value(Self::DEVLINK_ATTR_BUS_NAME, "DEVLINK_ATTR_BUS_NAME"),
        Row::value(Self::DEVLINK_ATTR_DEV_NAME, "DEVLINK_ATTR_DEV_NAME"),
        Row::value(Self::DEVLINK_ATTR_PORT_INDEX, "DEVLINK_ATTR_PORT_INDEX"),
    ]);
    fn get(nest: &'a [u8]) -> Option<Self> {
        let find = |number| Attributes::new(nest).find(|one| one.number == number).map(|one| one.value);
        Some(Self {
            bus: Name::get(find(Self::DEVLINK_ATTR_BUS_NAME)?)?,
            device: Name::get(find(Self::DEVLINK_ATTR_DEV_NAME)?)?,
            port: u32::get(find(Self::DEVLINK_ATTR_PORT_INDEX)?)?,
        })
    }
}

impl fmt::Display for DevlinkPort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.bus, self.device, self.port)
    }
}

impl From<DevlinkPort<'_>> for String {
    fn from(port: DevlinkPort<'_>) -> Self {
        port.to_string()
    }
}

#[cfg(test)]
mod tests {
    use crate::link::{LinkChange, LinkView};
    use crate::value::IfIndex;
    use crate::wire::encoded;

    /// None of the kernels that the tests run on has such hardware.
    #[test]
    fn what_only_hardware_has_is_read() {
        #[rustfmt::skip]
        let attributes = [
            8, 0, 56, 0,  b'a', b'.', b'0', 0,                  // IFLA_PARENT_DEV_NAME = a.0
            8, 0, 57, 0,  b'p', b'c', b'i', 0,                  // IFLA_PARENT_DEV_BUS_NAME = pci
            7, 0, 34, 0,  1, 2, 3,  0,                          // IFLA_PHYS_PORT_ID = 01 02 03
            7, 0, 38, 0,  b'p', b'1', 0,  0,                    // IFLA_PHYS_PORT_NAME = p1
            6, 0, 36, 0,  4, 5,  0, 0,                          // IFLA_PHYS_SWITCH_ID = 04 05
            28, 0, 62, 0x80,                                    // IFLA_DEVLINK_PORT {
              8, 0, 1, 0,  b'p', b'c', b'i', 0,                 //   DEVLINK_ATTR_BUS_NAME = pci
              8, 0, 2, 0,  b'a', b'.', b'0', 0,                 //   DEVLINK_ATTR_DEV_NAME = a.0
              8, 0, 3, 0,  9, 0, 0, 0,                          //   DEVLINK_ATTR_PORT_INDEX = 9
            12, 0, 66, 0,  0, 0, 0, 0, 1, 0, 0, 0,              // IFLA_MAX_PACING_OFFLOAD_HORIZON = 1 << 32
        ];
        let mut reply = encoded(&LinkChange::new(IfIndex(5)));
        reply.extend_from_slice(&attributes);
        reply[0] = u8::try_from(reply.len()).unwrap();
        let link = LinkView::of_request(&reply).unwrap();
        assert_eq!(link.devlink_port().map(|port| port.port), Some(9));
        assert_eq!(link.max_pacing_offload_horizon(), Some(1 << 32));
        let link = link.to_owned();
        let bytes = |bytes: &[u8]| Some(bytes.into());
        assert_eq!((link.parent_device, link.parent_device_bus), (bytes(b"a.0"), bytes(b"pci")));
        assert_eq!((link.physical_port_id, link.physical_port_name), (bytes(&[1, 2, 3]), bytes(b"p1")));
        assert_eq!(link.physical_switch_id, bytes(&[4, 5]));
        assert_eq!(link.devlink_port.as_deref(), Some("pci/a.0/9"));
    }
}
