//! Containers that have ended, or of which another is at the same path.

use crate::common::{Skip, mac, needs, socket, veth};
use crate::docker;
use crate::shell::{Container, Shell};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use sublink::{IfName, NewLink};
use sublink_tests::kernel_test;

/// A path that leads to one container after another.
struct Place(PathBuf);

impl Place {
    fn new(shell: &Shell, name: &str, container: &Container) -> Self {
        let place = Self(shell.dir.join(name));
        place.lead_to(container);
        place
    }

    fn lead_to(&self, container: &Container) {
        let _ = fs::remove_file(&self.0); // where it led before
        symlink(container.path(), &self.0).expect("a link");
    }

    fn end(&self) {
        fs::remove_file(&self.0).expect("removed");
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

/// A network, and a container in it at a path of its own.
fn joined(flags: &str) -> (Shell, Container, Place) {
    let (mut host, shell, container) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 --gateway 10.1.0.1 net");
    let place = Place::new(&shell, "c1", &container);
    shell.run(&format!("connect {flags} net {}", place.path()));
    (shell, container, place)
}

#[kernel_test]
pub fn one_that_has_ended_is_in_no_network() -> Result<(), Skip> {
    let (shell, _c1, place) = joined("");
    assert!(shell.refused("rm net").starts_with("network net has active endpoints"));
    assert_eq!(shell.run("ls -q --filter dangling=true"), "");
    place.end();
    assert_eq!(shell.inspect("net")["Containers"], serde_json::json!({}));
    assert_eq!(shell.run("ls --filter dangling=true --format '{{.Name}}'"), "net\n");
    // Its address is free.
    let other = Container::new();
    shell.run(&format!("connect --ip 10.1.0.2 net {}", other.path()));
    shell.run(&format!("disconnect net {}", other.path()));
    assert_eq!(shell.run("rm net"), "net\n");
    assert_eq!(shell.run("ls -q"), "", "the state can be read");
    Ok(())
}

#[kernel_test]
pub fn one_that_has_ended_is_disconnected_pruned_and_forgotten() -> Result<(), Skip> {
    let (shell, _c1, place) = joined("");
    place.end();
    shell.run(&format!("disconnect net {}", place.path()));
    let why = format!("No such container: {}", place.path());
    assert_eq!(shell.refused(&format!("disconnect net {}", place.path())), why);
    assert_eq!(shell.refused(&format!("disconnect -f net {}", place.path())), why, "it is in no network");

    let c2 = Container::new();
    let place = Place::new(&shell, "c2", &c2);
    shell.run(&format!("connect net {}", place.path()));
    place.end();
    assert_eq!(shell.run("restore").lines().last(), Some(&*format!("{} in net: it has ended", place.path())));
    place.lead_to(&c2);
    let why = format!("container {} is not connected to network net", place.path());
    assert_eq!(shell.refused(&format!("disconnect net {}", place.path())), why, "it is forgotten");
    place.end();
    assert_eq!(shell.run("prune -f"), "Deleted Networks:\nnet\n\n");
    Ok(())
}

/// Its namespace ended, and a new one was made under its name.
#[kernel_test]
pub fn one_that_was_remade_is_in_no_network_and_joins_anew() -> Result<(), Skip> {
    let (shell, mut old, place) = joined("");
    let mut new = Container::new();
    place.lead_to(&new);
    assert_eq!(shell.inspect("net")["Containers"], serde_json::json!({}));
    assert_eq!(shell.run("ls --filter dangling=true --format '{{.Name}}'"), "net\n");
    let told = shell.run(&format!("connect net {}", place.path()));
    assert!(told.contains("10.1.0.2/24"), "{told}");
    assert_eq!((old.links(), new.links()), (vec!["eth0".to_owned()], vec!["eth0".to_owned()]));
    let again = shell.refused(&format!("connect net {}", place.path()));
    assert_eq!(again, format!("endpoint with name {} already exists in network net", place.path()));
    shell.run(&format!("disconnect net {}", place.path()));
    assert_eq!(new.links(), Vec::<String>::new());
    let why = format!("container {} is not connected to network net", place.path());
    assert_eq!(shell.refused(&format!("disconnect net {}", place.path())), why, "the old one has no entry left");
    assert_eq!(shell.run("rm net"), "net\n");
    Ok(())
}

#[kernel_test]
pub fn what_a_remade_one_had_is_forgotten_by_disconnect() -> Result<(), Skip> {
    let (shell, mut old, place) = joined("");
    let mut new = Container::new();
    place.lead_to(&new);
    assert_eq!(shell.run(&format!("disconnect net {}", place.path())), "");
    assert_eq!((old.links(), new.links()), (vec!["eth0".to_owned()], vec![]), "neither is touched");
    let why = format!("container {} is not connected to network net", place.path());
    assert_eq!(shell.refused(&format!("disconnect net {}", place.path())), why);
    Ok(())
}

/// The next namespace has the inode of one that has ended; and after a restart of the machine, its cookie too.
#[kernel_test]
pub fn one_with_the_same_inode_or_cookie_is_another() -> Result<(), Skip> {
    let (shell, c1, place) = joined("");
    let (file, text) = (shell.dir.join("networks"), shell.remembered());
    let start = text.find("--namespace=").expect("which namespace") + "--namespace=".len();
    let id: Vec<_> = text[start..].split('\t').next().expect("an id").split(':').collect();
    let is_there = || !shell.inspect("net")["Containers"].as_object().expect("a map").is_empty();
    assert!(is_there());
    for number in 0..id.len() {
        let mut other: Vec<_> = id.iter().map(|part| (*part).to_owned()).collect();
        other[number].push('0');
        fs::write(&file, text.replace(&id.join(":"), &other.join(":"))).expect("written");
        assert!(!is_there(), "{other:?}");
    }
    assert!(id.len() == 4 || c1.inside.netns_cookie().is_none(), "the machine's start, device, inode and cookie");
    drop(place);
    Ok(())
}

/// A container that comes back has the addresses, the MAC address and the name that it had.
#[kernel_test]
pub fn one_that_comes_back_is_connected_again() -> Result<(), Skip> {
    for flags in ["", "--ip 10.1.0.77 --driver-opt com.docker.network.endpoint.ifname=lan0 --link-local-ip 169.254.1.2"]
    {
        let (shell, mut old, place) = joined(flags);
        let name = old.links().remove(0);
        let (link, addrs) = (old.link(&name), old.addrs(&name));
        old.inside.delete(link.index).expect("deleted"); // as with its namespace
        let mut new = Container::new();
        place.lead_to(&new);
        let told = shell.run("restore");
        let own = link.mac.expect("a MAC address");
        assert!(told.lines().last().is_some_and(|line| line.contains(&format!("{name} {}", addrs[0]))), "{told}");
        let again = new.link(&name);
        assert!(again.is_up() && again.mac == Some(own), "{again:?}");
        assert_eq!(new.addrs(&name), addrs);
        assert_eq!(new.gateways()[0].as_deref(), Some("10.1.0.1"));
        assert!(new.link("lo").is_up());
        // Once more: the link alone is lost, and another has its name.
        new.inside.delete(again.index).expect("deleted");
        let spare = NewLink::veth(NewLink::peer().name(IfName::new("spare").unwrap()));
        new.inside.create(&spare.name(IfName::new(&name).unwrap())).expect("one of its name");
        shell.run("restore");
        let next = if name == "eth0" { "eth1" } else { "eth0" };
        assert_eq!(new.link(next).mac, Some(own));
        shell.run(&format!("disconnect net {}", place.path()));
        shell.run("rm net");
        let mut host = socket();
        let eth0 = host.index_of("eth0").expect("the parent");
        host.delete(eth0).expect("deleted");
    }
    Ok(())
}

/// What stops halfway has forgotten nobody.
#[kernel_test]
pub fn a_restore_that_is_cut_short_forgets_nobody() -> Result<(), Skip> {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 net");
    let mut all = [(); 3].map(|()| Container::new());
    for container in &mut all {
        shell.run(&format!("connect net {}", container.path()));
        let index = container.link("eth0").index;
        container.inside.delete(index).expect("deleted");
        let why = shell.refused(&format!("connect net {}", container.path()));
        assert!(
            why.ends_with("already exists in network net: its link is gone, and `restore` makes it again"),
            "{why}"
        );
    }
    let words = ["--state", shell.dir.to_str().expect("text"), "restore"].map(str::to_owned);
    let done = docker::run(&words, &mut io::empty(), &mut Full("net: its parent eth0 is there\n".len()));
    assert!(done.is_err());
    let links: Vec<_> = all.iter_mut().map(|container| container.links().len()).collect();
    assert_eq!(links, [1, 0, 0], "it could not tell of the first one");
    shell.run("restore");
    for container in &mut all {
        assert_eq!(container.links(), ["eth0"]);
    }
    Ok(())
}

/// What has no MAC address of its own is given none.
fn comes_back_with_its_parents_mac_address(create: &str, connect: &str) {
    let (mut host, shell, mut container) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run(&format!("create -o parent=eth0 --subnet 10.1.0.0/24 {create} net"));
    shell.run(&format!("connect {connect} net {}", container.path()));
    let link = container.link("eth0");
    container.inside.delete(link.index).expect("deleted");
    shell.run("restore");
    let again = container.link("eth0");
    assert_eq!(again.mac, link.mac);
    shell.run(&format!("disconnect net {}", container.path()));
    assert_eq!(container.links(), Vec::<String>::new());
}

#[kernel_test]
pub fn one_in_a_passthru_network_comes_back() -> Result<(), Skip> {
    comes_back_with_its_parents_mac_address("-o macvlan_mode=passthru", "");
    Ok(())
}

#[kernel_test]
pub fn one_in_a_vlan_network_comes_back() -> Result<(), Skip> {
    needs("vlan")?;
    comes_back_with_its_parents_mac_address("-d vlan", "--vlan 7");
    Ok(())
}

/// The number of a process passes to another, which nobody has named.
#[kernel_test]
pub fn a_process_that_has_ended_does_not_come_back_as_another() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 net");
    let (mut c1, mut c2) = (Container::new(), Container::new());
    shell.run(&format!("connect net {}", c1.path()));
    let text = shell.remembered().replace(&c1.path(), &c2.path());
    fs::write(shell.dir.join("networks"), text).expect("written");
    let told = shell.run("restore");
    assert_eq!(told.lines().last(), Some(&*format!("{} in net: it has ended", c2.path())));
    assert_eq!((c1.links(), c2.links()), (vec!["eth0".to_owned()], vec![]));
    Ok(())
}

#[kernel_test]
pub fn force_forgets_what_cannot_be_reached() -> Result<(), Skip> {
    let (shell, mut c1, place) = joined(&format!("--mac-address {}", mac(9)));
    place.end();
    fs::write(&place.0, "no namespace").expect("written");
    let line = format!("net {}", place.path());
    assert!(shell.refused(&format!("disconnect {line}")).contains("is not a network namespace"));
    assert!(shell.refused("rm net").contains("active endpoints"), "one that cannot be looked at may be there");
    assert_eq!(shell.run(&format!("disconnect -f {line}")), "");
    assert_eq!(c1.links(), ["eth0"]);
    assert_eq!(shell.run("rm net"), "net\n");
    Ok(())
}
