//! What a container does with its link behind our back, before it is detached or an attach is undone.

use crate::common::{Skip, mac, name, needs, parent, socket, vid};
use crate::help::{Pod, bridge_endpoint};
use sublink::endpoint::{Detach, Fate};
use sublink::error::Undo;
use sublink::link::SourceMacs;
use sublink::{Attached, Batch, Endpoint, IfIndex, LinkChange, LinkSpec, MacAddr, MacvlanMode, NewLink, Socket};
use sublink_tests::kernel_test;

fn attached() -> (Socket, Pod, Attached, IfIndex) {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let attached = pod.attach(&mut host, &bridge_endpoint(parent)).unwrap();
    (host, pod, attached, parent)
}

#[kernel_test]
pub fn a_link_that_was_deleted_is_gone() -> Result<(), Skip> {
    let (mut host, mut pod, attached, _) = attached();
    pod.inside().delete(attached.index).unwrap();
    assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Gone);
    Ok(())
}

#[kernel_test]
pub fn a_link_that_was_renamed_is_deleted() -> Result<(), Skip> {
    let (mut host, mut pod, attached, _) = attached();
    pod.inside().change(&LinkChange::new(attached.index).down()).unwrap(); // needed up to Linux 6.1
    pod.inside().change(&LinkChange::new(attached.index).name(name("mine"))).unwrap();
    assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    assert!(pod.inside().index_of("mine").unwrap_err().is_no_device());
    Ok(())
}

#[kernel_test]
pub fn a_link_that_was_moved_away_is_followed() -> Result<(), Skip> {
    let (mut host, mut pod, attached, _) = attached();
    let mut other = Pod::new();
    pod.inside().change(&LinkChange::move_to(attached.index, &other.sandbox)).unwrap();
    let detached = attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    assert!(matches!(detached.link, Fate::DeletedIn(_)), "{detached}");
    assert!(other.inside().index_of("eth0").unwrap_err().is_no_device());
    Ok(())
}

/// By another process, which knows only what the first has written down.
#[kernel_test]
pub fn what_was_written_down_is_known_again() -> Result<(), Skip> {
    let (mut host, mut pod, attached, _) = attached();
    let read: Attached = attached.to_string().parse().unwrap();
    assert_eq!(read, attached);
    assert_eq!(read.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    Ok(())
}

/// Kinds that have their parent's MAC address: were such a link left because that has changed, its id or parent would stay taken.
fn is_deleted_after_its_parents_mac_changed(link: impl FnOnce(IfIndex) -> LinkSpec<'static>) -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let empty = pod.contents();
    let endpoint = Endpoint::new(link(parent).name(name("eth0")));
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert!(attached.has_parents_mac);
    host.change(&LinkChange::new(parent).mac(mac(77))).unwrap();
    assert_eq!(pod.link(attached.index).mac, Some(mac(77)), "the kernel's doing");
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Deleted);
    assert_eq!(pod.contents(), empty);
    pod.attach(&mut host, &endpoint).expect("there is room for the next");
    Ok(())
}

#[kernel_test]
pub fn a_passthru_macvlan_whose_parents_mac_changed_is_deleted() -> Result<(), Skip> {
    is_deleted_after_its_parents_mac_changed(|parent| NewLink::macvlan(parent).mode(MacvlanMode::Passthru).into())
}

#[kernel_test]
pub fn a_vlan_whose_parents_mac_changed_is_deleted() -> Result<(), Skip> {
    needs("vlan")?;
    is_deleted_after_its_parents_mac_changed(|parent| NewLink::vlan(parent, vid(50)).into())
}

#[kernel_test]
pub fn an_ipvlan_whose_parents_mac_changed_is_deleted() -> Result<(), Skip> {
    needs("ipvlan")?;
    is_deleted_after_its_parents_mac_changed(|parent| NewLink::ipvlan(parent).into())
}

type Impostor = fn(&mut Pod, &mut Socket, IfIndex, &Attached);

/// Links that are not ours, made at the index of ours: one of another kind, and one of another parent.
const IMPOSTORS: [Impostor; 2] = [
    |pod, _, _, ours| {
        let pair = NewLink::veth(NewLink::peer().name(name("b"))).name(name("eth0")).mac(ours.mac.unwrap());
        pod.inside().create(&pair.index(ours.index)).unwrap();
    },
    |pod, host, _, ours| {
        let parent = host.create(&NewLink::veth(NewLink::peer())).unwrap();
        let other = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0")).mac(ours.mac.unwrap());
        host.create(&other.index(ours.index).netns(&pod.sandbox)).unwrap();
    },
];

#[kernel_test]
pub fn a_link_in_its_place_is_let_alone() -> Result<(), Skip> {
    let (mut host, mut pod, attached, parent) = attached();
    for impostor in IMPOSTORS {
        pod.inside().delete(attached.index).unwrap();
        impostor(&mut pod, &mut host, parent, &attached);
        assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Replaced);
        assert!(pod.inside().link_at(attached.index).is_ok());
    }
    Ok(())
}

/// The kernel cannot report it any more; a longer list does not fit into the buffer either.
#[kernel_test]
pub fn a_link_with_a_list_too_long_to_tell_is_deleted() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = bridge_endpoint(parent(&mut host));
    for senders in [5_600, 12_000] {
        let attached = pod.attach(&mut host, &endpoint).unwrap();
        pod.inside().change(&LinkChange::macvlan(attached.index).mode(MacvlanMode::Source)).unwrap();
        let mut batch = Batch::new().one_ack();
        for number in 0..senders {
            let [high, low] = u16::to_be_bytes(number);
            let sender = SourceMacs::Add(MacAddr::new([2, 1, 0, 0, high, low]).unwrap());
            batch.push(&LinkChange::macvlan(attached.index).macaddr(sender)).unwrap();
        }
        pod.inside().run(&mut batch).unwrap();
        pod.inside().link_at(attached.index).expect_err("it cannot be told");
        assert_eq!(
            attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link,
            Fate::DeletedUnseen,
            "{senders}"
        );
        assert_eq!(attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link, Fate::Gone, "{senders}");
    }
    Ok(())
}

#[kernel_test]
pub fn an_undo_lets_a_link_in_its_place_alone() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let parent = parent(&mut host);
    let endpoint = bridge_endpoint(parent).gateway("10.9.0.1".parse().unwrap()); // two default routes: it cannot be finished
    let prepared = endpoint.prepare(&mut host, &mut pod.sandbox).unwrap();
    for impostor in IMPOSTORS {
        pod.inside().delete(prepared.index).unwrap();
        impostor(&mut pod, &mut host, parent, &prepared);
        let error = endpoint.finish(&prepared, &mut pod.sandbox).unwrap_err();
        assert_eq!(error.undo(), Some(Undo::Replaced(prepared.index)), "{error}");
        assert!(pod.inside().link_at(prepared.index).is_ok());
    }
    Ok(())
}

#[kernel_test]
pub fn an_undo_finds_a_renamed_link() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = bridge_endpoint(parent(&mut host)).gateway("10.9.0.1".parse().unwrap());
    let before = pod.contents();
    let prepared = endpoint.prepare(&mut host, &mut pod.sandbox).unwrap();
    pod.inside().change(&LinkChange::new(prepared.index).name(name("mine"))).unwrap();
    let error = endpoint.finish(&prepared, &mut pod.sandbox).unwrap_err();
    assert_eq!(error.undo(), Some(Undo::Clean), "{error}");
    assert_eq!(pod.contents(), before);
    Ok(())
}

/// The sandbox keeps the namespace; the container that made it is long gone.
#[kernel_test]
pub fn a_container_that_ended_is_gone() -> Result<(), Skip> {
    let (mut host, mut pod, attached, parent) = attached();
    host.delete(parent).unwrap();
    assert_eq!(
        attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap().link,
        Fate::Gone,
        "deleted with its parent"
    );
    Ok(())
}
