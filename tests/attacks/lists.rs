//! Lists that change while they are read, that are dropped halfway, and what comes after them on the same socket.

use crate::common::{Skip, kernel, mac, name, parent, socket};
use crate::overrun::many_links;
use crate::tools::{bare, send_to};
use nix::sys::socket::{MsgFlags, recv};
use std::os::fd::AsRawFd;
use sublink::batch::Outcome;
use sublink::link::{DeleteLink, SourceMacs};
use sublink::request::Verb;
use sublink::route::{ListRoutes, Table};
use sublink::socket::List;
use sublink::{Batch, Error, ErrorKind, IfIndex, LinkChange, ListLinks, MacAddr, Netns, NewAddress, NewLink, Socket};
use sublink_tests::kernel_test;

const ALL: ListLinks<'_> = ListLinks::new();

/// So many links that their list needs four datagrams: two are made before a change, and the kernel does not look behind a last one.
const MANY: u32 = 150;

/// Reads the first entry of a list that needs several datagrams, and then makes a link that the list may lack.
fn begin<'s>(socket: &'s mut Socket, other: &mut Socket, new: &str) -> List<'s, ListLinks<'static>> {
    let mut links = socket.links(&ALL).unwrap();
    assert_eq!(links.next().unwrap().unwrap().name(), "lo");
    other.create(&NewLink::veth(NewLink::peer()).name(name(new))).unwrap();
    links
}

fn assert_interrupted(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Interrupted), "{error}");
    assert_eq!(error.to_string(), "list links: the list changed while it was read (NLM_F_DUMP_INTR)");
    assert_eq!(error.request().unwrap().verb, Verb::List);
}

#[kernel_test]
pub fn a_list_that_changed_meanwhile_says_so_behind_its_last_entry() -> Result<(), Skip> {
    let (mut socket, mut other) = (socket(), socket());
    many_links(&mut other, MANY);
    let mut links = begin(&mut socket, &mut other, "v0");
    let mut names = Vec::new();
    let error = loop {
        match links.next() {
            Ok(link) => names.push(link.expect("an error behind the last entry").name().to_string()),
            Err(error) => break error,
        }
    };
    assert_interrupted(&error);
    assert!(names.contains(&format!("mv{}", MANY - 1)), "what was there all the time was given out: {names:?}");
    assert!(links.next().unwrap().is_none(), "there is no entry behind an error");
    assert_eq!(socket.links(&ALL).unwrap().collect().unwrap().len(), MANY as usize + 5, "asked for again, it is right");
    Ok(())
}

#[kernel_test]
pub fn collect_gives_what_was_read_with_the_error() -> Result<(), Skip> {
    let (mut socket, mut other) = (socket(), socket());
    many_links(&mut other, MANY);
    let partial = begin(&mut socket, &mut other, "v0").collect().unwrap_err();
    assert!(partial.items.len() >= MANY as usize + 2, "{}", partial.items.len());
    assert!(partial.to_string().ends_with(&format!("; {} were read", partial.items.len())), "{partial}");
    assert_interrupted(&partial.error);
    assert!(std::error::Error::source(&partial).is_none(), "its sentence holds the error's already");
    assert_interrupted(&Error::from(partial));
    Ok(())
}

#[kernel_test]
pub fn a_list_dropped_halfway_is_in_nobodys_way() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = many_links(&mut socket, 60);
    // Read entries: none, one, and so many that the second datagram is begun.
    for read in [0, 1, 40] {
        let drop_a_list = |socket: &mut Socket| {
            let mut links = socket.links(&ALL).unwrap();
            (0..read).for_each(|_| assert!(links.next().unwrap().is_some()));
        };
        drop_a_list(&mut socket);
        let index = socket.create(&NewLink::macvlan(parent).name(name("new")).mac(mac(1)).up()).unwrap();
        drop_a_list(&mut socket);
        assert_eq!(socket.link_at(index).unwrap().name(), "new");
        drop_a_list(&mut socket);
        assert_eq!(socket.index_of("new").unwrap(), index);
        drop_a_list(&mut socket);
        let error = socket.create(&NewLink::macvlan(parent).name(name("new"))).unwrap_err();
        assert_eq!(error.to_string().split(": ").nth(1), Some("EEXIST (File exists)"), "{error}");
        drop_a_list(&mut socket);
        let mut batch = Batch::new();
        batch.push(&LinkChange::new(index).down()).unwrap();
        batch.push(&DeleteLink::index(index)).unwrap();
        socket.run(&mut batch).unwrap();
        assert_eq!(batch.outcomes(), [Outcome::Done, Outcome::Done]);
        drop_a_list(&mut socket);
        drop_a_list(&mut socket);
        assert_eq!(socket.links(&ALL).unwrap().collect().unwrap().len(), 63, "{read} entries were read of the others");
    }
    Ok(())
}

#[kernel_test]
pub fn a_list_ends_once() -> Result<(), Skip> {
    let mut socket = socket();
    let mut links = socket.links(&ALL).unwrap();
    assert!(links.next().unwrap().is_some());
    for _ in 0..3 {
        assert!(links.next().unwrap().is_none(), "behind the end there is nothing, without a wait");
    }
    Ok(())
}

/// A macvlan in source mode behind all others, and a way to let its list grow to that of 60 kB.
fn growing(socket: &mut Socket, parent: IfIndex) -> IfIndex {
    let index = IfIndex::new(30_000).unwrap();
    socket.create(&NewLink::macvlan(parent).source(&[]).index(index).name(name("grows"))).unwrap();
    index
}

fn grow(socket: &mut Socket, index: IfIndex) {
    let sender = |number: u16| {
        let [high, low] = number.to_be_bytes();
        MacAddr::new([2, 1, 0, 0, high, low]).unwrap()
    };
    let senders: Vec<_> = (0..5_000).map(sender).collect();
    socket.change(&LinkChange::macvlan(index).macaddr(SourceMacs::Set(&senders))).unwrap();
}

/// Begins this list, lets a link grow before it is come by, and reads on. `Ok`: that link is in it.
fn read_while_it_grows(list: &ListLinks<'_>) -> Result<bool, Error> {
    let (mut socket, mut other) = (socket(), socket());
    let parent = many_links(&mut other, 100);
    let index = growing(&mut other, parent);
    let mut links = socket.links(list).unwrap();
    assert!(links.next().unwrap().is_some());
    grow(&mut other, index);
    let read = loop {
        match links.next() {
            Ok(Some(link)) if link.index() == index => break Ok(true),
            Ok(Some(_)) => {}
            Ok(None) => break Ok(false),
            Err(error) => break Err(error),
        }
    };
    if read.is_err() {
        assert!(links.next().unwrap().is_none(), "there is no entry behind an error");
    }
    let indexes: Vec<_> = socket.snapshot(list).unwrap().iter().map(|link| link.index).collect();
    assert!(indexes.contains(&index), "asked for again, it is right");
    read
}

/// A link that outgrows its datagram ends the list, with an OK since Linux 6.10.
#[kernel_test]
pub fn a_list_that_the_kernel_ends_early_says_so() -> Result<(), Skip> {
    for list in [ALL, ALL.kind("macvlan"), ALL.parent(IfIndex::new(3).unwrap())] {
        let read = Netns::create().unwrap().run(|| read_while_it_grows(&list)).unwrap();
        if kernel() >= (6, 10) {
            let error = read.unwrap_err();
            let sentence =
                "list links: the kernel may have ended the list early, before a link too large for a datagram";
            assert_eq!(error.to_string(), sentence, "{list:?}");
            assert!(error.is_interrupted(), "{error}");
        } else {
            // Before Linux 6.9 links are in no order, and it may be in the first datagram, before it grows.
            let is_told = read
                .as_ref()
                .map_or_else(|error| error.to_string().starts_with("list links: EMSGSIZE"), |is_in| *is_in);
            assert!(is_told, "{list:?}: {read:?}");
        }
    }
    Ok(())
}

/// Where nothing is missing, nothing is said: of kinds that do not grow, and where other links are behind the last one.
#[kernel_test]
pub fn a_whole_list_is_not_called_short() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = many_links(&mut socket, 60);
    socket.create(&NewLink::veth(NewLink::peer())).unwrap();
    for round in 0..100 {
        for (list, expected) in [
            (ALL, 65),
            (ALL.kind("macvlan"), 60),
            (ALL.kind("macvtap"), 0),
            (ALL.kind("macvlan").parent(parent), 60),
            (ALL.kind("veth"), 4),
            (ALL.master(parent), 0),
            (ALL.kind("nosuchkind"), 0),
        ] {
            let read = socket.links(&list).unwrap().collect().unwrap_or_else(|partial| panic!("{round}: {partial}"));
            assert_eq!(read.len(), expected, "{list:?}");
        }
    }
    Ok(())
}

/// Adds a default route with 498 next hops, which the library has no request for.
fn add_default_route(link: IfIndex) {
    let hop = |high, low| {
        let [a, b, c, d] = link.get().to_ne_bytes();
        [[16, 0, 0, 0, a, b, c, d], [8, 0, 5, 0, 10, 0, high, low]].concat() // rtnexthop, RTA_GATEWAY
    };
    let hops: Vec<_> = (2..=250).flat_map(|low| [hop(0, low), hop(1, low)].concat()).collect();
    let length = |behind: usize| u16::try_from(hops.len() + behind).unwrap().to_ne_bytes();
    let request = [
        &length(16 + 12 + 4)[..],
        &[0, 0, 24, 0, 5, 6, 1, 0, 0, 0, 0, 0, 0, 0], // RTM_NEWROUTE, REQUEST | ACK | CREATE | EXCL
        &[2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0],      // rtmsg: AF_INET, main, boot, universe, unicast
        &length(4),
        &[9, 0], // RTA_MULTIPATH
        &hops,
    ];
    let fd = bare();
    send_to(&fd, 0, &request.concat()).unwrap();
    let mut answer = [0; 36];
    recv(fd.as_raw_fd(), &mut answer, MsgFlags::empty()).unwrap();
    assert_eq!(answer[16..20], [0; 4], "refused");
}

/// The first datagram of a list is a small one, unless the kernel knows better: and a route that does not fit ends the list.
#[kernel_test]
pub fn the_first_list_of_a_socket_has_routes_with_many_next_hops() -> Result<(), Skip> {
    let mut other = socket();
    let parent = parent(&mut other);
    other.apply(&NewAddress::new(parent, "10.0.0.1/16".parse().unwrap())).unwrap();
    add_default_route(parent);
    let routes = socket().snapshot(&ListRoutes::v4().table(Table::MAIN)).unwrap();
    assert_eq!(routes.len(), 2);
    Ok(())
}
