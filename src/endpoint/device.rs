//! Moving a device that is there already into a container, with its addresses: the `netDevices` of the OCI runtime
//! specification.
//!
//! A move drops the addresses, so they are read before it and given back behind it: two calls with plain data in between,
//! for runtimes whose second half runs in another process.

use crate::addr::{AddressFlags, AddressInfo, Label, Lifetime, ListAddresses, NewAddress};
use crate::batch::Batch;
use crate::error::{Error, ErrorKind, Result, Whereabouts};
use crate::link::{LinkChange, Move};
use crate::request::RequestInfo;
use crate::sandbox::Sandbox;
use crate::socket::Socket;
use crate::value::{Given, IfIndex, IfName, InvalidValue, Scope};
use crate::wire::Request;
use ipnetwork::IpNetwork;
use std::fmt;
use std::net::IpAddr;
use std::str::{FromStr, Split};

/// A device that was moved into a container, and waits there, down, for its addresses: plain data.
///
/// ```no_run
/// use sublink::endpoint::MovedDevice;
/// use sublink::{IfName, Sandbox, Socket};
/// let mut pod = Sandbox::open("/run/netns/c1")?;
/// let moved = MovedDevice::take(&mut Socket::open()?, "eth1", &mut pod, Some(IfName::new("ctr0")?))?;
/// moved.restore(&mut pod)?;
/// # Ok::<(), sublink::Error>(())
/// ```
///
/// It prints as one line without control characters, and is read from that again, perhaps in another process:
///
/// ```
/// use sublink::endpoint::MovedDevice;
/// let text = "ctr0 addr 10.1.0.1/32 peer 10.1.0.2 addr 10.2.0.1/24 broadcast 10.2.0.255 flags 512 metric 50";
/// let moved: MovedDevice = text.parse()?;
/// assert_eq!(moved.addrs.len(), 2);
/// assert_eq!(moved.to_string(), text);
/// # Ok::<(), sublink::value::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MovedDevice {
    /// Its name in the container.
    pub name: IfName,
    /// The addresses it had, of global scope and given for good, in the kernel's order.
    pub addrs: Vec<MovedAddress>,
}

/// An address that a moved device had, as it is given back. Its scope is global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MovedAddress {
    /// The address, and the length of its network's prefix.
    pub addr: IpNetwork,
    /// The other end's address, if it has one.
    pub peer: Option<IpAddr>,
    /// The broadcast address, if it has one.
    pub broadcast: Option<IpAddr>,
    /// The label, if it is not the device's name. That name in front of a colon is the new one.
    pub label: Option<Label>,
    /// What was asked for when it was given: not what the kernel found out, such as whether it is tentative.
    pub flags: AddressFlags,
    /// The metric of the route to its network, if one was given.
    pub metric: Option<u32>,
    /// How many seconds it is preferred, unless for ever; 0 if it is deprecated. IPv6 only.
    pub preferred: Option<u32>,
}

/// A move that failed, with what is needed to put things in order. `?` turns it into the [`Error`] alone.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error}")]
#[non_exhaustive]
pub struct FailedMove {
    /// Why. [`Error::link_is`] says which namespace has the device.
    pub error: Error,
    /// The device under the name that it has now, for [`MovedDevice::restore`] in the namespace that has it: it may be down,
    /// without addresses. If it is not known which namespace has it, this is its old name; in the other namespace it would have
    /// the new one. `None` if the move was not sent: then nothing has changed.
    pub device: Option<MovedDevice>,
}

impl From<Error> for FailedMove {
    fn from(error: Error) -> Self {
        Self { error, device: None }
    }
}

impl From<FailedMove> for Error {
    fn from(failed: FailedMove) -> Self {
        failed.error
    }
}

/// The flags that are given, not found out.
const GIVEN: [AddressFlags; 6] = [
    AddressFlags::NODAD,
    AddressFlags::OPTIMISTIC,
    AddressFlags::HOMEADDRESS,
    AddressFlags::MANAGETEMPADDR,
    AddressFlags::NOPREFIXROUTE,
    AddressFlags::MCAUTOJOIN,
];

impl MovedDevice {
    /// Moves the link `name` into the sandbox, under a new name if one is given.
    ///
    /// # Errors
    /// [`ErrorKind::NameIsTaken`] if a link there has the name; that is looked at before. Somebody may take the name meanwhile:
    /// the kernel moves first and renames then, so the device is there under its old name. The error holds what it takes to
    /// [restore](Self::restore) it.
    pub fn take(
        host: &mut Socket,
        name: impl AsRef<[u8]>,
        sandbox: &mut Sandbox,
        new_name: Option<IfName>,
    ) -> Result<Self, FailedMove> {
        let link = host.link(name)?;
        let (index, old_name, mac) = (link.index(), link.if_name(), link.mac().mac());
        let name = new_name.unwrap_or(old_name);
        let addresses = host.snapshot(&ListAddresses::new().index(index)).map_err(Error::from)?; // down drops those of IPv6
        let addrs = addresses.iter().filter_map(|address| MovedAddress::of(address, old_name, name)).collect();
        let (namespace, inside) = sandbox.parts();
        let change = LinkChange::move_to(index, &namespace).name(name);
        match owner_of(name, inside)? {
            Some(owner) => Err(refused(ErrorKind::NameIsTaken { name, owner }, &change, old_name).into()),
            None => match host.change(&change) {
                Ok(()) => Ok(Self { name, addrs }),
                Err(error) => {
                    // Who has taken the name meanwhile has another MAC address.
                    let mut is_it = |name| inside.link(name).is_ok_and(|link| link.mac().mac() == mac);
                    let is_renamed = error.link_is() == Some(Whereabouts::There) && is_it(name);
                    let name = if is_renamed { name } else { old_name };
                    Err(FailedMove { error, device: Some(Self { name, addrs }) })
                }
            },
        }
    }

    /// Gives the device its addresses back, inside, and brings it up. Returns its index there.
    ///
    /// # Errors
    /// The step that failed; the others were done all the same. It can be called again.
    pub fn restore(&self, sandbox: &mut Sandbox) -> Result<IfIndex> {
        let inside = sandbox.socket();
        let index = inside.index_of(self.name)?;
        let mut batch = Batch::new();
        // The kernel lists the newest IPv6 address first, and prefers it.
        let (v4, v6): (Vec<&MovedAddress>, Vec<_>) = self.addrs.iter().partition(|moved| moved.addr.is_ipv4());
        for addr in v4.into_iter().chain(v6.into_iter().rev()) {
            batch.push(&addr.for_link(index).replace())?;
        }
        batch.push(&LinkChange::new(index).up())?;
        inside.run(&mut batch)?;
        Ok(index)
    }
}

/// The link that has this name, or has it as an alternative name, where the device is to go.
fn owner_of(name: IfName, inside: &mut Socket) -> Result<Option<IfName>> {
    match inside.index_of(name) {
        Ok(_) => Ok(Some(name)),
        Err(error) => match error.kind() {
            ErrorKind::OnlyAltName { owner, .. } => Ok(Some(*owner)),
            _ if error.is_no_device() => Ok(None),
            _ => Err(error),
        },
    }
}

/// The error of a move that is not sent.
fn refused(why: ErrorKind, change: &LinkChange<'_, Move>, name: IfName) -> Error {
    let error = Error::from(why).not_sent().with_link(Whereabouts::Here);
    let mut bytes = [0; 128];
    let sent = change.encode(0, &mut bytes).ok().and_then(|len| bytes.get(..len)).unwrap_or_default();
    match RequestInfo::of(sent) {
        Some(info) => error.of_request(RequestInfo { index_name: Some(name), ..info }, sent),
        None => error,
    }
}

impl MovedAddress {
    /// What is kept of an address of the device `old_name`, which becomes `new_name`. `None` of one that is not moved.
    fn of(found: &AddressInfo, old_name: IfName, new_name: IfName) -> Option<Self> {
        let flags = found.flags.filter(|flags| flags.contains(AddressFlags::PERMANENT))?;
        let addr = found.addr.filter(|_| found.scope == Scope::GLOBAL)?;
        let given = GIVEN.into_iter().filter(|given| flags.contains(*given));
        Some(Self {
            addr,
            peer: found.peer.filter(|peer| *peer != addr.ip()),
            broadcast: found.broadcast,
            label: found.label.as_deref().and_then(|label| moved_label(label, old_name, new_name)),
            flags: given.fold(AddressFlags::NONE, AddressFlags::with),
            metric: found.metric,
            preferred: found.lifetime.map(|lifetime| lifetime.preferred).filter(|preferred| *preferred != u32::MAX),
        })
    }

    fn for_link(self, index: IfIndex) -> NewAddress {
        let Self { addr, peer, broadcast, label, flags, metric, preferred } = self;
        let address = NewAddress::new(index, addr).scope(Scope::GLOBAL).nobroadcast().flags(flags);
        let address = peer.into_iter().fold(address, NewAddress::peer);
        let address = broadcast.into_iter().fold(address, NewAddress::broadcast);
        let address = label.into_iter().fold(address, NewAddress::label);
        let address = metric.into_iter().fold(address, NewAddress::metric);
        let lifetime = preferred.map(|preferred| Lifetime { preferred, ..Lifetime::FOREVER });
        lifetime.into_iter().fold(address, NewAddress::lifetime)
    }
}

/// A label under the new name, as the kernel does when it renames a device: `eth1:a` becomes `ctr0:a`. The kernel itself makes
/// a label of the name alone. One that would be too long stays as it is.
fn moved_label(label: &[u8], old_name: IfName, new_name: IfName) -> Option<Label> {
    match label.strip_prefix(old_name.as_bytes()) {
        Some([]) => None,
        Some(rest @ [b':', ..]) => {
            let renamed = [new_name.as_bytes(), rest].concat();
            Label::from_bytes(&renamed).or_else(|_| Label::from_bytes(label)).ok()
        }
        _ => Label::from_bytes(label).ok(),
    }
}

impl fmt::Display for MovedDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name.to_escaped())?;
        self.addrs.iter().try_for_each(|addr| write!(f, " {addr}"))
    }
}

impl fmt::Display for MovedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { addr, peer, broadcast, label, flags, metric, preferred } = self;
        write!(f, "addr {addr}")?;
        if let Some(peer) = peer {
            write!(f, " peer {peer}")?;
        }
        if let Some(broadcast) = broadcast {
            write!(f, " broadcast {broadcast}")?;
        }
        if let Some(label) = label {
            write!(f, " label {}", label.to_escaped())?;
        }
        if flags.bits() != 0 {
            write!(f, " flags {}", flags.bits())?;
        }
        if let Some(metric) = metric {
            write!(f, " metric {metric}")?;
        }
        preferred.map_or(Ok(()), |preferred| write!(f, " preferred {preferred}"))
    }
}

impl FromStr for MovedDevice {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let device = || {
            let mut words = text.split(' ');
            let name = IfName::from_escaped(words.next().filter(|word| word.is_ascii())?).ok()?;
            Some(Self { name, addrs: addresses(words)? })
        };
        device().ok_or(InvalidValue::MovedDevice(Given::new(text.as_bytes())))
    }
}

/// Reads `addr ADDRESS`, each with what belongs to it.
fn addresses(mut words: Split<'_, char>) -> Option<Vec<MovedAddress>> {
    let mut addrs: Vec<MovedAddress> = Vec::new();
    while let Some(word) = words.next() {
        let value = words.next()?;
        if word == "addr" {
            let flags = AddressFlags::default();
            let (peer, broadcast, label, metric, preferred) = (None, None, None, None, None);
            let addr = value.contains('/').then(|| value.parse().ok())??; // without one, it would be a network of its own
            addrs.push(MovedAddress { addr, peer, broadcast, label, flags, metric, preferred });
            continue;
        }
        let last = addrs.last_mut()?;
        match word {
            "peer" if last.peer.is_none() => last.peer = Some(value.parse().ok()?),
            "broadcast" if last.broadcast.is_none() => last.broadcast = Some(value.parse().ok()?),
            "label" if last.label.is_none() => last.label = Some(Label::from_escaped(value).ok()?),
            "flags" if last.flags.bits() == 0 => last.flags = value.parse::<u32>().ok()?.into(),
            "metric" if last.metric.is_none() => last.metric = Some(value.parse().ok()?),
            "preferred" if last.preferred.is_none() => last.preferred = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(addrs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_comes_back() {
        let text = "\\x5cx\\xff addr 10.1.0.1/32 peer 10.1.0.2 broadcast 10.1.0.3 label a\\x20:\\xfe flags 1538 metric 0 \
                    preferred 0 addr fd50::7/64 addr 10.1.0.1/24 metric 4294967295";
        let device: MovedDevice = text.parse().unwrap();
        assert_eq!(device.name.as_bytes(), b"\\x\xff");
        let [first, second, third] = device.addrs[..] else { panic!("{device:?}") };
        assert_eq!((first.peer, first.broadcast), ("10.1.0.2".parse().ok(), "10.1.0.3".parse().ok()));
        assert_eq!((first.label, first.flags.bits()), (Label::from_bytes(b"a :\xfe").ok(), 1538));
        assert_eq!((first.metric, first.preferred, second.peer, second.metric), (Some(0), Some(0), None, None));
        assert_eq!((third.addr.prefix(), third.metric), (24, Some(u32::MAX)));
        assert_eq!(device.to_string(), text);
    }

    #[test]
    fn what_is_no_moved_device_is_refused() {
        assert!("ctr0".parse::<MovedDevice>().is_ok(), "one without addresses");
        for text in [
            "",
            " addr 10.0.0.7/24",
            "ctr0 ",
            "ctr0 addr",
            "ctr0 addr 10.0.0.7",
            "ctr0 addr 10.0.0.7/33",
            "ctr0  addr 10.0.0.7/24",
            "ctr0 metric 5",
            "ctr0 addr 10.0.0.7/24 metric",
            "ctr0 addr 10.0.0.7/24 metric -1",
            "ctr0 addr 10.0.0.7/24 metric 5 metric 5",
            "ctr0 addr 10.0.0.7/24 scope 0",
            "ctr0 addr 10.0.0.7/24 label 0123456789abcdef",
            "ctr0 addr 10.0.0.7/24 label \\x00",
            "ctr\u{e9} addr 10.0.0.7/24",
            "a-name-of-16-byt addr 10.0.0.7/24",
        ] {
            let refused = text.parse::<MovedDevice>();
            assert_eq!(refused, Err(InvalidValue::MovedDevice(Given::new(text.as_bytes()))), "{text:?}");
        }
    }

    #[test]
    fn a_label_follows_its_device() {
        let name = |name| IfName::new(name).unwrap();
        let moved = |label: &str, new| moved_label(label.as_bytes(), name("eth1"), name(new));
        let label = |label| Label::new(label).ok();
        assert_eq!(moved("eth1", "ctr0"), None);
        assert_eq!(moved("eth1:a", "ctr0"), label("ctr0:a"));
        assert_eq!(moved("eth10:a", "ctr0"), label("eth10:a"));
        assert_eq!(moved("eth1:longish", "a-longer-name"), label("eth1:longish"));
        assert_eq!(moved("mine", "ctr0"), label("mine"));
    }
}
