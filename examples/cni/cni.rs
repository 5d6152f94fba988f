//! CNI's macvlan, vlan and ipvlan plugins, on sublink: see the README beside this.

mod plugin;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

fn main() -> ExitCode {
    plugin::main()
}
