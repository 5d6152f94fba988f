//! The library on the running kernel. Each test has a network namespace of its own.

mod common;
#[path = "kernel/common_properties.rs"]
mod common_properties;
#[path = "kernel/macvlan.rs"]
mod macvlan;
#[path = "kernel/macvtap.rs"]
mod macvtap;
#[path = "kernel/neighbours.rs"]
mod neighbours;
#[path = "kernel/parents.rs"]
mod parents;
#[path = "kernel/refusals.rs"]
mod refusals;
#[path = "kernel/senders.rs"]
mod senders;
#[path = "kernel/tools.rs"]
mod tools;
#[path = "kernel/twins.rs"]
mod twins;
#[path = "kernel/vlan.rs"]
mod vlan;
#[path = "kernel/vlan_refusals.rs"]
mod vlan_refusals;

use common::Test;
use twins::{MacvlanKind, MacvtapKind, Twin};

/// Names each test twice: of macvlan and of macvtap.
macro_rules! of_both {
    ($($module:ident::$test:ident),* $(,)?) => { &[$(
        (concat!("macvlan::", stringify!($test)), (|| { MacvlanKind::needed()?; $module::$test::<MacvlanKind>() }) as Test),
        (concat!("macvtap::", stringify!($test)), (|| { MacvtapKind::needed()?; $module::$test::<MacvtapKind>() }) as Test),
    )*] };
}

const OF_BOTH: &[(&str, Test)] = of_both![
    macvlan::every_mode_can_be_created,
    macvlan::ip_says_the_same,
    macvlan::the_kernel_has_defaults,
    macvlan::unknown_modes_are_refused,
    macvlan::a_mode_can_be_changed_to_any_but_passthru,
    macvlan::passthru_is_for_life,
    macvlan::flags_are_set_and_replaced_as_a_whole,
    macvlan::nopromisc_spares_the_parent_of_a_passthru_child,
    macvlan::a_change_of_one_property_leaves_the_others,
    macvlan::the_longest_queue_of_all_children_is_used,
    macvlan::the_queue_length_is_verified,
    macvlan::a_cutoff_is_reported_or_verified_to_be_ignored,
    macvlan::an_ignored_property_is_an_error_of_its_own_kind,
    macvlan::a_cutoff_holds_for_all_children,
    senders::a_list_is_set_at_create,
    senders::a_list_is_added_to_removed_from_flushed_and_replaced,
    senders::a_list_of_500_is_set_and_read,
    senders::a_list_longer_than_can_be_told_is_an_error,
    senders::each_child_has_a_list_of_its_own,
    senders::leaving_source_mode_drops_the_list,
    senders::a_link_enters_source_mode_with_its_list,
    senders::a_list_outside_source_mode_is_refused,
    refusals::a_parent_must_be_there_and_ethernet,
    refusals::a_tunnel_cannot_be_a_parent,
    refusals::an_mtu_has_limits,
    refusals::a_taken_name_is_refused,
    refusals::a_mac_in_use_is_refused_only_when_up,
    refusals::a_mac_in_use_cannot_be_changed_to,
    refusals::a_mac_of_a_sibling_that_is_down_is_free,
    refusals::a_mac_in_use_in_another_namespace_is_refused,
    refusals::a_bridge_port_is_busy,
    refusals::a_parent_cannot_become_a_bridge_port,
    refusals::passthru_and_others_exclude_each_other,
    refusals::a_file_that_is_no_namespace_is_refused,
    refusals::an_unknown_number_of_a_namespace_is_refused,
    refusals::a_link_of_another_kind_or_none_cannot_be_changed,
    parents::a_down_parent_is_accepted,
    parents::a_deleted_parent_takes_its_children_along,
    parents::on_a_macvlan_it_gets_the_real_parent,
    parents::the_mtu_of_a_child_follows_its_parent_down,
    parents::passthru_shares_the_address_of_its_parent,
    parents::the_address_is_the_one_asked_for_or_random,
    parents::an_address_of_the_kernels_own_is_marked_as_random,
];

const OF_ONE: &[(&str, Test)] = tests![
    macvtap::its_queue_is_shorter,
    macvtap::its_device_file_is_numbered_by_its_index,
    macvtap::it_cannot_be_a_bridge_port,
    macvtap::it_shares_its_parent_with_macvlans,
    macvtap::neither_can_be_changed_as_the_other,
    vlan::ids_are_0_to_4094,
    vlan::ip_says_the_same,
    vlan::the_kernel_has_defaults,
    vlan::both_protocols_and_stacks_of_them,
    vlan::each_flag_is_set_at_create,
    vlan::a_change_of_each_flag_leaves_the_others,
    vlan::a_change_of_something_else_leaves_flags_and_maps,
    vlan::maps_are_set_at_create,
    vlan::egress_entries_are_added_replaced_and_removed,
    vlan::ingress_entries_are_added_replaced_and_removed,
    vlan::a_map_of_thousands_is_read_whole_or_is_an_error,
    vlan_refusals::without_the_driver_its_module_is_named,
    vlan_refusals::a_parent_must_be_there_and_know_vlans,
    vlan_refusals::an_id_is_there_once_per_parent_and_protocol,
    vlan_refusals::a_vlan_in_another_namespace_takes_its_id,
    vlan_refusals::a_taken_name_is_an_eexist_without_text,
    vlan_refusals::unknown_protocols_are_refused,
    vlan_refusals::an_mtu_is_at_most_the_parents,
    vlan_refusals::it_comes_up_on_a_down_parent_only_when_loosely_bound,
    vlan_refusals::it_follows_its_parent_down_and_up_unless_loosely_bound,
    vlan_refusals::a_deleted_parent_takes_its_vlans_along,
    vlan_refusals::vlans_and_macvlans_stand_on_each_other,
    vlan_refusals::a_link_of_another_kind_cannot_be_changed_as_a_vlan,
    neighbours::without_a_driver_its_module_is_named,
    neighbours::a_dummy_can_be_a_parent,
    neighbours::both_ends_of_a_veth_are_as_asked_for,
    neighbours::a_peer_without_a_name_gets_one,
    neighbours::a_peer_is_born_in_another_namespace,
    neighbours::a_peers_master_is_ignored_and_so_is_its_index_beside_none,
    neighbours::a_veth_that_cannot_be_leaves_no_end_behind,
    neighbours::an_attribute_of_a_peer_is_named_in_errors,
    neighbours::every_ipvlan_mode_and_flag_is_set_at_create,
    neighbours::ip_says_the_same_of_an_ipvlan,
    neighbours::ipvlan_mode_and_flag_hold_for_all_children,
    neighbours::ipvlan_refuses_unknown_modes_and_flags,
    neighbours::ipvlan_and_macvlan_exclude_each_other,
    neighbours::unknown_kinds_and_flags_survive,
    neighbours::unknown_bytes_in_names_survive,
    neighbours::addresses_of_other_hardware_survive,
    common_properties::all_is_set_of_a_macvlan,
    common_properties::all_is_set_of_a_macvtap,
    common_properties::all_is_set_of_a_vlan,
    common_properties::all_is_set_of_a_veth,
    common_properties::all_is_set_of_a_dummy,
    common_properties::all_is_set_of_an_ipvlan_but_its_mac,
    common_properties::a_macvlan_is_born_as_a_port,
    common_properties::a_vlan_is_born_as_a_port,
    common_properties::a_veth_is_born_as_a_port,
    common_properties::a_dummy_is_born_as_a_port,
    common_properties::a_property_out_of_its_limits_is_refused,
    common_properties::a_gso_limit_above_the_kernels_is_refused_or_lowered,
    common_properties::a_limit_in_an_error_is_the_limit,
];

fn main() -> std::process::ExitCode {
    common::run(&[OF_BOTH, OF_ONE].concat())
}
