//! Parents that cannot be: what is said, and that nothing is left.

use crate::common::roles::{finish, start};
use crate::common::{Skip, name, needs, parent, socket, veth, vid};
use crate::help::{failed, links, macvlan, on, owner, refused, up, up_refused};
use crate::pod::Pod;
use crate::tools::await_link;
use sublink::network::{Removal, Subnet, restore_networks};
use sublink::{LinkChange, Network, NewLink, Socket};
use sublink_tests::{kernel_test, role};

/// What is said, and why, when the network is refused a parent.
#[track_caller]
fn said(host: &mut Socket, network: &Network) -> String {
    let error = refused(host, |host| up(network, host));
    failed(&error).clone().explained(host).to_string()
}

/// What is said does not tell the random name that the link had while it was made.
#[track_caller]
fn assert_said(host: &mut Socket, network: &Network, before: &str, after: &str) {
    let said = said(host, network);
    assert!(said.starts_with(before) && said.ends_with(after), "{said}");
}

#[kernel_test]
pub fn they_are_told_in_dockers_order() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    let no_id =
        |parent: &str, id: &str| format!("{id:?} in {parent} is not a VLAN id, which is a number from 1 to 4094");
    let no_parent = |parent: &str| {
        format!(
            "there is no interface {parent}, and it cannot be made: a VLAN that is made is named BASE.ID, as in eth0.50"
        )
    };
    let lo = "lo cannot be the parent of a macvlan or VLAN network";
    let rows = [
        ("nothing", no_parent("nothing")),
        ("eth9.x", no_id("eth9.x", "x")), // before the missing base
        ("eth9.4095", "the interface eth9, on which eth9.4095 would be made, does not exist".into()), // before the range
        ("eth9.10.20", "the interface eth9, on which eth9.10.20 would be made, does not exist".into()),
        ("p0.10.4095", no_id("p0.10.4095", "4095")), // before p0.10 is made
        ("p0.x.20", no_id("p0.x.20", "x")),
        ("p0.0", no_id("p0.0", "0")),
        ("p0.4095", no_id("p0.4095", "4095")),
        ("p0.65586", no_id("p0.65586", "65586")),
        ("lo", lo.into()),
        ("lo.50", lo.into()),
    ];
    for (parent, expected) in rows {
        assert_eq!(up_refused(&on(parent, "net")), expected, "{parent}");
    }
    assert_eq!(on("lo", "net").validate(&[]).unwrap_err().to_string(), lo, "known without a kernel");
    Ok(())
}

#[kernel_test]
pub fn a_base_that_is_down() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let base = parent(&mut host);
    host.change(&LinkChange::new(base).down()).unwrap();
    let network = on("p0.50", "net");
    let expected = "change link p0.50: ENETDOWN (Network is down): the parent p0 is down: bring it up first";
    assert_eq!(said(&mut host, &network), expected);

    host.change(&LinkChange::new(base).up()).unwrap();
    let index = up(&network, &mut host).unwrap();
    host.change(&LinkChange::new(base).down()).unwrap(); // takes the VLAN with it
    await_link(index, "the VLAN to follow its base", |link| !link.is_up());
    let expected = "bring up p0.50: ENETDOWN (Network is down): the parent p0 is down: bring it up first";
    assert_eq!(said(&mut host, &network), expected);
    Ok(())
}

#[kernel_test]
pub fn a_name_that_is_taken_as_an_alternative_one() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    let p1 = host.index_of("p1").unwrap();
    for (kind, network) in [("vlan", on("p0.50", "net")), ("dummy", macvlan("net"))] {
        needs(kind)?;
        let taken = network.parent_name();
        host.add_alt_name(p1, taken).unwrap();
        let after = format!(": EEXIST (File exists): the name {taken} is taken by p1 (#{p1})");
        assert_said(&mut host, &network, &format!("change link {taken}: "), &after[2..]);
    }
    Ok(())
}

#[kernel_test]
pub fn a_base_that_can_carry_no_more() -> Result<(), Skip> {
    needs("vlan")?;
    let mut host = socket();
    let mut base = parent(&mut host);
    let mut deepest = name("p0");
    for depth in 1..20 {
        let link = name(&format!("v{depth}"));
        match host.create(&NewLink::vlan(base, vid(1)).name(link).up()) {
            Ok(index) => (base, deepest) = (index, link),
            Err(_) => break,
        }
    }
    assert_ne!(deepest, name("v19"), "there is a limit");
    let network = on(&format!("{deepest}.50"), "net");
    let said = said(&mut host, &network);
    assert!(said.contains(&format!(" on {deepest}: EMLINK (Too many links)")), "{said}"); // newer kernels have words for it
    Ok(())
}

#[kernel_test]
pub fn a_vlan_that_is_in_another_namespace() -> Result<(), Skip> {
    needs("vlan")?;
    let (mut host, pod) = (socket(), Pod::new());
    let base = parent(&mut host);
    host.create(&NewLink::vlan(base, vid(50)).name(name("eth0")).netns(&pod.sandbox)).unwrap();
    let after =
        "EEXIST: 8021q: VLAN device already exists: VLAN 50 is there already, in another namespace, or was until now";
    assert_said(&mut host, &on("p0.50", "net"), "create vlan p0.50 on p0: ", after);
    Ok(())
}

/// On a kernel that has no such links.
#[kernel_test]
pub fn a_driver_that_is_missing() -> Result<(), Skip> {
    let lacks =
        |kind| if needs(kind).is_ok() { Err(Skip(format!("this kernel has the driver of {kind}"))) } else { Ok(()) };
    let lacks_module =
        |module| format!("EOPNOTSUPP: Unknown device type (this kernel lacks the driver: module {module})");
    let mut host = socket();
    parent(&mut host);
    lacks("vlan")?;
    assert_said(&mut host, &on("p0.50", "net"), "create vlan p0.50 on p0: ", &lacks_module("8021q"));
    lacks("dummy")?;
    let dummy = format!("create dummy {}: ", macvlan("net").parent_name());
    assert_said(&mut host, &macvlan("net"), &dummy, &lacks_module("dummy"));
    Ok(())
}

#[kernel_test]
pub fn without_permission() -> Result<(), Skip> {
    let mut host = socket();
    parent(&mut host);
    let before = links(&mut host);
    finish(start("a_guest", "-U")?);
    assert_eq!(links(&mut host), before);
    Ok(())
}

/// In the test's network namespace, of another user namespace.
#[role]
fn a_guest() {
    let mut host = socket();
    let missing = "EPERM (Operation not permitted): CAP_NET_ADMIN is missing in the user namespace that owns this \
        network namespace";
    assert_said(&mut host, &on("p0.50", "net"), "create vlan p0.50 on p0: ", missing);
    let dummy = format!("create dummy {}: ", macvlan("net").parent_name());
    assert_said(&mut host, &macvlan("net"), &dummy, missing);
    let p0 = host.index_of("p0").unwrap();
    assert_eq!(up(&on("p0", "net"), &mut host).unwrap(), p0, "nothing is to be done");
}

#[kernel_test]
pub fn a_config_brings_nothing_up() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    veth(&mut host, "p0", "p1");
    let config = on("p0", "config").subnet(Subnet::new("10.1.0.0/16".parse().unwrap())).config_only();
    let expected = "the network config is config-only: make one from it, and use that";
    assert_eq!(up_refused(&config), expected);
    let (before, inside) = (links(&mut host), pod.contents());
    let connection = crate::help::connection("eth0", &["10.1.0.7/16"]);
    let error = crate::help::connect(&config, &mut host, &mut pod, connection.clone(), &[]).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!((links(&mut host), pod.contents()), (before, inside));
    assert!(restore_networks(&mut host, &owner(), std::slice::from_ref(&config)).unwrap().parents.is_empty());
    assert_eq!(config.remove_parent(&mut host, &owner(), &[]).unwrap(), Removal::NotThere);

    let made = Network::from_config("net", &config).unwrap();
    made.validate(&[config]).unwrap();
    let member = crate::help::connect(&made, &mut host, &mut pod, connection, &[]).unwrap();
    assert_eq!(pod.link(member.attached.index).parent, host.index_of("p0").ok());
    Ok(())
}
