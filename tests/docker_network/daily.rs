//! What people type every day, and what they have their scripts read.

use crate::common::{Skip, mac, name, socket, veth};
use crate::shell::{Container, Failure, Shell};
use serde_json::json;
use std::net::UdpSocket;
use std::time::Duration;
use sublink::addr::ListAddresses;
use sublink::{IpNetwork, NewLink};
use sublink_tests::kernel_test;

#[kernel_test]
pub fn a_network_is_its_name_its_id_or_how_the_id_begins() -> Result<(), Skip> {
    let (mut host, shell, c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    let id = shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 --config-only net").trim_end().to_owned();
    let all = [&*id, &id[..12], &id[..4], "net"];
    for word in all {
        assert_eq!(shell.inspect(word)["Name"], "net", "{word}");
        shell.run(&format!("create --config-from {word} from"));
        assert_eq!(shell.inspect("from")["ConfigFrom"]["Network"], "net");
        assert_eq!(shell.refused(&format!("rm {word}")), "configuration network net is in use: from is made from it");
        shell.run("rm from");
        assert_eq!(shell.run(&format!("rm {word}")), format!("{word}\n"), "as it was typed");
        shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 net");
        shell.run(&format!("connect {word} {}", c1.path()));
        let why = shell.refused(&format!("connect {word} {}", c1.path()));
        assert_eq!(why, format!("endpoint with name {} already exists in network net", c1.path()));
        shell.run(&format!("disconnect {word} {}", c1.path()));
        shell.run(&format!("rm {word}"));
        shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 --config-only net");
    }
    // An id goes before a name.
    shell.run(&format!("create -o parent=eth0 --subnet 10.4.0.0/24 {id}"));
    assert_eq!(shell.inspect(&id)["Name"], "net");
    // A name goes before the beginning of an id; what begins several ids is none; and nothing begins them all.
    shell.run(&format!("create -o parent=eth0 --subnet 10.2.0.0/24 {}", &id[..4]));
    assert_eq!(shell.inspect(&id[..4])["Name"], id[..4]);
    let ids: Vec<_> =
        (0..17).map(|n| shell.run(&format!("create -o parent=eth0 --subnet 10.3.{n}.0/24 n{n}"))).collect();
    let shared = ids.iter().find(|id| ids.iter().filter(|other| other[..1] == id[..1]).count() > 1);
    let shared = &shared.expect("17 ids of 16 digits")[..1];
    let count = shell.run("ls -q").lines().filter(|id| id.starts_with(shared)).count();
    let why = format!("network {shared} is ambiguous ({count} matches found based on ID prefix)");
    assert_eq!(shell.refused(&format!("rm {shared}")), why);
    assert_eq!(shell.refused("inspect ''"), "invalid network name or ID: value is empty");
    Ok(())
}

#[kernel_test]
pub fn several_are_removed_and_what_cannot_be_is_said() -> Result<(), Skip> {
    let (mut host, shell, c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    for (number, name) in (0..).zip(["a", "b", "c", "d"]) {
        shell.run(&format!("create -o parent=eth0 --subnet 10.{number}.0.0/24 {name}"));
    }
    shell.run(&format!("connect b {}", c1.path()));
    let why = format!("network none not found\nnetwork b has active endpoints: first disconnect {}", c1.path());
    let (out, done) = shell.type_in("rm a none b c", "");
    assert_eq!((&*out, done), ("a\nc\n", Err(Failure { code: 1, why })), "the others are removed");
    assert_eq!(shell.run("rm -f none d"), "d\n", "absent is as good");
    assert_eq!(shell.run("remove --force none"), "");
    assert!(shell.refused("rm -f b").contains("has active endpoints"), "force removes no network in use");
    let (out, done) = shell.type_in("inspect b none", "");
    assert!(out.contains("\"Name\": \"b\"") && done == Err(Failure { code: 1, why: "network none not found".into() }));
    let (out, _) = shell.type_in("inspect none", "");
    assert_eq!(out, "[]\n", "as Docker prints it");
    Ok(())
}

#[kernel_test]
pub fn networks_are_listed_as_scripts_want_them() -> Result<(), Skip> {
    let (mut host, shell, c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    let b = shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 --label tier=web --label old back");
    let f = shell.run("create -d vlan -o parent=eth0 --subnet 10.2.0.0/24,fd52::/64 --label tier=db --internal front");
    let (b, f) = (b.trim_end(), f.trim_end());
    shell.run(&format!("connect back {}", c1.path()));
    let (b12, f12) = (&b[..12], &f[..12]);
    let rows = [
        ("ls -q", format!("{b12}\n{f12}\n")),
        ("list -q", format!("{b12}\n{f12}\n")),
        ("ls -q --no-trunc", format!("{b}\n{f}\n")),
        ("ls -qf name=ron", format!("{f12}\n")),
        ("ls -q --filter name=^back$", format!("{b12}\n")),
        ("ls -q --filter name=^ack$", String::new()),
        ("ls -q --filter name=^fr", format!("{f12}\n")),
        ("ls -q --filter name=ck$", format!("{b12}\n")),
        ("ls -q --filter name=back --filter name=front", format!("{b12}\n{f12}\n")),
        ("ls -q --filter driver=vlan", format!("{f12}\n")),
        ("ls -q --filter driver=vla", String::new()),
        ("ls -q --filter label=tier", format!("{b12}\n{f12}\n")),
        ("ls -q --filter label=tier=db", format!("{f12}\n")),
        ("ls -q --filter label=tier --filter label=old", format!("{b12}\n")),
        ("ls -q --filter type=custom", format!("{b12}\n{f12}\n")),
        ("ls -q --filter type=builtin", String::new()),
        ("ls -q --filter scope=local", format!("{b12}\n{f12}\n")),
        ("ls -q --filter dangling=true", format!("{f12}\n")),
        ("ls -q --filter dangling=false", format!("{b12}\n")),
        ("ls --format '{{.Name}}'", "back\nfront\n".into()),
        ("ls --format '{{.ID}}: {{ .Driver }}'", format!("{b12}: macvlan\n{f12}: vlan\n")),
        (
            "ls -f name=front --format '{{.IPv4}} {{.IPv6}} {{.Internal}} {{.Labels}}'",
            "true true true tier=db\n".into(),
        ),
        ("ls --format 'table {{.Name}}\\t{{.Driver}}'", "NAME    DRIVER\nback    macvlan\nfront   vlan\n".into()),
        ("ls -f name=none --format 'table {{.Name}}'", "NAME\n".into()),
        ("inspect -f '{{.Name}}' front back", "front\nback\n".into()),
        ("inspect -f '{{.Id}}' back", format!("{b}\n")),
        (
            "inspect --format '{{.Options.parent}} {{.Options.none}} {{.Internal}}' front",
            "eth0 <no value> true\n".into(),
        ),
        ("inspect -f '{{range .IPAM.Config}}{{.Subnet}} {{end}}' front", "10.2.0.0/24 fd52::/64 \n".into()),
        ("inspect -f '{{json .Labels}}' back", "{\"old\":\"\",\"tier\":\"web\"}\n".into()),
        ("inspect -f '{{range .Containers}}{{.IPv4Address}}{{end}}' back", "10.1.0.2/24\n".into()),
    ];
    for (line, out) in rows {
        assert_eq!(shell.run(line), out, "{line}");
    }
    for line in ["ls -f name=back --format '{{json .}}'", "ls -f name=back --format json"] {
        let row: serde_json::Value = serde_json::from_str(&shell.run(line)).expect("JSON");
        assert_eq!((&row["ID"], &row["Name"], &row["Scope"]), (&json!(b12), &json!("back"), &json!("local")));
    }
    let whole: serde_json::Value = serde_json::from_str(&shell.run("inspect -f json back")).expect("JSON");
    assert_eq!(whole, shell.inspect("back"));
    Ok(())
}

#[kernel_test]
pub fn templates_and_filters_that_are_not_understood_are_refused() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 net");
    let known = "here there are {{.Field}}, {{json .Field}} and {{range .Field}}…{{end}}";
    let rows = [
        ("ls --format '{{.Name'", "template parsing error: unclosed action".into()),
        ("ls --format '{{upper .Name}}'", format!("template parsing error: {{{{upper .Name}}}}: {known}")),
        ("ls --format '{{Name}}'", format!("template parsing error: {{{{Name}}}}: {known}")),
        ("ls --format '{{end}}'", format!("template parsing error: {{{{end}}}}: {known}")),
        ("ls --format '{{range .Name}}x'", "template parsing error: a {{range}} without {{end}}".into()),
        ("ls --format '{{range .Name}}x{{end}}'", "{{range .Name}}: it is no list".into()),
        (
            "inspect -f '{{(index .IPAM.Config 0).Subnet}}' net",
            format!("template parsing error: {{{{(index .IPAM.Config 0).Subnet}}}}: {known}"),
        ),
        (
            "inspect -f '{{.IPAM}}' net",
            "template: .IPAM is not one value: print it with {{json .IPAM}}".into(),
        ),
        (
            "inspect -f '{{.IPAM.Configs}}' net",
            "template: there is no Configs in .IPAM.Configs: there are Config, Driver, Options".into(),
        ),
        (
            "ls --filter frob=1",
            "invalid filter \"frob=1\": it is KEY=VALUE, and a KEY is one of name, id, driver, label, scope, type, dangling".into(),
        ),
        ("prune -f --filter until=24h", "invalid filter \"until=24h\": it is KEY=VALUE, and a KEY is one of label, label!".into()),
        ("ls --filter type=mine", "invalid filter 'type=mine': it is custom or builtin".into()),
        ("ls --filter dangling=perhaps", "invalid filter 'dangling=perhaps': it is true or false".into()),
        (
            "ls --filter name=n.*",
            "invalid filter 'name=n.*': of regular expressions, only ^ and $ are understood here".into(),
        ),
    ];
    for (line, why) in rows {
        assert_eq!(shell.refused(line), why, "{line}");
    }
    Ok(())
}

#[kernel_test]
pub fn unused_networks_are_pruned() -> Result<(), Skip> {
    let (mut host, shell, c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    let make = || {
        for (number, name) in (0..).zip(["used --label a=1", "kept --label a=1", "gone --label a=2"]) {
            shell.run(&format!("create -o parent=eth0 --subnet 10.{number}.0.0/24 {name}"));
        }
        shell.run("create --config-only -o parent=eth0 --subnet 10.9.0.0/24 config");
        shell.run(&format!("connect used {}", c1.path()));
    };
    let names = || shell.run("ls --format '{{.Name}}'");
    make();
    for answer in ["n\n", "", "yes?\n"] {
        let (out, done) = shell.type_in("prune", answer);
        assert!(done.is_ok() && out.ends_with("Are you sure you want to continue? [y/N] "), "{out}");
    }
    assert_eq!(shell.run("prune -f --filter label=a=2"), "Deleted Networks:\ngone\n\n");
    assert_eq!(shell.run("prune -f --filter label!=a"), "");
    assert_eq!(names(), "config\nkept\nused\n");
    let (out, done) = shell.type_in("prune", "y\n");
    assert!(done.is_ok() && out.ends_with("[y/N] Deleted Networks:\nkept\n\n"), "{out}");
    assert_eq!(shell.run("prune --force"), "", "what is in use, or a configuration, stays");
    assert_eq!(names(), "config\nused\n");
    Ok(())
}

#[kernel_test]
pub fn the_flags_of_connect() -> Result<(), Skip> {
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run(
        "create -o parent=eth0 --ipv4 --ipam-driver default --ipam-opt k=v --subnet 10.1.0.0/24 --subnet fd51::/64 net",
    );
    assert_eq!(shell.inspect("net")["IPAM"]["Options"], json!({ "k": "v" }));
    let link_local = "--link-local-ip 169.254.3.4,fe80::77";
    let told = shell.run(&format!(
        "connect --driver-opt com.docker.network.endpoint.ifname=lan7 {link_local} --mac-address {} --gw-priority -1 net {}",
        mac(7),
        c1.path()
    ));
    assert_eq!(told, format!("{}: lan7 10.1.0.2/24 fd51::2/64, MAC address {}\n", c1.path(), mac(7)));
    let index = c1.link("lan7").index;
    let addrs = c1.inside.snapshot(&ListAddresses::new().index(index)).expect("addresses");
    for addr in ["169.254.3.4/16", "fe80::77/64", "10.1.0.2/24"] {
        let addr: IpNetwork = addr.parse().unwrap();
        assert!(addrs.iter().any(|there| there.addr == Some(addr)), "{addr}");
    }
    // What is refused leaves nothing: an address that is there already, a name that is taken.
    shell.run(&format!("disconnect net {}", c1.path()));
    let why =
        shell.refused(&format!("connect --link-local-ip 169.254.3.4 --link-local-ip 169.254.3.4 net {}", c1.path()));
    assert!(why.starts_with("add address 169.254.3.4/16 to eth0: EEXIST"), "{why}");
    assert_eq!(c1.links(), Vec::<String>::new());
    let mut c2 = Container::new();
    c2.inside.create(&NewLink::veth(NewLink::peer().name(name("spare"))).name(name("lan7"))).expect("a lan7");
    let why = shell.refused(&format!("connect --driver-opt com.docker.network.endpoint.ifname=lan7 net {}", c2.path()));
    assert!(why.starts_with("create macvlan lan7 on eth0: EEXIST"), "{why}");
    assert_eq!(c2.links(), ["lan7", "spare"]);
    Ok(())
}

#[kernel_test]
pub fn a_link_local_gateway_is_that_of_the_ipv6_subnet() -> Result<(), Skip> {
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24,fd51::/64 --gateway fe80::1 net");
    shell.run(&format!("connect net {}", c1.path()));
    assert_eq!(c1.gateways(), [None, Some("fe80::1".into())]);
    assert_eq!(c1.addrs("eth0"), ["10.1.0.2/24", "fd51::1/64"], "the first address is kept where no gateway is said");
    Ok(())
}

/// `lo` is up in Docker's sandboxes.
#[kernel_test]
pub fn a_container_reaches_its_own_address() -> Result<(), Skip> {
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 net");
    shell.run("create -o parent=eth0 --subnet 10.2.0.0/24 -o com.docker.network.driver.mtu=9000 jumbo");
    shell.refused(&format!("connect jumbo {}", c1.path()));
    assert!(!c1.link("lo").is_up(), "who is refused is as before");
    shell.run(&format!("connect net {}", c1.path()));
    assert!(c1.link("lo").is_up());
    let heard = c1.namespace.run(|| {
        let receiver = UdpSocket::bind(("10.1.0.2", 7777)).expect("a port");
        receiver.set_read_timeout(Some(Duration::from_secs(120))).expect("a limit");
        let sender = UdpSocket::bind(("10.1.0.2", 0)).expect("a port");
        sender.send_to(b"hello", ("10.1.0.2", 7777)).expect("sent");
        receiver.recv(&mut [0; 8]).expect("heard")
    });
    assert_eq!(heard.expect("its thread"), 5);
    Ok(())
}

/// A subnet of which no gateway is said has one all the same, as a rule: the LAN's router, with the first address.
#[kernel_test]
pub fn the_first_address_is_kept_for_a_router() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    let rows: [(&str, &str, &[&str]); 12] = [
        ("10.0.0.0/24", "", &["10.0.0.2/24", "10.0.0.3/24"]),
        ("10.1.0.0/24", "--gateway 10.1.0.9", &["10.1.0.1/24"]),
        ("10.2.0.0/30", "", &["10.2.0.2/30"]),
        ("10.3.0.0/31", "", &["10.3.0.0/31", "10.3.0.1/31"]),
        ("10.4.0.1/32", "", &["10.4.0.1/32"]),
        ("fd50::/64", "--ipv4=false", &["fd50::2/64"]),
        ("fd51::/64", "--ipv4=false --gateway fd51::9", &["fd51::1/64"]),
        ("fd52::/127", "--ipv4=false", &["fd52::/127", "fd52::1/127"]),
        ("fd53::1/128", "--ipv4=false", &["fd53::1/128"]),
        ("10.5.0.0/24", "--ip-range 10.5.0.0/28", &["10.5.0.2/24"]),
        ("10.6.0.0/24", "--ip-range 10.6.0.128/28", &["10.6.0.128/24"]),
        ("10.7.0.0/24", "--internal", &["10.7.0.2/24"]),
    ];
    let mut containers = Vec::new();
    for (number, (subnet, more, addrs)) in rows.into_iter().enumerate() {
        shell.run(&format!("create -o parent=eth0 --subnet {subnet} {more} n{number}"));
        for addr in addrs {
            let mut container = Container::new();
            shell.run(&format!("connect n{number} {}", container.path()));
            assert_eq!(container.addrs("eth0"), [*addr], "{subnet} {more}");
            containers.push(container); // or its address would be free
        }
    }
    let mut who_asks = Container::new();
    shell.run(&format!("connect --ip 10.0.0.1 n0 {}", who_asks.path()));
    assert_eq!(who_asks.addrs("eth0"), ["10.0.0.1/24"]);
    Ok(())
}
