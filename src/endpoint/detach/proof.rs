//! What proves, from the host's side, that a container is off the network.

use super::{Detach, Detached, Inside, Proof, Unproven};
use crate::endpoint::Attached;
use crate::error::Result;
use crate::neigh::MacsOn;
use crate::probe::Home;
use crate::socket::Socket;
use crate::value::{IfIndex, MacAddr};
use nix::errno::Errno;
use std::collections::BTreeMap;

/// The addresses that parents had in their lists before; only of the parents that were asked for.
#[derive(Debug, Default)]
pub(super) struct Witness(Lists);

type Lists = BTreeMap<IfIndex, Result<MacsOn>>;

/// Looks at each parent once, when all that was to be deleted is.
struct Prover<'p> {
    host: &'p mut Socket,
    how: &'p Detach<'p>,
    before: Lists,
    after: Lists,
    empty: BTreeMap<IfIndex, Proof>,
}

impl Witness {
    /// Reads what must be read before anything is deleted.
    pub(super) fn before<'e>(
        host: &mut Socket,
        endpoints: impl IntoIterator<Item = &'e Attached>,
        how: &Detach<'_>,
    ) -> Self {
        Self(if how.prove_address { read_lists(host, endpoints) } else { Lists::new() })
    }

    /// Proves what can be proved, when all that was to be deleted is.
    pub(super) fn conclude<'e>(
        self,
        host: &mut Socket,
        endpoints: impl IntoIterator<Item = (&'e Attached, Result<Inside>)>,
        how: &Detach<'_>,
    ) -> Vec<Result<Detached>> {
        let Self(before) = self;
        let mut prover = Prover { host, how, before, after: Lists::new(), empty: BTreeMap::new() };
        let conclude = |(attached, inside): (&Attached, Result<Inside>)| {
            let inside = inside?;
            let proof = prover.prove(attached, &inside);
            let Inside { link, swept, remaining, unseen, .. } = inside;
            Ok(Detached { link, swept, remaining, unseen, proof })
        };
        endpoints.into_iter().map(conclude).collect()
    }
}

impl Prover<'_> {
    /// The best proof of those that were asked for.
    fn prove(&mut self, attached: &Attached, inside: &Inside) -> Proof {
        let Some(lower) = attached.lower else { return Proof::None(Unproven::NoParent) };
        if let Some((protocol, id)) = inside.vlan {
            return match self.host.has_vlan(lower, id, protocol) {
                Ok(false) => Proof::VlanIsFree,
                Ok(true) => Proof::None(Unproven::VlanIsThere),
                Err(error) => Proof::None(Unproven::Failed(error)),
            };
        }
        let mut proof = Proof::None(Unproven::NotAsked);
        if self.how.prove_empty_parent {
            proof = self.empty.entry(lower).or_insert_with(|| parent_is_empty(self.host, lower)).clone();
        }
        if self.how.prove_address && !proof.is_complete() {
            proof = self.address_is_gone(attached, inside, lower);
        }
        proof
    }

    /// Whether the link's addresses were in its parent's list and are not any more.
    fn address_is_gone(&mut self, attached: &Attached, inside: &Inside, lower: IfIndex) -> Proof {
        let after = &*self.after.entry(lower).or_insert_with(|| self.host.macs_on(lower, &[]));
        let (before, after) = match (self.before.get(&lower), after) {
            (Some(Ok(before)), Ok(after)) => (before, after),
            (Some(Err(error)), _) | (_, Err(error)) => return Proof::None(Unproven::Failed(error.clone())),
            (None, _) => return Proof::None(Unproven::NeverListed),
        };
        let swept = inside.swept.iter().filter_map(|link| link.mac);
        let known: Vec<MacAddr> = attached.mac.into_iter().chain(inside.mac).chain(swept).collect();
        let was_listed = inside.mac.is_some_and(|mac| before.has(mac)) && !attached.has_parents_mac;
        Proof::None(match () {
            () if known.iter().any(|mac| after.has(*mac)) => Unproven::AddressIsThere,
            () if !was_listed => Unproven::NeverListed,
            () if !after.certainty.is_whole() => Unproven::Unsteady,
            () => return Proof::AddressIsGone,
        })
    }
}

fn read_lists<'e>(host: &mut Socket, endpoints: impl IntoIterator<Item = &'e Attached>) -> Lists {
    let mut lists = Lists::new();
    for lower in endpoints.into_iter().filter_map(|attached| attached.lower) {
        lists.entry(lower).or_insert_with(|| host.macs_on(lower, &[]));
    }
    lists
}

/// Whether nothing stands on a parent, by a link that the kernel makes only then.
fn parent_is_empty(host: &mut Socket, parent: IfIndex) -> Proof {
    match Home::make().and_then(|home| home.probe(host, parent)) {
        Ok(probe) => {
            probe.delete();
            Proof::ParentIsEmpty
        }
        Err(error) if error.is_busy() || error.raw_os_error() == Some(Errno::EINVAL as i32) => {
            Proof::None(Unproven::ParentIsInUse)
        }
        Err(error) => Proof::None(Unproven::Failed(error)),
    }
}
