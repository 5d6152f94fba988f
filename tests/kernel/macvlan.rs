//! macvlan and macvtap: every property, and what the kernel refuses.

use crate::common::{Skip, mac, name, parent, socket};
use sublink::*;

pub fn every_mode() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for mode in
        [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, MacvlanMode::Source, MacvlanMode::Passthru]
    {
        let index =
            socket.create(&NewLink::macvlan(parent).mode(mode).name(name("mv0")).mac(mac(7)).mtu(1400).up()).unwrap();
        let link = socket.link_at(index).unwrap();
        assert_eq!(link.macvlan().unwrap().mode(), Some(mode));
        assert_eq!(link.name(), "mv0");
        assert_eq!(link.mtu(), 1400);
        assert_eq!(link.parent(), Some(parent));
        assert!(link.is_up());
        println!("{:?}", link.to_owned());
        socket.delete(index).unwrap();
    }
    let error = socket.create(&NewLink::macvlan(parent).mac(mac(1)).mtu(1501).name(name("x"))).unwrap_err();
    assert_eq!(error.to_string(), "create macvlan x on p0: EINVAL");
    Ok(())
}
