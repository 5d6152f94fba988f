//! Docker's macvlan networks without Docker: a small command line with Docker's own words, over the library's [`Network`].
//!
//! Containers are network namespaces. As root, or as the root of a user namespace with a network namespace of its own:
//!
//! ```console
//! # alias dn='cargo run --quiet --example docker_network --'
//! # dn create -d macvlan -o parent=eth0.50 --subnet 192.168.50.0/24 --gateway 192.168.50.1 macvlan50
//! # ip netns add c1
//! # dn connect macvlan50 c1
//! c1: eth0 192.168.50.2/24, MAC address 7a:1c:40:22:95:d3, default route by 192.168.50.1
//! # dn disconnect macvlan50 c1
//! # dn rm macvlan50
//! ```
//!
//! `dn help` and `dn COMMAND --help` tell the rest.
//!
//! [`Network`]: sublink::Network

mod docker;

use std::env;
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Result<Vec<_>, _> = env::args_os().skip(1).map(std::ffi::OsString::into_string).collect();
    let done = match words {
        Ok(words) => docker::run(&words, &mut io::stdin().lock(), &mut io::stdout()),
        Err(word) => Err(format!("{word:?} is not UTF-8").into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads has read enough: `… ls | head -n 1`.
        Err(error)
            if error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe) =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            docker::exit_code(&*error).into()
        }
    }
}
