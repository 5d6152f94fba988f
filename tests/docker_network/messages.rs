//! What is refused, in words that its user can act on.

use crate::common::{Skip, mac, needs, socket, veth};
use crate::shell::{Container, Failure, Shell, net};
use std::fs;
use sublink::{LinkChange, NewAddress};
use sublink_tests::kernel_test;

/// A shell with networks, and a container that is in none.
fn networks() -> (Shell, Container) {
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 --gateway 10.1.0.1 --aux-address nas=10.1.0.9 net");
    shell.run("create -o parent=eth0 --subnet 10.2.0.0/30 small");
    shell.run("create -d vlan -o parent=eth0 vlans");
    (shell, Container::new())
}

/// Each line is refused with these words, and changes nothing.
fn check(rows: &[(&str, &str)]) {
    let (shell, c1) = networks();
    let remembered = shell.remembered();
    for (line, why) in rows {
        let here = |text: &str| text.replace("C1", &c1.path());
        let said = shell.refused(&here(line));
        let said = said.split("\n\n").next().expect("a first line"); // without where to read of it
        assert_eq!(said, here(why), "{line}");
    }
    assert_eq!(shell.remembered(), remembered, "nothing has changed");
}

#[kernel_test]
pub fn what_cannot_be_created_is_said() -> Result<(), Skip> {
    check(&[
        (
            "create -o macvlan_mode=veth x",
            "\"veth\" is not a macvlan_mode: the modes are bridge (the default), private, vepa and passthru",
        ),
        (
            "create -o macvlan_mode=l2 x",
            "\"l2\" is not a macvlan_mode: the modes are bridge (the default), private, vepa and passthru",
        ),
        (
            "create -o mode=bridge x",
            "there is no option \"mode\": there are parent, parent_vlan, parent_protocol, parent_up, \
             com.docker.network.driver.mtu and, with macvlan, macvlan_mode and host_access",
        ),
        ("create -o com.docker.network.driver.mtu=9 x", "\"9\" is not an MTU, which is a number from 68 to 65535"),
        ("create a\u{202e}b", "\"a\\u{202e}b\" has a control character or an invisible one"),
        ("create --label k=\u{200b}v x", "\"k=\\u{200b}v\" has a control character or an invisible one"),
        ("connect net c\u{feff}1", "\"c\\u{feff}1\" has a control character or an invisible one"),
        ("foo\u{202e}bar", "\"foo\\u{202e}bar\" has a control character or an invisible one"),
        ("create -d bridge x", "there is no driver \"bridge\" here: there are macvlan and vlan"),
        ("create -o parent=lo x", "lo cannot be the parent of a macvlan or VLAN network"),
        (
            "create -o parent=eth9 x",
            "there is no interface eth9, and it cannot be made: a VLAN that is made is named BASE.ID, as in eth0.50",
        ),
        ("create -o parent=eth9.50 x", "the interface eth9, on which eth9.50 would be made, does not exist"),
        ("create -o parent=eth0.4095 x", "\"4095\" in eth0.4095 is not a VLAN id, which is a number from 1 to 4094"),
        ("create -o parent=eth0 net", "network with name net already exists"),
        (
            "create -o parent=eth0 -o macvlan_mode=passthru x",
            "eth0 is the parent of the network net, and a passthru network shares its parent with none",
        ),
        ("create --subnet 10.3.0.0/16 --gateway 10.4.0.1 x", "no matching subnet for gateway 10.4.0.1"),
        ("create --subnet 10.3.0.0/16 --gateway fd50::1 x", "no matching subnet for gateway fd50::1"),
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
        ("create --subnet 10.3.0.0/24 --ip-range 10.3.0.0/16 x", "no matching subnet for range 10.3.0.0/16"),
        ("create --subnet 10.3.0.0/24 --aux-address nas x", "--aux-address nas: it is NAME=ADDRESS"),
        (
            "create --subnet 10.3.0.0/24 --aux-address nas=10.4.0.1 x",
            "no matching subnet for aux-address 10.4.0.1 of nas",
        ),
        ("create --internal=perhaps x", "invalid argument \"perhaps\" for \"--internal\" flag: it is true or false"),
        ("create", "docker_network: 'docker_network create' requires 1 argument"),
        ("create one two", "docker_network: 'docker_network create' requires 1 argument"),
        ("create x/y", "\"x/y\" is no network's name: that is of letters, digits, dots, - and _"),
        ("create .x", "\".x\" is no network's name: that is of letters, digits, dots, - and _"),
        (
            "create --subnet 10.3.0.0/24 --ip-range 10.3.0.0/25 --ip-range 10.3.0.128/25 x",
            "the subnet 10.3.0.0/24 has two ranges, 10.3.0.0/25 and 10.3.0.128/25",
        ),
        ("create --ipam-driver null x", "there is no IPAM driver \"null\" here: there is default"),
        ("create --ingress x", "--ingress is not supported here: it is a part of Docker's swarm"),
        ("create --scope here x", "\"here\" is no scope: it is local, swarm or global"),
        ("create --label =x x", "invalid label \"=x\": empty name"),
        ("create --ipv4=false x", "a network has IPv4 or IPv6 addresses: --ipv4=false is for one with --ipv6"),
        ("create --ipv4=false --subnet 10.3.0.0/24 x", "10.3.0.0/24 is an IPv4 subnet, and --ipv4=false wants none"),
        (
            "create --ipv6=false --subnet 10.3.0.0/24,fd53::/64 x",
            "fd53::/64 is an IPv6 subnet, and --ipv6=false wants none",
        ),
        ("create --gateway 10.3.0.1 x", "every --gateway lies in a subnet, and no --subnet is said"),
        ("create --ip-range 10.3.0.0/25 x", "every --ip-range lies in a subnet, and no --subnet is said"),
        ("create --aux-address a=10.3.0.1 x", "every --aux-address lies in a subnet, and no --subnet is said"),
        ("create --subnet 10.3.0.0/24 --gateway fe80::1 x", "no matching subnet for gateway fe80::1"),
        ("create --subnet 0.0.0.0/0 x", "0.0.0.0/0 cannot be a subnet of a network: it has addresses of 0.0.0.0/0"),
        (
            "create --subnet 127.1.0.0/16 x",
            "127.1.0.0/16 cannot be a subnet of a network: it has addresses of 127.0.0.0/8",
        ),
        ("create host", "no network can be named \"host\": host, none, bridge and default are Docker's own"),
        ("create --attached=x x", "unknown flag: --attached"),
        ("create --frob x", "unknown flag: --frob"),
        ("create -f x", "unknown shorthand flag: 'f' in -f"),
        ("create x --subnet", "flag needs an argument: --subnet"),
    ]);
    Ok(())
}

#[kernel_test]
pub fn what_cannot_be_connected_is_said() -> Result<(), Skip> {
    check(&[
        ("connect --namespace=x net C1", "unknown flag: --namespace"),
        ("connect --alias db net C1", "--alias is not supported here: there is no DNS server that would know it"),
        (
            "connect --driver-opt mtu=9 net C1",
            "there is no driver option \"mtu=9\" for a container here: there is com.docker.network.endpoint.ifname=NAME",
        ),
        (
            "connect --link-local-ip 10.1.0.7 net C1",
            "--link-local-ip 10.1.0.7: it is an address of 169.254.0.0/16 or fe80::/10",
        ),
        ("connect net", "docker_network: 'docker_network connect' requires 2 arguments"),
        ("connect none C1", "network none not found"),
        (
            "connect net nobody",
            "No such container: nobody (open namespace /run/netns/nobody: No such file or directory (os error 2))",
        ),
        ("connect net /etc/passwd", "/etc/passwd is not a network namespace but a file that is not on nsfs"),
        ("connect --ip 10.9.0.1 net C1", "--ip 10.9.0.1: no configured subnet of the network net contains it"),
        (
            "connect --ip 10.1.0.255 net C1",
            "10.1.0.255 names the subnet 10.1.0.0/24 or all its stations, and no container",
        ),
        ("connect --ip6 10.1.0.7 net C1", "--ip6 10.1.0.7: no configured subnet of the network net contains it"),
        ("connect --ip 10.1.0.1 net C1", "Address already in use: 10.1.0.1 is the gateway of the network net"),
        ("connect --ip 10.1.0.9 net C1", "Address already in use: 10.1.0.9 is reserved for nas in the network net"),
        ("connect --ip ten net C1", "invalid argument \"ten\" for \"--ip\" flag: invalid IP address syntax"),
        (
            "connect --gw-priority high net C1",
            "invalid argument \"high\" for \"--gw-priority\" flag: invalid digit found in string",
        ),
        (
            "connect --vlan 7 net C1",
            "a container joins the macvlan network net without a VLAN id: the id is the parent's, as in eth0.50",
        ),
        ("connect vlans C1", "a container joins the network vlans with a VLAN id of its own, and none was given"),
        ("disconnect net C1", "container C1 is not connected to network net"),
        ("disconnect none C1", "network none not found"),
        ("disconnect net nobody", "No such container: nobody"),
    ]);
    Ok(())
}

#[kernel_test]
pub fn what_others_have_is_said() -> Result<(), Skip> {
    let (mut host, shell, c1, c2) = (socket(), Shell::new(), Container::new(), Container::new());
    let eth0 = veth(&mut host, "eth0", "cable");
    host.apply(&NewAddress::new(eth0, net("10.1.0.2/24"))).expect("the host's");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 a");
    shell.run("create -o parent=eth0 --subnet 10.2.0.0/24 b");
    shell.run("create -o parent=cable --subnet 10.3.0.0/24 elsewhere");
    let why = shell.refused(&format!("connect --ip 10.1.0.2 a {}", c1.path()));
    assert_eq!(why, "Address already in use: 10.1.0.2 is the host's own, on eth0");
    let told = shell.run(&format!("connect --mac-address {} a {}", mac(7), c1.path()));
    assert!(told.contains("10.1.0.3/24"), "{told}");
    let why = shell.refused(&format!("connect --mac-address {} b {}", mac(7), c2.path()));
    assert_eq!(why, format!("the MAC address {} is that of the container {} in a", mac(7), c1.path()));
    shell.run(&format!("connect --mac-address {} elsewhere {}", mac(7), c2.path()));
    Ok(())
}

/// Before a container is connected, which could not be.
#[kernel_test]
pub fn a_parent_with_a_small_mtu_has_no_ipv6_network() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    let eth0 = veth(&mut host, "eth0", "cable");
    host.change(&LinkChange::new(eth0).mtu(1000)).expect("a small MTU");
    let why = shell.refused("create -o parent=eth0 --subnet fd51::/64 net");
    assert_eq!(why, "the subnet fd51::/64 needs an MTU of at least 1280, as IPv6 does, and the parent eth0 has 1000");
    assert_eq!(shell.run("ls -q"), "");
    Ok(())
}

#[kernel_test]
pub fn what_is_not_there_is_said() -> Result<(), Skip> {
    check(&[
        ("inspect", "docker_network: 'docker_network inspect' requires at least 1 argument"),
        ("inspect none", "network none not found"),
        ("rm", "docker_network: 'docker_network rm' requires at least 1 argument"),
        ("rm none", "network none not found"),
        ("ls all", "docker_network: 'docker_network ls' accepts no arguments"),
        ("frob", "docker_network: unknown command: docker_network frob"),
    ]);
    Ok(())
}

#[kernel_test]
pub fn a_full_network_says_which_address_is_kept() -> Result<(), Skip> {
    let (shell, c1) = networks();
    let (last, full) = (Container::new(), "no available IPv4 addresses in the network small");
    shell.run(&format!("connect small {}", last.path()));
    let router = format!("{full}: 10.2.0.1 is kept for a router, and --ip 10.2.0.1 gives it out");
    assert_eq!(shell.refused(&format!("connect small {}", c1.path())), router);
    shell.run(&format!("connect --ip 10.2.0.1 small {}", c1.path()));
    let late = Container::new();
    assert_eq!(shell.refused(&format!("connect small {}", late.path())), full);
    Ok(())
}

/// Scripts go by these.
#[kernel_test]
pub fn exit_codes_and_usage_are_dockers() -> Result<(), Skip> {
    let shell = Shell::new();
    let hint = |usage: &str, command: &str| {
        format!("\n\nUsage:  docker_network {usage}\n\nRun 'docker_network {command} --help' for more information")
    };
    let create = hint("create [OPTIONS] NETWORK", "create");
    let rows = [
        ("create --frob x", 125, format!("unknown flag: --frob{create}")),
        ("create x --subnet", 125, format!("flag needs an argument: --subnet{create}")),
        ("create -f x", 125, format!("unknown shorthand flag: 'f' in -f{create}")),
        (
            "rm -f=true x",
            125,
            "unexpected argument for option '-f': \"true\"".to_owned()
                + &hint("rm [OPTIONS] NETWORK [NETWORK...]", "rm"),
        ),
        ("create a b", 1, format!("docker_network: 'docker_network create' requires 1 argument{create}")),
        ("rm none", 1, "network none not found".into()),
        (
            "rm ",
            1,
            "docker_network: 'docker_network rm' requires at least 1 argument".to_owned()
                + &hint("rm [OPTIONS] NETWORK [NETWORK...]", "rm"),
        ),
        ("rm ''", 1, "invalid network name or ID: value is empty".into()),
        (
            "frob",
            1,
            "docker_network: unknown command: docker_network frob\n\nRun 'docker_network --help' for more information"
                .into(),
        ),
    ];
    for (line, code, why) in rows {
        assert_eq!(shell.type_in(line, ""), (String::new(), Err(Failure { code, why })), "{line}");
    }
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
    for line in ["", "--help", "-h", "docker network", "help frob"] {
        assert_eq!(shell.run(line), help, "{line}");
    }
    for command in ["connect", "create", "disconnect", "inspect", "ls", "prune", "restore", "rm"] {
        assert!(help.contains(&format!("\n  {command:10}  ")), "{command}");
        let own = shell.run(&format!("{command} --help"));
        assert!(own.starts_with(&format!("Usage:  docker_network {command}")), "{own}");
        assert_eq!(shell.run(&format!("docker network {command} -h x y z")), own);
        assert_eq!(shell.run(&format!("help {command}")), own);
        let long = help.lines().chain(own.lines()).find(|line| line.chars().count() > 104);
        assert_eq!(long, None);
    }
    assert_eq!(shell.run("remove --help"), shell.run("rm --help"));
    assert_eq!(shell.run("list --help"), shell.run("ls --help"));
    assert!(fs::metadata(&shell.dir).is_err(), "nothing was made");
    Ok(())
}
