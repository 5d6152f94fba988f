//! What each kind of link and each mode lets through, between containers, their host and what is outside.

#[path = "traffic/adverts.rs"]
mod adverts;
#[path = "traffic/arp.rs"]
mod arp;
#[path = "traffic/capture.rs"]
mod capture;
mod common;
#[path = "traffic/ipvlan.rs"]
mod ipvlan;
#[path = "traffic/lan.rs"]
mod lan;
#[path = "traffic/macvlan.rs"]
mod macvlan;
#[path = "traffic/neighbours.rs"]
mod neighbours;
#[path = "traffic/networks.rs"]
mod networks;
#[path = "traffic/parents.rs"]
mod parents;
#[path = "traffic/senders.rs"]
mod senders;
#[path = "traffic/station.rs"]
mod station;
#[path = "traffic/subnets.rs"]
mod subnets;
#[path = "traffic/tags.rs"]
mod tags;
#[path = "kernel/tools.rs"]
#[expect(dead_code, reason = "the suite of the kernel's answers uses the rest")]
mod tools;
#[path = "traffic/vlan.rs"]
mod vlan;
#[path = "traffic/waits.rs"]
mod waits;

fn main() -> std::process::ExitCode {
    common::run(tests![
        macvlan::in_bridge_mode_siblings_reach_each_other_directly,
        macvlan::in_vepa_mode_siblings_reach_each_other_only_by_a_switch_that_sends_back,
        macvlan::in_private_mode_siblings_reach_each_other_only_by_such_a_switch_and_a_known_mac,
        macvlan::siblings_of_different_modes_reach_each_other_as_the_stricter_one_allows,
        macvlan::a_change_of_mode_changes_what_passes,
        macvlan::in_passthru_mode_the_parents_mac_follows_the_childs,
        senders::in_source_mode_only_listed_senders_are_heard,
        senders::in_source_mode_an_empty_list_is_deafness,
        senders::in_source_mode_a_listed_sibling_is_heard_by_a_switch_that_sends_back,
        parents::in_private_mode_host_and_child_are_apart,
        parents::in_vepa_mode_host_and_child_are_apart,
        parents::in_bridge_mode_host_and_child_are_apart,
        parents::in_source_mode_host_and_child_are_apart,
        parents::in_passthru_mode_the_host_is_deaf,
        subnets::without_a_route_nothing_leaves,
        subnets::subnets_reach_each_other_by_a_router_that_forwards,
        networks::packets_leave_by_the_network_that_has_the_default_route,
        vlan::the_same_id_on_both_ends_is_one_network_and_another_is_another,
        vlan::a_vlan_and_its_trunks_untagged_network_are_apart,
        vlan::macvlans_stand_on_a_vlan,
        vlan::a_vlan_in_a_vlan_is_a_network_of_its_own,
        tags::a_frame_has_the_tag_of_its_vlan,
        tags::a_tag_has_the_priority_of_the_egress_map,
        tags::a_tags_priority_goes_through_the_ingress_map,
        tags::a_vlan_in_a_vlan_has_two_tags,
        ipvlan::siblings_reach_each_other_with_the_bridge_flag,
        ipvlan::siblings_hear_only_broadcasts_with_the_private_flag,
        ipvlan::a_host_hears_what_its_child_sends_to_their_mac_and_else_they_are_apart,
        adverts::a_macvlan_advertises_its_address_when_told_to,
        adverts::a_macvlan_advertises_nothing_unless_told_to,
        adverts::a_vlan_advertises_its_address_when_told_to,
        arp::a_macvlan_says_where_it_is_when_told_to,
        arp::a_macvlan_says_nothing_unless_told_to,
        arp::a_vlan_says_nothing_unless_told_to,
        arp::a_vlan_says_where_it_is_when_told_to,
    ])
}
