//! A host and its containers; what is seen of them by sockets of the test's own; and the process that works in them.

use crate::common::{name, roles::ROLE, socket, veth};
use crate::tracer::MARK;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use sublink::addr::ListAddresses;
use sublink::error::Undo;
use sublink::link::LinkFlags;
use sublink::route::{ListRoutes, Table};
use sublink::value::{RouteProtocol, Scope};
use sublink::{Error, IfIndex, ListLinks, MacvlanMode, NewLink, Sandbox, Socket};

/// The longest wait for what must come.
const LIMIT: Duration = Duration::from_secs(120);

/// The paths of the containers' namespaces, and what else the process is told.
const PODS: &str = "SUBLINK_TEST_PODS";
const TOLD: &str = "SUBLINK_TEST_TOLD";

/// A host with `p0`, which is the calling thread's namespace, and containers.
pub struct Scene {
    pub host: Socket,
    pub parent: IfIndex,
    pub pods: Vec<Sandbox>,
    /// What the process is told: links that are attached, as text.
    pub told: Vec<String>,
}

/// What there is, in the host's namespace and in each container's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View(pub Vec<Place>);

/// What there is in a namespace. Indexes and MAC addresses are left out, since the library chooses them at random.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What each link is, by its name.
    pub links: BTreeMap<String, String>,
    pub addresses: Vec<String>,
    pub routes: Vec<String>,
}

impl View {
    /// The same without the notices on links that were being removed.
    pub fn without_notices(&self) -> Self {
        let mut view = self.clone();
        for what in view.0.iter_mut().flat_map(|place| place.links.values_mut()) {
            if let Some((link, notice)) = what.split_once(" removing-") {
                *what = format!("{link} {}", &notice[13..]); // twelve digits and a colon
            }
        }
        view
    }
}

impl Scene {
    pub fn new(pods: usize) -> Self {
        let mut host = socket();
        let parent = veth(&mut host, "p0", "p1");
        let pods = (0..pods).map(|_| Sandbox::create().expect("a container")).collect();
        Self { host, parent, pods, told: Vec::new() }
    }

    pub fn view(&mut self) -> View {
        let pods = self.pods.iter_mut().map(Sandbox::socket);
        View([&mut self.host].into_iter().chain(pods).map(Place::of).collect())
    }

    /// Starts the process that works here, as far as the first mark.
    pub fn start(&self, role: &str) -> Child {
        let path = |pod: &Sandbox| format!("/proc/{}/fd/{}", std::process::id(), pod.as_fd().as_raw_fd());
        let pods: Vec<_> = self.pods.iter().map(path).collect();
        let mut command = Command::new("/proc/self/exe");
        command.env(ROLE, role).env(PODS, pods.join(",")).env(TOLD, self.told.join("\n"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let mut ready = [0];
        child.stdout.as_mut().expect("its output").read_exact(&mut ready).expect("it is ready");
        child
    }

    /// Links in a container, which have an index that is told.
    pub fn pod_has(&mut self, pod: usize, index: IfIndex) -> bool {
        self.pods[pod].socket().link_at(index).is_ok()
    }
}

impl Place {
    fn of(socket: &mut Socket) -> Self {
        let mut place = Self::default();
        let mut names = BTreeMap::new();
        for link in until_whole(|| socket.snapshot(&ListLinks::new()).ok()) {
            let alias = link.alias.as_deref().map(String::from_utf8_lossy);
            let is_up = if link.flags.contains(LinkFlags::UP) { "up" } else { "down" };
            let what = format!("{} {is_up} {}", link.kind.name(), alias.unwrap_or_default());
            names.insert(link.index, link.name.to_string());
            place.links.insert(link.name.to_string(), what.trim_end().into());
        }
        let named = |index: Option<IfIndex>| index.and_then(|index| names.get(&index)).cloned().unwrap_or_default();
        for address in until_whole(|| socket.snapshot(&ListAddresses::new()).ok()) {
            if address.scope == Scope::GLOBAL {
                place.addresses.extend(address.addr.map(|addr| format!("{addr} {}", named(Some(address.index)))));
            }
        }
        for list in [ListRoutes::v4(), ListRoutes::v6()] {
            for route in until_whole(|| socket.snapshot(&list.table(Table::MAIN)).ok()) {
                if [RouteProtocol::KERNEL, RouteProtocol::RA].contains(&route.protocol) {
                    continue; // the kernel's workers add those in their own time
                }
                let hops = route.next_hops.iter().flatten().map(|hop| (hop.gateway, hop.index));
                for (gateway, index) in [(route.gateway, route.index)].into_iter().chain(hops) {
                    let (to, via) = (route.destination, gateway.map(|via| via.to_string()).unwrap_or_default());
                    if index.is_some() {
                        place.routes.push(format!(
                            "{} {via} {} {:?}",
                            to.expect("a network"),
                            named(index),
                            route.metric
                        ));
                    }
                }
            }
        }
        place.addresses.sort();
        place.routes.sort();
        place
    }

    /// The links that this has and the other lacks, or that are something else there.
    pub fn links_beyond(&self, other: &Self) -> Vec<String> {
        self.links
            .iter()
            .filter(|(name, what)| other.links.get(*name) != Some(*what))
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// A list, read until it did not change meanwhile.
fn until_whole<T>(mut read: impl FnMut() -> Option<T>) -> T {
    let mut list = None;
    wait_until("a list that does not change", || {
        list = read();
        list.is_some()
    });
    list.expect("it was read")
}

/// Waits for something that no event tells of, such as the end of a namespace.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < LIMIT, "{what}: in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

/// What the process works with.
pub struct Near {
    pub host: Socket,
    pub parent: IfIndex,
    pub pods: Vec<Sandbox>,
    pub told: Vec<String>,
}

impl Near {
    fn open() -> Self {
        let words = |variable: &str, by: char| -> Vec<String> {
            let text = std::env::var(variable).unwrap_or_default();
            text.split(by).filter(|word| !word.is_empty()).map(Into::into).collect()
        };
        let pods = words(PODS, ',').into_iter().map(|path| Sandbox::open(path).expect("a container")).collect();
        let mut host = socket();
        let parent = host.index_of("p0").expect("the parent");
        Self { host, parent, pods, told: words(TOLD, '\n') }
    }

    /// A link that is attached, which the process was told.
    pub fn told<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, number: usize) -> T {
        self.told[number].parse().expect("a link")
    }
}

/// In the other process: works between two marks, and tells how that went and what is left of it in the process.
pub fn perform(work: impl FnOnce(&mut Near) -> Value) {
    mark(); // the first such call of a process is two
    let before = in_process();
    let mut near = Near::open();
    let mut out = std::io::stdout();
    let mut go = || out.write_all(b"!").and_then(|()| out.flush()).and_then(|()| std::io::stdin().read_exact(&mut [0]));
    go().expect("a test that waits");
    mark();
    let said = work(&mut near);
    mark();
    drop(near);
    // A thread that was waited for is there until the kernel has ended it.
    wait_until("threads end", || in_process().1 == before.1);
    println!("{}", json!({ "said": said, "before": before, "after": in_process() }));
}

fn mark() {
    let _ = fs::metadata(MARK);
}

/// Descriptors and threads.
fn in_process() -> (usize, usize) {
    let count = |folder: &str| fs::read_dir(folder).expect("a list").count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// A failure as plain data.
pub fn failure(error: &Error) -> Value {
    let undo = error.undo().map(|undo| match undo {
        Undo::Clean => ("clean", None),
        Undo::Gone(index) => ("gone", Some(index.get())),
        Undo::LeftBehind(index) => ("left behind", Some(index.get())),
        Undo::Unknown(index) => ("unknown", Some(index.get())),
        Undo::WasThere(index) => ("was there", Some(index.get())),
        other => panic!("nobody moves or replaces links here: {other:?}"),
    });
    let link_is = error.link_is().map(|place| format!("{place:?}"));
    let step = error.step().map(|step| step.index);
    json!({ "error": error.to_string(), "undo": undo, "link_is": link_is, "step": step, "is_known": is_known(error) })
}

/// Whether the outcome of what failed is known: the kernel refused it, or was not asked.
fn is_known(error: &Error) -> bool {
    use sublink::ErrorKind::{Invalid, Kernel, Overrun, TimedOut};
    !matches!(error.kind(), Overrun | TimedOut) && matches!(error.kind(), Kernel(_) | Invalid(_))
}

/// The name of a container's link.
pub fn eth0() -> sublink::IfName {
    name("eth0")
}

/// Nobody is kept off a parent, by a probe for example. That of a process which ended stands until the kernel has ended its
/// namespace.
pub fn is_usable(host: &mut Socket, parent: &str) {
    let Ok(parent) = host.index_of(parent) else { return };
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("mv9"));
    let mut made = None;
    wait_until("the parent can be used", || {
        made = host.create(&link).ok();
        made.is_some()
    });
    host.delete(made.expect("a link")).expect("it is deleted");
}
