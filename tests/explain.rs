//! Why a request failed: each cause is brought about on the kernel, and looked into.

#[path = "explain/asking.rs"]
mod asking;
mod common;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "rules/help.rs"]
mod help;
#[path = "explain/macs.rs"]
mod macs;
#[path = "explain/modes.rs"]
mod modes;
#[path = "explain/namespaces.rs"]
mod namespaces;
#[path = "explain/parents.rs"]
mod parents;
#[path = "explain/permissions.rs"]
mod permissions;
#[path = "explain/taken.rs"]
mod taken;
#[expect(dead_code, reason = "another suite's, of which a part is used")]
#[path = "kernel/twins.rs"]
mod twins;
#[path = "explain/vlans.rs"]
mod vlans;
#[path = "explain/why.rs"]
mod why;

use common::Test;
use twins::{MacvlanKind, MacvtapKind, Twin};

/// Names each test twice: of macvlan and of macvtap.
macro_rules! of_both {
    ($($module:ident::$test:ident),* $(,)?) => { &[$(
        (concat!("macvlan::", stringify!($module), "::", stringify!($test)),
            (|| { MacvlanKind::needed()?; $module::$test::<MacvlanKind>() }) as Test),
        (concat!("macvtap::", stringify!($module), "::", stringify!($test)),
            (|| { MacvtapKind::needed()?; $module::$test::<MacvtapKind>() }) as Test),
    )*] };
}

const OF_BOTH: &[(&str, Test)] = of_both![
    macs::the_parents_own,
    macs::a_siblings,
    macs::that_of_a_child_in_another_namespace,
    macs::a_sibling_that_is_down_is_not_blamed,
    macs::that_of_the_macvlan_it_was_to_stand_on,
    macs::one_on_a_parent_in_another_namespace,
    parents::it_is_lo,
    parents::it_is_not_ethernet,
    parents::it_has_a_smaller_mtu,
    parents::it_has_a_smaller_mtu_in_another_namespace,
    parents::it_is_a_bridge_port,
    parents::it_cannot_become_a_bridge_port,
    parents::it_carries_ipvlan,
    parents::it_carries_ipvlan_in_another_namespace,
    parents::it_is_gone,
    modes::passthru_and_others_exclude_each_other,
    modes::they_do_from_another_namespace,
    modes::a_passthru_child_in_another_namespace_is_not_seen,
    modes::passthru_is_for_life,
    modes::only_source_mode_has_senders,
    modes::there_are_five_modes,
    modes::a_change_is_for_one_kind,
    taken::a_name,
    taken::a_name_in_another_namespace,
    taken::a_name_where_a_link_moves_to,
    taken::an_index_where_a_link_moves_to,
    taken::a_link_that_is_up_is_renamed_since_linux_6_2,
    namespaces::a_descriptor_of_something_else,
    namespaces::a_descriptor_that_is_closed_by_now_is_nothing_to_look_at,
    namespaces::a_descriptor_that_is_closed_by_now_is_not_to_blame,
    namespaces::a_number_of_no_namespace,
    namespaces::a_namespace_that_has_died,
    namespaces::a_link_that_is_gone,
    asking::a_step_of_a_batch,
    asking::words_of_the_kernel_are_enough,
    asking::it_costs_nothing_unless_asked,
    asking::a_link_or_parent_that_is_gone_since,
    asking::what_was_in_the_way_is_gone_since,
    asking::a_link_is_not_in_its_own_way,
    asking::another_socket_sees_something_else,
];

const OF_ONE: &[(&str, Test)] = tests![
    taken::a_name_of_a_link_without_a_parent,
    taken::a_new_name,
    taken::an_index,
    taken::a_name_here_of_a_link_for_another_namespace,
    taken::an_index_in_another_namespace,
    vlans::a_vlan_that_is_there_has_a_name,
    vlans::a_vlan_may_be_in_another_namespace,
    vlans::a_name_comes_before_the_vlan,
    vlans::an_mtu_is_at_most_the_parents,
    vlans::the_parent_may_be_a_macvlan,
    vlans::it_waits_for_its_parent,
    vlans::a_vlan_with_the_mac_is_not_blamed,
    vlans::its_own_words_say_it_all,
    vlans::a_change_of_a_vlan_is_for_vlans,
    vlans::an_ipvlan_is_no_child_of_a_port_or_of_lo,
    vlans::a_driver_that_is_missing_is_named,
    permissions::it_is_missing_here,
    permissions::it_is_missing_in_the_other_namespace,
    permissions::what_a_container_cannot_see_is_not_explained,
    asking::an_attach,
    asking::an_attach_whose_own_words_say_it_all,
    asking::what_is_no_refusal_has_no_reason,
];

fn main() -> std::process::ExitCode {
    permissions::role().unwrap_or_else(|| common::run(&[OF_BOTH, OF_ONE].concat()))
}
