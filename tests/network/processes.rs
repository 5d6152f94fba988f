//! Many processes that are one owner, as CNI plugins are: a process for each container that comes or goes.

use crate::common::roles::ROLE;
use crate::common::{Skip, name, needs, parent, sequence, socket};
use crate::help::{links, mark, on, owner, up};
use crate::pod::{Pod, net};
use nix::unistd::getppid;
use std::collections::VecDeque;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use sublink::endpoint::{Detach, Fate};
use sublink::network::{Parent, Removal};
use sublink::value::Alias;
use sublink::{Endpoint, IfIndex, LinkChange, MacvlanMode, NewLink, Sandbox, Socket};
use sublink_tests::{kernel_test, role};

/// How many at once, and how often each; by hand, 24 and 100.
const PROCESSES: usize = 12;
const ROUNDS: usize = 8;

fn vlan() -> Parent {
    Parent::new(name("p0.50"))
}

fn child(parent: IfIndex) -> Endpoint<'static> {
    let link = NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("eth0"));
    Endpoint::new(link).addr(net("10.0.50.7/24"))
}

fn start(role: &str) -> Child {
    let binary = std::env::current_exe().expect("this binary");
    let mut command = Command::new(binary);
    command.env(ROLE, role).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process")
}

/// Attaches a container, detaches it, and removes the parent, over and over.
#[role]
fn a_plugin() {
    let (mut host, mut pod, owner) = (socket(), Pod::new(), owner());
    let (mut made, mut longest) = (0, Duration::ZERO);
    for round in 0..ROUNDS {
        let since = Instant::now();
        let attached = vlan().attach(&mut host, &owner, &mut pod.sandbox, |parent| Ok(child(parent)));
        longest = longest.max(since.elapsed());
        let (up, attached) = attached.unwrap_or_else(|error| panic!("round {round}: {error}"));
        made += usize::from(up.made);
        assert!(host.link_at(up.index).is_ok(), "round {round}: the VLAN was lost");
        assert_eq!(
            attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).expect("detached").link,
            Fate::Deleted,
            "round {round}: lost"
        );
        let removal = vlan().remove(&mut host, &owner, &[]).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert!(matches!(removal, Removal::Removed | Removal::InUse | Removal::NotThere), "round {round}: {removal:?}");
    }
    println!("made it {made} times, the longest attach took {} ms", longest.as_millis());
}

#[kernel_test]
pub fn no_attach_fails_and_no_parent_is_lost_or_left() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    let before = links(&mut host);
    let plugins: Vec<_> = (0..PROCESSES).map(|_| start("a_plugin")).collect();
    let ends: Vec<_> = plugins.into_iter().map(|plugin| plugin.wait_with_output().expect("its end")).collect();
    let failed: Vec<_> = ends.iter().filter(|end| !end.status.success()).collect();
    let said: String = failed.iter().map(|end| String::from_utf8_lossy(&end.stderr)).collect();
    assert!(failed.is_empty(), "{} of {PROCESSES} failed: {said}", failed.len());
    for end in ends {
        print!("{}", String::from_utf8_lossy(&end.stdout));
    }
    assert_eq!(links(&mut host), before, "none is left");
    Ok(())
}

/// As `a_plugin`, until it is killed or the test has ended.
#[role]
fn a_plugin_without_end() {
    let (mut host, mut pod, owner) = (socket(), Pod::new(), owner());
    let test = getppid();
    for round in (0..).take_while(|_| getppid() == test) {
        let (up, attached) = vlan()
            .attach(&mut host, &owner, &mut pod.sandbox, |parent| Ok(child(parent)))
            .unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert!(host.link_at(up.index).is_ok(), "round {round}: the VLAN was lost");
        let detached = attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).expect("detached");
        assert_eq!(detached.link, Fate::Deleted, "round {round}: lost");
        vlan().remove(&mut host, &owner, &[]).unwrap_or_else(|error| panic!("round {round}: {error}"));
    }
}

/// Kills a process that has not ended by itself.
fn end(mut plugin: Child) {
    let is_running = plugin.try_wait().expect("its state").is_none();
    plugin.kill().expect("killed");
    let output = plugin.wait_with_output().expect("its end");
    assert!(is_running, "{}", String::from_utf8_lossy(&output.stderr));
}

/// Those that are killed disturb no other, and who comes last removes what they have left.
#[kernel_test]
pub fn processes_that_are_killed_disturb_no_other() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    parent(&mut host);
    let before = links(&mut host);
    let mut plugins: VecDeque<_> = (0..6).map(|_| start("a_plugin_without_end")).collect();
    for kill in 0..20 {
        thread::sleep(Duration::from_millis(kill * 37 % 150));
        plugins.push_back(start("a_plugin_without_end"));
        end(plugins.pop_front().expect("a process"));
    }
    plugins.into_iter().for_each(end);
    let since = Instant::now();
    loop {
        // The kernel ends the namespaces of those that were killed when it gets to it.
        let removal = vlan().remove(&mut host, &owner(), &[]);
        if matches!(removal, Ok(Removal::Removed | Removal::NotThere)) && links(&mut host) == before {
            return Ok(());
        }
        assert!(since.elapsed() < Duration::from_secs(120), "{removal:?}: {:?}", links(&mut host));
        thread::sleep(Duration::from_millis(50));
    }
}

/// What a removal of an older version leaves when it is killed.
fn leave_a_probe(host: &mut Socket, parent: IfIndex) -> IfIndex {
    let probe = NewLink::macvlan(parent).mode(MacvlanMode::Passthru).name(name("sl~0123456789ab"));
    let probe = host.create(&probe).unwrap();
    mark(host, probe, "p0.50");
    probe
}

#[kernel_test]
pub fn a_connection_removes_a_stale_probe() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    parent(&mut host);
    let index = vlan().up(&mut host, &owner()).unwrap().index;
    let probe = leave_a_probe(&mut host, index);
    let network = on("p0.50", "net");
    let connection = crate::help::connection("eth0", &[]);
    let member = crate::help::connect(&network, &mut host, &mut pod, connection, &[]).unwrap();
    assert!(host.link_at(probe).unwrap_err().is_no_device());
    assert_eq!(up(&network, &mut host).unwrap(), index, "the parent is the same");
    assert_eq!(member.disconnect(&mut host, &mut pod.sandbox, &[], &Detach::new()).unwrap().link, Fate::Deleted);
    Ok(())
}

/// It may be that of a removal which is under way: nobody touches it before it has stood for seconds.
#[kernel_test]
pub fn a_probe_that_goes_by_itself_is_awaited() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    parent(&mut host);
    let index = vlan().up(&mut host, &owner()).unwrap().index;
    leave_a_probe(&mut host, index);
    let here = sublink::Netns::current().unwrap();
    let removed = thread::scope(|scope| {
        // It removes the parent, as its removal would.
        let remover = scope.spawn(|| {
            let mut host = Socket::open_in(&here).unwrap();
            thread::sleep(Duration::from_millis(300));
            host.delete(index).unwrap();
        });
        let (up, _) = vlan().attach(&mut host, &owner(), &mut pod.sandbox, |parent| Ok(child(parent))).unwrap();
        remover.join().unwrap();
        assert!(up.made && up.index != index, "the parent was made again: {up:?}");
        host.link_at(up.index).is_ok()
    });
    assert!(removed);
    Ok(())
}

/// It has another owner's mark.
#[kernel_test]
pub fn a_passthru_child_of_somebody_elses_is_left_alone() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, mut pod) = (socket(), Pod::new());
    parent(&mut host);
    let index = vlan().up(&mut host, &owner()).unwrap().index;
    let probe = leave_a_probe(&mut host, index);
    let attach = |host: &mut Socket, sandbox: &mut Sandbox| {
        vlan().attach(host, &owner(), sandbox, |parent| Ok(child(parent))).unwrap_err()
    };
    let foreign = Alias::new("sublink:other:p0.50").unwrap();
    host.change(&LinkChange::new(probe).alias(foreign)).unwrap();
    let before = links(&mut host);
    let error = attach(&mut host, &mut pod.sandbox);
    assert!(error.to_string().contains("a passthru link needs its parent to itself"), "{error}");
    assert_eq!(links(&mut host), before);
    Ok(())
}

/// Nothing is waited for on a parent that was there before: no probe is put on it.
#[kernel_test]
pub fn a_refusal_by_a_parent_of_somebody_elses_is_told_at_once() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let p0 = parent(&mut host);
    host.create(&NewLink::macvlan(p0).mode(MacvlanMode::Passthru).name(name("x"))).unwrap();
    let before = sequence(&mut host);
    let there = Parent::new(name("p0"));
    let error = there.attach(&mut host, &owner(), &mut pod.sandbox, |parent| Ok(child(parent))).unwrap_err();
    assert!(error.to_string().contains("p0 has x"), "{error}");
    let requests = sequence(&mut host).wrapping_sub(before);
    assert!(requests < 30, "{requests}: it has tried again and again");
    Ok(())
}
