//! The reasons that programs have given for holding a link down at the protocol level (`IFLA_PROTO_DOWN_REASON`).
//!
//! Several programs can want a link down. Each has a bit of its own, and the kernel refuses to end proto_down (EBUSY) while any
//! bit is set. The kernel gives the bits no meaning: `/etc/iproute2/protodown_reasons.d` names them. Source:
//! `do_set_proto_down` of `net/core/rtnetlink.c`.

use crate::value::{flags, flags_change};
use crate::wire::{Attributes, Fixed, Full, Get, Inside, Out, Put, Row};

/// Which bits of the value count.
const IFLA_PROTO_DOWN_REASON_MASK: u16 = 1;
/// The reasons.
const IFLA_PROTO_DOWN_REASON_VALUE: u16 = 2;

flags! {
    /// Reasons to hold a link down at the protocol level, a bit for each. The programs agree on what a bit stands for.
    ///
    /// ```
    /// use sublink::link::ProtoDownReasons;
    /// use sublink::{IfIndex, LinkChange};
    /// const OURS: u32 = 3; // as in `ip link set mv0 protodown_reason 3 on`
    /// let reason = ProtoDownReasons::from(1 << OURS);
    /// let change = LinkChange::new(IfIndex::new(7)?).proto_down(true).proto_down_reason(reason.on());
    /// # Ok::<(), sublink::value::InvalidValue>(())
    /// ```
    ProtoDownReasons: u32 {}
}

flags_change! {
    /// Which reasons to give, and which to take back; the others stay as they are. A change without any reason is not sent.
    ///
    /// ```
    /// use sublink::link::ProtoDownReasons;
    /// let change = ProtoDownReasons::from(1).on() | ProtoDownReasons::from(2).off();
    /// assert_eq!(change.to_string(), "<0x1> on, <0x2> off");
    /// ```
    ProtoDownReasonsChange of ProtoDownReasons
}

impl ProtoDownReasonsChange {
    const SIZE: usize = 4 + u32::SIZE + u32::SIZE;

    fn get(nest: &[u8]) -> Option<Self> {
        let find = |number| Attributes::new(nest).find(|one| one.number == number).and_then(|one| u32::get(one.value));
        let flags = find(IFLA_PROTO_DOWN_REASON_VALUE)?;
        Some(Self { flags, mask: find(IFLA_PROTO_DOWN_REASON_MASK).unwrap_or(u32::MAX) })
    }
}

/// A mask of 0 means all bits to the kernel. So a change without any reason is left out.
impl Put for ProtoDownReasonsChange {
    const UNSET: Self = Self::NONE;
    const MAX: usize = Self::SIZE;
    #[inline(always)]
    fn put<'b>(&self, ty: u16, to: Out<'b>) -> Result<Out<'b>, Full> {
        if self.mask == 0 {
            return Ok(to);
        }
        to.nest(ty, |to| {
            to.one(IFLA_PROTO_DOWN_REASON_MASK, &self.mask)?.one(IFLA_PROTO_DOWN_REASON_VALUE, &self.flags)
        })
    }
    fn room(&self) -> usize {
        if self.mask == 0 { 0 } else { Self::SIZE }
    }
}

/// The kernel reports the value alone, and nothing while it is 0.
impl Get<'_> for ProtoDownReasons {
    const INSIDE: Inside = Inside::Rows(&[
        Row::value(IFLA_PROTO_DOWN_REASON_MASK, "IFLA_PROTO_DOWN_REASON_MASK"),
        Row::value(IFLA_PROTO_DOWN_REASON_VALUE, "IFLA_PROTO_DOWN_REASON_VALUE"),
    ]);
    fn get(value: &[u8]) -> Option<Self> {
        ProtoDownReasonsChange::get(value).map(|reported| Self(reported.flags))
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::attributes;
    use super::*;
    use crate::link::{LinkChange, LinkView};
    use crate::value::IfIndex;
    use crate::wire::{CompareRows, encoded};

    fn change(reasons: ProtoDownReasonsChange) -> LinkChange<'static, crate::link::AnyKind> {
        LinkChange::new(IfIndex(5)).proto_down_reason(reasons)
    }

    #[test]
    fn reasons_are_these_bytes() {
        let reasons = ProtoDownReasons::from(1 << 3).on() | ProtoDownReasons::from(1).off();
        #[rustfmt::skip]
        assert_eq!(attributes(&change(reasons)), [
            20, 0, 55, 0x80,                                    // IFLA_PROTO_DOWN_REASON {
              8, 0, 1, 0,  9, 0, 0, 0,                          //   IFLA_PROTO_DOWN_REASON_MASK
              8, 0, 2, 0,  8, 0, 0, 0,                          //   IFLA_PROTO_DOWN_REASON_VALUE
        ]);
        assert_eq!(attributes(&change(ProtoDownReasonsChange::NONE)), [0u8; 0], "or it would take all of them back");
    }

    #[test]
    fn only_the_reasons_that_were_asked_for_are_compared() {
        #[rustfmt::skip]
        let reported = [
            12, 0, 55, 0x80,                                    // IFLA_PROTO_DOWN_REASON {
              8, 0, 2, 0,  6, 0, 0, 0,                          //   IFLA_PROTO_DOWN_REASON_VALUE
        ];
        let mismatches = |asked, found: &[u8]| {
            let request = encoded(&change(asked));
            let mut reply = encoded(&LinkChange::new(IfIndex(5)));
            reply.extend_from_slice(found);
            reply[0] = u8::try_from(reply.len()).unwrap();
            let (asked, found) = (LinkView::of_request(&request).unwrap(), LinkView::of_request(&reply).unwrap());
            asked.mismatches(&found).into_iter().map(|one| (one.asked, one.found)).collect::<Vec<_>>()
        };
        let reasons = |bits| ProtoDownReasons::from(bits);
        assert_eq!(mismatches(reasons(2).on() | reasons(8).off(), &reported), []);
        for found in [&reported[..], &[]] {
            assert_eq!(mismatches(reasons(1).on(), found), [("<0x1>".to_owned(), Some("<>".to_owned()))]);
        }
        assert_eq!(mismatches(reasons(1).off(), &[]), []);
    }
}
