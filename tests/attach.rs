//! Attaching containers on the running kernel: whole or not at all, whatever the container does meanwhile.

#[path = "attach/behind.rs"]
mod behind;
#[path = "attach/checks.rs"]
mod checks;
mod common;
#[path = "attach/failures.rs"]
mod failures;
#[path = "attach/handover.rs"]
mod handover;
#[path = "attach/help.rs"]
mod help;
#[path = "attach/many.rs"]
mod many;
#[path = "attach/rootless.rs"]
mod rootless;
#[path = "attach/traced.rs"]
mod traced;
#[path = "attach/whole.rs"]
mod whole;

fn main() -> std::process::ExitCode {
    common::roles::play(&[("attach", traced::attach), ("detach", traced::detach)]).unwrap_or_else(|| {
        common::run(tests![
            whole::a_macvlan_is_attached_whole,
            whole::a_macvtap_is_attached_whole,
            whole::a_vlan_is_attached_whole,
            whole::an_ipvlan_is_attached_whole,
            whole::a_passthru_macvlan_tells_its_parents_address,
            whole::a_link_without_a_name_tells_the_kernels,
            whole::the_host_may_own_a_link_of_the_same_name,
            whole::there_is_time_between_prepare_and_finish,
            whole::settings_are_in_force,
            whole::a_gateway_outside_every_network_is_on_the_link,
            whole::the_parent_may_be_in_yet_another_namespace,
            whole::more_routes_are_added,
            whole::ipv6_is_awaited,
            checks::a_check_names_every_difference,
            checks::what_every_link_has_is_compared,
            checks::what_only_a_macvlan_has_is_compared,
            checks::a_cutoff_is_compared,
            checks::what_only_a_macvtap_has_is_compared,
            checks::what_only_an_ipvlan_has_is_compared,
            checks::what_only_a_vlan_has_is_compared,
            checks::settings_are_compared,
            checks::a_parent_of_the_containers_own_is_found,
            checks::another_parent_is_found,
            checks::a_route_that_differs_is_another,
            checks::a_duplicate_address_is_found,
            handover::each_family_has_one_default_route_by_the_one_that_took_it,
            handover::there_is_no_moment_without_a_default_route,
            whole::a_device_moves_with_its_addresses,
            failures::the_parents_own_namespace_is_refused,
            failures::a_socket_of_another_namespace_is_refused,
            failures::a_taken_name_leaves_nothing,
            failures::a_taken_index_leaves_the_other_link_alone,
            failures::a_mac_for_a_link_that_has_its_parents_is_refused,
            failures::an_index_that_the_host_has_taken_is_taken_on_older_kernels,
            failures::a_parent_that_is_a_bridge_port_is_busy,
            failures::a_parent_that_vanished_is_no_device,
            failures::a_failure_at_each_step_leaves_nothing,
            failures::a_route_that_drops_packets_is_undone_too,
            failures::a_closed_door_leaves_nothing,
            behind::a_link_that_was_deleted_is_gone,
            behind::a_link_that_was_renamed_is_deleted,
            behind::a_link_that_was_moved_away_is_gone,
            behind::a_passthru_macvlan_whose_parents_mac_changed_is_deleted,
            behind::a_vlan_whose_parents_mac_changed_is_deleted,
            behind::an_ipvlan_whose_parents_mac_changed_is_deleted,
            behind::what_was_written_down_is_known_again,
            behind::a_link_in_its_place_is_let_alone,
            behind::a_link_with_a_list_too_long_to_tell_is_deleted,
            behind::an_undo_lets_a_link_in_its_place_alone,
            behind::an_undo_finds_a_renamed_link,
            behind::a_container_that_ended_is_gone,
            many::a_hundred_come_and_go_at_once,
            many::many_are_detached_together,
            many::nothing_is_left_open,
            rootless::a_macvlan_is_put_into_it,
            rootless::a_vlan_is_put_into_it,
            rootless::an_ipvlan_is_put_into_it,
            rootless::many_are_detached_from_such,
            traced::an_attach_is_at_most_ten_calls,
            traced::a_parent_that_is_a_bridge_port_is_tried_once,
            traced::a_call_that_fails_leaves_nothing,
            traced::many_links_are_deleted_at_a_time,
            traced::what_cannot_be_looked_for_is_unknown,
            traced::what_cannot_be_deleted_is_left_behind,
        ])
    })
}
