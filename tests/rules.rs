//! The rules of the socket and of the kernel behind it: what an operation does, what it leaves, and what it says.

#[path = "rules/batch.rs"]
mod batch;
#[path = "rules/change.rs"]
mod change;
mod common;
#[path = "rules/create.rs"]
mod create;
#[path = "rules/help.rs"]
mod help;
#[path = "rules/lists.rs"]
mod lists;
#[path = "rules/moves.rs"]
mod moves;
#[path = "rules/names.rs"]
mod names;
#[path = "rules/namespaces.rs"]
mod namespaces;
#[path = "rules/scale.rs"]
mod scale;
#[path = "rules/versions.rs"]
mod versions;

fn main() -> std::process::ExitCode {
    common::run(tests![
        create::the_index_is_the_new_links,
        create::a_kind_chosen_at_run_time,
        create::a_name_taken_here_is_free_elsewhere,
        create::a_link_that_is_there_stays_as_it_is,
        create::a_failed_create_leaves_nothing,
        create::a_failed_create_elsewhere_leaves_nothing,
        create::a_taken_index_is_refused,
        create::a_link_with_its_parent_elsewhere_is_up,
        create::a_link_that_cannot_come_up_with_its_parent_elsewhere_is_not_there,
        create::a_veth_has_its_peer_elsewhere,
        create::a_peers_index_counts_beside_its_own,
        change::what_is_asked_for_is_read_back,
        change::several_at_once_leave_the_rest,
        change::a_bridge_gains_and_loses_a_port,
        change::alternative_names_come_and_go,
        change::a_kinds_properties_go_by_the_message_that_sets_them,
        change::no_link_local_address_is_made_where_none_is_wanted,
        change::a_deleted_group_is_all_of_it_in_one_namespace,
        change::a_change_stops_where_it_fails,
        change::a_refused_change_says_what_it_was,
        moves::one_request_moves_and_makes_ready,
        moves::an_index_is_kept_where_it_is_free,
        moves::a_move_takes_it_down_and_drops_its_addresses,
        moves::a_move_and_back,
        moves::a_move_that_did_not_begin_says_so,
        moves::a_move_that_failed_on_the_way_says_so,
        moves::a_move_that_failed_in_a_batch_says_where_the_link_is,
        moves::a_link_that_is_not_there_is_not_moved,
        moves::a_move_to_its_own_namespace_is_a_change,
        batch::every_step_has_its_outcome,
        batch::an_empty_batch_is_nothing,
        batch::more_steps_than_one_send_takes,
        batch::large_steps_go_in_several_sends,
        batch::a_batch_is_used_again,
        batch::a_thousand_steps_come_and_go,
        batch::a_lost_answer_is_unknown,
        batch::after_a_loss_nothing_more_is_sent,
        names::a_name_is_bytes,
        names::so_are_alternative_names_and_aliases,
        names::a_pattern_does_not_reach_the_kernel,
        names::a_planted_alternative_name_is_not_fallen_for,
        names::a_long_name_is_an_alternative_name_only,
        names::an_index_may_be_another_links_by_now,
        lists::filters_let_through_what_was_asked_for,
        lists::a_filter_the_kernel_ignores_holds_all_the_same,
        lists::another_namespace_is_listed_by_its_number,
        lists::a_parent_elsewhere_is_not_the_one_here,
        lists::a_list_dropped_halfway_costs_nothing_but_its_rest,
        lists::a_list_that_ended_stays_ended,
        lists::a_list_that_changed_meanwhile_says_so,
        lists::a_snapshot_is_read_again_when_the_list_changed,
        lists::links_of_many_kilobytes_are_listed,
        namespaces::a_namespace_is_found_by_what_names_it,
        namespaces::a_pidfd_names_its_process,
        namespaces::a_named_namespace_is_a_file_in_run_netns,
        namespaces::what_is_no_namespace_is_refused,
        namespaces::a_namespace_of_another_kind_is_not_entered,
        namespaces::a_new_namespace_is_empty,
        namespaces::work_in_a_namespace_is_waited_for,
        namespaces::nothing_stays_behind,
        namespaces::a_socket_keeps_its_namespace,
        versions::names_and_indexes_are_looked_up_where_the_link_is_to_be,
        versions::an_index_taken_there_has_its_own_error,
        versions::a_link_with_its_parent_elsewhere_comes_up,
        versions::a_create_is_echoed,
        versions::a_link_that_is_up_is_renamed,
        versions::a_move_gives_the_index_asked_for,
        versions::address_families_are_not_set_at_create,
        versions::macvlans_know_more_from_version_to_version,
        scale::a_thousand_macvlans_come_and_go,
    ])
}
