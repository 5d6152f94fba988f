//! Create: the index is right, nothing that was there is touched, and a failure leaves nothing.

use crate::common::{Skip, mac, name, parent, socket, veth};
use crate::help::{all, elsewhere, encoded, errno_of, index, looks_in_the_target, netnsid, seen, seen_in, sentence};
use sublink::{IfIndex, LinkChange, LinkSpec, MacAddr, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

/// Named, nameless and with a chosen index, here and elsewhere: `ip` finds the link where the index says.
#[kernel_test]
pub fn the_index_is_the_new_links() -> Result<(), Skip> {
    let (mut socket, (there, _)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    let link = || NewLink::macvlan(parent);
    for (row, link, named, chosen) in [
        ("named", link().name(name("a")), Some("a"), None),
        ("nameless", link(), None, None),
        ("with an index", link().index(index(777)), None, Some(777)),
        ("named, with an index", link().name(name("b")).index(index(778)), Some("b"), Some(778)),
    ] {
        let here = socket.create(&link).expect(row);
        check(row, seen(), here, named, chosen);
        socket.delete(here).expect(row); // Linux up to 6.12 wants a chosen index to be free here as well
        let across = socket.create(&link.netns(&there)).expect(row);
        check(row, seen_in(&there), across, named, chosen);
    }
    assert_eq!(seen().len(), 3, "lo and the veth pair");
    Ok(())
}

/// One call and one set of words for all kinds; as with each kind's own, a taken index is told from other refusals.
#[kernel_test]
pub fn a_kind_chosen_at_run_time() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    let link = LinkSpec::from(NewLink::macvlan(parent)).mac(mac(7)).mtu(1400).group(5).up();
    let here = socket.create(&link.name(name("a"))).unwrap();
    let link = link.mac(mac(8)).netns(&there);
    let across = socket.create(&link).unwrap();
    for (row, made, its_mac) in [("here", socket.link_at(here), mac(7)), ("across", inside.link_at(across), mac(8))] {
        let made = made.expect(row);
        assert_eq!(made.kind().name(), "macvlan", "{row}");
        let read = (made.mac().mac(), made.mtu(), made.group(), made.is_up());
        assert_eq!(read, (Some(its_mac), 1400, 5, true), "{row}");
    }
    let error = socket.create(&link.mac(mac(9)).index(across)).unwrap_err();
    assert!(error.is_already_there() || error.is_busy(), "{error}");
    Ok(())
}

fn check(row: &str, seen: Vec<(u32, String)>, created: IfIndex, named: Option<&str>, chosen: Option<u32>) {
    let (_, name) = seen.into_iter().find(|(index, _)| *index == created.get()).expect(row);
    match named {
        Some(named) => assert_eq!(name, named, "{row}"),
        None => assert!(name.starts_with("macvlan"), "{row}: the kernel named it {name}"),
    }
    if let Some(chosen) = chosen {
        assert_eq!(created.get(), chosen, "{row}");
    }
}

#[kernel_test]
pub fn a_name_taken_here_is_free_elsewhere() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let parent = veth(&mut socket, "eth0", "p1");
    let before = socket.link_at(parent).unwrap().to_owned();
    let link = NewLink::macvlan(parent).name(name("eth0")).mac(mac(7)).netns(&there);

    let first = socket.create(&link).unwrap();
    assert_eq!(inside.link("eth0").unwrap().index(), first);
    assert_eq!(inside.link_at(first).unwrap().mac().mac(), Some(mac(7)));
    inside.delete(first).unwrap();

    let second = socket.create(&link.index(index(901))).unwrap();
    assert_eq!(inside.index_of("eth0").unwrap(), second);
    assert_eq!(second.get(), 901);
    let after = socket.link_at(parent).unwrap().to_owned();
    assert_eq!((after.name, after.mac, after.index), (before.name, before.mac, before.index));
    Ok(())
}

/// Without NLM_F_EXCL, each of these would rename, move or change the link.
#[kernel_test]
pub fn a_link_that_is_there_stays_as_it_is() -> Result<(), Skip> {
    let (mut socket, (there, _)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    let old = socket.create(&NewLink::macvlan(parent).name(name("old")).index(index(600)).mac(mac(1)).mtu(1400));
    let old = old.unwrap();
    let before = all(&mut socket);
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Private).mac(mac(2)).mtu(1300).up();
    for (row, link, expected) in [
        ("its name", link.name(name("old")), "old"),
        ("its name, another index", link.name(name("old")).index(index(601)), "old"),
        ("its name and index", link.name(name("old")).index(old), "old"),
        ("its index, another name", link.name(name("new")).index(old), "new"),
    ] {
        let error = socket.create(&link).expect_err(row);
        assert_eq!(error.to_string(), format!("create macvlan {expected} on p0: EEXIST (File exists)"), "{row}");
        assert_eq!(all(&mut socket), before, "{row}");
    }
    if !looks_in_the_target() {
        // The index is looked up here even though the link is to be elsewhere.
        let error = socket.create(&link.name(name("new")).index(old).netns(&there)).unwrap_err();
        assert!(error.is_already_there(), "{error}");
        assert_eq!(all(&mut socket), before);
    }
    Ok(())
}

#[kernel_test]
pub fn a_failed_create_leaves_nothing() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    socket.change(&LinkChange::new(parent).mac(mac(1))).unwrap();
    let lo = socket.index_of("lo").unwrap();
    let before = seen();
    let link = |parent| NewLink::macvlan(parent).name(name("x"));
    for (link, expected) in [
        (link(lo), "create macvlan x on lo: EINVAL (Invalid argument)"),
        (link(index(999)), "create macvlan x on #999: ENODEV (No such device)"),
        (link(parent).mtu(1501), "create macvlan x on p0: EINVAL (Invalid argument)"),
        (link(parent).mode(MacvlanMode::Other(64)), "create macvlan x on p0: EINVAL (Invalid argument)"),
        (link(parent).mac(mac(1)).up(), "create macvlan x on p0: EADDRINUSE (Address already in use)"),
        (
            link(parent).mac(mac(1)).index(index(700)).up(),
            "create macvlan x on p0: EADDRINUSE (Address already in use)",
        ),
        (NewLink::macvlan(parent).mac(mac(1)).up(), "create macvlan on p0: EADDRINUSE (Address already in use)"),
        (link(parent).master(index(999)), "create macvlan x on p0: EINVAL (Invalid argument)"),
    ] {
        let error = sentence(socket.create(&link));
        assert!(error.starts_with(expected), "{error}, not {expected}");
        assert_eq!(seen(), before, "{expected}");
    }
    Ok(())
}

#[kernel_test]
pub fn a_failed_create_elsewhere_leaves_nothing() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    socket.change(&LinkChange::new(parent).mac(mac(1))).unwrap();
    veth(&mut inside, "taken", "q1");
    let (here, across) = (seen(), seen_in(&there));
    let link = NewLink::macvlan(parent).netns(&there);
    for (link, expected) in [
        (link.name(name("taken")), "create macvlan taken on p0: EEXIST (File exists)"),
        (link.name(name("x")).mtu(1501), "create macvlan x on p0: EINVAL (Invalid argument)"),
        (link.name(name("x")).mac(mac(1)).up(), "create macvlan x on p0: EADDRINUSE (Address already in use)"),
        (link.mac(mac(1)).index(index(700)).up(), "create macvlan on p0: EADDRINUSE (Address already in use)"),
    ] {
        assert_eq!(sentence(socket.create(&link)), expected);
        assert_eq!((seen(), seen_in(&there)), (here.clone(), across.clone()), "{expected}");
    }
    Ok(())
}

#[kernel_test]
pub fn a_taken_index_is_refused() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    let link = NewLink::macvlan(parent).name(name("x")).index(index(650)).netns(&there);
    assert_eq!(socket.create(&link).unwrap().get(), 650);
    let before = all(&mut inside);
    let error = socket.create(&link.name(name("y"))).unwrap_err();
    let expected = if looks_in_the_target() { "EEXIST (File exists)" } else { "EBUSY (Device or resource busy)" };
    assert_eq!(error.to_string(), format!("create macvlan y on p0: {expected}"));
    assert_eq!((error.is_already_there(), error.is_busy()), (looks_in_the_target(), !looks_in_the_target()));
    assert_eq!(all(&mut inside), before);
    assert!(socket.index_of("y").unwrap_err().is_no_device());
    Ok(())
}

/// Linux up to 6.12 takes the request and leaves the link down.
#[kernel_test]
pub fn a_link_with_its_parent_elsewhere_is_up() -> Result<(), Skip> {
    let (mut socket, (there, mut inside), (third, mut in_third)) = (socket(), elsewhere(), elsewhere());
    let parent = parent(&mut socket);
    let nsid = netnsid(&mut socket, parent, &mut inside, &there);
    let link = NewLink::macvlan(parent).parent_in(nsid).up();
    for (row, link) in [
        ("named", link.name(name("a"))),
        ("nameless", link),
        ("with an index", link.index(index(800))),
        ("named, with an index", link.name(name("b")).index(index(801))),
    ] {
        let created = inside.create(&link.mac(MacAddr::random())).expect(row);
        let link = inside.link_at(created).unwrap();
        assert!(link.is_up(), "{row}: {link:?}");
        assert_eq!((link.parent(), link.parent_netnsid()), (Some(parent), Some(nsid)), "{row}");
    }
    assert_eq!(seen().len(), 3, "nothing of it here");
    // Into a third namespace, the number is the one that the third gives the parent's.
    let from_third = NewLink::macvlan(parent).parent_in(netnsid(&mut socket, parent, &mut in_third, &third)).up();
    let across = inside.create(&from_third.name(name("c")).mac(mac(9)).netns(&third)).unwrap();
    assert!(in_third.link_at(across).unwrap().is_up());
    assert_eq!(in_third.link("c").unwrap().index(), across);
    let down = NewLink::macvlan(parent).parent_in(nsid).name(name("down"));
    let down = inside.create(&down).unwrap();
    assert!(!inside.link_at(down).unwrap().is_up(), "nobody asked for it");
    Ok(())
}

#[kernel_test]
pub fn a_link_that_cannot_come_up_with_its_parent_elsewhere_is_not_there() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    socket.change(&LinkChange::new(parent).mac(mac(1))).unwrap();
    let nsid = netnsid(&mut socket, parent, &mut inside, &there);
    let (here, across) = (seen(), seen_in(&there));
    let link = NewLink::macvlan(parent).parent_in(nsid).mac(mac(1)).up();
    for link in [link.name(name("x")), link, link.index(index(800))] {
        let error = inside.create(&link).unwrap_err();
        assert!(error.is_address_in_use(), "{error}");
        assert_eq!((seen(), seen_in(&there)), (here.clone(), across.clone()), "{error}");
    }
    Ok(())
}

#[kernel_test]
pub fn a_veth_has_its_peer_elsewhere() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let peer = NewLink::peer().name(name("eth0")).mac(mac(2)).mtu(1300).index(index(500)).netns(&there);
    let pair = NewLink::veth(peer).name(name("v0")).mac(mac(1)).mtu(1400).index(index(501)).up();
    let created = socket.create(&pair).unwrap();
    inside.change(&LinkChange::new(index(500)).up()).unwrap();

    let end = inside.link("eth0").unwrap();
    assert_eq!((end.index().get(), end.mac().mac(), end.mtu()), (500, Some(mac(2)), 1300));
    assert_eq!(end.kind(), "veth");
    assert_eq!(end.parent(), Some(created), "its other end");
    assert!(end.parent_netnsid().is_some());
    let this = socket.link_at(created).unwrap();
    assert_eq!((this.mac().mac(), this.mtu(), this.is_up()), (Some(mac(1)), 1400, true));
    assert_eq!(this.name(), "v0");
    assert_eq!(this.parent(), Some(index(500)));
    assert!(socket.index_of("eth0").unwrap_err().is_no_device());
    Ok(())
}

/// The kernel looks at a peer's index only where the first end has one as well.
#[kernel_test]
pub fn a_peers_index_counts_beside_its_own() -> Result<(), Skip> {
    let mut socket = socket();
    let pair = NewLink::veth(NewLink::peer().name(name("p")).index(index(500))).name(name("v"));
    assert_eq!(errno_of(&socket, &encoded(&pair)), 0);
    assert_ne!(socket.index_of("p").unwrap().get(), 500);
    let this = socket.index_of("v").unwrap();
    socket.delete(this).unwrap();
    assert_eq!(errno_of(&socket, &encoded(&pair.index(index(501)))), 0);
    assert_eq!(socket.index_of("p").unwrap().get(), 500);
    Ok(())
}
