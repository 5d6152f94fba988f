//! Work with the kernel, in namespaces of its own. Time is nearly all the kernel's; instructions and allocations are the
//! library's share of it, in user space.

use crate::decode::Tally;
use crate::measure::{Sink, Way, Work};
use crate::peers::ip;
use crate::peers::nlink::Nlink;
use crate::peers::rtnetlink::Rtnetlink;
use crate::work::kernel::{GROUP, Plain, attach_bytes, encoded, endpoint, macvlan, name, remove_endpoints};
use crate::work::{LINKS, Summary};
use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use sublink::endpoint::{Detach, detach_many};
use sublink::link::DeleteLink;
use sublink::route::ListRoutes;
use sublink::{
    Attached, Batch, IfIndex, LinkChange, ListLinks, MacAddr, MacvlanMode, Netns, NewAddress, NewLink, NewRoute,
    Sandbox, Socket,
};

/// Links that come and go together.
const SOME: usize = 20;
/// Containers that do.
const PODS: usize = 48;

fn socket() -> Socket {
    Socket::open().unwrap()
}

fn plain() -> Plain {
    Plain::open().unwrap()
}

/// A way that does `work` to one thing after the other.
fn each<T: 'static>(name: &'static str, things: Vec<T>, mut work: impl FnMut(&T) + 'static) -> Way {
    let mut turn = (0..things.len()).cycle();
    Way::new(name, move |_| work(&things[turn.next().unwrap()]))
}

/// A macvlan as it was made, to be told to those who have types of their own.
struct Named {
    name: String,
    mac: [u8; 6],
}

fn named() -> Vec<Named> {
    (0..SOME).map(|number| Named { name: format!("mv{number}"), mac: [2, 0, 0, 0, 0, number as u8] }).collect()
}

pub fn create(parent: IfIndex) -> Work {
    let links: Vec<_> = (0..SOME).map(|number| macvlan(parent, number)).collect();
    let bytes = links.iter().map(encoded).collect();
    let (mut host, mut floor, nlink, rtnetlink) = (socket(), plain(), Nlink::open(), Rtnetlink::open());
    let index = parent.get();
    let mut undo = socket();
    let work = Work {
        id: "create",
        what: "create a macvlan",
        ways: vec![
            each("sublink", links, move |link| _ = host.create(link).unwrap()),
            each("nlink", named(), move |link| nlink.create(index, &link.name, link.mac)),
            each("rtnetlink", named(), move |link| rtnetlink.create(index, &link.name, link.mac)),
            Way {
                counted: false,
                ..each("ip, a process each", named(), |link| ip::create(&link.name, link.mac, GROUP))
            },
            each("bytes made beforehand, plain socket", bytes, move |bytes: &Vec<u8>| floor.send(bytes)),
        ],
        per: 1,
        calls: SOME,
        samples: 15,
        before: Box::new(|| {}),
        after: Box::new(move || undo.delete_group(GROUP).unwrap()),
    };
    let mut look = socket();
    checked(work, move || {
        let mut links = look.links(&ListLinks::new().kind("macvlan")).unwrap();
        let link = links.next().unwrap().unwrap();
        assert_eq!((link.parent(), link.group()), (Some(parent), GROUP));
        assert_eq!(link.macvlan().unwrap().mode(), Some(MacvlanMode::Bridge));
        assert!(links.next().unwrap().is_none());
    })
}

/// After each way, things must be as after ours.
fn checked(mut work: Work, mut look: impl FnMut()) -> Work {
    work.ways.retain(|way| way.counted || ip::is_here());
    for way in &mut work.ways {
        (work.before)();
        (way.run)(&mut |_| {});
        look();
        (work.after)();
    }
    work
}

fn pods() -> Rc<Vec<Netns>> {
    Rc::new((0..PODS).map(|_| Netns::create().unwrap()).collect())
}

/// A way that does `work` to one container after the other, each with what is open `inside` of it.
fn each_pod<T: 'static>(
    name: &'static str,
    pods: &Rc<Vec<Netns>>,
    inside: impl FnMut(&Netns) -> T,
    mut work: impl FnMut(&Netns, &mut T) + 'static,
) -> Way {
    let mut inside: Vec<_> = pods.iter().map(inside).collect();
    let (pods, mut turn) = (pods.clone(), (0..PODS).cycle());
    Way::new(name, move |_| {
        let pod = turn.next().unwrap();
        work(&pods[pod], &mut inside[pod]);
    })
}

pub fn attach(parent: IfIndex) -> Work {
    let pods = pods();
    let socket_in = |pod: &Netns| Socket::open_in(pod).unwrap();
    let plain_in = |pod: &Netns| (pod.run(plain).unwrap(), attach_bytes(parent, pod));
    let (mut host, mut other_host, rtnetlink, mut floor) = (socket(), socket(), Rtnetlink::open(), plain());
    let endpoint = endpoint(parent);
    let sandbox_of = |pod: &Netns| Sandbox::of(pod.try_clone().unwrap()).unwrap();
    let ours = move |_: &Netns, pod: &mut Sandbox| _ = endpoint.attach(&mut host, pod).unwrap();
    let moved = move |pod: &Netns, inside: &mut Socket| create_and_move(&mut other_host, inside, parent, pod);
    let by_rtnetlink = move |pod: &Netns, inside: &mut Rtnetlink| {
        let (index, mac) = (IfIndex::random().get(), MacAddr::random().bytes());
        rtnetlink.attach(inside, parent.get(), index, pod.as_fd().as_raw_fd(), mac);
    };
    let by_bytes = move |_: &Netns, (inside, bytes): &mut (Plain, (Vec<u8>, Vec<u8>))| {
        floor.send(&bytes.0);
        inside.send(&bytes.1);
    };
    let by_ip = |name, run: fn(&str)| Way {
        counted: false,
        ..each_pod(name, &pods, |_| (), move |pod, ()| ip::attach(run, pod))
    };
    let ways = vec![
        each_pod("sublink", &pods, sandbox_of, ours),
        each_pod("rtnetlink", &pods, Rtnetlink::open_in, by_rtnetlink),
        by_ip("ip -batch, two processes", ip::batch),
        by_ip("ip, four processes", ip::each),
        each_pod("sublink, but create, move, rename", &pods, socket_in, moved),
        each_pod("bytes made beforehand, plain sockets", &pods, plain_in, by_bytes),
    ];
    let what = "attach a container: link, address, up, route";
    let look = pods.clone();
    let (before, after) = (Box::new(|| {}), Box::new(move || remove_endpoints(pods.iter())));
    let work = Work { id: "attach", what, ways, per: 1, calls: PODS, samples: 3, before, after };
    // In one of them; which, is a way's affair.
    checked(work, move || {
        let attached = look.iter().filter(|pod| {
            let mut inside = Socket::open_in(pod).unwrap();
            let is_up = inside.link("eth0").is_ok_and(|link| link.is_up());
            is_up && inside.default_route(&ListRoutes::v4()).unwrap().is_some()
        });
        assert_eq!(attached.count(), 1);
    })
}

/// As runtimes do that make the link where the parent is.
fn create_and_move(host: &mut Socket, inside: &mut Socket, parent: IfIndex, pod: &Netns) {
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("tmp0")).mac(MacAddr::random());
    let index = host.create(&link).unwrap();
    host.change(&LinkChange::move_to(index, &pod).name(name("eth0")).up()).unwrap();
    let mut batch = Batch::new();
    batch.push(&NewAddress::new(index, "10.0.50.7/24".parse().unwrap())).unwrap();
    batch.push(&NewRoute::default_via("10.0.50.1".parse().unwrap()).index(index)).unwrap();
    inside.run(&mut batch).unwrap();
}

pub fn detach(parent: IfIndex) -> Work {
    let pods = pods();
    let attached = Rc::new(RefCell::new(Vec::<Attached>::new()));
    let inside = || pods.iter().map(|pod| Sandbox::of(pod.try_clone().unwrap()).unwrap()).collect::<Vec<_>>();
    let before = {
        let (attached, endpoint) = (attached.clone(), endpoint(parent));
        let (mut host, mut inside) = (socket(), inside());
        move || {
            let each = inside.iter_mut();
            *attached.borrow_mut() = each.map(|pod| endpoint.attach(&mut host, pod).unwrap()).collect();
        }
    };
    let many = {
        let (pods, attached) = (pods.clone(), attached.clone());
        move |_: Sink<'_>| {
            let endpoints: Vec<_> = pods.iter().zip(attached.take()).collect();
            for detached in detach_many(&mut socket(), &endpoints, &Detach::new()) {
                assert!(detached.unwrap().link.is_deleted());
            }
        }
    };
    let (mut host, mut inside) = (socket(), inside());
    let one_by_one = move |_: Sink<'_>| {
        for (inside, attached) in inside.iter_mut().zip(attached.take()) {
            assert!(attached.detach(&mut host, inside, &Detach::new()).unwrap().link.is_deleted());
        }
    };
    let ways = vec![
        Way { counted: false, ..Way::new("sublink, detach_many", many) },
        Way { counted: false, ..Way::new("sublink, one by one", one_by_one) },
    ];
    let what = "detach 48 containers, each";
    Work { id: "detach", what, ways, per: PODS, calls: 1, samples: 3, before: Box::new(before), after: Box::new(|| {}) }
}

/// Deletes a link, for which there is a message as well.
type Delete = Box<dyn FnMut(IfIndex, &[u8])>;

pub fn delete(parent: IfIndex) -> Work {
    let links = Rc::new(RefCell::new(Vec::<(IfIndex, Vec<u8>)>::new()));
    let one_by_one = |mut delete: Delete| {
        let links = links.clone();
        move |_: Sink<'_>| links.take().iter().for_each(|(index, bytes)| delete(*index, bytes))
    };
    let (mut group, mut host, mut floor) = (socket(), socket(), plain());
    let (nlink, rtnetlink) = (Nlink::open(), Rtnetlink::open());
    let ours = one_by_one(Box::new(move |index, _| host.delete(index).unwrap()));
    let nlink = one_by_one(Box::new(move |index, _| nlink.delete(index.get())));
    let rtnetlink = one_by_one(Box::new(move |index, _| rtnetlink.delete(index.get())));
    let floor = one_by_one(Box::new(move |_, bytes| floor.send(bytes)));
    let ways = vec![
        Way::new("sublink, one by one", ours),
        Way::new("nlink, one by one", nlink),
        Way::new("rtnetlink, one by one", rtnetlink),
        Way::new("sublink, by their group", move |_| group.delete_group(GROUP).unwrap()),
        Way::new("one by one, bytes made beforehand, plain socket", floor),
    ];
    let mut host = socket();
    let make = move || {
        let make = |number| {
            let index = host.create(&macvlan(parent, number)).unwrap();
            (index, encoded(&DeleteLink::index(index)))
        };
        *links.borrow_mut() = (0..SOME).map(make).collect();
    };
    let (before, after) = (Box::new(make), Box::new(|| {}));
    let work =
        Work { id: "delete", what: "delete 20 macvlans, each", ways, per: SOME, calls: 1, samples: 3, before, after };
    let mut look = socket();
    checked(work, move || {
        assert!(look.links(&ListLinks::new().kind("macvlan")).unwrap().next().unwrap().is_none());
    })
}

pub fn list(parent: IfIndex) -> Work {
    let (mut host, mut floor, nlink, rtnetlink) = (socket(), plain(), Nlink::open(), Rtnetlink::open());
    for number in 0..LINKS {
        host.create(&macvlan(parent, number)).unwrap();
    }
    let request = ListLinks::new().kind("macvlan");
    let bytes = encoded(&request);
    let ours = move || {
        let (mut tally, mut links) = (Tally::default(), host.links(&request).unwrap());
        while let Some(link) = links.next().unwrap() {
            tally.add_ours(&Summary::of(&link));
        }
        tally
    };
    let lister = |name, mut list: Box<dyn FnMut() -> Tally>| Way::new(name, move |sink| sink(&list().bytes()));
    let mut ways = vec![
        lister("sublink", Box::new(ours)),
        lister("nlink", Box::new(move || nlink.list())),
        lister("rtnetlink", Box::new(move || rtnetlink.list())),
    ];
    let mut expected = None;
    for way in &mut ways {
        (way.run)(&mut |tally| assert_eq!(tally, *expected.get_or_insert_with(|| tally.to_vec()), "{}", way.name));
    }
    if ip::is_here() {
        ways.push(Way::by_processes("ip -details, a process", || ip::each("-details link show type macvlan")));
    }
    ways.push(Way::new("bytes made beforehand, plain socket", move |_| floor.send(&bytes)));
    let (before, after) = (Box::new(|| {}), Box::new(|| {}));
    Work { id: "list", what: "list 1000 macvlans, each", ways, per: LINKS, calls: 1, samples: 21, before, after }
}
