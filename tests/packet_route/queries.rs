//! Links to look up, to list and to delete.

use super::{assert_same, index, link, name, parsed};
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoKind, LinkAttribute as A, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage};
use sublink::link::{DeleteLink, GetLink};
use sublink::value::NsId;
use sublink::{ListLinks, Request};

const NONE: LinkFlags = LinkFlags::empty();

fn without_counters() -> A {
    A::ExtMask(vec![LinkExtentMask::SkipStats])
}

fn got(request: &impl Request, wanted: u16) -> LinkMessage {
    match parsed(request) {
        (flags, RouteNetlinkMessage::GetLink(link)) if flags == wanted => link,
        other => panic!("{other:?}"),
    }
}

fn deleted(request: DeleteLink) -> LinkMessage {
    match parsed(&request) {
        (flags, RouteNetlinkMessage::DelLink(link)) if flags == NLM_F_REQUEST | NLM_F_ACK => link,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_by_index() {
    let read = got(&GetLink::index(index(8)), NLM_F_REQUEST);
    assert_same(&read, &link(8, NONE, NONE, vec![without_counters()]));
}

#[test]
fn a_link_by_name_in_another_namespace() {
    let read = got(&GetLink::name(name("eth0")).in_netnsid(NsId::new(4).unwrap()), NLM_F_REQUEST);
    let expected = vec![A::IfName("eth0".into()), without_counters(), A::IfNetnsId(4)];
    assert_same(&read, &link(0, NONE, NONE, expected));
}

#[test]
fn a_list_of_all() {
    let read = got(&ListLinks::new(), NLM_F_REQUEST | NLM_F_DUMP);
    assert_same(&read, &link(0, NONE, NONE, vec![without_counters()]));
}

#[test]
fn a_list_with_all_filters_of_the_kernel() {
    let request = ListLinks::new().kind("macvlan").master(index(3)).in_netnsid(NsId::new(4).unwrap());
    let expected = vec![
        without_counters(),
        A::IfNetnsId(4),
        A::Controller(3),
        A::LinkInfo(vec![LinkInfo::Kind(InfoKind::MacVlan)]),
    ];
    assert_same(&got(&request, NLM_F_REQUEST | NLM_F_DUMP), &link(0, NONE, NONE, expected));
}

#[test]
fn filters_of_our_own_are_not_sent() {
    let request = ListLinks::new().parent(index(3)).parent_in(NsId::new(4).unwrap());
    let read = got(&request, NLM_F_REQUEST | NLM_F_DUMP);
    assert_same(&read, &link(0, NONE, NONE, vec![without_counters()]));
}

#[test]
fn a_link_to_delete() {
    assert_same(&deleted(DeleteLink::index(index(8))), &link(8, NONE, NONE, vec![]));
}

#[test]
fn a_group_to_delete() {
    assert_same(&deleted(DeleteLink::group(7)), &link(0, NONE, NONE, vec![A::Group(7)]));
}
