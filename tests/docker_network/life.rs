//! Containers in networks: their links, addresses and routes, and what they hear.

use crate::common::{Skip, mac, name, needs, own_run, socket, veth};
use crate::shell::{Container, Shell};
use crate::waits::until_usable;
use std::net::{IpAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;
use sublink::link::KindInfo;
use sublink::{ListLinks, MacvlanMode, Netns, NewLink, Socket, VlanId};
use sublink_tests::kernel_test;

#[kernel_test]
pub fn containers_come_and_go() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    let (mut c1, mut c2) = (Container::new(), Container::new());
    let eth0 = veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 --gateway 10.1.0.1 --subnet fd51::/64 --gateway fd51::1 net");
    let told = shell.run(&format!("connect net {}", c1.path()));
    let link = c1.link("eth0");
    let own = link.mac.expect("a MAC address");
    let expected = format!("eth0 10.1.0.2/24 fd51::2/64, MAC address {own}, default route by 10.1.0.1 and fd51::1");
    assert_eq!(told, format!("{}: {expected}\n", c1.path()));
    assert!(link.is_up() && link.parent == Some(eth0));
    assert!(matches!(link.kind, KindInfo::Macvlan(ref macvlan) if macvlan.mode == Some(MacvlanMode::Bridge)));
    assert_eq!(c1.addrs("eth0"), ["10.1.0.2/24", "fd51::2/64"]);
    assert_eq!(c1.gateways(), [Some("10.1.0.1".into()), Some("fd51::1".into())]);

    // The next free name, and what was asked for.
    let spare = NewLink::veth(NewLink::peer().name(name("spare"))).name(name("eth0"));
    c2.inside.create(&spare).expect("an eth0");
    shell.run(&format!("connect --ip 10.1.0.77 --ip6 fd51::77 --mac-address {} net {}", mac(77), c2.path()));
    assert_eq!(c2.links(), ["eth0", "eth1", "spare"]);
    assert_eq!(c2.link("eth1").mac, Some(mac(77)));
    assert_eq!(c2.addrs("eth1"), ["10.1.0.77/24", "fd51::77/64"]);
    let containers = shell.inspect("net")["Containers"].clone();
    let expected = serde_json::json!({
        c1.path(): { "Name": c1.path(), "Interface": "eth0", "MacAddress": own.to_string(), "IPv4Address": "10.1.0.2/24", "IPv6Address": "fd51::2/64" },
        c2.path(): { "Name": c2.path(), "Interface": "eth1", "MacAddress": mac(77).to_string(), "IPv4Address": "10.1.0.77/24", "IPv6Address": "fd51::77/64" },
    });
    assert_eq!(containers, expected);

    let again = format!("connect net {}", c1.path());
    assert_eq!(shell.refused(&again), format!("endpoint with name {} already exists in network net", c1.path()));
    let why = format!("network net has active endpoints: first disconnect {}, {}", c1.path(), c2.path());
    assert_eq!(shell.refused("rm net"), why);

    for container in [&mut c1, &mut c2] {
        assert_eq!(shell.run(&format!("disconnect net {}", container.path())), "");
    }
    assert_eq!((c1.links(), c2.links()), (vec![], vec!["eth0".into(), "spare".into()]));
    assert_eq!(shell.run("rm net"), "net\n");
    assert_eq!(shell.run("ls -q"), "");
    Ok(())
}

/// `-o host_access`: the host's own link among the containers, with an address that none of them is given.
#[kernel_test]
pub fn the_host_is_among_the_containers() -> Result<(), Skip> {
    let (mut host, shell, mut c1, c2) = (socket(), Shell::new(), Container::new(), Container::new());
    let eth0 = veth(&mut host, "eth0", "cable");
    let create = "create -o parent=eth0 --subnet 10.1.0.0/29";
    shell.run(&format!("{create} -o host_access=10.1.0.2 net"));
    let macvlans = |host: &mut Socket| host.snapshot(&ListLinks::new().kind("macvlan").parent(eth0)).unwrap();
    let shim = macvlans(&mut host).remove(0);
    assert!(shim.name.to_string().starts_with("sh-"), "{}", shim.name);
    shell.run(&format!("connect net {}", c1.path()));
    assert_eq!(c1.addrs("eth0"), ["10.1.0.3/29"], "the next one");
    let refused = shell.refused(&format!("connect --ip 10.1.0.2 net {}", c2.path()));
    assert_eq!(refused, "Address already in use: 10.1.0.2 is reserved for the host in the network net");
    host.delete(shim.index).unwrap(); // as a reboot does
    shell.run("restore");
    assert_eq!(macvlans(&mut host).len(), 1, "it is there again");
    shell.run(&format!("disconnect net {}", c1.path()));
    shell.run("rm net");
    assert_eq!(macvlans(&mut host).len(), 0, "it goes with the network");

    // What is refused leaves nothing.
    Command::new("ip").args(["address", "add", "10.1.0.6/29", "dev", "eth0"]).status().unwrap();
    let refused = shell.refused(&format!("{create} -o host_access=10.1.0.2 net"));
    assert_eq!(
        refused,
        "the host has a route to 10.1.0.0/29 already, by eth0: say which part of it the containers have"
    );
    assert_eq!((macvlans(&mut host).len(), &*shell.run("ls -q")), (0, ""));
    Ok(())
}

#[kernel_test]
pub fn containers_reach_each_other() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    let (c1, c2) = (Container::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 --subnet fd51::/64 net");
    for (container, last) in [(&c1, 7), (&c2, 8)] {
        shell.run(&format!("connect --ip 10.1.0.{last} --ip6 fd51::{last} net {}", container.path()));
    }
    for (from, to) in [("10.1.0.7", "10.1.0.8"), ("fd51::7", "fd51::8")] {
        let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
        if to.is_ipv6() {
            until_usable(&c1.namespace, from);
            until_usable(&c2.namespace, to);
        }
        let bind =
            |container: &Container, addr| container.namespace.run(|| UdpSocket::bind((addr, 7777)).expect("a port"));
        let (sender, receiver) = (bind(&c1, from).expect("its thread"), bind(&c2, to).expect("its thread"));
        receiver.set_read_timeout(Some(Duration::from_secs(1))).expect("a limit");
        let mut text = [0; 8];
        // Until it is known where the other one is, a packet may be lost.
        let heard = (0..120).find_map(|_| {
            sender.send_to(b"hello", (to, 7777)).expect("sent");
            receiver.recv_from(&mut text).ok()
        });
        let (len, heard_from) = heard.expect("heard");
        assert_eq!((&text[..len], heard_from.ip()), (b"hello".as_slice(), from));
    }
    Ok(())
}

#[kernel_test]
pub fn addresses_are_chosen_where_they_may_be() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    shell.run(
        "create -o parent=eth0 --subnet 10.1.0.0/24 --gateway 10.1.0.129 --ip-range 10.1.0.128/29 --aux-address \
         nas=10.1.0.130 --aux-address printer=10.1.0.131 --subnet 10.2.0.0/30 --subnet fd51::/64 --gateway fd51::1 net",
    );
    // Another network's subnet may overlap; no address is given twice.
    shell.run("create -o parent=eth0 --subnet 10.1.0.128/25 other");
    let all: Vec<_> = (0..8).map(|_| Container::new()).collect();
    let connect = |number: usize, words: &str| {
        let told = shell.attempt(&format!("connect {words} {}", all[number].path()))?;
        Ok::<_, String>(told.split(", ").next().and_then(|addrs| addrs.split_once("eth0 ")).expect("told").1.to_owned())
    };
    let told = |addrs: &str| Ok(addrs.to_owned());
    assert_eq!(connect(0, "net"), told("10.1.0.128/24 fd51::2/64"));
    assert_eq!(connect(1, "other"), told("10.1.0.132/25"), "what net says of .129, .130 and .131 is true here too");
    assert_eq!(connect(2, "--ip 10.1.0.134 net"), told("10.1.0.134/24 fd51::3/64"));
    for (number, addr) in [(3, "10.1.0.133/24"), (4, "10.1.0.135/24"), (5, "10.2.0.2/30")] {
        assert!(connect(number, "net").unwrap().starts_with(addr), "{addr}");
    }
    assert_eq!(
        connect(6, "net"),
        Err("no available IPv4 addresses in the network net: 10.2.0.1 is kept for a router, and --ip 10.2.0.1 gives it out".into())
    );
    assert!(connect(6, "--ip 10.2.0.1 net").unwrap().starts_with("10.2.0.1/30"));
    let holder = |addr: &str, who: &str| Err(format!("Address already in use: {addr} is {who}"));
    let in_use = format!("that of the container {}", all[3].path());
    assert_eq!(connect(7, "--ip 10.1.0.133 other"), holder("10.1.0.133", &in_use));
    assert_eq!(connect(7, "--ip 10.1.0.129 other"), holder("10.1.0.129", "the gateway of the network net"));
    assert_eq!(connect(7, "--ip 10.1.0.130 other"), holder("10.1.0.130", "reserved for nas in the network net"));
    shell.run(&format!("disconnect net {}", all[3].path()));
    assert_eq!(connect(7, "--ip 10.1.0.133 other"), told("10.1.0.133/25"));
    Ok(())
}

#[kernel_test]
pub fn the_default_route_goes_by_the_rule() -> Result<(), Skip> {
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    for (name, number, more) in [("b", 1, ""), ("a", 2, ""), ("c", 3, ""), ("inside", 4, "--internal")] {
        shell
            .run(&format!("create -o parent=eth0 --subnet 10.{number}.0.0/24 --gateway 10.{number}.0.1 {more} {name}"));
    }
    let path = c1.path();
    let mut after = |line: &str| {
        shell.run(&format!("{line} {path}"));
        c1.gateways()[0].clone().unwrap_or_default()
    };
    assert_eq!(after("connect --gw-priority 9 inside"), "");
    assert_eq!(after("connect b"), "10.1.0.1");
    assert_eq!(after("connect a"), "10.2.0.1", "the first name");
    assert_eq!(after("connect --gw-priority 1 c"), "10.3.0.1", "the highest priority");
    assert_eq!(after("disconnect c"), "10.2.0.1");
    assert_eq!(after("connect --gw-priority -1 c"), "10.2.0.1");
    assert_eq!(after("disconnect a"), "10.1.0.1");
    assert_eq!(after("disconnect b"), "10.3.0.1");
    assert_eq!(after("disconnect c"), "");
    Ok(())
}

#[kernel_test]
pub fn each_container_has_a_vlan_of_its_own() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, shell) = (socket(), Shell::new());
    let (mut c1, c2) = (Container::new(), Container::new());
    let eth0 = veth(&mut host, "eth0", "cable");
    shell.run("create -d vlan -o parent=eth0 --subnet 10.1.0.0/24 --gateway 10.1.0.1 net");
    shell.run(&format!("connect --vlan 7 net {}", c1.path()));
    let link = c1.link("eth0");
    assert!(link.is_up() && link.parent == Some(eth0));
    assert!(matches!(link.kind, KindInfo::Vlan(vlan) if vlan.id == Some(VlanId::new(7).unwrap())));
    assert_eq!(c1.gateways()[0].as_deref(), Some("10.1.0.1"));
    let why = shell.refused(&format!("connect --vlan 7 net {}", c2.path()));
    assert!(why.contains("VLAN device already exists"), "{why}");
    shell.run(&format!("connect --vlan 8 net {}", c2.path()));
    assert!(shell.refused("rm net").starts_with("network net has active endpoints"));
    shell.run(&format!("disconnect net {}", c1.path()));
    assert_eq!(c1.links(), Vec::<String>::new());
    Ok(())
}

#[kernel_test]
pub fn a_container_is_a_name_a_path_or_a_process() -> Result<(), Skip> {
    own_run()?;
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 net");
    let added = Command::new("ip").args(["netns", "add", "c1"]).status().expect("ip");
    assert!(added.success());
    let c1 = Netns::named("c1").expect("its namespace");
    // It lives until its input ends.
    let process = c1.run(|| Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn());
    let mut process = process.expect("its thread").expect("a process");
    let links = || Socket::open_in(&c1).unwrap().snapshot(&ListLinks::new()).unwrap().len();
    let one = ["c1".into(), "/run/netns/c1".into(), process.id().to_string(), format!("/proc/{}/ns/net", process.id())];
    for by in &one {
        shell.run(&format!("connect net {by}"));
        assert_eq!(links(), 2);
        for again in &one {
            let why = format!("endpoint with name {again} already exists in network net");
            assert_eq!(shell.refused(&format!("connect net {again}")), why, "by {by}");
        }
        let name = if by.contains("run") || by == "c1" { "c1" } else { &one[2] };
        assert_eq!(shell.run("inspect -f '{{range .Containers}}{{.Name}}{{end}}' net"), format!("{name}\n"));
        shell.run(&format!("disconnect net {}", one[0]));
        assert_eq!(links(), 1);
    }
    drop(process.stdin.take());
    process.wait().expect("its end");
    let why = shell.refused(&format!("connect net {}", process.id()));
    assert!(why.starts_with("No such container: ") && why.contains("open namespace /proc/"), "{why}");
    shell.run("connect net c1");
    assert_eq!(shell.inspect("net")["Containers"]["c1"]["IPv4Address"], "10.1.0.2/24");
    Ok(())
}
