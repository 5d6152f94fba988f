//! The example `docker_network`: Docker's commands as Docker's users write them, on the running kernel.
//!
//! Its commands are part of this suite, so that they run in each test's own namespace and need no second program, which in a
//! guest would have to be found; all that is left out is how the words get from the command line.

mod common;
#[path = "docker_network/desk.rs"]
mod desk;
#[path = "../examples/docker_network/docker/mod.rs"]
mod docker;
#[path = "docker_network/life.rs"]
mod life;
#[path = "docker_network/messages.rs"]
mod messages;
#[path = "docker_network/restart.rs"]
mod restart;
#[path = "docker_network/tutorial.rs"]
mod tutorial;
#[path = "traffic/waits.rs"]
#[expect(dead_code, reason = "the suite of what passes uses the rest")]
mod waits;

fn main() -> std::process::ExitCode {
    common::run(tests![
        tutorial::every_command_runs_as_written,
        tutorial::a_parent_that_is_there_is_enough,
        tutorial::flags_are_written_in_many_ways,
        tutorial::host_bits_are_dropped,
        tutorial::a_network_without_subnets_gets_a_free_one,
        tutorial::a_network_without_a_parent_gets_a_dummy,
        tutorial::networks_are_made_from_a_config,
        messages::what_cannot_be_is_said,
        messages::what_cannot_be_made_is_said,
        messages::help_is_had_without_a_kernel,
        life::containers_come_and_go,
        life::containers_reach_each_other,
        life::addresses_are_chosen_where_they_may_be,
        life::the_default_route_goes_by_the_rule,
        life::each_container_has_a_vlan_of_its_own,
        life::a_container_is_a_name_a_path_or_a_process,
        restart::two_commands_at_once_lose_nothing,
        restart::what_cannot_be_remembered_is_undone,
        restart::a_lost_link_is_made_again,
        restart::a_lost_parent_is_made_again,
        restart::what_cannot_be_made_again_is_said_and_kept,
        restart::a_parent_of_no_network_is_removed,
        restart::a_container_that_has_ended_is_forgotten,
        restart::a_line_that_cannot_be_read_is_pointed_out,
    ])
}
