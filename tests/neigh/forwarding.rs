//! Forwarding entries: what each mode of a macvlan takes, and where they go.

use crate::common::{Skip, mac, name, parent, socket};
use nix::errno::Errno;
use std::process::Command;
use sublink::link::MacvlanFlags;
use sublink::neigh::{DeleteForwarding, ListForwarding, NewForwarding};
use sublink::value::EtherAddr;
use sublink::{IfIndex, LinkChange, MacvlanMode, Netns, NewLink, Socket};
use sublink_tests::kernel_test;

fn group(last: u8) -> EtherAddr {
    EtherAddr::new([0x01, 0x00, 0x5e, 0, 0x77, last]).expect("an address")
}

fn one(last: u8) -> EtherAddr {
    mac(last).into()
}

fn has(socket: &mut Socket, link: IfIndex, addr: EtherAddr) -> bool {
    let entries = socket.snapshot(&ListForwarding::new(link)).expect("a list");
    entries.iter().any(|entry| entry.addr == Some(addr) && entry.is_own() && entry.index == link)
}

/// Since Linux 7.2 a worker of the kernel's passes the addresses of a link on to its parent, but a change of the link, even if
/// it has that state already, does that before it is acknowledged.
fn pass_on(socket: &mut Socket, link: IfIndex) {
    socket.change(&LinkChange::new(link).up()).expect("a change");
}

fn child(socket: &mut Socket, mode: MacvlanMode) -> (IfIndex, IfIndex) {
    let p0 = parent(socket);
    let link = NewLink::macvlan(p0).mode(mode).flags(MacvlanFlags::NONE).name(name("mv0"));
    let link = if mode == MacvlanMode::Passthru { link.flags(MacvlanFlags::NOPROMISC) } else { link };
    (p0, socket.create(&link.up()).expect("a macvlan"))
}

const MODES: [MacvlanMode; 5] =
    [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, MacvlanMode::Passthru, MacvlanMode::Source];

#[kernel_test]
fn a_group_is_let_in_in_every_mode() -> Result<(), Skip> {
    for mode in MODES {
        let mut socket = socket();
        let (p0, mv0) = child(&mut socket, mode);
        socket.apply(&NewForwarding::new(mv0, group(1))).unwrap();
        pass_on(&mut socket, mv0);
        assert!(has(&mut socket, mv0, group(1)) && has(&mut socket, p0, group(1)), "{mode}");
        let error = socket.apply(&NewForwarding::new(mv0, group(1))).unwrap_err();
        let words = format!("add forwarding entry {} on mv0: EEXIST (File exists)", group(1));
        assert!(error.is_already_there() && error.to_string().starts_with(&words), "{mode}: {error}");
        socket.apply(&DeleteForwarding::new(mv0, group(1))).unwrap();
        pass_on(&mut socket, mv0);
        assert!(!has(&mut socket, mv0, group(1)) && !has(&mut socket, p0, group(1)), "{mode}");
        let error = socket.apply(&DeleteForwarding::new(mv0, group(1))).unwrap_err().to_string();
        let words = format!("delete forwarding entry {} on mv0: ENOENT (No such file or directory)", group(1));
        assert!(error.starts_with(&words), "{mode}: {error}");
        socket.delete(p0).unwrap();
    }
    Ok(())
}

#[kernel_test]
fn one_stations_address_is_for_passthru_mode() -> Result<(), Skip> {
    for mode in MODES {
        let mut socket = socket();
        let (p0, mv0) = child(&mut socket, mode);
        let added = socket.apply(&NewForwarding::new(mv0, one(0x55)));
        if mode == MacvlanMode::Passthru {
            added.unwrap();
            pass_on(&mut socket, mv0);
            assert!(has(&mut socket, mv0, one(0x55)) && has(&mut socket, p0, one(0x55)));
            assert!(socket.apply(&NewForwarding::new(mv0, one(0x55))).unwrap_err().is_already_there());
            socket.apply(&DeleteForwarding::new(mv0, one(0x55))).unwrap();
            pass_on(&mut socket, mv0);
            let again = socket.apply(&DeleteForwarding::new(mv0, one(0x55))).unwrap_err();
            assert_eq!(again.raw_os_error(), Some(Errno::ENOENT as i32));
        } else {
            for error in [added.unwrap_err(), socket.apply(&DeleteForwarding::new(mv0, one(0x55))).unwrap_err()] {
                assert!(error.is_not_supported(), "{mode}: {error}");
            }
        }
        assert!(!has(&mut socket, mv0, one(0x55)) && !has(&mut socket, p0, one(0x55)), "{mode}");
        socket.delete(p0).unwrap();
    }
    Ok(())
}

/// While the link is down, its parent does not have the address.
#[kernel_test]
fn an_entry_leaves_the_parent_while_the_link_is_down() -> Result<(), Skip> {
    let mut socket = socket();
    let (p0, mv0) = child(&mut socket, MacvlanMode::Passthru);
    socket.apply(&NewForwarding::new(mv0, one(0x55))).unwrap();
    socket.change(&LinkChange::new(mv0).down()).unwrap();
    assert!(has(&mut socket, mv0, one(0x55)) && !has(&mut socket, p0, one(0x55)));
    socket.change(&LinkChange::new(mv0).up()).unwrap();
    assert!(has(&mut socket, mv0, one(0x55)) && has(&mut socket, p0, one(0x55)));
    Ok(())
}

#[kernel_test]
fn a_move_takes_entries_away() -> Result<(), Skip> {
    let (mut socket, pod) = (socket(), Netns::create().unwrap());
    let (p0, mv0) = child(&mut socket, MacvlanMode::Passthru);
    socket.apply(&NewForwarding::new(mv0, one(0x55))).unwrap();
    socket.change(&LinkChange::move_to(mv0, &pod)).unwrap();
    assert!(!has(&mut socket, p0, one(0x55)));
    let mut inside = Socket::open_in(&pod).unwrap();
    let moved = inside.index_of("mv0").unwrap();
    assert!(!has(&mut inside, moved, one(0x55)));
    inside.change(&LinkChange::new(moved).up()).unwrap();
    inside.apply(&NewForwarding::new(moved, one(0x55))).unwrap();
    pass_on(&mut inside, moved);
    assert!(has(&mut socket, p0, one(0x55)), "of a link in another namespace too");
    Ok(())
}

/// A link that is no macvlan keeps such a list too.
#[kernel_test]
fn any_ethernet_link_has_a_list() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    for addr in [one(0x55), group(1)] {
        socket.apply(&NewForwarding::new(p0, addr)).unwrap();
        assert!(socket.apply(&NewForwarding::new(p0, addr)).unwrap_err().is_already_there());
        assert!(has(&mut socket, p0, addr));
        socket.apply(&DeleteForwarding::new(p0, addr)).unwrap();
        assert!(!has(&mut socket, p0, addr));
    }
    let lo = socket.index_of("lo").unwrap();
    let error = socket.apply(&NewForwarding::new(lo, one(0x55))).unwrap_err().to_string();
    assert!(error.starts_with("add forwarding entry 02:00:00:00:00:55 on lo: EINVAL"), "{error}");
    let nowhere = IfIndex::new(999).unwrap();
    let error = socket.apply(&NewForwarding::new(nowhere, one(0x55))).unwrap_err().to_string();
    assert!(error.starts_with("add forwarding entry 02:00:00:00:00:55 on #999: ENODEV"), "{error}");
    Ok(())
}

/// A port's list holds what its bridge forwards to it as well: that is not the port's own.
#[kernel_test]
fn a_bridges_entries_are_not_its_ports() -> Result<(), Skip> {
    let mut socket = socket();
    let p0 = parent(&mut socket);
    let run =
        |program: &str, arguments: &str| Command::new(program).args(arguments.split(' ')).output().expect("it runs");
    let made = run("ip", "link add br0 type bridge");
    if String::from_utf8_lossy(&made.stderr).contains("Unknown device type") {
        return Err(Skip("this kernel has no bridge driver".into()));
    }
    let bridge = socket.index_of("br0").unwrap();
    socket.change(&LinkChange::new(p0).master(bridge)).unwrap();
    let added = run("bridge", &format!("fdb add {} dev p0 master static", one(0x66)));
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    socket.apply(&NewForwarding::new(p0, one(0x55))).unwrap();
    let entries = socket.snapshot(&ListForwarding::new(p0)).unwrap();
    let of = |addr| entries.iter().filter(|entry| entry.addr == Some(addr)).count();
    assert_eq!((of(one(0x55)), of(one(0x66))), (1, 0), "{entries:?}");
    Ok(())
}
