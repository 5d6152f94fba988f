//! The link that a network is on: how it is made, and removed with the network.

use super::{InvalidNetwork, Network, Owner, Parent, Removal, Result};
use crate::link::{LinkInfo, VlanId, VlanProtocol};
use crate::socket::Socket;
use crate::value::{IPV6_MTU, IfName};

impl Network {
    /// On this link. `BASE.ID` that is not there is made: the VLAN `ID` of the link `BASE`, which is made by the same rule
    /// where it is not there ([`Parent::new`]).
    #[must_use]
    pub const fn on(mut self, parent: IfName) -> Self {
        self.parent = Some(parent);
        self
    }

    /// If the link that it is [on](Self::on) is not there, it is made as the VLAN `id` of the link `base`, whatever its name:
    /// `enp130s0f0np0.100` is longer than a name can be. It is [`Parent::vlan`].
    #[must_use]
    pub const fn parent_vlan(mut self, base: IfName, id: VlanId) -> Self {
        self.parent_vlan = Some((base, id));
        self
    }

    /// The protocol of the outermost VLAN of its parent, if that is made: [`Parent::outer_protocol`].
    #[must_use]
    pub const fn parent_protocol(mut self, protocol: VlanProtocol) -> Self {
        self.parent_protocol = Some(protocol);
        self
    }

    /// Brings up a parent that is there and down, with what it stands on: [`Parent::bring_up`].
    #[must_use]
    pub const fn parent_up(mut self) -> Self {
        self.parent_up = true;
        self
    }

    /// The name of its parent: the link it was given, or the dummy of its own.
    pub fn parent_name(&self) -> IfName {
        self.parent.unwrap_or(self.dummy)
    }

    /// Its parent, for [`Parent::up`]. A dummy is made with the network's MTU, a VLAN with its base's.
    ///
    /// # Errors
    /// [`InvalidNetwork::IsConfigOnly`]: a config-only network has no parent.
    pub fn parent(&self) -> Result<Parent, InvalidNetwork> {
        if self.config_only {
            return Err(InvalidNetwork::IsConfigOnly(self.name.clone()));
        }
        let Some(name) = self.parent else { return Ok(Parent::dummy(self.dummy).maybe(self.mtu, Parent::mtu)) };
        let parent = self.parent_vlan.map_or(Parent::new(name), |(base, id)| Parent::vlan(name, base, id));
        let parent = parent.maybe(self.parent_protocol, Parent::outer_protocol);
        Ok(if self.parent_up { parent.bring_up() } else { parent })
    }

    /// Whether this link is its parent: a config-only network has none.
    pub(super) fn is_on(&self, link: IfName) -> bool {
        !self.config_only && self.parent_name() == link
    }

    /// Checks it against its parent's MTU: IPv6 subnets need 1280 bytes. For a parent that is still to be made, `parent` is the link
    /// that it is to be made on, which limits the network's own MTU.
    ///
    /// # Errors
    /// [`InvalidNetwork::MtuOfParent`] and [`InvalidNetwork::MtuAboveBase`].
    pub fn validate_on(&self, parent: &LinkInfo) -> Result<(), InvalidNetwork> {
        if let Some(mtu) = self.mtu.filter(|mtu| *mtu > parent.mtu && parent.name != self.parent_name()) {
            return Err(InvalidNetwork::MtuAboveBase { mtu, base: parent.name, base_mtu: parent.mtu });
        }
        let v6 = self.subnets.iter().find(|subnet| subnet.network().is_ipv6());
        match v6.filter(|_| parent.mtu < IPV6_MTU) {
            Some(v6) => Err(InvalidNetwork::MtuOfParent { subnet: v6.network(), parent: parent.name, mtu: parent.mtu }),
            None => Ok(()),
        }
    }

    /// Whether its parent's MTU matters.
    pub(super) fn depends_on_mtu(&self) -> bool {
        self.mtu.is_some() || self.subnets.iter().any(|subnet| subnet.network().is_ipv6())
    }

    /// Takes the host's [access](Self::give_host_access) to its containers back, and removes its parent by the rule of
    /// [`Parent::remove`], unless another of `networks` has the parent too. The network itself may be among them. Call it when
    /// the network has no containers left.
    ///
    /// # Errors
    /// As [`take_host_access`](Self::take_host_access) and [`Parent::remove`]. For a config-only network the outcome is
    /// [`Removal::NotThere`].
    pub fn remove_parent(&self, host: &mut Socket, owner: &Owner, networks: &[Self]) -> Result<Removal> {
        let Ok(parent) = self.parent() else { return Ok(Removal::NotThere) };
        if self.host_access.is_some() {
            self.take_host_access(host, owner)?;
        }
        let others = networks.iter().filter(|other| other.name != self.name);
        let others: Vec<_> = others.filter_map(|other| other.parent().ok()).collect();
        parent.remove(host, owner, &others)
    }
}
