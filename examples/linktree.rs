//! Prints the links of this machine as trees of parents and children: those of the own network namespace, and of each in
//! `/run/netns` that this user may enter. It only reads.
//!
//! ```console
//! $ cargo run --example linktree
//! ```

mod tree;

use std::fs;
use sublink::{ListLinks, Netns, Result, Socket};

fn main() -> Result<()> {
    let here = Netns::current()?;
    println!("this namespace");
    print(Socket::open()?)?;

    for name in names() {
        match Netns::named(&name) {
            Ok(namespace) if namespace.is_same_as(&here)? => println!("{name}: this namespace"),
            Ok(namespace) => match Socket::open_in(&namespace) {
                Ok(socket) => {
                    println!("{name}");
                    print(socket)?;
                }
                Err(error) => println!("{name}: {error}"),
            },
            Err(error) => println!("{name}: {error}"),
        }
    }
    Ok(())
}

fn print(mut socket: Socket) -> Result<()> {
    tree::print(&socket.snapshot(&ListLinks::new())?);
    Ok(())
}

fn names() -> Vec<String> {
    let Ok(files) = fs::read_dir("/run/netns") else { return Vec::new() }; // nobody has named one
    let mut names: Vec<_> = files.flatten().filter_map(|file| file.file_name().into_string().ok()).collect();
    names.sort();
    names
}
