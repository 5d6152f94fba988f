//! Docker's commands, as its documentation of the macvlan driver and its users write them.

use crate::common::{Skip, needs, socket, veth};
use crate::shell::{Container, Shell, links_of_kind, net};
use sublink::link::KindInfo;
use sublink::{IpNetwork, NewAddress, NewRoute, VlanId};
use sublink_tests::kernel_test;

/// With `eth0` as the parent, where the kernel has no VLANs.
const ON_A_LINK: [&str; 3] = [
    "docker network create -d macvlan \\
        --subnet=172.16.86.0/24 \\
        --gateway=172.16.86.1 \\
        -o parent=eth0 \\
        pub_net",
    "docker network create -d macvlan \\
        --subnet=192.168.32.0/24 \\
        --ip-range=192.168.32.128/25 \\
        --gateway=192.168.32.254 \\
        --aux-address=\"my-router=192.168.32.129\" \\
        -o parent=eth0 macnet32",
    "network create -d macvlan --subnet 192.168.0.0/24 --gateway 192.168.0.1 -o parent=eth0 -o macvlan_mode=vepa mv0",
];

const ON_VLANS: [(&str, u16); 4] = [
    (
        "docker network create -d macvlan \\
            --subnet=192.168.50.0/24 \\
            --gateway=192.168.50.1 \\
            -o parent=eth0.50 macvlan50",
        50,
    ),
    (
        "create  -d macvlan  --subnet=192.168.60.0/24  --gateway=192.168.60.1  -o parent=eth0.60 -o macvlan_mode=bridge \
         macvlan60",
        60,
    ),
    ("create -d macvlan --subnet=172.16.87.0/24 --gateway=172.16.87.1 -o parent=eth0.10 my-8021q-macvlan-net", 10),
    (
        "docker network create -d macvlan \\
            --subnet=192.168.216.0/24 --subnet=192.168.218.0/24 \\
            --gateway=192.168.216.1 --gateway=192.168.218.1 \\
            --subnet=2001:db8:abc8::/64 --gateway=2001:db8:abc8::10 \\
            -o parent=eth0.218 \\
            -o macvlan_mode=bridge macvlan216",
        218,
    ),
];

#[kernel_test]
pub fn every_command_runs_as_written() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, shell) = (socket(), Shell::new());
    let eth0 = veth(&mut host, "eth0", "cable");
    for line in ON_A_LINK {
        shell.run(line);
    }
    for (line, id) in ON_VLANS {
        shell.run(line);
        let link = host.link(format!("eth0.{id}")).expect("the parent").to_owned();
        assert!(link.is_up() && link.parent == Some(eth0), "{link:?}");
        assert!(matches!(link.kind, KindInfo::Vlan(vlan) if vlan.id == Some(VlanId::new(id).unwrap())));
    }
    shell.run("docker network ls");
    shell.run("docker network inspect macvlan216");
    shell.run("docker network rm pub_net macnet32 mv0 macvlan50 macvlan60 my-8021q-macvlan-net macvlan216");
    assert_eq!(links_of_kind(&mut host, "vlan"), 0);
    assert!(host.index_of("eth0").is_ok());
    assert_eq!(shell.run("ls -q"), "");
    Ok(())
}

#[kernel_test]
pub fn a_parent_that_is_there_is_enough() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    let eth0 = veth(&mut host, "eth0", "cable");
    let ids = ON_A_LINK.map(|line| shell.run(line));
    let ls = shell.run("docker network ls");
    let mut rows = ls.lines();
    assert_eq!(rows.next(), Some("NETWORK ID     NAME       DRIVER    SCOPE   PARENT   SUBNETS"));
    let [pub_net, macnet32, mv0] = ids;
    for (row, (id, name)) in rows.zip([(macnet32, "macnet32"), (mv0, "mv0"), (pub_net, "pub_net")]) {
        assert!(row.starts_with(&format!("{}   {name:8}   macvlan   local   eth0     1", &id[..12])), "{row}");
    }
    let config = &shell.inspect("macnet32")["IPAM"]["Config"][0];
    let expected = serde_json::json!({
        "Subnet": "192.168.32.0/24",
        "Gateway": "192.168.32.254",
        "IPRange": "192.168.32.128/25",
        "AuxiliaryAddresses": { "my-router": "192.168.32.129" },
    });
    assert_eq!(*config, expected);
    assert_eq!(shell.inspect("mv0")["Options"]["macvlan_mode"], "vepa");
    assert_eq!(shell.run("docker network rm pub_net mv0"), "pub_net\nmv0\n");
    assert_eq!(host.index_of("eth0").expect("it was there before"), eth0);
    Ok(())
}

#[kernel_test]
pub fn flags_are_written_in_many_ways() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    let same = [
        "create -d vlan -o parent=eth0 --subnet 10.1.0.0/16 --subnet fd51::/64 --internal net",
        "create --driver vlan --opt parent=eth0 --subnet=10.1.0.0/16 --subnet=fd51::/64 --internal=true net",
        "create --driver=vlan --opt=parent=eth0 --subnet=10.1.0.0/16,fd51::/64 --internal=1 net --attachable=F",
        "create net -dvlan -oparent=eth0 --internal --subnet 10.1.0.0/16,fd51::/64",
        "docker network create -d=vlan -o=parent=eth0 --internal --subnet 10.1.1.1/16 --subnet fd51::9/64 net --ipv6",
    ];
    let inspected = same.map(|line| {
        shell.run(line);
        let inspected = shell.inspect("net");
        shell.run("rm net");
        inspected
    });
    assert_eq!(inspected[0]["Internal"], true);
    assert_eq!(inspected[0]["Driver"], "vlan");
    for (line, other) in same.iter().zip(&inspected) {
        assert_eq!(*other, inspected[0], "{line}");
    }
    Ok(())
}

#[kernel_test]
pub fn host_bits_are_dropped() -> Result<(), Skip> {
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -d macvlan --subnet 192.168.1.1/16 -o parent=eth0 net");
    assert_eq!(shell.inspect("net")["IPAM"]["Config"], serde_json::json!([{ "Subnet": "192.168.0.0/16" }]));
    shell.run(&format!("connect net {}", c1.path()));
    assert_eq!(c1.addrs("eth0"), ["192.168.0.2/16"]);
    assert_eq!(c1.gateways(), [None, None], "none was given");
    Ok(())
}

#[kernel_test]
pub fn a_network_without_subnets_gets_a_free_one() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    let eth0 = veth(&mut host, "eth0", "cable");
    host.apply(&NewAddress::new(eth0, net("172.17.3.1/24"))).expect("an address");
    host.apply(&NewRoute::default_via("172.17.3.9".parse().unwrap())).expect("a default route, which takes nothing");
    host.apply(&NewRoute::new(net("172.18.64.0/18")).index(eth0)).expect("a route");
    shell.run("create -o parent=eth0 --subnet 172.19.255.0/24 other");
    let subnet = |name: &str| shell.inspect(name)["IPAM"]["Config"].clone();
    for (name, free) in [("first", "172.20.0.0/16"), ("second", "172.21.0.0/16")] {
        shell.run(&format!("create -o parent=eth0 {name}"));
        assert_eq!(subnet(name), serde_json::json!([{ "Subnet": free }]));
    }
    shell.run("create -o parent=eth0 --ipv6 third");
    let third = subnet("third");
    assert_eq!(third[0]["Subnet"], "172.22.0.0/16");
    let unique: IpNetwork = third[1]["Subnet"].as_str().expect("two").parse().expect("a subnet");
    assert!(net("fd00::/8").contains(unique.ip()) && unique.prefix() == 64 && unique.ip() == unique.network());
    // Until there is none: ten of these and sixteen behind them are left.
    for number in 0..26 - 1 {
        shell.run(&format!("create -o parent=eth0 n{number}"));
    }
    assert_eq!(subnet("n24")[0]["Subnet"], "192.168.240.0/20");
    assert_eq!(shell.refused("create -o parent=eth0 last"), "no private subnet is free: say one with --subnet");
    Ok(())
}

#[kernel_test]
pub fn a_network_without_a_parent_gets_a_dummy() -> Result<(), Skip> {
    needs("dummy")?;
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    let id = shell.run("create -d macvlan net");
    let dummy = host.link(format!("dm-{}", &id[..12])).expect("a dummy").to_owned();
    assert!(dummy.is_up() && dummy.kind.name() == "dummy");
    let inspected = shell.inspect("net");
    assert_eq!(inspected["Internal"], true);
    assert_eq!(inspected["Options"]["parent"], dummy.name.to_string());
    assert_eq!(inspected["IPAM"]["Config"][0]["Subnet"], "172.17.0.0/16");
    shell.run("create --subnet 10.1.0.0/16 --gateway 10.1.0.1 with_gateway");
    for network in ["net", "with_gateway"] {
        shell.run(&format!("connect {network} {}", c1.path()));
    }
    assert_eq!(c1.gateways(), [None, None], "an internal network leads nowhere");
    for network in ["net", "with_gateway"] {
        shell.run(&format!("disconnect {network} {}", c1.path()));
    }
    shell.run("rm net with_gateway");
    assert_eq!(links_of_kind(&mut host, "dummy"), 0);
    Ok(())
}

#[kernel_test]
pub fn networks_are_made_from_a_config() -> Result<(), Skip> {
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run(
        "create --config-only --label site=here --subnet 10.1.0.0/16 --ip-range 10.1.9.0/24 -o parent=eth0 -o macvlan_mode=private c",
    );
    // What Docker's default is says nothing.
    shell.run("create -d macvlan --scope swarm --ipv4 --ipv6=false --config-from c --attachable net");
    let inspected = shell.inspect("net");
    assert_eq!(inspected["ConfigFrom"]["Network"], "c");
    assert_eq!(inspected["Attachable"], true);
    assert_eq!(inspected["Options"], shell.inspect("c")["Options"]);
    shell.run(&format!("connect net {}", c1.path()));
    assert_eq!(c1.addrs("eth0"), ["10.1.9.0/16"]);
    assert_eq!(shell.inspect("net")["Labels"]["site"], "here");
    let refused = [
        ("connect c C1", "the network c is config-only: make one from it, and use that"),
        ("rm c", "configuration network c is in use: net is made from it"),
        (
            "create --config-from c --subnet 10.2.0.0/16 x",
            "--subnet: parent, options and subnets come from the config c, and from there only",
        ),
        (
            "create --config-from c -o parent=eth1 x",
            "parent, options and subnets come from the config c, and from there only",
        ),
        (
            "create --config-from c -d vlan x",
            "--driver: parent, options and subnets come from the config c, and from there only",
        ),
        (
            "create --config-from c --ipv6 x",
            "--ipv6: parent, options and subnets come from the config c, and from there only",
        ),
        (
            "create --config-from c --ipv4=false x",
            "--ipv4: parent, options and subnets come from the config c, and from there only",
        ),
        (
            "create --config-from c --label a=b x",
            "--label: parent, options and subnets come from the config c, and from there only",
        ),
        (
            "create --config-from c --ipam-opt a=b x",
            "--ipam-opt: parent, options and subnets come from the config c, and from there only",
        ),
        (
            "create --config-from c --ip-range 10.1.1.0/24 x",
            "--ip-range: parent, options and subnets come from the config c, and from there only",
        ),
        (
            "create --config-only --scope swarm x",
            "a config-only network has no scope: those that are made from it have",
        ),
        ("create --config-from net x", "there is no config-only network net that another could be made from"),
        ("create --config-from none x", "there is no config-only network none that another could be made from"),
        (
            "create --config-from c --config-only x",
            "a config-only network is not made from another: configurations do not chain",
        ),
        (
            "create --config-only --internal x",
            "a config-only network is neither internal nor attachable: those that are made from it are",
        ),
    ];
    for (line, why) in refused {
        assert_eq!(shell.refused(&line.replace("C1", &c1.path())), why, "{line}");
    }
    shell.run(&format!("disconnect net {}", c1.path()));
    assert_eq!(shell.run("rm net c"), "net\nc\n");
    Ok(())
}
