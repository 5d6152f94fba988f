//! `net/link_netns.py`: which namespace a link's parent or peer is said to be in, however the request says where they are.

use crate::common::{Skip, kernel, name, needs, vid};
use crate::tools::{Events, spare};
use sublink::link::IpvlanMode;
use sublink::nsid::NewNsid;
use sublink::value::NsId;
use sublink::{IfIndex, LinkSpec, MacvlanMode, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

/// Since when a link is made where it is to be, and not made elsewhere and moved.
const IN_PLACE: (u32, u32) = (6, 15);

fn number() -> NsId {
    NsId::new(100).unwrap()
}

/// Namespaces, of which the second one numbers the third.
fn three() -> [Sandbox; 3] {
    let mut all = [(); 3].map(|()| Sandbox::create().unwrap());
    let [_, second, third] = &mut all;
    second.socket().apply(&NewNsid::new(third.netns()).nsid(number())).unwrap();
    all
}

/// Nobody in a namespace hears of a link that is made and deleted in another, though that one's request came from here, or said
/// that its parent is here.
#[kernel_test]
fn no_event_of_a_link_elsewhere() -> Result<(), Skip> {
    if kernel() < IN_PLACE {
        return Err(Skip("this kernel makes links in the parent's namespace and moves them".into()));
    }
    let (mut first, mut second) = (Sandbox::create().unwrap(), Sandbox::create().unwrap());
    let events = second.run(Events::open).unwrap();
    first.socket().apply(&NewNsid::new(second.netns()).nsid(number())).unwrap();
    // A kind that every kernel has; the selftest makes dummies.
    let pair = |this, that| NewLink::veth(NewLink::peer().name(name(that)).netns(first.netns())).name(name(this));
    let mut sender = Sandbox::here().unwrap();
    sender.socket().create(&pair("d1", "d2").netns(first.netns()).parent_in(number())).unwrap();
    second.socket().create(&pair("d3", "d4").netns(first.netns())).unwrap();
    for made in ["d1", "d3"] {
        let mut inside = Socket::open_in(first.netns()).unwrap();
        let index = inside.index_of(made).unwrap();
        inside.delete(index).unwrap();
    }
    // An event that must come, behind those that must not.
    spare(second.socket(), "marker", None).unwrap();
    let heard = events.next();
    assert!(heard.iter().all(|link| link == "marker" || link.starts_with("veth")), "{heard:?}");
    Ok(())
}

/// A link of each kind on `parent`.
fn kinds(parent: IfIndex) -> Vec<LinkSpec<'static>> {
    let mut kinds: Vec<LinkSpec<'_>> = vec![NewLink::macvlan(parent).mode(MacvlanMode::Bridge).into()];
    if needs("macvtap").is_ok() {
        kinds.push(NewLink::macvtap(parent).mode(MacvlanMode::Bridge).into());
    }
    if needs("vlan").is_ok() {
        kinds.push(NewLink::vlan(parent, vid(100)).into());
    }
    if needs("ipvlan").is_ok() {
        kinds.push(NewLink::ipvlan(parent).mode(IpvlanMode::L2).into());
    }
    kinds
}

#[kernel_test]
fn a_link_says_where_its_parent_is() -> Result<(), Skip> {
    let [mut first, mut second, mut third] = three();
    let parent = spare(third.socket(), "dummy1", None).unwrap();
    for spec in kinds(parent) {
        let (link, kind) = (spec.name(name("foo")), spec.kind());
        let reads = |inside: &mut Socket, what: &str| {
            let link = inside.link("foo").unwrap_or_else(|error| panic!("{kind} {what}: {error}"));
            let (index, nsid) = (link.index(), link.parent_netnsid());
            assert_eq!(link.parent(), Some(parent), "{kind} {what}");
            inside.delete(index).unwrap();
            nsid
        };
        third.socket().create(&link).unwrap();
        assert_eq!(reads(third.socket(), "beside it"), None);
        third.socket().create(&link.netns(second.netns())).unwrap();
        assert_eq!(reads(second.socket(), "from the parent's namespace"), Some(number()));
        second.socket().create(&link.parent_in(number())).unwrap();
        assert_eq!(reads(second.socket(), "from the link's namespace"), Some(number()));
        first.socket().create(&link.netns(second.netns()).parent_in(number())).unwrap();
        assert_eq!(reads(second.socket(), "from a third namespace"), Some(number()));
    }
    Ok(())
}

/// A request of the library always describes the peer, so one without a namespace is where the request comes from. In the
/// selftest, `ip` leaves the peer out, and the kernel puts it beside the other end.
#[kernel_test]
fn an_end_of_a_veth_says_where_its_peer_is() -> Result<(), Skip> {
    let [mut first, mut second, third] = three();
    let fourth = Sandbox::create().unwrap();
    let in_second = second.netns().try_clone().unwrap();
    let numbers = [first.netns(), fourth.netns(), &in_second].map(|of| second.socket().nsid_or_new(of).unwrap());
    let [of_first, of_fourth, itself] = numbers;
    let pair = || NewLink::veth(NewLink::peer()).name(name("foo"));
    let with_peer = || NewLink::veth(NewLink::peer().netns(third.netns())).name(name("foo"));
    let reads = |inside: &mut Socket, what: &str| {
        let link = inside.link("foo").unwrap_or_else(|error| panic!("{what}: {error}"));
        let (index, nsid) = (link.index(), link.parent_netnsid());
        inside.delete(index).unwrap();
        nsid
    };
    first.socket().create(&pair()).unwrap();
    assert_eq!(reads(first.socket(), "both here"), None);
    first.socket().create(&pair().netns(&in_second)).unwrap();
    assert_eq!(reads(second.socket(), "the peer where the request came from"), Some(of_first));
    second.socket().create(&with_peer()).unwrap();
    assert_eq!(reads(second.socket(), "the peer elsewhere"), Some(number()));
    first.socket().create(&with_peer().netns(&in_second)).unwrap();
    assert_eq!(reads(second.socket(), "each elsewhere"), Some(number()));
    if kernel() < IN_PLACE {
        return Ok(()); // which take the namespace of the parent for that of the request
    }
    second.socket().create(&pair().parent_in(number())).unwrap();
    assert_eq!(reads(second.socket(), "the peer where the parent would be"), Some(number()));
    first.socket().create(&pair().netns(&in_second).parent_in(number())).unwrap();
    assert_eq!(reads(second.socket(), "the peer where the parent would be, asked from a third"), Some(number()));
    second.socket().create(&with_peer().parent_in(itself)).unwrap();
    assert_eq!(reads(second.socket(), "the peer elsewhere than the parent would be"), Some(number()));
    first.socket().create(&with_peer().netns(&in_second).parent_in(of_fourth)).unwrap();
    assert_eq!(reads(second.socket(), "all three elsewhere"), Some(number()));
    Ok(())
}
