//! Answers that another process forges, with the right sequence numbers.

use crate::common::{Skip, name, socket};
use crate::tools::{Forger, bare, message, next_sequence, number, port, reconnect, send_to, twin};
use nix::errno::Errno;
use std::io::{self, BufReader, Write};
use sublink::link::DeleteLink;
use sublink::{Batch, IfIndex, ListLinks, NewLink, Socket};
use sublink_tests::{kernel_test, role};

/// The forger's process: sends forged answers to a port, and says how many were delivered and how many refused.
#[role]
fn forger() {
    let fd = bare();
    let mut orders = BufReader::new(io::stdin().lock());
    let say = |number: u64| {
        println!("{number}");
        io::stdout().flush().expect("a pipe");
    };
    say(port(&fd).into());
    loop {
        let mut line = String::new();
        if io::BufRead::read_line(&mut orders, &mut line).expect("an order") == 0 {
            return;
        }
        let (port, first) = (line.trim().parse().expect("a port"), number::<u32>(&mut orders));
        let (mut delivered, mut refused) = (0, 0);
        for seq in (0..16).map(|n| first.wrapping_add(n)) {
            for forgery in [forged_link(seq), forged_success(seq)] {
                match send_to(&fd, port, &forgery) {
                    Ok(_) => delivered += 1,
                    Err(Errno::ECONNREFUSED) => refused += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        say(delivered);
        say(refused);
    }
}

/// `lo` with an index that is not its own.
fn forged_link(seq: u32) -> Vec<u8> {
    message(16, 0, seq, 666, &[7, 0, 3, 0, b'l', b'o', 0, 0])
}

/// NLMSG_ERROR with errno 0.
fn forged_success(seq: u32) -> Vec<u8> {
    message(2, 0x100, seq, 0, &[0; 4])
}

fn is_unharmed(socket: &mut Socket) {
    assert_eq!(socket.index_of("lo").unwrap(), IfIndex::new(1).unwrap());
    let error = socket.delete(IfIndex::new(999).unwrap()).unwrap_err();
    assert!(error.is_no_device(), "a forged success was believed: {error}");
    let links = socket.links(&ListLinks::new()).unwrap().collect().unwrap();
    assert_eq!(links.iter().map(|link| link.index.get()).collect::<Vec<_>>(), [1]);
    let mut batch = Batch::new();
    batch.push(&DeleteLink::index(IfIndex::new(999).unwrap())).unwrap();
    assert!(socket.run(&mut batch).unwrap_err().is_no_device());
}

#[kernel_test]
pub fn another_process_cannot_reach_a_connected_socket() -> Result<(), Skip> {
    let mut forger = Forger::start();
    for mut socket in [socket(), Socket::from_fd(bare()).unwrap()] {
        let seq = next_sequence(&mut socket);
        assert_eq!(forger.forge(port(&socket), seq), (0, 32), "delivered and refused");
        is_unharmed(&mut socket);
    }
    // The forger can forge: whoever is not connected gets it all.
    assert_eq!(forger.forge(port(bare()), 1), (0, 32), "to a socket that is closed");
    let naive = bare();
    assert_eq!(forger.forge(port(&naive), 1), (32, 0), "to a socket that is not connected");
    Ok(())
}

#[kernel_test]
pub fn a_forged_answer_that_reached_the_queue_is_not_believed() -> Result<(), Skip> {
    let mut forger = Forger::start();
    for mut socket in [socket(), Socket::from_fd(bare()).unwrap()] {
        let (twin, seq) = (twin(&socket), next_sequence(&mut socket));
        reconnect(&twin, forger.port);
        assert_eq!(forger.forge(port(&socket), seq), (32, 0), "delivered and refused");
        reconnect(&twin, 0);
        is_unharmed(&mut socket);
    }
    // What lay in the queue before the socket was connected is somebody else's as well.
    let early = bare();
    assert_eq!(forger.forge(port(&early), 1), (32, 0));
    is_unharmed(&mut Socket::from_fd(early).unwrap());
    Ok(())
}

#[kernel_test]
pub fn answers_of_somebody_else_do_not_end_a_dropped_list() -> Result<(), Skip> {
    let mut forger = Forger::start();
    let mut socket = socket();
    let (twin, next) = (twin(&socket), next_sequence(&mut socket));
    let list = next.wrapping_sub(1); // it is dropped, and not read to its end
    reconnect(&twin, forger.port);
    assert_eq!(forger.forge(port(&socket), list), (32, 0));
    reconnect(&twin, 0);
    let index = socket.create(&NewLink::veth(NewLink::peer()).name(name("v0"))).unwrap();
    assert_eq!(socket.index_of("v0").unwrap(), index);
    assert_eq!(socket.links(&ListLinks::new()).unwrap().collect().unwrap().len(), 3);
    Ok(())
}
