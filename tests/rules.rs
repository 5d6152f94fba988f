//! The rules of the socket and of the kernel behind it: what an operation does, what it leaves, and what it says.

mod common;
#[path = "rules/create.rs"]
mod create;
#[path = "rules/help.rs"]
mod help;

fn main() -> std::process::ExitCode {
    common::run(tests![
        create::the_index_is_the_new_links,
        create::a_name_taken_here_is_free_elsewhere,
        create::a_link_that_is_there_stays_as_it_is,
        create::a_failed_create_leaves_nothing,
        create::a_failed_create_elsewhere_leaves_nothing,
        create::a_taken_index_is_refused,
        create::a_link_with_its_parent_elsewhere_is_up,
        create::a_link_that_cannot_come_up_with_its_parent_elsewhere_is_not_there,
        create::a_veth_has_its_peer_elsewhere,
        create::a_peers_index_counts_beside_its_own,
    ])
}
