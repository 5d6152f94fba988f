//! Lists: what was asked for and nothing else, to the end or with a word of why not.

use crate::common::{Skip, name, parent, socket, veth};
use crate::help::{
    Came, all, bridge, elsewhere, encoded, exchange, index, needs_usual_buffers, netnsid, seen, seen_in, sentence,
};
use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;
use sublink::link::GetLink;
use sublink::value::{Alias, NsId};
use sublink::{Batch, Error, ErrorKind, LinkChange, ListLinks, MacAddr, NewLink, Socket};
use sublink_tests::kernel_test;

/// `NLM_F_DUMP_FILTERED`.
const FILTERED: u16 = 0x20;

fn names(socket: &mut Socket, request: &ListLinks<'_>) -> BTreeSet<String> {
    let links = socket.links(request).expect("a list").collect().expect("all of it");
    links.iter().map(|link| link.name.to_string()).collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[kernel_test]
pub fn filters_let_through_what_was_asked_for() -> Result<(), Skip> {
    let mut socket = socket();
    let bridge = bridge(&mut socket, "br0")?;
    let (p0, q0) = (parent(&mut socket), veth(&mut socket, "q0", "q1"));
    let p1 = socket.index_of("p1").unwrap();
    socket.change(&LinkChange::new(p1).master(bridge)).unwrap();
    for (parent, wanted) in [(p0, "a"), (p0, "b")] {
        socket.create(&NewLink::macvlan(parent).name(name(wanted))).unwrap();
    }
    socket.create(&NewLink::macvlan(q0).name(name("c")).master(bridge)).unwrap();
    socket.create(&NewLink::macvtap(q0).name(name("d"))).unwrap();
    let everything = set(["lo", "br0", "p0", "p1", "q0", "q1", "a", "b", "c", "d"]);
    let list = ListLinks::new();
    for (row, list, expected) in [
        ("none", list, everything),
        ("kind", list.kind("macvlan"), set(["a", "b", "c"])),
        ("another kind", list.kind("macvtap"), set(["d"])),
        ("a kind of which there is none", list.kind("ifb"), set([])),
        ("a kind nobody knows", list.kind("nosuchkind"), set([])),
        ("master", list.master(bridge), set(["p1", "c"])),
        ("master and kind", list.master(bridge).kind("veth"), set(["p1"])),
        ("a master without ports", list.master(p0), set([])),
        ("parent", list.parent(q0), set(["q1", "c", "d"])),
        ("parent and kind", list.parent(p0).kind("macvlan"), set(["a", "b"])),
        ("all of them", list.parent(q0).kind("macvlan").master(bridge), set(["c"])),
    ] {
        assert_eq!(names(&mut socket, &list), expected, "{row}");
    }
    Ok(())
}

/// The kernel looks a kind up, and where it finds none it does not filter; it says so by a flag that is not there.
#[kernel_test]
pub fn a_filter_the_kernel_ignores_holds_all_the_same() -> Result<(), Skip> {
    let mut socket = socket();
    let bridge = bridge(&mut socket, "br0")?;
    let parent = parent(&mut socket);
    socket.create(&NewLink::macvlan(parent).name(name("a")).master(bridge)).unwrap();
    let ask = |socket: &Socket, list: ListLinks<'_>| {
        let came = exchange(socket, &encoded(&list));
        let links: Vec<Came> = came.into_iter().filter(|came| came.ty == 16).collect();
        (links.len(), links.iter().all(|link| link.flags & FILTERED != 0))
    };
    let list = ListLinks::new();
    assert_eq!(ask(&socket, list), (5, false), "lo, br0, the veth pair, a");
    assert_eq!(ask(&socket, list.kind("macvlan")), (1, true));
    assert_eq!(ask(&socket, list.master(bridge)), (1, true));
    assert_eq!(ask(&socket, list.kind("nosuchkind")), (5, false));
    assert_eq!(names(&mut socket, &ListLinks::new().kind("nosuchkind")), set([]));
    Ok(())
}

#[kernel_test]
pub fn another_namespace_is_listed_by_its_number() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let parent = parent(&mut socket);
    let nsid = netnsid(&mut socket, parent, &mut inside, &there);
    socket.create(&NewLink::macvlan(parent).name(name("a"))).unwrap();
    let list = ListLinks::new().in_netnsid(nsid);
    let here: BTreeSet<String> = seen().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names(&mut inside, &list), here);
    assert_eq!(names(&mut inside, &list.kind("macvlan")), set(["a"]));
    let owned = inside.links(&list).unwrap().collect().unwrap();
    assert!(owned.iter().all(|link| link.netnsid == Some(nsid)));
    let got = inside.get(&GetLink::name(name("a")).in_netnsid(nsid)).unwrap();
    assert_eq!(got.netnsid(), Some(nsid));

    let error = sentence(inside.links(&list.in_netnsid(NsId::new(4711).unwrap())).unwrap().next().map(|_| ()));
    assert_eq!(error, "list links: EINVAL: Invalid target network namespace id");
    assert_eq!(names(&mut inside, &ListLinks::new()), set(["lo"]), "the socket goes on");
    Ok(())
}

/// The parent's index is a number of the parent's namespace, and may be another link's here.
#[kernel_test]
pub fn a_parent_elsewhere_is_not_the_one_here() -> Result<(), Skip> {
    let (mut socket, (there, mut inside)) = (socket(), elsewhere());
    let far = NewLink::veth(NewLink::peer().name(name("p1"))).name(name("p0")).index(index(300));
    let far = socket.create(&far).unwrap();
    let near = NewLink::veth(NewLink::peer().name(name("q1"))).name(name("q0")).index(index(300));
    assert_eq!(inside.create(&near).unwrap(), far);
    let nsid = netnsid(&mut socket, far, &mut inside, &there);
    socket.create(&NewLink::macvlan(far).name(name("far")).netns(&there)).unwrap();
    inside.create(&NewLink::macvlan(far).name(name("near"))).unwrap();

    let list = ListLinks::new();
    assert_eq!(names(&mut inside, &list.parent_in(nsid)), set(["far"]));
    assert_eq!(names(&mut inside, &list.parent_in(nsid).parent(far)), set(["far"]));
    assert_eq!(names(&mut inside, &list.parent_in(nsid).parent(index(301))), set([]));
    assert_eq!(names(&mut inside, &list.parent(far)), set(["near", "q1"]));
    assert_eq!(names(&mut socket, &list.parent(far).kind("macvlan")), set([]), "children elsewhere are not in it");
    assert_eq!(seen_in(&there).len(), 5);
    Ok(())
}

/// So many and so large links that the kernel sends them in more than three datagrams.
fn large_table() -> (Socket, usize) {
    const LINKS: usize = 150;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let alias = [b'a'; 255];
    let mut batch = Batch::new();
    for number in 0..LINKS {
        let index = index(20_000 + u32::try_from(number).expect("few"));
        batch.push(&NewLink::macvlan(parent).index(index)).unwrap();
        batch.push(&LinkChange::new(index).alias(Alias::new(&alias).unwrap())).unwrap();
        socket.run(&mut batch).expect("a link"); // one at a time: the receive buffer may be a small one
        batch.clear();
    }
    (socket, LINKS + 3)
}

/// Asks for a list, and reads nothing of it.
fn leave_a_list(socket: &mut Socket) {
    socket.links(&ListLinks::new()).expect("a list");
}

#[kernel_test]
pub fn a_list_dropped_halfway_costs_nothing_but_its_rest() -> Result<(), Skip> {
    let (mut socket, links) = large_table();
    for left_after in [0, 1, 2, links - 1] {
        let mut list = socket.links(&ListLinks::new()).unwrap();
        for _ in 0..left_after {
            assert!(list.next().unwrap().is_some());
        }
        assert_eq!(socket.link("p0").unwrap().name(), "p0", "{left_after}");
        leave_a_list(&mut socket);
        assert_eq!(all(&mut socket).len(), links, "{left_after}");
        leave_a_list(&mut socket);
        let mut batch = Batch::new();
        batch.push(&LinkChange::new(index(20_000)).mtu(1400)).unwrap();
        socket.run(&mut batch).unwrap();
        assert!(socket.link_at(index(999)).unwrap_err().is_no_device());
    }
    Ok(())
}

#[kernel_test]
pub fn a_list_that_ended_stays_ended() -> Result<(), Skip> {
    let mut socket = socket();
    let mut list = socket.links(&ListLinks::new()).unwrap();
    assert_eq!(list.next().unwrap().expect("lo").name(), "lo");
    assert!(list.next().unwrap().is_none());
    assert!(list.next().unwrap().is_none());
    Ok(())
}

/// Between the first entry and the last, a second socket makes and deletes a link.
#[kernel_test]
pub fn a_list_that_changed_meanwhile_says_so() -> Result<(), Skip> {
    let (mut socket, links) = large_table();
    let mut second = Socket::open().unwrap();
    assert_eq!(all(&mut socket).len(), links, "undisturbed, it is whole");
    let fleeting = NewLink::veth(NewLink::peer().name(name("f1"))).name(name("f0"));
    for round in 0..3 {
        let mut list = socket.links(&ListLinks::new()).unwrap();
        assert!(list.next().unwrap().is_some());
        let made = second.create(&fleeting).unwrap();
        let partial = list.collect().expect_err("it changed");
        assert!(matches!(partial.error.kind(), ErrorKind::Interrupted), "{round}: {partial}");
        // The first was read before; those of the first datagrams do not know of the new ones.
        assert!((links - 1..=links + 1).contains(&partial.items.len()), "{round}: {}", partial.items.len());
        let words = "list links: the list changed while it was read (NLM_F_DUMP_INTR)";
        assert_eq!(partial.to_string(), format!("{words}; {} were read", partial.items.len()));
        assert_eq!(Error::from(partial).to_string(), words);

        let mut list = socket.links(&ListLinks::new()).unwrap();
        assert!(list.next().unwrap().is_some());
        second.delete(made).unwrap();
        let error = loop {
            match list.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{round}: it changed"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error.kind(), ErrorKind::Interrupted), "{round}: {error}");
        assert!(list.next().unwrap().is_none(), "{round}: behind an error there is nothing");
        assert_eq!(all(&mut socket).len(), links, "{round}: and again it is whole");
    }
    Ok(())
}

/// Another socket makes one link while a list is read: of a snapshot, that spoils one reading only.
#[kernel_test]
pub fn a_snapshot_is_read_again_when_the_list_changed() -> Result<(), Skip> {
    const INTERRUPTED: usize = 10;
    let (mut socket, _) = large_table();
    let (order, orders) = mpsc::sync_channel(0);
    let (done, is_done) = mpsc::channel();
    let mut second = Socket::open().unwrap();
    let parent = second.index_of("p0").unwrap();
    let other = thread::spawn(move || {
        for () in orders {
            second.create(&NewLink::macvlan(parent)).expect("one more");
            done.send(()).expect("somebody who waits for it");
        }
    });
    let mut interrupted = 0;
    for _ in 0..1000 {
        order.send(()).unwrap();
        let read = socket.links(&ListLinks::new()).unwrap().collect();
        is_done.recv().unwrap();
        interrupted += usize::from(read.is_err());
        order.send(()).unwrap();
        socket.snapshot(&ListLinks::new()).unwrap();
        is_done.recv().unwrap();
        if interrupted == INTERRUPTED {
            break;
        }
    }
    drop(order);
    other.join().unwrap();
    assert_eq!(interrupted, INTERRUPTED, "no list was read while it changed");
    Ok(())
}

/// The kernel makes room for the largest link, where it is asked for more than the least (`IFLA_EXT_MASK`).
#[kernel_test]
pub fn links_of_many_kilobytes_are_listed() -> Result<(), Skip> {
    needs_usual_buffers()?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let senders: Vec<MacAddr> = (0..5400u16).map(sender).collect();
    for (wanted, count) in [("12k", 1000), ("48k", 4000), ("65k", 5400)] {
        let list = senders.get(..count).expect("so many");
        socket.create(&NewLink::macvlan(parent).name(name(wanted)).source(list)).expect(wanted);
    }
    assert_eq!(names(&mut socket, &ListLinks::new()), set(["lo", "p0", "p1", "12k", "48k", "65k"]));
    for (wanted, count) in [("12k", 1000), ("48k", 4000), ("65k", 5400)] {
        let found = socket.link(wanted).expect(wanted);
        let macvlan = found.macvlan().expect("a macvlan");
        let mut read: Vec<MacAddr> = macvlan.macaddrs().expect("a list").collect();
        read.sort_unstable();
        assert!(read == senders[..count], "{wanted}: {} senders", read.len());
        assert_eq!(macvlan.macaddr_count().map(|count| count as usize), Some(count));
    }
    Ok(())
}

fn sender(number: u16) -> MacAddr {
    let [high, low] = number.to_be_bytes();
    MacAddr::new([2, 0, 0, 0, high, low]).expect("an address")
}
