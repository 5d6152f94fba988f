//! Docker's macvlan networks on the running kernel: parents that come and go, containers that join and leave.

#[path = "network/alone.rs"]
mod alone;
mod common;
#[path = "network/help.rs"]
mod help;
#[path = "network/members.rs"]
mod members;
#[path = "network/parents.rs"]
mod parents;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "attach/help.rs"]
mod pod;
#[path = "network/races.rs"]
mod races;
#[path = "network/refusals.rs"]
mod refusals;
#[path = "network/removal.rs"]
mod removal;
#[path = "network/restart.rs"]
mod restart;
#[path = "network/sharing.rs"]
mod sharing;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "kernel/tools.rs"]
mod tools;
#[path = "network/watch.rs"]
mod watch;

fn main() -> std::process::ExitCode {
    common::roles::play(&[("guest", refusals::a_guest), ("remover", alone::a_remover)]).unwrap_or_else(|| {
        common::run(tests![
            alone::it_says_whether_it_was_made,
            alone::what_is_there_was_not_made,
            alone::all_on_it_goes_with_it,
            alone::an_unused_one_is_seen_at_a_glance,
            alone::lost_answers_are_asked_for_again,
            alone::links_that_change_meanwhile_are_no_matter,
            alone::a_removal_that_is_killed_keeps_nobody_out,
            alone::a_missing_base_is_no_failure_of_the_kernels,
            parents::what_is_there_is_used_whatever_its_name,
            parents::a_vlan_is_made_on_demand,
            parents::a_dummy_is_made_for_a_network_without_a_parent,
            parents::a_network_of_vlans_has_a_dummy_too,
            parents::a_half_made_link_is_finished,
            parents::a_foreign_vlan_of_the_name_is_used_and_not_marked,
            parents::a_foreign_vlan_of_another_name_is_pointed_out,
            refusals::they_are_told_in_dockers_order,
            refusals::a_base_that_is_down,
            refusals::a_name_that_is_taken_as_an_alternative_one,
            refusals::a_base_that_can_carry_no_more,
            refusals::a_vlan_that_is_in_another_namespace,
            refusals::a_driver_that_is_missing,
            refusals::without_permission,
            refusals::a_config_brings_nothing_up,
            removal::what_is_unused_is_removed,
            removal::what_was_there_is_kept,
            removal::what_another_network_has_is_kept,
            removal::what_a_container_has_is_kept,
            removal::what_is_used_from_another_namespace_is_kept,
            removal::what_somebody_uses_here_is_kept,
            removal::what_is_no_longer_what_was_made_is_kept,
            removal::a_stale_probe_proves_as_much_as_a_new_one,
            removal::a_stale_probe_goes_where_the_parent_is_kept,
            removal::a_probe_keeps_others_away,
            members::a_connected_container_has_what_was_said,
            members::the_first_name_in_byte_order_has_the_default_routes,
            members::priority_comes_before_the_name,
            members::more_gateways_come_before_the_name,
            members::an_internal_network_has_no_default_route,
            members::a_failed_connect_leaves_the_container_as_before,
            members::an_address_outside_is_refused,
            members::a_network_that_cannot_have_the_default_route_is_passed_over,
            members::the_gateway_is_that_of_the_addresss_subnet,
            members::the_smallest_subnet_around_an_address_is_its_own,
            members::a_gateway_that_no_address_reaches_is_on_the_link,
            members::a_closed_door_leaves_the_container_as_before,
            members::a_network_may_join_its_own_hosts_namespace_never,
            sharing::networks_share_a_parent,
            sharing::a_passthru_network_shares_its_parent_with_none,
            sharing::a_parent_that_carries_ipvlan_is_busy,
            sharing::a_mac_address_is_one_containers,
            sharing::an_mtu_is_at_most_the_parents,
            sharing::each_container_has_a_vlan_of_its_own,
            restart::what_vanished_is_made_again,
            restart::what_is_left_over_is_removed,
            restart::what_stands_on_another_is_removed_first,
            restart::a_container_that_outlives_its_network_keeps_the_parent,
            restart::what_is_somebody_elses_is_let_alone,
            races::a_vlan_is_made_once,
            races::a_vlan_of_two_owners_is_made_once,
            races::a_dummy_is_made_once,
            races::a_vlan_that_is_being_made_is_awaited,
            races::a_base_that_vanishes_takes_everything_with_it,
        ])
    })
}
