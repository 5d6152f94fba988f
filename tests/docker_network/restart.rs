//! What is remembered, and what it is good for after a restart.

use crate::common::{Skip, mac, needs, socket, veth};
use crate::shell::{Container, Shell, links_of_kind};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::thread;
use sublink::LinkChange;
use sublink_tests::kernel_test;

#[kernel_test]
pub fn two_commands_at_once_lose_nothing() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    thread::scope(|scope| {
        for thread in 0..8 {
            let shell = &shell;
            scope.spawn(move || {
                for number in 0..4 {
                    shell.run(&format!("create -o parent=eth0 --subnet 10.{thread}.{number}.0/24 n{thread}{number}"));
                }
                shell.run(&format!("rm n{thread}0"));
            });
        }
    });
    let mut names: Vec<_> =
        shell.run("ls").lines().skip(1).map(|row| row.split_whitespace().nth(1).unwrap().to_owned()).collect();
    names.sort();
    let expected: Vec<_> = (0..8).flat_map(|thread| (1..4).map(move |number| format!("n{thread}{number}"))).collect();
    assert_eq!(names, expected);
    Ok(())
}

#[kernel_test]
pub fn what_cannot_be_remembered_is_undone() -> Result<(), Skip> {
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 net");
    let before = shell.remembered();
    // Where the new file should be is something that cannot be replaced by one.
    fs::DirBuilder::new().mode(0o700).create(shell.dir.join("networks.new")).expect("a folder");
    for line in [format!("connect net {}", c1.path()), "create -o parent=eth0 more".into()] {
        let why = shell.refused(&line);
        assert!(why.contains("Is a directory"), "{why}");
    }
    assert_eq!(c1.links(), Vec::<String>::new());
    assert_eq!(shell.remembered(), before);
    if needs("dummy").is_ok() {
        shell.refused("create lonely");
        assert_eq!(links_of_kind(&mut host, "dummy"), 0);
    }
    Ok(())
}

#[kernel_test]
pub fn a_lost_link_is_made_again() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    let [mut c1, mut c2] = [(); 2].map(|()| Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 --gateway 10.1.0.1 --subnet fd51::/64 net");
    shell.run(&format!("connect --mac-address {} net {}", mac(7), c1.path()));
    shell.run(&format!("connect net {}", c2.path()));
    let kept = c2.link("eth0");
    let lost = c1.link("eth0").index;
    c1.inside.delete(lost).expect("deleted");
    c2.inside.change(&LinkChange::new(kept.index).down()).expect("down");

    let told = shell.run("restore");
    assert_eq!(told.lines().next(), Some("net: its parent eth0 is there"));
    assert!(told.contains(&format!("{} in net: the link is down\n", c2.path())), "{told}");
    assert!(told.contains(&format!("{}: eth0 10.1.0.2/24 fd51::2/64, MAC address {}", c1.path(), mac(7))), "{told}");
    let link = c1.link("eth0");
    assert!(link.is_up() && link.mac == Some(mac(7)), "{link:?}");
    assert_eq!(c1.gateways()[0].as_deref(), Some("10.1.0.1"));
    assert_eq!(c2.link("eth0").index, kept.index);
    shell.run(&format!("disconnect net {}", c1.path()));
    assert_eq!(c1.links(), Vec::<String>::new(), "the new one is known");
    Ok(())
}

#[kernel_test]
pub fn a_lost_parent_is_made_again() -> Result<(), Skip> {
    needs("vlan")?;
    needs("dummy")?;
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0.50 --subnet 10.1.0.0/24 --gateway 10.1.0.1 net");
    let id = shell.run("create --subnet 10.2.0.0/24 lonely");
    let dummy = format!("dm-{}", &id[..12]);
    for network in ["net", "lonely"] {
        shell.run(&format!("connect {network} {}", c1.path()));
    }
    for parent in ["eth0.50", &dummy] {
        let index = host.index_of(parent).expect("the parent");
        host.delete(index).expect("deleted");
    }
    assert_eq!(c1.links(), Vec::<String>::new(), "they went with their parents");
    shell.run("restore");
    for parent in ["eth0.50", &dummy] {
        assert!(host.link(parent).expect("the parent").is_up());
    }
    assert_eq!(c1.addrs("eth0"), ["10.1.0.2/24"]);
    assert_eq!(c1.gateways()[0].as_deref(), Some("10.1.0.1"));
    assert_eq!(c1.addrs("eth1"), ["10.2.0.2/24"]);
    // A parent that is gone is also made when it is used.
    let index = host.index_of("eth0.50").expect("the parent");
    host.delete(index).expect("deleted");
    let c2 = Container::new();
    shell.run(&format!("connect net {}", c2.path()));
    assert!(host.link("eth0.50").expect("the parent").is_up());
    Ok(())
}

#[kernel_test]
pub fn what_cannot_be_made_again_is_said_and_kept() -> Result<(), Skip> {
    let (mut host, shell, mut c1) = (socket(), Shell::new(), Container::new());
    let eth0 = veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 net");
    shell.run(&format!("connect net {}", c1.path()));
    host.delete(eth0).expect("deleted");
    let why = "there is no interface eth0, and it cannot be made: a VLAN that is made is named BASE.ID, as in eth0.50";
    let told = shell.refused("restore");
    assert_eq!(told.lines().next(), Some(&*format!("net: {why}")));
    assert!(told.contains(&format!("\n{} in net: ", c1.path())), "{told}");
    veth(&mut host, "eth0", "cable");
    shell.run("restore");
    assert_eq!(c1.addrs("eth0"), ["10.1.0.2/24"]);
    Ok(())
}

#[kernel_test]
pub fn a_parent_of_no_network_is_removed() -> Result<(), Skip> {
    needs("dummy")?;
    let (mut host, shell) = (socket(), Shell::new());
    let id = shell.run("create net");
    fs::remove_file(shell.dir.join("networks")).expect("removed");
    let expected = format!("dm-{}, which no network has, is removed\n", &id[..12]);
    assert_eq!(shell.run("restore"), expected);
    assert_eq!(links_of_kind(&mut host, "dummy"), 0);
    Ok(())
}

#[kernel_test]
pub fn a_state_that_cannot_be_read_is_pointed_out() -> Result<(), Skip> {
    let (mut host, shell) = (socket(), Shell::new());
    veth(&mut host, "eth0", "cable");
    shell.run("create -o parent=eth0 --subnet 10.1.0.0/24 net");
    let (file, good) = (shell.dir.join("networks"), shell.remembered());
    let with_line = |line: &str| good.replace("end\n", &format!("{line}\nend\n"));
    let rows = [
        (with_line("frob\tnet"), "line 3: what is \"frob\"?"),
        (with_line("create"), "line 3: half a line"),
        (with_line("connect\tnet\t/run/netns/c1"), "line 3: the link is missing"),
        (with_line("connect\t--attached=eth0 kind macvlan index 7\tnet\t/c1"), "line 3: the namespace is missing"),
        (
            with_line("connect\t--ip=10.1.0.7\t--attached=eth0/0/\tnet\t/run/netns/c1"),
            "line 3: \"eth0/0/\" is not an attached link, which is written as in `eth0 kind macvlan index 20817 mac 02:00:00:00:00:07 parent 5 lower 5`",
        ),
        (
            with_line(
                "connect\t--ip=10.9.0.7\t--namespace=1\t--attached=eth0 kind macvlan index 7\tnet\t/run/netns/c1",
            ),
            "line 3: --ip 10.9.0.7: no configured subnet of the network net contains it",
        ),
        (
            with_line("connect\t--namespace=1\t--attached=eth0 kind macvlan index 7\tnone\t/run/netns/c1"),
            "line 3: network none not found",
        ),
        (good.replace("end\n", ""), "last line: it is cut off: there should be an end"),
        (good.clone() + "end\n", "line 4: something follows the end"),
        (
            "create\t--subnet=10.1.0.0/24\tnet\n".into(),
            "line 1: an older version has written it, which noted no version",
        ),
        (
            good.replace("state 2", "state 3"),
            "line 1: another version has written it: \"sublink docker_network, state 3\", where this one reads \"sublink docker_network, state 2\"",
        ),
        ("{}".into(), "line 1: it is no state of docker_network"),
    ];
    let way_out = "(without this file no network is known, and `restore` removes their parents)";
    for (text, why) in rows {
        fs::write(&file, &text).expect("written");
        assert_eq!(shell.refused("ls"), format!("{}, {why} {way_out}", file.display()), "{text}");
    }
    fs::write(&file, good).expect("written");
    shell.run("ls");
    Ok(())
}
