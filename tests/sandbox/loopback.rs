//! `lo` of a fresh namespace.

use crate::common::{Skip, name, parent, socket};
use crate::waits::until_usable;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, UdpSocket};
use sublink::*;
use sublink_tests::kernel_test;

/// Says something to itself, at this address.
fn reaches_itself(addr: &str) -> std::io::Result<()> {
    let socket = UdpSocket::bind((addr, 0))?;
    socket.set_read_timeout(Some(std::time::Duration::from_secs(120)))?;
    socket.send_to(b"hello", socket.local_addr()?)?;
    let mut buf = [0; 8];
    let len = socket.recv(&mut buf)?;
    assert_eq!(&buf[..len], b"hello");
    let listener = TcpListener::bind((addr, 0))?;
    TcpStream::connect(listener.local_addr()?).map(drop)
}

/// What is for an address of its own, a container sends by `lo`.
#[kernel_test]
fn a_container_reaches_its_own_addresses() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Sandbox::create().unwrap());
    let link = NewLink::macvlan(parent(&mut host)).mode(MacvlanMode::Bridge).name(name("eth0"));
    let endpoint = Endpoint::new(link).addr("10.0.50.7/24".parse().unwrap());
    let endpoint = endpoint.addr("fd50::7/64".parse().unwrap()).nodad();
    endpoint.attach(&mut host, &mut pod).unwrap();
    until_usable(pod.netns(), "fd50::7".parse().unwrap());
    let error = pod.run(|| reaches_itself("127.0.0.1")).unwrap().expect_err("lo is down");
    assert!(matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::NetworkUnreachable), "{error}");
    for was_down in [true, false] {
        assert_eq!(pod.bring_up_loopback().unwrap(), was_down);
        for addr in ["127.0.0.1", "::1", "10.0.50.7", "fd50::7"] {
            pod.run(|| reaches_itself(addr)).unwrap().unwrap_or_else(|error| panic!("{addr}: {error}"));
        }
    }
    Ok(())
}
