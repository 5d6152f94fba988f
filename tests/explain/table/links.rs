//! Links: create, change, move, delete, name, read.

use super::Answer::{Explained, Neither, Words};
use super::Scene::{Elsewhere, Never};
use super::{On, Row, World, known, row};
use crate::common::{mac, name, vid};
use crate::help::{bridge, elsewhere, index, try_ip};
use nix::errno::Errno;
use std::fs::File;
use sublink::link::{Create, DeleteLink, GetLink, MacvlanFlags, VlanFlags, VlanProtocol};
use sublink::nsid::NewNsid;
use sublink::value::NsId;
use sublink::{IfIndex, LinkChange, MacvlanMode, NewLink, Result};

impl World {
    fn create(&mut self, link: &impl Create) -> Result<()> {
        self.socket.create(link).map(drop)
    }

    fn has(&mut self, link: &impl Create) -> IfIndex {
        self.socket.create(link).unwrap()
    }

    /// By `ip link add`, with the name `other`.
    fn other(&mut self, kind: &str) -> IfIndex {
        try_ip(&format!("link add other type {kind}")).unwrap();
        self.socket.index_of("other").unwrap()
    }

    /// Makes p0 a port of the bridge br0.
    fn port(&mut self) -> Result<()> {
        let bridge = bridge(&mut self.socket, "br0").unwrap();
        self.socket.change(&LinkChange::new(self.p0).master(bridge))
    }

    fn move_away(&mut self, link: IfIndex) -> Result<()> {
        let (there, _inside) = elsewhere();
        // While the namespace is there, and its descriptor no other file's.
        self.socket.change(&LinkChange::move_to(link, &there)).map_err(|error| error.explained(&mut self.socket))
    }

    /// Nine VLANs, each on the one before, or as many as there can be.
    fn tower(&mut self) -> Result<IfIndex> {
        let mut top = self.p0;
        for number in 1..=9 {
            top = self.socket.create(&NewLink::vlan(top, vid(number)))?;
        }
        Ok(top)
    }

    /// A macvlan, created in another namespace that lives on.
    fn send_away(&mut self, link: NewLink<'_, sublink::link::Macvlan<'_>>) {
        let (there, inside) = elsewhere();
        let index = self.socket.create(&link.netns(&there)).unwrap();
        std::mem::forget(inside); // it keeps the namespace alive for as long as this process
        let _ = index;
    }
}

const CREATE: &str = "create";
const CHANGE: &str = "change";
const MOVE: &str = "move";
const DELETE: &str = "delete";
const NAME: &str = "alternative name";
const GET: &str = "get";
const GIVE_ID: &str = "give namespace id";
const GET_ID: &str = "get namespace id";

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    // rtnl_newlink
    known(CREATE, Errno::EPERM, "without CAP_NET_ADMIN", Elsewhere("permissions::it_is_missing_here"),
        Explained("NotPermittedHere", "")),
    known(CREATE, Errno::EPERM, "without it where the link is to be",
        Elsewhere("permissions::it_is_missing_in_the_other_namespace"), Explained("NotPermittedAtTarget", "")),
    known(CREATE, Errno::EPERM, "without it where the parent is",
        Elsewhere("permissions::it_is_missing_in_the_other_namespace"), Explained("NotPermittedAtParent", "")),
    known(CREATE, Errno::EPERM, "without it in one of both",
        Elsewhere("permissions::it_is_missing_in_the_other_namespace"), Explained("NotPermittedThere", "")),
    known(CREATE, Errno::EBADF, "the descriptor of the namespace is O_PATH",
        Elsewhere("namespaces::a_descriptor_of_something_else"), Explained("NotANamespace", "")),
    row(CREATE, Errno::EINVAL, "the descriptor of the namespace is a file's", |w| {
        let file = File::open("/dev/null").unwrap();
        w.socket.create(&NewLink::macvlan(w.p0).netns(&file)).map_err(|error| error.explained(&mut w.socket)).map(drop)
    }, Explained("NotANamespace", "the descriptor that was given is not that of a network namespace")),
    row(CREATE, Errno::EINVAL, "no namespace has the id", |w| {
        w.create(&NewLink::macvlan(w.p0).parent_in(NsId::new(77).unwrap()))
    }, Explained("NamespaceIsGone", "no network namespace has the id 77, or none any longer")),
    row(CREATE, Errno::ENODEV, "no such parent", |w| w.create(&NewLink::macvlan(index(4242))),
        Explained("ParentIsGone", "the parent, link #N, does not exist")),
    row(CREATE, Errno::EEXIST, "the name is taken", |w| w.create(&NewLink::macvlan(w.p0).name(name("p1"))),
        Explained("NameIsTaken", "the name p1 is taken by p1 (#N)")),
    row(CREATE, Errno::EEXIST, "the index is taken", |w| w.create(&NewLink::macvlan(w.p0).index(w.p1)),
        Explained("IndexIsTaken", "the index 2 is taken by p1")),
    row(CREATE, Errno::EEXIST, "the name is taken where the link is to be", |w| {
        let (there, mut inside) = elsewhere();
        crate::common::veth(&mut inside, "x", "y");
        w.create(&NewLink::macvlan(w.p0).name(name("x")).netns(&there)).map_err(|error| error.explained(&mut w.socket))
    }, Explained("TakenThere", "the name x is taken in the other namespace")),
    known(CREATE, Errno::EBUSY, "the index is taken where the link is to be, before Linux 6.16",
        Elsewhere("taken::an_index_in_another_namespace"), Explained("TakenThere", "")),
    row(CREATE, Errno::EEXIST, "the name of a veth's other end is taken", |w| {
        w.create(&NewLink::veth(NewLink::peer().name(name("p1"))).name(name("q0")))
    }, Explained("NameIsTaken", "the name p1 is taken by p1 (#N)")),
    row(CREATE, Errno::EINVAL, "an MTU below the driver's least", |w| w.create(&NewLink::macvlan(w.p0).mtu(67)),
        Words("mtu less than device minimum")),
    row(CREATE, Errno::EINVAL, "an MTU above the driver's most", |w| w.create(&NewLink::macvlan(w.p0).mtu(65536)),
        Words("mtu greater than device maximum")),
    row(CREATE, Errno::EINVAL, "more transmit queues than 4,096", |w| w.create(&NewLink::macvlan(w.p0).tx_queues(5000)),
        Words("Invalid number of transmit queues")).on(&[On::Before(6, 19)]),
    known(CREATE, Errno::EOPNOTSUPP, "there is no driver", Elsewhere("vlans::a_driver_that_is_missing_is_named"),
        Words("Unknown device type")),
    known(CREATE, Errno::EADDRNOTAVAIL, "a MAC address that is multicast or zero", Never("MacAddr is none"),
        Neither("it cannot be asked for")),
    known(CREATE, Errno::ENOMEM, "no memory", Never("it takes a machine without memory"), Neither("the number says it")),
    known(CREATE, Errno::EAFNOSUPPORT, "IFLA_AF_SPEC", Never("it is never sent with a create"), Neither("it is not sent")),

    // macvlan_common_newlink, macvtap_newlink
    row(CREATE, Errno::EINVAL, "on lo", |w| {
        let lo = w.socket.index_of("lo").unwrap();
        w.create(&NewLink::macvlan(lo))
    }, Explained("ParentIsLoopback", "lo is a loopback, which cannot be a parent")),
    known(CREATE, Errno::EINVAL, "on a tunnel", Elsewhere("parents::it_is_not_ethernet"),
        Explained("ParentIsNotEthernet", "")),
    row(CREATE, Errno::EINVAL, "an MTU above the parent's", |w| w.create(&NewLink::macvlan(w.p0).mtu(9000)),
        Explained("MtuAboveParent", "the MTU 9000 is above the 1500 of the parent p0")),
    row(CREATE, Errno::EINVAL, "beside a passthru link", |w| {
        w.has(&NewLink::macvlan(w.p0).name(name("mv0")).mode(MacvlanMode::Passthru));
        w.create(&NewLink::macvtap(w.p0))
    }, Explained("Passthru", "a passthru link needs its parent to itself, and p0 has mv0")),
    row(CREATE, Errno::EINVAL, "beside a passthru link in another namespace", |w| {
        w.send_away(NewLink::macvlan(w.p0).mode(MacvlanMode::Passthru));
        w.create(&NewLink::macvlan(w.p0))
    }, Explained("Unknown", "nothing that this namespace shows is in the way: a passthru link on p0 in another namespace may be, \
        or what was is gone by now")),
    row(CREATE, Errno::EINVAL, "the same, with a flag that old kernels lack", |w| {
        w.send_away(NewLink::macvlan(w.p0).mode(MacvlanMode::Passthru));
        w.create(&NewLink::macvlan(w.p0).flags(MacvlanFlags::NODST))
    }, Explained("Unknown", "nothing that this namespace shows is in the way: a passthru link on p0 in another namespace may be, \
        or what was is gone by now; or this kernel is too old for the flags <nodst>")),
    row(CREATE, Errno::EINVAL, "no such mode", |w| w.create(&NewLink::macvlan(w.p0).mode(MacvlanMode::Other(3))),
        Explained("NoSuchMode", "there is no mode 3")),
    row(CREATE, Errno::EINVAL, "senders in another mode", |w| {
        w.create(&NewLink::macvlan(w.p0).source(&[mac(1)]).mode(MacvlanMode::Bridge))
    }, Explained("NotInSourceMode", "only source mode has a list of senders, bridge mode has none")),
    row(CREATE, Errno::EINVAL, "macvlan on an ipvlan", |w| {
        let ipvlan = w.has(&NewLink::ipvlan(w.p0).name(name("iv0")));
        w.create(&NewLink::macvlan(ipvlan))
    }, Explained("ParentRefuses", "iv0 is of kind ipvlan, which carries no link of kind macvlan")).on(&[On::Driver("ipvlan")]),
    row(CREATE, Errno::EINVAL, "macvtap on a VRF", |w| {
        let vrf = w.other("vrf table 10");
        w.create(&NewLink::macvtap(vrf))
    }, Explained("ParentRefuses", "other is of kind vrf, which carries no link of kind macvtap")).on(&[On::Driver("vrf")]),
    row(CREATE, Errno::EBUSY, "the parent is a port", |w| {
        w.port().unwrap();
        w.create(&NewLink::macvlan(w.p0))
    }, Explained("ParentIsPort", "the parent p0 is a port of br0, which receives its packets")).on(&[On::Driver("bridge")]),
    row(CREATE, Errno::EBUSY, "the parent carries ipvlans", |w| {
        w.has(&NewLink::ipvlan(w.p0).name(name("iv0")));
        w.create(&NewLink::macvlan(w.p0))
    }, Explained("ParentCarries", "p0 carries iv0, of kind ipvlan, which receives its packets")).on(&[On::Driver("ipvlan")]),
    known(CREATE, Errno::EBUSY, "the parent carries ipvlans in another namespace",
        Elsewhere("parents::it_carries_ipvlan_in_another_namespace"), Explained("ParentIsTaken", "")),
    row(CREATE, Errno::EADDRINUSE, "up, with the parent's MAC address", |w| {
        w.socket.change(&LinkChange::new(w.p0).mac(mac(9))).unwrap();
        w.create(&NewLink::macvlan(w.p0).mac(mac(9)).up())
    }, Explained("MacOfParent", "the MAC address 02:00:00:00:00:09 is that of the parent p0 itself")),
    row(CREATE, Errno::EADDRINUSE, "up, with that of a sibling", |w| {
        w.has(&NewLink::macvlan(w.p0).name(name("mv0")).mac(mac(9)).up());
        w.create(&NewLink::macvlan(w.p0).mac(mac(9)).up())
    }, Explained("MacOfSibling", "the MAC address 02:00:00:00:00:09 is already used by mv0 (#N) on the same parent")),
    row(CREATE, Errno::EADDRINUSE, "up, with that of a link in another namespace", |w| {
        w.send_away(NewLink::macvlan(w.p0).mac(mac(9)).up());
        w.create(&NewLink::macvlan(w.p0).mac(mac(9)).up())
    }, Explained("MacElsewhere", "the MAC address 02:00:00:00:00:09 is in use on p0, by a link of another namespace")),
    known(CREATE, Errno::EADDRINUSE, "up, with that of a link that is gone by now",
        Elsewhere("asking::what_was_in_the_way_is_gone_since"), Explained("MacMayBeElsewhere", "")),
    known(CREATE, Errno::EINVAL, "macvtap, with a million of them", Never("a million links take too long"),
        Neither("nobody has as many")),

    // vlan_newlink, register_vlan_dev, vlan_dev_open
    row(CREATE, Errno::EEXIST, "the VLAN is there", |w| {
        w.has(&NewLink::vlan(w.p0, vid(5)).name(name("five")));
        w.create(&NewLink::vlan(w.p0, vid(5)))
    }, Explained("VlanIsThere", "VLAN 5 is there already: five (#N)")).on(&[On::Driver("vlan")]),
    row(CREATE, Errno::EEXIST, "the VLAN is there, while it is being made", |w| {
        w.has(&NewLink::vlan(w.p0, vid(5)).name(name("sl~0123456789ab")));
        w.create(&NewLink::vlan(w.p0, vid(5)))
    }, Explained("VlanIsThere", "VLAN 5 is there already: a temporary link (#N)")).on(&[On::Driver("vlan")]),
    row(CREATE, Errno::EEXIST, "the VLAN is there, in another namespace", |w| {
        let (there, inside) = elsewhere();
        w.has(&NewLink::vlan(w.p0, vid(5)).netns(&there));
        std::mem::forget(inside);
        w.create(&NewLink::vlan(w.p0, vid(5)))
    }, Explained("VlanIsElsewhere", "VLAN 5 is there already, in another namespace, or was until now")).on(&[On::Driver("vlan")]),
    row(CREATE, Errno::EPROTONOSUPPORT, "another protocol", |w| {
        w.create(&NewLink::vlan(w.p0, vid(5)).protocol(VlanProtocol::Other(1)))
    }, Words("Invalid VLAN protocol")).on(&[On::Driver("vlan")]),
    row(CREATE, Errno::EOPNOTSUPP, "a VLAN on lo", |w| {
        let lo = w.socket.index_of("lo").unwrap();
        w.create(&NewLink::vlan(lo, vid(5)))
    }, Words("VLANs not supported on device")).on(&[On::Driver("vlan")]),
    row(CREATE, Errno::EINVAL, "a VLAN's MTU above the parent's", |w| w.create(&NewLink::vlan(w.p0, vid(5)).mtu(1501)),
        Explained("MtuAboveParent", "the MTU 1501 is above the 1500 of the parent p0")).on(&[On::Driver("vlan")]),
    row(CREATE, Errno::ENETDOWN, "a VLAN that is up, its parent down", |w| {
        w.socket.change(&LinkChange::new(w.p0).down()).unwrap();
        w.create(&NewLink::vlan(w.p0, vid(5)).up())
    }, Explained("ParentIsDown", "the parent p0 is down: bring it up first")).on(&[On::Driver("vlan")]),
    row(CREATE, Errno::EMLINK, "on eight others", |w| w.tower().map(drop), Explained("TooDeep",
        "the parent stands on so many others already that no link can stand on it: 8 can stand on one another"))
        .on(&[On::Driver("vlan")]),
    row(CREATE, Errno::EINVAL, "a VLAN's flag that there is not", |w| {
        w.create(&NewLink::vlan(w.p0, vid(5)).flags(VlanFlags::from(0x100).on()))
    }, Words("Invalid VLAN flags")).on(&[On::Driver("vlan")]),
    known(CREATE, Errno::ENOBUFS, "no memory for a VLAN", Never("it takes a machine without memory"), Neither("the number says it")),
    known(CREATE, Errno::ENFILE, "no number is left for a name that the kernel chooses", Never("it takes 32,768 links"),
        Neither("nobody has as many")),
    known(CREATE, Errno::ERANGE, "a VLAN's id above 4,094", Never("VlanId is none"), Words("Invalid VLAN id")),

    // ipvlan_link_new
    row(CREATE, Errno::EINVAL, "ipvlan on lo", |w| {
        let lo = w.socket.index_of("lo").unwrap();
        w.create(&NewLink::ipvlan(lo))
    }, Explained("ParentIsLoopback", "lo is a loopback, which cannot be a parent")).on(&[On::Driver("ipvlan")]),
    row(CREATE, Errno::EBUSY, "ipvlan beside a macvlan", |w| {
        w.has(&NewLink::macvlan(w.p0).name(name("mv0")));
        w.create(&NewLink::ipvlan(w.p0))
    }, Explained("ParentCarries", "p0 carries mv0, of kind macvlan, which receives its packets")).on(&[On::Driver("ipvlan")]),

    // rtnl_setlink, do_setlink
    row(CHANGE, Errno::ENODEV, "no such link", |w| w.socket.change(&LinkChange::new(index(4242)).up()),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(CHANGE, Errno::EEXIST, "the new name is taken", |w| {
        w.socket.change(&LinkChange::new(w.p0).down()).unwrap();
        w.socket.change(&LinkChange::new(w.p0).name(name("p1")))
    }, Explained("NameIsTaken", "the name p1 is taken by p1 (#N)")),
    known(CHANGE, Errno::EBUSY, "a new name while it is up, before Linux 6.2",
        Elsewhere("taken::a_link_that_is_up_is_renamed_since_linux_6_2"), Explained("RenamedWhileUp", "")),
    row(CHANGE, Errno::EINVAL, "an MTU above the parent's", |w| {
        let link = w.has(&NewLink::macvlan(w.p0));
        w.socket.change(&LinkChange::new(link).mtu(9000))
    }, Explained("MtuAboveParent", "the MTU 9000 is above the 1500 of the parent p0")),
    row(CHANGE, Errno::EINVAL, "from passthru to another mode", |w| {
        let link = w.has(&NewLink::macvlan(w.p0).name(name("mv0")).mode(MacvlanMode::Passthru));
        w.socket.change(&LinkChange::macvlan(link).mode(MacvlanMode::Bridge))
    }, Explained("PassthruIsForLife", "a mode cannot be changed to or from passthru: mv0 is in passthru mode")),
    row(CHANGE, Errno::EINVAL, "no such master", |w| w.socket.change(&LinkChange::new(w.p0).master(index(4242))),
        Explained("MasterIsGone", "the master, link #N, does not exist")),
    row(CHANGE, Errno::EOPNOTSUPP, "a master that takes no ports", |w| w.socket.change(&LinkChange::new(w.p0).master(w.p1)),
        Explained("NotAPort", "p0 cannot become a port of p1")),
    row(CHANGE, Errno::EINVAL, "lo as a port", |w| {
        let (lo, bridge) = (w.socket.index_of("lo").unwrap(), bridge(&mut w.socket, "br0").unwrap());
        w.socket.change(&LinkChange::new(lo).master(bridge))
    }, Explained("NotAPort", "lo cannot become a port of br0")).on(&[On::Driver("bridge")]),
    row(CHANGE, Errno::EBUSY, "a port that carries macvlans", |w| {
        w.has(&NewLink::macvlan(w.p0).name(name("mv0")));
        w.port()
    }, Explained("ParentCarries", "p0 carries mv0, of kind macvlan, which receives its packets")).on(&[On::Driver("bridge")]),
    row(CHANGE, Errno::ELOOP, "a bridge as a port of a bridge", |w| {
        let (one, other) = (bridge(&mut w.socket, "br0").unwrap(), bridge(&mut w.socket, "br1").unwrap());
        w.socket.change(&LinkChange::new(one).master(other))
    }, Words("Can not enslave a bridge to a bridge")).on(&[On::Driver("bridge")]),
    row(CHANGE, Errno::EPERM, "a bond's port that is up", |w| {
        let bond = w.other("bond");
        w.socket.change(&LinkChange::new(w.p0).master(bond))
    }, Words("enslave")).on(&[On::Driver("bond")]),
    row(CHANGE, Errno::EPERM, "a bond in itself", |w| {
        let bond = w.other("bond");
        w.socket.change(&LinkChange::new(bond).master(bond))
    }, Words("Cannot enslave bond to itself")).on(&[On::Driver("bond")]),
    row(CHANGE, Errno::EPERM, "a bond's port that is up and stands on a link of another namespace", |w| {
        let bond = w.other("bond");
        let there = sublink::Netns::create().unwrap();
        let mut far = sublink::Socket::open_in(&there).unwrap();
        let parent = crate::common::veth(&mut far, "x", "y");
        let here = sublink::Netns::current().unwrap();
        let port = far.create(&NewLink::macvlan(parent).name(name("mv0")).netns(&here).up()).unwrap();
        w.socket.change(&LinkChange::new(port).master(bond))
    }, Words("enslave")).on(&[On::Driver("bond")]),
    row(CHANGE, Errno::EOPNOTSUPP, "the MAC address of an ipvlan", |w| {
        let ipvlan = w.has(&NewLink::ipvlan(w.p0));
        w.socket.change(&LinkChange::new(ipvlan).mac(mac(1)))
    }, Neither("the number says it: the kind has the parent's")).on(&[On::Driver("ipvlan")]),
    row(CHANGE, Errno::EOPNOTSUPP, "the carrier of a link whose driver lets nobody set it", |w| {
        w.socket.change(&LinkChange::new(w.p0).carrier(false))
    }, Neither("the number says it, and its documentation")),
    row(CHANGE, Errno::EADDRINUSE, "up, with the MAC address of a sibling", |w| {
        w.has(&NewLink::macvlan(w.p0).name(name("mv0")).mac(mac(9)).up());
        let link = w.has(&NewLink::macvlan(w.p0).mac(mac(9)));
        w.socket.change(&LinkChange::new(link).up())
    }, Explained("MacOfSibling", "the MAC address 02:00:00:00:00:09 is already used by mv0 (#N) on the same parent")),
    row(CHANGE, Errno::ENETDOWN, "up, its parent down", |w| {
        let link = w.has(&NewLink::vlan(w.p0, vid(5)));
        w.socket.change(&LinkChange::new(w.p0).down()).unwrap();
        w.socket.change(&LinkChange::new(link).up())
    }, Explained("ParentIsDown", "the parent p0 is down: bring it up first")).on(&[On::Driver("vlan")]),
    row(CHANGE, Errno::EOPNOTSUPP, "of another kind", |w| w.socket.change(&LinkChange::macvlan(w.p0).mode(MacvlanMode::Bridge)),
        Explained("OfAnotherKind", "p0 is not of kind macvlan")),
    row(CHANGE, Errno::EOPNOTSUPP, "proto_down of a driver that knows nothing of it", |w| {
        w.socket.change(&LinkChange::new(w.p0).proto_down(true))
    }, Neither("newer kernels have words for it, and its documentation says it")).on(&[On::Before(5, 17)]),
    known(CHANGE, Errno::EPERM, "an ipvlan's mode, without CAP_NET_ADMIN where its parent is",
        Elsewhere("permissions::what_a_container_cannot_see_is_not_explained"), Explained("NotPermittedAtParent", "")),
    known(CHANGE, Errno::EBUSY, "the MAC address of a device that is up, with a driver that takes none then",
        Never("the kernels of the tests have no such device"), Neither("the driver's rule cannot be seen")),

    // dev_change_net_namespace
    row(MOVE, Errno::EINVAL, "a bridge", |w| {
        let bridge = bridge(&mut w.socket, "br0").unwrap();
        w.move_away(bridge)
    }, Explained("StaysInNamespace", "br0 cannot leave its namespace: no link of kind bridge can")).on(&[On::Driver("bridge")]),
    row(MOVE, Errno::EINVAL, "a bond", |w| {
        let bond = w.other("bond");
        w.move_away(bond)
    }, Explained("StaysInNamespace", "other cannot leave its namespace: no link of kind bond can")).on(&[On::Driver("bond")]),
    row(MOVE, Errno::EINVAL, "a team", |w| {
        let team = w.other("team");
        w.move_away(team)
    }, Explained("StaysInNamespace", "other cannot leave its namespace: no link of kind team can")).on(&[On::Driver("team")]),
    row(MOVE, Errno::EINVAL, "a VRF", |w| {
        let vrf = w.other("vrf table 10");
        w.move_away(vrf)
    }, Explained("StaysInNamespace", "other cannot leave its namespace: no link of kind vrf can")).on(&[On::Driver("vrf")]),
    row(MOVE, Errno::EINVAL, "lo", |w| {
        let lo = w.socket.index_of("lo").unwrap();
        w.move_away(lo)
    }, Explained("StaysInNamespace", "lo cannot leave its namespace")),
    known(MOVE, Errno::EEXIST, "the name is taken there", Elsewhere("taken::a_name_where_a_link_moves_to"),
        Explained("TakenThere", "")),
    known(MOVE, Errno::EEXIST, "an alternative name is taken there",
        Elsewhere("taken::an_alternative_name_where_a_link_moves_to"), Explained("TakenThere", "")),
    known(MOVE, Errno::EBUSY, "the index is taken there", Elsewhere("taken::an_index_where_a_link_moves_to"),
        Explained("TakenThere", "")),
    known(MOVE, Errno::EPERM, "without CAP_NET_ADMIN there", Elsewhere("permissions::it_is_missing_in_the_other_namespace"),
        Explained("NotPermittedAtTarget", "")),

    // rtnl_dellink
    row(DELETE, Errno::ENODEV, "no such link", |w| w.socket.delete(index(4242)),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(DELETE, Errno::ENODEV, "no such link in the other namespace, but here", |w| {
        let (there, _inside) = elsewhere();
        let nsid = w.socket.nsid_or_new(&there).unwrap();
        w.socket.apply(&DeleteLink::index(w.p0).in_netnsid(nsid)).map_err(|error| error.explained(&mut w.socket))
    }, Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(DELETE, Errno::EOPNOTSUPP, "lo of another namespace", |w| {
        let (there, mut inside) = elsewhere();
        let lo = inside.index_of("lo").unwrap();
        let nsid = w.socket.nsid_or_new(&there).unwrap();
        w.socket.apply(&DeleteLink::index(lo).in_netnsid(nsid)).map_err(|error| error.explained(&mut w.socket))
    }, Explained("NotDeletable", "lo cannot be deleted: it is the kernel's own, or that of a device")),
    row(DELETE, Errno::EOPNOTSUPP, "lo", |w| {
        let lo = w.socket.index_of("lo").unwrap();
        w.socket.delete(lo)
    }, Explained("NotDeletable", "lo cannot be deleted: it is the kernel's own, or that of a device")),
    row(DELETE, Errno::EPERM, "group 0", |w| w.socket.delete_group(0),
        Explained("GroupZero", "group 0, where every link starts, cannot be deleted")),
    row(DELETE, Errno::ENODEV, "a group without links", |w| w.socket.delete_group(7),
        Explained("GroupIsEmpty", "no link is in group 7")),
    row(DELETE, Errno::EOPNOTSUPP, "a group with lo", |w| {
        let lo = w.socket.index_of("lo").unwrap();
        w.socket.change(&LinkChange::new(lo).group(7)).unwrap();
        w.socket.delete_group(7)
    }, Explained("NotDeletable", "lo cannot be deleted: it is the kernel's own, or that of a device")),

    // rtnl_linkprop
    row(NAME, Errno::EEXIST, "taken", |w| {
        w.socket.add_alt_name(w.p1, "a-name-of-more-than-15-bytes").unwrap();
        w.socket.add_alt_name(w.p0, "a-name-of-more-than-15-bytes")
    }, Explained("NameIsTaken", "the name a-name-of-more-than-15-bytes is taken by p1 (#N)")),
    row(NAME, Errno::EINVAL, "the link has so many that no more fit a message", |w| {
        (0..1000).try_for_each(|number| w.socket.add_alt_name(w.p0, format!("{number:0>100}")))
    }, Words("effective property list too long")).on(&[On::Since(5, 18)]),
    row(NAME, Errno::ENOENT, "no link has the one to delete", |w| w.socket.delete_alt_name(w.p0, "absent"),
        Explained("NoSuchAltName", "no link has the alternative name absent")),
    row(NAME, Errno::EINVAL, "another link has the one to delete", |w| {
        w.socket.add_alt_name(w.p1, "other").unwrap();
        w.socket.delete_alt_name(w.p0, "other")
    }, Explained("NotItsAltName", "other is not an alternative name of the link, but a name of p1 (#N)")),
    row(NAME, Errno::EINVAL, "its own name is to be deleted", |w| w.socket.delete_alt_name(w.p0, "p0"),
        Explained("NotItsAltName", "p0 is not an alternative name of the link, but a name of p0 (#N)")),
    row(NAME, Errno::ENODEV, "no such link", |w| w.socket.add_alt_name(index(4242), "other"),
        Explained("LinkIsGone", "the link does not exist, or no longer")),

    // rtnl_net_newid, rtnl_net_getid
    row(GIVE_ID, Errno::EEXIST, "the namespace has one", |w| {
        let (there, _inside) = elsewhere();
        w.socket.nsid_or_new(&there).unwrap();
        w.socket.apply(&NewNsid::new(&there).nsid(NsId::new(77).unwrap()))
    }, Words("Peer netns already has a nsid assigned")),
    row(GIVE_ID, Errno::EEXIST, "another namespace has the number", |w| {
        let ((first, _a), (second, _b)) = (elsewhere(), elsewhere());
        w.socket.apply(&NewNsid::new(&first).nsid(NsId::new(77).unwrap())).unwrap();
        w.socket.apply(&NewNsid::new(&second).nsid(NsId::new(77).unwrap()))
    }, Words("The specified nsid is already used")),
    row(GIVE_ID, Errno::EINVAL, "the descriptor is a file's", |w| {
        w.socket.apply(&NewNsid::new(&File::open("/dev/null").unwrap()))
    }, Words("Peer netns reference is invalid")),
    known(GIVE_ID, Errno::EPERM, "without CAP_NET_ADMIN", Elsewhere("permissions::it_is_missing_here"),
        Explained("NotPermittedHere", "")),
    known(GIVE_ID, Errno::ENOMEM, "no memory", Never("it takes a machine without memory"), Neither("the number says it")),
    row(GET_ID, Errno::EINVAL, "the descriptor is a file's", |w| {
        w.socket.nsid_of(File::open("/dev/null").unwrap()).map(drop)
    }, Words("Peer netns reference is invalid")),

    // rtnl_getlink
    row(GET, Errno::ENODEV, "no such index", |w| w.socket.link_at(index(4242)).map(drop),
        Explained("LinkIsGone", "the link does not exist, or no longer")),
    row(GET, Errno::ENODEV, "no such name", |w| w.socket.index_of("absent").map(drop), Neither("the sentence says it all")),
    row(GET, Errno::EINVAL, "no namespace has the id", |w| {
        w.socket.get(&GetLink::index(w.p0).in_netnsid(NsId::new(77).unwrap())).map(drop)
    }, Explained("NamespaceIsGone", "no network namespace has the id 77, or none any longer")),
    known(GET, Errno::EACCES, "without CAP_NET_ADMIN in the other namespace",
        Elsewhere("permissions::it_is_missing_in_the_other_namespace"), Explained("NotPermittedThere", "")),
    known(GET, Errno::EMSGSIZE, "a list of some 5,450 senders, since Linux 7.3",
        Never("tests/kernel/senders.rs does"), Neither("it is known by its number: is_unreportable_link")),
];
