//! Why a link has no carrier: a look at its parent, in whatever namespace that is.

use super::Socket;
use crate::error::NoCarrier;
use crate::link::{GetLink, LinkFlags, LinkView};

/// The parent of a link that is up and has no carrier, as that link reports it.
pub(crate) struct LostCarrier(Option<GetLink<'static>>);

impl LostCarrier {
    /// `None` if the link is down, or has a carrier.
    pub(crate) fn of(link: &LinkView<'_>) -> Option<Self> {
        let parent = link.parent().map(GetLink::index);
        let parent = parent.map(|parent| link.parent_netnsid().map_or(parent, |nsid| parent.in_netnsid(nsid)));
        (link.is_up() && !link.flags().contains(LinkFlags::LOWER_UP)).then_some(Self(parent))
    }

    /// Looks at the parent.
    pub(crate) fn why(self, inside: &mut Socket) -> NoCarrier {
        let parent = self.0.and_then(|parent| inside.get(&parent).ok().map(|parent| parent.flags()));
        match parent {
            Some(flags) if !flags.contains(LinkFlags::UP) => NoCarrier::ParentIsDown,
            Some(flags) if !flags.contains(LinkFlags::LOWER_UP) => NoCarrier::ParentHasNone,
            _ => NoCarrier::Unknown,
        }
    }
}
