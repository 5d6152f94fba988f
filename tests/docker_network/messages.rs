//! What is refused, in words that its user can act on.

use crate::common::{Skip, needs, socket, veth};
use crate::shell::{Container, Shell};
use std::fs;
use sublink_tests::kernel_test;

#[kernel_test]
pub fn what_cannot_be_is_said() -> Result<(), Skip> {
    let (mut host, shell, c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 --gateway 10.1.0.1 --aux-address nas=10.1.0.9 net");
    shell.run("create -o parent=eth0 --subnet 10.2.0.0/30 small");
    shell.run("create -d vlan -o parent=eth0 vlans");
    let modes = "the modes are bridge (the default), private, vepa and passthru";
    let mode = |word, meant| format!("\"{word}\" is not a macvlan_mode{meant}: {modes}");
    let rows = [
        ("create -o macvlan_mode=veth x", &*mode("veth", "")),
        ("create -o macvlan_mode=l2 x", &mode("l2", "")),
        (
            "create -o mode=bridge x",
            "there is no option \"mode\": there are parent, com.docker.network.driver.mtu and, with macvlan, macvlan_mode",
        ),
        ("create -o com.docker.network.driver.mtu=9 x", "\"9\" is not an MTU, which is a number from 68 to 65535"),
        ("create -d bridge x", "there is no driver \"bridge\" here: there are macvlan and vlan"),
        ("create -o parent=lo x", "lo cannot be the parent of a macvlan or VLAN network"),
        (
            "create -o parent=eth9 x",
            "there is no interface eth9, and it cannot be made: a VLAN that is made is named BASE.ID, as in eth0.50",
        ),
        ("create -o parent=eth9.50 x", "the interface eth9, on which eth9.50 would be made, does not exist"),
        ("create -o parent=eth0.4095 x", "\"4095\" in eth0.4095 is not a VLAN id, which is a number from 1 to 4094"),
        ("create -o parent=eth0 net", "there is a network net already"),
        (
            "create -o parent=eth0 -o macvlan_mode=passthru x",
            "eth0 is the parent of the network net, and a passthru network shares its parent with none",
        ),
        ("create --subnet 10.3.0.0/16 --gateway 10.4.0.1 x", "the gateway 10.4.0.1 lies in none of the subnets"),
        ("create --subnet 10.3.0.0/16 --gateway fd50::1 x", "the gateway fd50::1 lies in none of the subnets"),
        (
            "create --subnet 10.3.0.0/16 --gateway 10.3.0.0 x",
            "the gateway 10.3.0.0 is not the address of a station in the subnet 10.3.0.0/16",
        ),
        (
            "create --subnet 10.3.0.0/16 --gateway 10.3.0.1 --gateway 10.3.0.2 x",
            "the subnet 10.3.0.0/16 has two gateways, 10.3.0.1 and 10.3.0.2",
        ),
        ("create --subnet 10.3.0.0/16 --gateway no x", "--gateway no: it is no IP address"),
        ("create --subnet 10.3.0.0 x", "\"10.3.0.0\" is no subnet: it is ADDRESS/LENGTH, as in 192.168.50.0/24"),
        ("create --subnet 10.3.0.0/16 --subnet 10.3.9.0/24 x", "the subnets 10.3.9.0/24 and 10.3.0.0/16 overlap"),
        ("create --subnet 10.3.0.0/24 --ip-range 10.3.0.0/16 x", "the range 10.3.0.0/16 lies in none of the subnets"),
        ("create --subnet 10.3.0.0/24 --aux-address nas x", "--aux-address nas: it is NAME=ADDRESS"),
        (
            "create --subnet 10.3.0.0/24 --aux-address nas=10.4.0.1 x",
            "the address 10.4.0.1 of nas lies in none of the subnets",
        ),
        ("create --internal=perhaps x", "--internal perhaps: provided string was not `true` or `false`"),
        ("create", "usage: create [FLAG …] NETWORK"),
        ("create one two", "usage: create [FLAG …] NETWORK"),
        ("create x/y", "\"x/y\" is no network's name: that is of letters, digits, dots, - and _"),
        ("create .x", "\".x\" is no network's name: that is of letters, digits, dots, - and _"),
        ("create --frob x", "there is no flag --frob"),
        ("create -f x", "there is no flag -f"),
        ("create x --subnet", "--subnet wants a value"),
        ("connect net", "usage: connect [FLAG …] NETWORK CONTAINER"),
        ("connect none C1", "there is no network none"),
        ("connect net nobody", "open namespace /run/netns/nobody: No such file or directory (os error 2)"),
        ("connect net /etc/passwd", "/etc/passwd is not a network namespace but a file that is not on nsfs"),
        ("connect --ip 10.9.0.1 net C1", "10.9.0.1 is no container's address in the network net"),
        ("connect --ip 10.1.0.255 net C1", "10.1.0.255 is no container's address in the network net"),
        ("connect --ip6 10.1.0.7 net C1", "10.1.0.7 is no container's address in the network net"),
        ("connect --ip 10.1.0.1 net C1", "the address 10.1.0.1 is in use"),
        ("connect --ip 10.1.0.9 net C1", "the address 10.1.0.9 is in use"),
        ("connect --ip ten net C1", "--ip ten: invalid IP address syntax"),
        ("connect --gw-priority high net C1", "--gw-priority high: invalid digit found in string"),
        (
            "connect --vlan 7 net C1",
            "a container joins the macvlan network net without a VLAN id: the id is the parent's, as in eth0.50",
        ),
        ("connect vlans C1", "a container joins the network vlans with a VLAN id of its own, and none was given"),
        ("disconnect net C1", "C1 is not in the network net"),
        ("disconnect none C1", "there is no network none"),
        ("inspect", "usage: inspect NETWORK…"),
        ("inspect none", "there is no network none"),
        ("rm", "usage: rm NETWORK…"),
        ("rm none", "there is no network none"),
        ("ls all", "usage: ls"),
        ("prune", "there is no command prune: `help` tells which there are"),
    ];
    let remembered = shell.remembered();
    for (line, why) in rows {
        let here = |text: &str| text.replace("C1", &c1.path());
        assert_eq!(shell.refused(&here(line)), here(why), "{line}");
    }
    assert_eq!(shell.remembered(), remembered, "nothing has changed");
    let more = [(); 2].map(|()| Container::new());
    for container in &more {
        shell.run(&format!("connect small {}", container.path()));
    }
    assert_eq!(shell.refused(&format!("connect small {}", c1.path())), "the network small has no free address left");
    Ok(())
}

/// What the kernel refuses is explained.
#[kernel_test]
pub fn what_cannot_be_made_is_said() -> Result<(), Skip> {
    let (mut host, shell, c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 -o com.docker.network.driver.mtu=9000 net");
    let why = shell.refused(&format!("connect net {}", c1.path()));
    let expected = "create macvlan eth0 on eth0: EINVAL (Invalid argument): the MTU 9000 is above the 1500 of the parent \
        eth0; no link is left behind";
    assert_eq!(why, expected);
    if needs("dummy").is_err() {
        let why = shell.refused("create lonely");
        let expected = ": EOPNOTSUPP: Unknown device type (this kernel lacks the driver: module dummy)";
        assert!(why.starts_with("create dummy dm-") && why.ends_with(expected), "{why}");
    }
    Ok(())
}

#[kernel_test]
pub fn help_is_had_without_a_kernel() -> Result<(), Skip> {
    let shell = Shell::new();
    let help = shell.run("help");
    for line in ["", "--help", "-h", "create --help", "docker network connect --help"] {
        assert_eq!(shell.run(line), help, "{line}");
    }
    assert!(fs::metadata(&shell.dir).is_err(), "nothing was made");
    let long = help.lines().find(|line| line.chars().count() > 104);
    assert_eq!(long, None);
    Ok(())
}
