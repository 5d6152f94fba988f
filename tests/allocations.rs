//! What allocates: opening a socket does, its first receive, and a batch that grows. Nothing else on the hot path, which a
//! counting allocator proves.

use common::{Skip, kernel, mac, name, parent, socket, vid};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::File;
use std::hint::black_box;
use sublink::link::{EgressQos, IngressQos, VlanFlags, VlanPriority};
use sublink::wire::Messages;
use sublink::{Batch, LinkChange, LinkView, ListLinks, MacvlanMode, Netns, NewLink, Request, Socket};
use sublink_tests::{self as common, kernel_test};

thread_local! {
    /// Allocations of this thread: tests run side by side.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    let _ = ALLOCATIONS.try_with(|allocations| allocations.set(allocations.get() + 1));
}

// An allocator cannot be written without `unsafe`. This one adds nothing to the system's but a count.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: likewise.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: likewise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `work` allocates, and what it returns.
fn counted<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATIONS.get();
    let done = black_box(work());
    (ALLOCATIONS.get() - before, done)
}

/// `work` without allocating.
#[track_caller]
fn free_of_allocations<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (allocations, done) = counted(work);
    assert_eq!(allocations, 0, "{what} allocated");
    done
}

const REPLY: &[u8] = include_bytes!("fixtures/reply-6.18-macvlan-bridge.bin");

fn main() -> std::process::ExitCode {
    common::main()
}

#[kernel_test]
fn the_counter_counts() -> Result<(), Skip> {
    assert_eq!(counted(|| Box::new(1)).0, 1);
    assert_eq!(counted(|| black_box(vec![0u8; 8]).reserve(100)).0, 2);
    assert!(counted(socket).0 > 0);
    Ok(())
}

#[kernel_test]
fn building_and_encoding() -> Result<(), Skip> {
    let file = File::open("/dev/null").expect("a file");
    let parent = sublink::IfIndex::new(2).expect("an index");
    let priority = |number| VlanPriority::new(number).expect("a priority");
    free_of_allocations("encoding", || {
        let mut buf = [0; 512];
        let macvlan = NewLink::macvlan(parent).name(name("mv0")).mac(mac(7)).mtu(1400).netns(&file);
        let macvlan = macvlan.mode(MacvlanMode::Bridge).bc_queue_len(2000).up();
        let senders = [mac(1), mac(2), mac(3)];
        let (egress, ingress) = ([EgressQos::new(1, priority(2)); 2], [IngressQos::new(priority(3), 4); 2]);
        let vlan = NewLink::vlan(parent, vid(50)).flags(VlanFlags::GVRP.on()).egress_qos(&egress);
        let lengths = [
            macvlan.encode(1, &mut buf),
            macvlan.source(&senders).encode(2, &mut buf),
            vlan.ingress_qos(&ingress).encode(3, &mut buf),
            LinkChange::macvlan(parent).mode(MacvlanMode::Vepa).encode(4, &mut buf),
            LinkChange::move_to(parent, &file).encode(5, &mut buf),
            ListLinks::new().kind("macvlan").encode(6, &mut buf),
        ];
        assert!(lengths.iter().all(Result::is_ok), "{lengths:?}");
    });
    Ok(())
}

#[kernel_test]
fn a_buffer_that_is_too_small() -> Result<(), Skip> {
    let link = NewLink::dummy().name(name("d0"));
    let no_room = free_of_allocations("a refusal", || link.encode(1, &mut [0; 40]).expect_err("too small"));
    free_of_allocations("exactly enough", || {
        let mut buf = [0; 60];
        assert_eq!(link.encode(1, &mut buf[..no_room.needed]), Ok(no_room.needed));
    });
    Ok(())
}

#[kernel_test]
fn a_reused_batch() -> Result<(), Skip> {
    let mut batch = Batch::new();
    let push_all = |batch: &mut Batch| {
        batch.clear();
        for _ in 0..100 {
            batch.push(&NewLink::dummy().name(name("d0")).up()).expect("room");
        }
        batch.number(7).len()
    };
    let (first_time, length) = counted(|| push_all(&mut batch));
    assert!(first_time > 0);
    assert_eq!(free_of_allocations("a batch used again", || push_all(&mut batch)), length);
    Ok(())
}

#[kernel_test]
fn reading_a_dump() -> Result<(), Skip> {
    let dump = REPLY.repeat(1000);
    free_of_allocations("reading", || {
        let mut links = 0;
        for message in Messages::new(&dump) {
            let link = LinkView::of(message.expect("a message")).expect("a link");
            assert_eq!(link.name(), "mv0");
            assert_eq!(link.kind(), "macvlan");
            assert!(link.mac().mac().is_some() && link.parent().is_some() && link.index().get() > 0);
            assert_eq!(link.macvlan().and_then(|macvlan| macvlan.mode()), Some(MacvlanMode::Bridge));
            links += 1;
        }
        assert_eq!(links, 1000);
    });
    Ok(())
}

#[kernel_test]
fn a_copy_of_a_macvlan() -> Result<(), Skip> {
    let message = Messages::new(REPLY).next().expect("a message").expect("whole");
    let link = LinkView::of(message).expect("a link");
    let copy = free_of_allocations("a copy without lists", || link.to_owned());
    free_of_allocations("a copy's end", || drop(copy));
    Ok(())
}

/// Everything there is to do with a link where it is, each call named.
#[kernel_test]
fn a_conversation() -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).mac(mac(7));
    // Twice: what a first call would keep for the next ones counts too.
    for round in ["the first time", "the second time"] {
        let mut of = |what: &str, work: &mut dyn FnMut(&mut Socket)| {
            free_of_allocations(&format!("{what}, {round},"), || work(&mut host));
        };
        let mut index = parent;
        of("create by name", &mut |host| index = host.create(&link.name(name("mv0")).up()).expect("created"));
        of("look up by name", &mut |host| assert_eq!(host.index_of("mv0").expect("found"), index));
        of("get", &mut |host| assert_eq!(host.link_at(index).expect("got").mtu(), 1500));
        of("change of a kind", &mut |host| {
            host.change(&LinkChange::macvlan(index).mode(MacvlanMode::Private)).expect("changed");
        });
        of("change of any link", &mut |host| host.change(&LinkChange::new(index).down().mtu(1400)).expect("changed"));
        of("list", &mut |host| {
            let mut links = host.links(&ListLinks::new().kind("macvlan")).expect("a list");
            let link = links.next().expect("an entry").expect("one macvlan");
            assert_eq!((link.index(), link.mtu()), (index, 1400));
            assert!(links.next().expect("an end").is_none());
        });
        of("a list left off", &mut |host| drop(host.links(&ListLinks::new()).expect("a list").next()));
        of("delete", &mut |host| host.delete(index).expect("deleted"));
        of("create without a name", &mut |host| index = host.create(&link).expect("created"));
        of("a group", &mut |host| host.change(&LinkChange::new(index).group(7)).expect("changed"));
        of("delete by group", &mut |host| host.delete_group(7).expect("deleted"));
    }
    Ok(())
}

#[kernel_test]
fn a_create_in_another_namespace_and_a_move() -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let pod = Netns::create().expect("a namespace");
    let mut inside = Socket::open_in(&pod).expect("a socket");
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).mac(mac(7));
    let created = free_of_allocations("create elsewhere", || {
        host.create(&link.netns(&pod).name(name("eth0")).up()).expect("created")
    });
    assert_eq!(inside.index_of("eth0").expect("there"), created);
    let here = host.create(&link.mac(mac(8)).name(name("mv1"))).expect("created");
    free_of_allocations("move", || {
        host.change(&LinkChange::move_to(here, &pod).name(name("eth1")).up()).expect("moved");
    });
    assert!(inside.index_of("eth1").is_ok(), "on Linux {:?}", kernel());
    Ok(())
}

#[kernel_test]
fn a_batch_with_the_kernel() -> Result<(), Skip> {
    let mut host = socket();
    let parent = parent(&mut host);
    let mut batch = Batch::new();
    let mut create_and_delete = || {
        batch.clear();
        for number in 1..=20 {
            let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).mac(mac(number)).group(7);
            batch.push(&link).expect("room");
        }
        host.run(&mut batch).expect("created");
        host.delete_group(7).expect("deleted");
    };
    create_and_delete();
    free_of_allocations("a batch used again", create_and_delete);
    Ok(())
}
