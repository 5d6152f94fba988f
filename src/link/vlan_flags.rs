//! A VLAN's flags, and the change of some of them that a request makes.

use crate::value::{flags, flags_change};
use crate::wire::{Get, fixed};

flags! {
    /// A VLAN's flags (`VLAN_FLAG_…`). A request switches some [on](Self::on) and some [off](Self::off), and leaves the others.
    VlanFlags: u32 {
        /// Hides the tag from packet sockets on the VLAN (on by default).
        1 "VLAN_FLAG_REORDER_HDR" REORDER_HDR "REORDER_HDR",
        /// Announces the id to the switch by GVRP (802.1Q only).
        2 "VLAN_FLAG_GVRP" GVRP "GVRP",
        /// Does not follow its parent up and down.
        4 "VLAN_FLAG_LOOSE_BINDING" LOOSE_BINDING "LOOSE_BINDING",
        /// Announces the id to the switch by MVRP (802.1Q only).
        8 "VLAN_FLAG_MVRP" MVRP "MVRP",
        /// Follows the state of a bridge's ports that carry the id; the parent must be the bridge (since Linux 5.2).
        16 "VLAN_FLAG_BRIDGE_BINDING" BRIDGE_BINDING "BRIDGE_BINDING",
    }
}

flags_change! {
    /// Which of a VLAN's flags to switch on, and which off; the others stay as they are (`struct ifla_vlan_flags`).
    ///
    /// ```
    /// use sublink::link::VlanFlags;
    /// let change = VlanFlags::GVRP.on() | VlanFlags::REORDER_HDR.off();
    /// assert_eq!(change.to_string(), "<GVRP> on, <REORDER_HDR> off");
    /// ```
    VlanFlagsChange of VlanFlags
}

impl VlanFlagsChange {
    /// Says something of a flag that no kernel knows. It is refused (EINVAL), but only after the kernel has looked whether
    /// the id is free.
    pub(crate) const IMPOSSIBLE: Self = VlanFlags(1 << 31).off();
}

fixed! {
    VlanFlagsChange: 8 + 0, VlanFlagsChange::NONE, flag_bytes, flags_from_bytes;
}

/// The kernel reports the flags as a change of all of them.
impl Get<'_> for VlanFlags {
    fn get(value: &[u8]) -> Option<Self> {
        VlanFlagsChange::get(value).map(|change| Self(change.flags))
    }
}

const fn flag_bytes(VlanFlagsChange { flags, mask }: VlanFlagsChange) -> [u8; 8] {
    let ([a, b, c, d], [e, f, g, h]) = (flags.to_ne_bytes(), mask.to_ne_bytes());
    [a, b, c, d, e, f, g, h]
}

const fn flags_from_bytes([a, b, c, d, e, f, g, h]: [u8; 8]) -> VlanFlagsChange {
    VlanFlagsChange { flags: u32::from_ne_bytes([a, b, c, d]), mask: u32::from_ne_bytes([e, f, g, h]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{LinkView, NewLink, VlanId};
    use crate::value::IfIndex;
    use crate::wire::encoded;

    #[test]
    fn flags_say_what_is_on_what_is_off_and_nothing_of_the_rest() {
        let flags = VlanFlags::MVRP.on() | VlanFlags::LOOSE_BINDING.on() | VlanFlags::LOOSE_BINDING.off();
        assert_eq!(flags, VlanFlagsChange { flags: 8, mask: 8 | 4 });
        assert_eq!(format!("{flags:?}"), "<MVRP> on, <LOOSE_BINDING> off");
        let vlan = || NewLink::vlan(IfIndex(5), VlanId::new(1).unwrap());
        let again = vlan().flags(flags).flags(VlanFlags::GVRP.on());
        assert_eq!(again, vlan().flags(VlanFlags::GVRP.on()));
    }

    #[test]
    fn only_the_flags_that_were_asked_for_are_compared() {
        let vlan = |flags| encoded(&NewLink::vlan(IfIndex(5), VlanId::new(1).unwrap()).flags(flags));
        let found = vlan((VlanFlags::REORDER_HDR | VlanFlags::GVRP).on());
        let found = LinkView::of_request(&found).unwrap().kind();
        let compare = |change| {
            let asked = vlan(change);
            let mismatches = LinkView::of_request(&asked).unwrap().kind().mismatches(&found);
            mismatches.into_iter().map(|one| (one.asked, one.found)).collect::<Vec<_>>()
        };
        assert_eq!(compare(VlanFlags::GVRP.on() | VlanFlags::MVRP.off()), []);
        let wrong = ("<MVRP>".to_owned(), Some("<REORDER_HDR>".to_owned()));
        assert_eq!(compare(VlanFlags::MVRP.on() | VlanFlags::REORDER_HDR.off()), [wrong]);
    }
}
