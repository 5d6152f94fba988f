//! The sequences of the kernel's own selftests that concern macvlans, VLANs and namespaces, done through the library.
//!
//! Each module names the selftest (`tools/testing/selftests/…`) of which it does the steps and expects the same. The links that
//! the library does not make, bonds and bridges, are made by `ip`. Where a selftest came with a mend of the kernel, older
//! kernels are expected to do what they did before, or the test says that this kernel is older.
//!
//! Not here are the parts that no call of the library comes near: events of all namespaces (`NETLINK_LISTEN_ALL_NSID`),
//! netdevsim, tunnels, qdiscs.

#[path = "selftests/bond_vlan_real_dev.rs"]
mod bond_vlan_real_dev;
#[path = "selftests/bond_xvlan.rs"]
mod bond_xvlan;
#[path = "selftests/ethtool.rs"]
mod ethtool;
#[path = "selftests/fdb_notify.rs"]
mod fdb_notify;
#[path = "selftests/link_netns.rs"]
mod link_netns;
#[path = "selftests/macvlan_mcast_shared_mac.rs"]
mod macvlan_mcast_shared_mac;
#[path = "selftests/netns_name.rs"]
mod netns_name;
#[path = "selftests/netns_sysctl.rs"]
mod netns_sysctl;
#[path = "selftests/protodown.rs"]
mod protodown;
#[path = "selftests/rtnetlink.rs"]
mod rtnetlink;
#[path = "selftests/tools.rs"]
mod tools;
#[path = "selftests/vlan_bridge_binding.rs"]
mod vlan_bridge_binding;
#[path = "selftests/vlan_hw_filter.rs"]
mod vlan_hw_filter;

use std::process::ExitCode;
use sublink_tests as common;

fn main() -> ExitCode {
    common::main()
}
