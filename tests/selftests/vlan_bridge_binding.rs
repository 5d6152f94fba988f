//! `net/vlan_bridge_binding.sh`: a VLAN on a bridge that is bound to it follows the ports that carry its id; another follows the
//! bridge.
//!
//! ```text
//!   br.11  br.12  br.13     br.14
//!     d1     d2    d1 d2   d1 d2 d3     the ports that carry the id
//! ```

use crate::common::{Skip, kernel, name, needs, socket, vid};
use crate::tools::{await_link, here, run};
use sublink::link::{OperState, VlanFlags, VlanFlagsChange};
use sublink::{IfIndex, LinkChange, NewLink, Socket};
use sublink_tests::kernel_test;

const IDS: [u16; 4] = [11, 12, 13, 14];
const PORTS: [&str; 3] = ["d1", "d2", "d3"];
const ON: VlanFlagsChange = VlanFlags::BRIDGE_BINDING.on();
const OFF: VlanFlagsChange = VlanFlags::BRIDGE_BINDING.off();

/// Ports to take down, and whether each VLAN is up then: bound, and not bound.
const CASES: [(&[&str], [bool; 4], [bool; 4]); 4] = [
    (&["d1"], [false, true, true, true], [true; 4]),
    (&["d2"], [true, false, true, true], [true; 4]),
    (&["d1", "d2"], [false, false, false, true], [true; 4]),
    (&["d1", "d2", "d3"], [false; 4], [false; 4]),
];

struct Bridge {
    socket: Socket,
    vlans: Vec<IfIndex>,
}

impl Bridge {
    /// The bridge, its ports, and its VLANs with this binding.
    fn new(binding: VlanFlagsChange) -> Result<Self, Skip> {
        needs("vlan")?;
        let mut socket = socket();
        run("ip link add name br up type bridge vlan_filtering 1");
        let bridge = socket.index_of("br").unwrap();
        for port in PORTS {
            let peer = format!("r{port}");
            let pair = NewLink::veth(NewLink::peer().name(name(&peer))).name(name(port)).master(bridge).up();
            socket.create(&pair).unwrap();
            let peer = socket.index_of(&peer).unwrap();
            socket.change(&LinkChange::new(peer).up()).unwrap();
        }
        for (id, ports) in [(11, &["d1"][..]), (12, &["d2"]), (13, &["d1", "d2"]), (14, &PORTS)] {
            run(&format!("bridge vlan add vid {id} dev br self"));
            for port in ports {
                run(&format!("bridge vlan add vid {id} dev {port} master"));
            }
        }
        let mut vlan =
            |id| socket.create(&NewLink::vlan(bridge, vid(id)).name(name(&format!("br.{id}"))).flags(binding));
        let vlans = IDS.map(|id| vlan(id).unwrap()).to_vec();
        Ok(Self { socket, vlans })
    }

    fn up(mut self) -> Self {
        for vlan in &self.vlans {
            self.socket.change(&LinkChange::new(*vlan).up()).unwrap();
        }
        self
    }

    fn bind(&mut self, binding: VlanFlagsChange) {
        for vlan in &self.vlans {
            self.socket.change(&LinkChange::vlan(*vlan).flags(binding)).unwrap();
        }
    }

    fn set_ports(&mut self, ports: &[&str], up: bool) {
        for port in ports {
            let port = LinkChange::new(self.socket.index_of(port).unwrap());
            self.socket.change(&if up { port.up() } else { port.down() }).unwrap();
        }
        // Its other end loses the carrier a moment later, as what stands on the bridge does: when that is seen, this is done.
        for port in ports {
            let peer = self.socket.index_of(format!("r{port}")).unwrap();
            await_link(&here(), peer, "the port's other end", |link| (link.oper_state() == OperState::Up) == up);
        }
    }

    /// Waits for those that are to be down, and looks at the others after that.
    fn check(&mut self, expected: [bool; 4], what: &str) {
        let states = || IDS.iter().zip(&self.vlans).zip(expected);
        for down in [true, false] {
            for ((id, vlan), _) in states().filter(|(_, up)| *up != down) {
                let is_as_wanted = |link: &sublink::LinkView<'_>| (link.oper_state() == OperState::Up) != down;
                await_link(&here(), *vlan, &format!("br.{id}, {what}"), is_as_wanted);
            }
        }
        for ((id, vlan), up) in states() {
            let link = self.socket.link_at(*vlan).unwrap();
            assert_eq!(link.oper_state() == OperState::Up, up, "br.{id}, {what}");
        }
    }

    /// Takes ports down, does something, and looks; then undoes both.
    fn goes_through(&mut self, is_bound: bool, inject: Option<VlanFlagsChange>) {
        for (ports, bound, unbound) in CASES {
            self.set_ports(ports, false);
            if let Some(binding) = inject {
                self.bind(binding);
            }
            self.check(if is_bound { bound } else { unbound }, &format!("with {ports:?} down"));
            if inject.is_some() {
                self.bind(if is_bound { OFF } else { ON });
            }
            self.set_ports(ports, true);
            self.check([true; 4], &format!("with {ports:?} up again"));
        }
    }
}

#[kernel_test]
fn bound() -> Result<(), Skip> {
    Bridge::new(ON)?.up().goes_through(true, None);
    Ok(())
}

#[kernel_test]
fn not_bound() -> Result<(), Skip> {
    Bridge::new(OFF)?.up().goes_through(false, None);
    Ok(())
}

/// A change of the binding had no effect at once before Linux 6.14.
fn needs_changes() -> Result<(), Skip> {
    let too_old = || Skip("this kernel does not act on a change of bridge_binding, as Linux 6.14 does".into());
    if kernel() >= (6, 14) { Ok(()) } else { Err(too_old()) }
}

#[kernel_test]
fn bound_later() -> Result<(), Skip> {
    needs_changes()?;
    let mut bridge = Bridge::new(OFF)?.up();
    bridge.bind(ON);
    bridge.goes_through(true, None);
    Ok(())
}

#[kernel_test]
fn let_go_later() -> Result<(), Skip> {
    needs_changes()?;
    let mut bridge = Bridge::new(ON)?.up();
    bridge.bind(OFF);
    bridge.goes_through(false, None);
    Ok(())
}

#[kernel_test]
fn bound_while_a_port_is_down() -> Result<(), Skip> {
    needs_changes()?;
    Bridge::new(OFF)?.up().goes_through(true, Some(ON));
    Ok(())
}

#[kernel_test]
fn let_go_while_a_port_is_down() -> Result<(), Skip> {
    needs_changes()?;
    Bridge::new(ON)?.up().goes_through(false, Some(OFF));
    Ok(())
}

#[kernel_test]
fn bound_while_it_is_down() -> Result<(), Skip> {
    needs_changes()?;
    let mut bridge = Bridge::new(OFF)?;
    bridge.bind(ON);
    bridge.up().goes_through(true, None);
    Ok(())
}

#[kernel_test]
fn let_go_while_it_is_down() -> Result<(), Skip> {
    needs_changes()?;
    let mut bridge = Bridge::new(ON)?;
    bridge.bind(OFF);
    bridge.up().goes_through(false, None);
    Ok(())
}
