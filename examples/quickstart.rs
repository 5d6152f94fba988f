//! VLAN and macvlan links on the running kernel: created, changed, moved, read back. It needs no root, and happens in
//! namespaces of its own, so that no link of the machine is touched.
//!
//! ```console
//! $ cargo run --example quickstart
//! ```

mod stage;
mod tree;

use stage::{note, timed};
use std::process::ExitCode;
use sublink::value::InvalidValue;
use sublink::{IfName, LinkChange, ListLinks, MacAddr, MacvlanMode, Netns, NewLink, Socket, VlanId};

fn main() -> ExitCode {
    stage::run(example)
}

fn example() -> stage::Result {
    let mut host = Socket::open()?;

    // A parent, which on a real machine is there already: here, one end of a veth pair, with a far end to be plugged into.
    let uplink = NewLink::veth(NewLink::peer().name(IfName::new("switch")?)).name(IfName::new("eth0")?).up();
    let eth0 = timed("create eth0, a veth", || host.create(&uplink))?;
    let switch = host.index_of("switch")?;
    host.change(&LinkChange::new(switch).up())?;

    // VLAN 50 of the trunk, where the kernel has VLANs.
    let vlan = NewLink::vlan(eth0, VlanId::new(50)?).name(IfName::new("eth0.50")?).up();
    let parent = match timed("create eth0.50, VLAN 50 on it", || host.create(&vlan)) {
        Ok(index) => index,
        Err(error) if error.is_not_supported() => {
            note(&format!("{error}\nThe macvlans go on eth0 itself instead."));
            eth0
        }
        Err(error) => return Err(error.into()),
    };

    // Macvlans on it, in several modes.
    let macvlan = |name, mode| Ok::<_, InvalidValue>(NewLink::macvlan(parent).name(IfName::new(name)?).mode(mode));
    let mv0 = macvlan("mv0", MacvlanMode::Bridge)?.mac(MacAddr::random()).mtu(1400).up();
    let mv0 = timed("create mv0, a macvlan in bridge mode", || host.create(&mv0))?;
    let mv1 = macvlan("mv1", MacvlanMode::Private)?.mac(MacAddr::random()).up();
    let mv1 = timed("create mv1, one in private mode", || host.create(&mv1))?;
    let senders = [MacAddr::new([2, 0, 0, 0, 0, 7])?];
    let mv2 = NewLink::macvlan(parent).name(IfName::new("mv2")?).source(&senders).bc_queue_len(100);
    timed("create mv2, one that hears only 02:00:00:00:00:07", || host.create(&mv2))?;

    // A change, and a mistake: a macvlan's packets cannot be larger than its parent's.
    let change = LinkChange::macvlan(mv1).mode(MacvlanMode::Vepa).mtu(1300);
    timed("change mv1 to vepa mode and an MTU of 1300", || host.change(&change))?;
    let mistake = timed("change mv1 to an MTU of 9000", || host.change(&LinkChange::new(mv1).mtu(9000)));
    if let Err(error) = mistake {
        note(&error.explained(&mut host).to_string());
    }

    // Into a container: by moving a link there, or, much faster, by creating it there.
    let container = Netns::create()?;
    let moved = LinkChange::move_to(mv0, &container).name(IfName::new("eth0")?).up();
    timed("move mv0 into a container, as its eth0", || host.change(&moved))?;
    let direct = macvlan("eth1", MacvlanMode::Bridge)?.mac(MacAddr::random()).netns(&container).up();
    timed("create its eth1 there in place", || host.create(&direct))?;

    let mut inside = Socket::open_in(&container)?;
    for (title, socket) in [("the host", &mut host), ("the container", &mut inside)] {
        println!("\n{title}");
        tree::print(&socket.snapshot(&ListLinks::new())?);
    }
    Ok(())
}
