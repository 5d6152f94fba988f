//! The library on the running kernel. Each test has a network namespace of its own.

mod common;
#[path = "kernel/macvlan.rs"]
mod macvlan;

fn main() -> std::process::ExitCode {
    common::run(tests![macvlan::every_mode])
}
