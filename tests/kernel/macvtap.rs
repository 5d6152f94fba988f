//! macvtap: what it has beyond macvlan, and what the two kinds are to each other.

use crate::common::{Skip, knows, mac, name, needs, parent, socket};
use crate::tools::{ip, refusal};
use std::process::Command;
use sublink::{IfIndex, LinkChange, MacvlanMode, NewLink};
use sublink_tests::kernel_test;

#[kernel_test]
pub fn its_queue_is_shorter() -> Result<(), Skip> {
    needs("macvtap")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let macvlan = socket.create(&NewLink::macvlan(parent)).unwrap();
    let macvtap = socket.create(&NewLink::macvtap(parent)).unwrap();
    assert_eq!(socket.link_at(macvlan).unwrap().txqlen(), 1000);
    assert_eq!(socket.link_at(macvtap).unwrap().txqlen(), 500);
    Ok(())
}

#[kernel_test]
pub fn its_device_file_is_numbered_by_its_index() -> Result<(), Skip> {
    needs("macvtap")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = IfIndex::new(20_001).unwrap();
    socket.create(&NewLink::macvtap(parent).name(name("x")).index(index)).unwrap();
    // sysfs shows the links of the namespace in which it was mounted.
    let script = "mount -t sysfs sys /sys && cat /sys/class/net/x/macvtap/*/uevent";
    let output = Command::new("unshare").args(["-m", "sh", "-c", script]).output().expect("unshare");
    if !output.status.success() {
        return Err(Skip(format!("no sysfs of our own: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    let uevent = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(uevent.lines().any(|line| line == "DEVNAME=tap20001"), "{uevent}");
    Ok(())
}

#[kernel_test]
pub fn it_cannot_be_a_bridge_port() -> Result<(), Skip> {
    needs("macvtap")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    ip("link add br0 type bridge");
    let bridge = socket.index_of("br0").unwrap();
    let said = refusal(socket.create(&NewLink::macvtap(parent).name(name("x")).master(bridge)));
    assert_eq!(said, "create macvtap x on p0: EBUSY (Device or resource busy)");
    assert!(socket.index_of("x").unwrap_err().is_no_device());
    Ok(())
}

#[kernel_test]
pub fn it_shares_its_parent_with_macvlans() -> Result<(), Skip> {
    needs("macvtap")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let macvlan = socket.create(&NewLink::macvlan(parent).bc_queue_len(100).mac(mac(1)).up()).unwrap();
    let macvtap = socket.create(&NewLink::macvtap(parent).bc_queue_len(200)).unwrap();
    let used = socket.link_at(macvlan).unwrap().macvlan().unwrap().bc_queue_len_used();
    assert_eq!(used, knows("bc_queue_len").then_some(200));
    socket.delete(macvtap).unwrap();

    let x = NewLink::macvtap(parent).name(name("x"));
    assert_eq!(
        refusal(socket.create(&x.mac(mac(1)).up())),
        "create macvtap x on p0: EADDRINUSE (Address already in use)"
    );
    assert_eq!(
        refusal(socket.create(&x.mode(MacvlanMode::Passthru))),
        "create macvtap x on p0: EINVAL (Invalid argument)"
    );
    socket.delete(macvlan).unwrap();
    socket.create(&x.mode(MacvlanMode::Passthru)).unwrap();
    assert_eq!(
        refusal(socket.create(&NewLink::macvlan(parent).name(name("y")))),
        "create macvlan y on p0: EINVAL (Invalid argument)"
    );
    Ok(())
}

#[kernel_test]
pub fn neither_can_be_changed_as_the_other() -> Result<(), Skip> {
    needs("macvtap")?;
    let mut socket = socket();
    let parent = parent(&mut socket);
    let macvlan = socket.create(&NewLink::macvlan(parent).name(name("mv0"))).unwrap();
    let macvtap = socket.create(&NewLink::macvtap(parent).name(name("mt0"))).unwrap();
    let mode = MacvlanMode::Bridge;
    let said = refusal(socket.change(&LinkChange::macvtap(macvlan).mode(mode)));
    assert_eq!(said, "change macvtap mv0: EOPNOTSUPP (Operation not supported)");
    let said = refusal(socket.change(&LinkChange::macvlan(macvtap).mode(mode)));
    assert_eq!(said, "change macvlan mt0: EOPNOTSUPP (Operation not supported)");
    Ok(())
}
