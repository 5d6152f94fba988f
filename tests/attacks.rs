//! A socket whose peer lies, keeps silent, floods or interrupts; descriptors of every sort; and what is left behind.

#[path = "attacks/cast.rs"]
mod cast;
mod common;
#[path = "attacks/descriptors.rs"]
mod descriptors;
#[path = "attacks/errors.rs"]
mod errors;
#[path = "attacks/forged.rs"]
mod forged;
#[path = "attacks/fork.rs"]
mod fork;
#[path = "attacks/lists.rs"]
mod lists;
#[path = "attacks/overrun.rs"]
mod overrun;
#[path = "attacks/silent.rs"]
mod silent;

fn main() -> std::process::ExitCode {
    if let Some(code) = cast::play() {
        return code; // another process of a test's
    }
    common::run(tests![
        forged::another_process_cannot_reach_a_connected_socket,
        forged::a_forged_answer_that_reached_the_queue_is_not_believed,
        forged::answers_of_somebody_else_do_not_end_a_dropped_list,
        silent::every_operation_has_a_time_limit,
        silent::a_limit_of_zero_is_a_short_one,
        silent::the_socket_works_when_the_kernel_answers_again,
        silent::foreign_datagrams_do_not_prolong_the_wait,
        silent::events_do_not_prolong_the_wait,
        silent::stops_and_continues_do_not_end_the_wait_or_prolong_it,
        silent::a_late_signal_does_not_prolong_the_wait,
        fork::a_socket_is_of_one_process,
        overrun::later_sends_are_smaller_and_what_was_lost_is_told_beside_a_failure,
        overrun::lost_acknowledgements_leave_steps_unknown,
        overrun::steps_may_be_done_and_unknown,
        overrun::a_list_in_a_small_buffer_is_whole,
        overrun::a_list_says_that_entries_were_lost_and_gives_what_was_read,
        overrun::a_list_that_could_not_begin_does_not_hold_up_the_next_request,
        overrun::a_dropped_list_takes_no_room_from_answers,
        overrun::lost_events_are_an_overrun_once,
        overrun::a_link_above_64_kib_is_created_and_read_whole,
        overrun::a_link_above_the_buffer_is_an_error,
        lists::a_list_that_changed_meanwhile_says_so_behind_its_last_entry,
        lists::collect_gives_what_was_read_with_the_error,
        lists::a_list_dropped_halfway_is_in_nobodys_way,
        lists::a_list_ends_once,
        descriptors::a_bare_socket_gives_errors_without_text,
        descriptors::a_bare_socket_gives_filtered_lists,
        descriptors::a_non_blocking_socket_works_and_stays_so,
        descriptors::a_socket_made_non_blocking_later_works,
        descriptors::an_unbound_socket_works,
        descriptors::what_is_no_netlink_socket_is_refused,
        descriptors::a_netlink_socket_of_another_protocol_never_seems_to_work,
        descriptors::stale_answers_are_ignored,
        descriptors::a_dump_of_the_embedders_is_not_mixed_with_ours,
        descriptors::a_socket_that_hears_events_is_not_confused_by_them,
        descriptors::a_socket_is_not_inherited,
        descriptors::two_hundred_sockets_leave_no_descriptor,
        errors::an_error_is_one_word_and_goes_anywhere,
        errors::an_io_error_keeps_kind_and_sentence,
        errors::a_socket_goes_to_another_thread,
    ])
}
