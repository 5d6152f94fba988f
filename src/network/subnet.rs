//! Subnets: which addresses a network's containers have, and the way out of them.

use super::InvalidNetwork;
use ipnetwork::IpNetwork;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A subnet of a network, with the gateway that leads out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subnet {
    network: IpNetwork,
    gateway: Option<IpAddr>,
}

impl Subnet {
    /// A subnet; host bits are dropped: `192.168.1.1/16` means 192.168.0.0/16, as it does to Docker.
    #[must_use]
    pub fn new(network: IpNetwork) -> Self {
        let without_host_bits = IpNetwork::new(network.network(), network.prefix());
        Self { network: without_host_bits.unwrap_or(network), gateway: None } // the prefix has been one before
    }

    /// With a gateway, which must be one of its addresses, and of IPv4 neither the first nor the last: those name the
    /// subnet and all its stations. An IPv6 gateway may also be a link-local address, which is reached by every link.
    pub fn gateway(mut self, gateway: IpAddr) -> Result<Self, InvalidNetwork> {
        let is_link_local = matches!(gateway, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let is_on_every_link = is_link_local && self.network.is_ipv6();
        if !(self.has_station(gateway) || is_on_every_link) {
            return Err(InvalidNetwork::GatewayOutside { gateway, subnet: self.network });
        }
        self.gateway = Some(gateway);
        Ok(self)
    }

    /// Whether a station in the subnet can have this address.
    pub fn has_station(&self, addr: IpAddr) -> bool {
        let is_reserved = match self.network {
            IpNetwork::V4(v4) => v4.prefix() < 31 && (addr == v4.network() || addr == v4.broadcast()),
            IpNetwork::V6(_) => false,
        };
        self.network.contains(addr) && !is_reserved
    }

    /// The subnet, without host bits.
    pub const fn network(&self) -> IpNetwork {
        self.network
    }

    /// Its gateway, if it has one: see [`gateway`](Self::gateway).
    pub const fn gateway_addr(&self) -> Option<IpAddr> {
        self.gateway
    }

    /// The reserved network that it has addresses of, if there is one: 127.0.0.0/8, ::1, multicast, and fe80::/10, which every
    /// link has by itself. A subnet of all addresses is itself what is reserved.
    pub(super) fn reserved(&self) -> Option<IpNetwork> {
        const RESERVED: [(IpAddr, u8); 5] = [
            (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
            (IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), 4),
            (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
            (IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0)), 8),
            (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
        ];
        if self.network.prefix() == 0 {
            return Some(self.network);
        }
        let reserved = RESERVED.into_iter().filter_map(|(addr, prefix)| IpNetwork::new(addr, prefix).ok());
        reserved.map(Self::new).find(|reserved| reserved.overlaps(self)).map(|reserved| reserved.network)
    }

    /// Whether both have an address in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.network.contains(other.network.ip()) || other.network.contains(self.network.ip())
    }

    /// A private subnet that overlaps none of `taken`, for a network that asks for none: the first free one of 172.17.0.0/16
    /// to 172.31.0.0/16 and then 192.168.0.0/20 to 192.168.240.0/20, which is where Docker looks too.
    pub fn free(taken: &[IpNetwork]) -> Option<Self> {
        let sixteens = (17..32).map(|second| ([172, second, 0, 0], 16));
        let twenties = (0..16).map(|third| ([192, 168, third * 16, 0], 20));
        let pool = sixteens.chain(twenties).filter_map(|(octets, prefix)| IpNetwork::new(octets.into(), prefix).ok());
        let taken: Vec<_> = taken.iter().copied().map(Self::new).collect();
        pool.map(Self::new).find(|free| !taken.iter().any(|taken| taken.overlaps(free)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(network: &str) -> IpNetwork {
        network.parse().unwrap()
    }

    fn subnet(network: &str) -> Subnet {
        Subnet::new(net(network))
    }

    #[test]
    fn host_bits_are_dropped() {
        assert_eq!(subnet("192.168.1.1/16").network(), net("192.168.0.0/16"));
        assert_eq!(subnet("fd50::7/64"), subnet("fd50::/64"));
        assert_eq!(subnet("10.0.0.1/32").network(), net("10.0.0.1/32"));
    }

    #[test]
    fn a_gateway_is_a_station_of_its_subnet() {
        let rows = [
            ("10.0.50.0/24", "10.0.50.1", true),
            ("10.0.50.0/24", "10.0.51.1", false),
            ("10.0.50.0/24", "10.0.50.0", false),
            ("10.0.50.0/24", "10.0.50.255", false),
            ("10.0.50.0/24", "fd50::1", false),
            ("10.0.50.0/31", "10.0.50.0", true),
            ("10.0.50.9/32", "10.0.50.9", true),
            ("fd50::/64", "fd50::", true),
            ("fd50::/64", "fd51::1", false),
            ("fd50::/64", "fe80::1", true),
            ("10.0.50.0/24", "fe80::1", false),
        ];
        for (network, gateway, is_one) in rows {
            let gateway: IpAddr = gateway.parse().unwrap();
            let expected = InvalidNetwork::GatewayOutside { gateway, subnet: net(network) };
            match subnet(network).gateway(gateway) {
                Ok(subnet) => assert!(is_one && subnet.gateway_addr() == Some(gateway), "{network} {gateway}"),
                Err(error) => assert!(!is_one && error == expected, "{network} {gateway}: {error}"),
            }
        }
    }

    #[test]
    fn some_addresses_are_no_networks() {
        let rows = [
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("::/0", Some("::/0")),
            ("127.0.0.0/8", Some("127.0.0.0/8")),
            ("127.1.2.0/24", Some("127.0.0.0/8")),
            ("::1/128", Some("::1/128")),
            ("224.0.0.0/4", Some("224.0.0.0/4")),
            ("239.1.0.0/16", Some("224.0.0.0/4")),
            ("128.0.0.0/1", Some("224.0.0.0/4")),
            ("ff00::/8", Some("ff00::/8")),
            ("ff02::/64", Some("ff00::/8")),
            ("fe80::/10", Some("fe80::/10")),
            ("fe80::/64", Some("fe80::/10")),
            ("192.168.1.1/16", None),
            ("169.254.0.0/16", None),
            ("fd50::/64", None),
            ("fec0::/64", None),
        ];
        for (network, reserved) in rows {
            assert_eq!(subnet(network).reserved(), reserved.map(net), "{network}");
        }
    }

    #[test]
    fn subnets_overlap_where_one_is_in_the_other() {
        let rows = [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/16", "10.1.0.0/16", false),
            ("0.0.0.0/0", "10.1.0.0/16", true),
            ("fd50::/64", "fd50::/48", true),
            ("fd50::/64", "fd51::/64", false),
            ("0.0.0.0/0", "::/0", false),
        ];
        for (one, other, overlap) in rows {
            assert_eq!(subnet(one).overlaps(&subnet(other)), overlap, "{one} {other}");
            assert_eq!(subnet(other).overlaps(&subnet(one)), overlap, "{other} {one}");
        }
    }

    #[test]
    fn a_free_subnet_avoids_what_is_taken() {
        let free = |taken: &[&str]| {
            let taken: Vec<_> = taken.iter().map(|taken| net(taken)).collect();
            Subnet::free(&taken).map(|subnet| subnet.network().to_string())
        };
        assert_eq!(free(&[]).as_deref(), Some("172.17.0.0/16"));
        assert_eq!(free(&["172.17.0.0/16", "fd50::/64"]).as_deref(), Some("172.18.0.0/16"));
        assert_eq!(free(&["172.17.9.1/24", "172.18.255.0/24"]).as_deref(), Some("172.19.0.0/16"), "parts of them");
        assert_eq!(free(&["172.16.0.0/12"]).as_deref(), Some("192.168.0.0/20"));
        assert_eq!(free(&["172.16.0.0/12", "192.168.1.0/24"]).as_deref(), Some("192.168.16.0/20"));
        assert_eq!(free(&["172.16.0.0/12", "192.168.0.0/16"]), None);
    }
}
