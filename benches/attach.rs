//! What attaching and detaching containers costs, by several ways, in one run: the ratios are what counts.
//!
//! ```console
//! $ cargo bench --bench attach
//! ```
//!
//! It happens in namespaces of its own, and needs no root. Each way does the same: a macvlan named `eth0` in the container,
//! up, with an address and a default route.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{become_root, name, parent};
use nix::sched::{CloneFlags, unshare};
use std::io::Write as _;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use sublink::*;

const ADDR: &str = "10.0.50.7/24";
const GATEWAY: &str = "10.0.50.1";
const PODS: usize = 48;

struct Pod {
    namespace: Netns,
    inside: Socket,
    /// A process in it, for `ip` to name the namespace by.
    process: Child,
}

impl Pod {
    fn new() -> Self {
        let namespace = Netns::create().expect("a namespace");
        let sleep = || Command::new("sleep").arg("infinity").spawn().expect("sleep");
        let process = namespace.run(sleep).expect("a thread in it");
        Self { inside: Socket::open_in(&namespace).expect("a socket in it"), namespace, process }
    }

    /// Removes `eth0`, however it came.
    fn attached(&mut self) -> Attached {
        let link = self.inside.link("eth0").expect("the link");
        let (index, mac) = (link.index(), link.mac().mac());
        Attached { index, name: name("eth0"), kind: LinkKind::Macvlan, mac, has_parents_mac: false }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn main() {
    // Entered before there is a second thread.
    become_root()
        .and_then(|()| unshare(CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string()))
        .expect("namespaces");
    let mut host = Socket::open().expect("a socket");
    let parent = parent(&mut host);
    let mut pods: Vec<_> = (0..PODS).map(|_| Pod::new()).collect();

    let ours = attach(&mut pods, |pod| attach_in_place(&mut host, pod, parent));
    println!("attach a container: {PODS} each way, the median");
    println!("{:<44} {:>10}", "ours: created in place, two sends", show(ours));
    let mut number = 0;
    let compare = |way: &str, goal: f64, time: Duration| {
        let ratio = time.as_secs_f64() / ours.as_secs_f64();
        println!("{way:<44} {:>10}   {ratio:>6.1} × ours (goal: {goal})", show(time));
    };
    let moved = attach(&mut pods, |pod| {
        number += 1;
        create_and_move(&mut host, pod, parent, number);
    });
    compare("create, move and rename, with this crate", 20.0, moved);
    if Command::new("ip").arg("-V").output().is_ok() {
        compare("ip -batch: two processes", 10.0, attach(&mut pods, by_ip_batch));
        compare("ip: a process for each of four commands", 10.0, attach(&mut pods, by_ip));
    }

    println!("\ndetach {PODS} containers");
    let together = detach(&mut pods, &mut host, parent, |pods, attached| {
        let endpoints: Vec<_> = pods.iter().map(|pod| &pod.namespace).zip(attached).collect();
        all_deleted(&detach_many(&endpoints));
    });
    let one_by_one = detach(&mut pods, &mut host, parent, |pods, attached| {
        for (pod, attached) in pods.iter_mut().zip(attached) {
            assert_eq!(attached.detach(&mut pod.inside).expect("detached"), Detached::Deleted);
        }
    });
    println!("{:<44} {:>10}", "detach_many", show(together));
    let ratio = one_by_one.as_secs_f64() / together.as_secs_f64();
    println!("{:<44} {:>10}   {ratio:>6.1} × that (goal: 8)", "one by one", show(one_by_one));
}

fn show(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// The median time that `attach` takes, over all pods; then they are empty again.
fn attach(pods: &mut [Pod], mut attach: impl FnMut(&mut Pod)) -> Duration {
    let mut times: Vec<_> = pods
        .iter_mut()
        .map(|pod| {
            let start = Instant::now();
            attach(pod);
            start.elapsed()
        })
        .collect();
    let attached: Vec<_> = pods.iter_mut().map(Pod::attached).collect();
    let endpoints: Vec<_> = pods.iter().map(|pod| &pod.namespace).zip(attached).collect();
    all_deleted(&detach_many(&endpoints));
    times.sort_unstable();
    times[times.len() / 2]
}

fn detach(
    pods: &mut [Pod],
    host: &mut Socket,
    parent: IfIndex,
    detach: impl FnOnce(&mut [Pod], Vec<Attached>),
) -> Duration {
    for pod in pods.iter_mut() {
        attach_in_place(host, pod, parent);
    }
    let attached = pods.iter_mut().map(Pod::attached).collect();
    let start = Instant::now();
    detach(pods, attached);
    start.elapsed()
}

fn all_deleted(results: &[sublink::Result<Detached>]) {
    assert!(results.iter().all(|result| matches!(result, Ok(Detached::Deleted))));
}

fn attach_in_place(host: &mut Socket, pod: &mut Pod, parent: IfIndex) {
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    let endpoint = Endpoint::new(link).addr(ADDR.parse().expect("one")).gateway(GATEWAY.parse().expect("one"));
    endpoint.attach(host, &pod.namespace, &mut pod.inside).expect("attached");
}

fn create_and_move(host: &mut Socket, pod: &mut Pod, parent: IfIndex, number: usize) {
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name(&format!("tmp{number}")));
    let index = host.create(&link.mac(MacAddr::random())).expect("created");
    let to = LinkChange::move_to(index, pod.namespace.as_fd()).name(name("eth0")).up();
    host.change(&to).expect("moved");
    let mut batch = Batch::new();
    batch.push(&NewAddress::new(index, ADDR.parse().expect("one"))).expect("short");
    batch.push(&NewRoute::default_via(GATEWAY.parse().expect("one")).index(index)).expect("short");
    pod.inside.run(&mut batch).expect("an address and a route");
}

fn in_host(pod: &Pod) -> Vec<String> {
    vec![format!("link add link p0 name eth0 netns {} type macvlan mode bridge", pod.process.id())]
}

fn in_pod() -> Vec<String> {
    vec![format!("addr add {ADDR} dev eth0"), "link set eth0 up".into(), format!("route add default via {GATEWAY}")]
}

fn by_ip_batch(pod: &mut Pod) {
    let batch = |commands: &[String]| {
        let mut ip = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn().expect("ip");
        writeln!(ip.stdin.take().expect("its input"), "{}", commands.join("\n")).expect("a pipe");
        assert!(ip.wait().expect("its end").success());
    };
    batch(&in_host(pod));
    pod.namespace.run(|| batch(&in_pod())).expect("a thread in it");
}

fn by_ip(pod: &mut Pod) {
    let each = |commands: Vec<String>| {
        for command in commands {
            assert!(Command::new("ip").args(command.split(' ')).status().expect("ip").success());
        }
    };
    each(in_host(pod));
    pod.namespace.run(|| each(in_pod())).expect("a thread in it");
}
