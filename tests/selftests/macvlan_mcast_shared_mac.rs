//! `net/macvlan_mcast_shared_mac.sh`: a multicast reaches a macvlan that has the sender's MAC address, as with VRRP.
//!
//! ```text
//!   there: src (MAC) ──── here: dst
//!                                └ mv0, in bridge mode (the same MAC)
//! ```

use crate::common::{Skip, kernel, mac, name, socket};
use crate::tools::{await_link, here};
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;
use sublink::link::OperState;
use sublink::{LinkChange, MacAddr, MacvlanMode, NewAddress, NewLink, Sandbox};
use sublink_tests::kernel_test;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 0, 0, 1);
const PORT: u16 = 7778;

#[kernel_test]
fn a_multicast_reaches_a_macvlan_with_the_senders_address() -> Result<(), Skip> {
    let shared = MacAddr::new([0, 0, 0x5e, 0, 1, 1]).unwrap();
    let (mut host, mut there) = (socket(), Sandbox::create().unwrap());
    let src = NewLink::peer().name(name("src")).netns(there.netns()).mac(shared);
    let dst = host.create(&NewLink::veth(src).name(name("dst")).up()).unwrap();
    let src = there.socket().index_of("src").unwrap();
    there.socket().change(&LinkChange::new(src).up()).unwrap();
    there.socket().apply(&NewAddress::new(src, "192.168.1.1/24".parse().unwrap())).unwrap();
    let macvlan = host.create(&NewLink::macvlan(dst).mode(MacvlanMode::Bridge).name(name("mv0")).mac(shared)).unwrap();
    host.apply(&NewAddress::new(macvlan, "192.168.1.2/24".parse().unwrap())).unwrap();
    host.change(&LinkChange::new(macvlan).allmulticast(true).up()).unwrap();
    await_link(&here(), macvlan, "mv0", |link| link.oper_state() == OperState::Up);
    await_link(there.netns(), src, "src", |link| link.oper_state() == OperState::Up);

    let receiver = UdpSocket::bind((GROUP, PORT)).unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
    receiver.join_multicast_v4(&GROUP, &Ipv4Addr::new(192, 168, 1, 2)).unwrap();
    let sender = there.run(|| UdpSocket::bind("192.168.1.1:0").unwrap()).unwrap();
    let heard = |text: &str| {
        sender.send_to(text.as_bytes(), (GROUP, PORT)).unwrap();
    };
    heard("shared");
    // Behind it, one from another address, which every kernel delivers: by it the test knows that nothing came before.
    there.socket().change(&LinkChange::new(src).mac(mac(9))).unwrap();
    heard("another");
    let mut buf = [0; 16];
    let len = receiver.recv(&mut buf).unwrap();
    match &buf[..len] {
        b"shared" => Ok(()),
        first => {
            assert_eq!(first, b"another");
            assert!(kernel() < (7, 2), "dropped");
            Err(Skip("this kernel drops a multicast that comes from a macvlan's own address".into()))
        }
    }
}
