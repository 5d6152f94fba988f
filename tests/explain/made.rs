//! Parents that are made on demand: while it is made a link has a name that nobody needs to hear of.

use crate::common::{Skip, name, needs, parent, socket, vid};
use sublink::error::{Reason, Undo};
use sublink::network::{self, InvalidNetwork, InvalidParent, Parent};
use sublink::{Endpoint, ErrorKind, LinkChange, Network, NewLink, Owner, Sandbox};
use sublink_tests::kernel_test;

fn owner() -> Owner {
    Owner::new("tests").unwrap()
}

#[kernel_test]
pub fn a_create_that_fails() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut socket, pod) = (socket(), Sandbox::create().unwrap());
    let parent = parent(&mut socket);
    socket.create(&NewLink::vlan(parent, vid(50)).name(name("x")).netns(&pod)).unwrap();
    let error = Parent::new(name("p0.50")).up(&mut socket, &owner()).unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("create vlan p0.50 on p0: EEXIST: 8021q: VLAN device already exists"), "{said}");
    assert_eq!(error.as_failed().unwrap().request().unwrap().name.as_deref(), Some(&b"p0.50"[..]));
    Ok(())
}

#[kernel_test]
pub fn a_link_that_does_not_come_up() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    socket.change(&LinkChange::new(parent).down()).unwrap();
    let error = Parent::new(name("p0.50")).up(&mut socket, &owner()).unwrap_err();
    let said = "change link p0.50: ENETDOWN (Network is down): the parent p0 is down: bring it up first";
    assert_eq!(error.to_string(), said);
    assert!(socket.index_of("p0.50").is_err(), "nothing is left");
    Ok(())
}

/// Where nothing is known but the name that a link has while it is made.
#[kernel_test]
pub fn a_temporary_name_is_none() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let temporary = name("sl~0123456789ab");
    let own = socket.link_at(parent).unwrap().mac().mac().unwrap();
    let link = socket.create(&NewLink::macvlan(parent).name(temporary).mac(own)).unwrap();
    let why = "EINVAL (Invalid argument): the MTU 9000 is above the 1500 of the parent p0";
    for (refused, said) in [
        (socket.change(&LinkChange::new(link).mtu(9000)), format!("change the new link: {why}")),
        (socket.create(&NewLink::macvlan(parent).name(temporary).mtu(9000)).map(drop), "create macvlan on p0: ".into()),
        (socket.change(&LinkChange::new(link).up()), "bring up the new link: EADDRINUSE".into()),
    ] {
        let error = refused.unwrap_err().explained(&mut socket).to_string();
        assert!(error.starts_with(&said), "{error}");
    }
    let taken = socket.create(&NewLink::macvlan(parent).name(temporary)).unwrap_err().explained(&mut socket);
    let reason = taken.reason().unwrap().to_string();
    assert_eq!(reason, format!("the name sl~0123456789ab is taken by a temporary link (#{link})"));
    Ok(())
}

/// Another program is making the same VLAN, or was ended before it had.
#[kernel_test]
pub fn a_vlan_that_another_program_makes() -> Result<(), Skip> {
    needs("vlan")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let half_made = socket.create(&NewLink::vlan(parent, vid(50)).name(name("sl~0123456789ab"))).unwrap();
    let error = Parent::new(name("p0.50")).plan(&mut socket, &owner()).unwrap_err();
    let said = "VLAN 50, which p0.50 would be, is there already, unfinished: another program is making it, or was stopped \
                before it had";
    assert_eq!(error.to_string(), said);
    socket.change(&LinkChange::new(half_made).name(name("five"))).unwrap();
    let error = Parent::new(name("p0.50")).plan(&mut socket, &owner()).unwrap_err();
    assert_eq!(error.to_string(), "VLAN 50, which p0.50 would be, is there already as five: make that the parent");
    Ok(())
}

#[kernel_test]
pub fn a_parent_by_an_alternative_name() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    socket.add_alt_name(parent, "uplink").unwrap();
    for asked in ["uplink", "uplink.50"] {
        let error = Parent::new(name(asked)).up(&mut socket, &owner()).unwrap_err();
        let expected = InvalidNetwork::from(InvalidParent::OnlyAltName { name: name("uplink"), owner: name("p0") });
        assert_eq!(error.as_invalid(), Some(&expected));
        assert_eq!(error.to_string(), "uplink is an alternative name of p0: use the name p0");
        let class = (error.class(), error.subject());
        assert_eq!(class, (sublink::error::Class::Gone, sublink::error::Subject::Parent));
    }
    Ok(())
}

#[kernel_test]
pub fn a_vlan_whose_name_is_too_long() -> Result<(), Skip> {
    let driver = network::Driver::Macvlan(sublink::MacvlanMode::Bridge);
    let network = || Network::new("net", driver).unwrap();
    let error = network().option("parent", "enp0s31f6u1u2.50").unwrap_err();
    let said = "\"enp0s31f6u1u2.50\" cannot be the name of a parent interface: \"enp0s31f6u1u2.50\" is not an interface name: \
                it has 16 bytes, not 1 to 15; the parent can have a name of its own, and the VLAN be said beside it \
                (parent_vlan)";
    assert_eq!(error.to_string(), said);
    for other in ["sixteen-bytes-xx", "eth0/1.50"] {
        assert!(!network().option("parent", other).unwrap_err().to_string().contains("parent_vlan"), "{other}");
    }
    Ok(())
}

/// The index of a link that is attached is of the library's choice, and the container may have deleted it meanwhile.
#[kernel_test]
pub fn an_attached_link_has_its_name() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let mut pod = Sandbox::create().unwrap();
    let endpoint = Endpoint::new(NewLink::macvlan(parent).name(name("eth0")).mac(crate::common::mac(7)));
    let error = endpoint
        .attach_with(&mut socket, &mut pod, |attached, pod| pod.socket().delete(attached.index))
        .expect_err("it is gone");
    let index = match error.undo() {
        Some(Undo::Gone(index)) => index,
        other => panic!("{other:?}: {error}"),
    };
    assert_eq!(error.reason(), Some(&Reason::LinkIsGone(index)));
    let said = "bring up eth0: ENODEV (No such device): the link does not exist, or no longer; \
                the link is not in the container, and was not found elsewhere";
    assert_eq!(error.to_string(), said);
    assert!(matches!(error.kind(), ErrorKind::Kernel(_)));
    Ok(())
}
