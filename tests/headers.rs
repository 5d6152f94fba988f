//! Every number in the library is the one that the kernel's headers give it: a C program made of all names asks them.

#[path = "headers/bytes.rs"]
mod bytes;
#[path = "headers/claims.rs"]
mod claims;
#[path = "headers/ip.rs"]
mod ip;
#[path = "headers/listed.rs"]
mod listed;

use claims::Claim;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::OnceLock;
use std::{fs, io};

const INCLUDES: &str = "\
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <linux/devlink.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
";

/// A little below what Linux 6.1's headers have, so that headers which lack a whole family of names fail.
const AT_LEAST: usize = 275;

fn main() -> ExitCode {
    let groups = claims::GROUPS.iter().map(|(name, claims)| {
        let claims = *claims;
        Trial::ignorable_test(*name, move || the_numbers_are_right(&claims()))
    });
    let all = Trial::ignorable_test("all_names_are_in_the_headers", all_names_are_in_the_headers);
    let listed =
        Trial::ignorable_test("no_attribute_of_links_is_missing_in_the_list", no_attribute_is_missing_in_the_list);
    libtest_mimic::run(&Arguments::from_args(), groups.chain([all, listed]).collect()).exit_code()
}

fn the_numbers_are_right(claims: &[Claim]) -> Result<Completion, Failed> {
    let numbers = match headers() {
        Ok(numbers) => numbers,
        Err(reason) => return Ok(Completion::ignored_with(reason.as_str())),
    };
    assert!(!claims.is_empty());
    let wrong: Vec<_> = claims
        .iter()
        .filter_map(|(name, ours)| numbers.get(name).map(|theirs| (name, ours, theirs)))
        .filter(|(_, ours, theirs)| ours != theirs)
        .map(|(name, ours, theirs)| format!("{name} is {theirs}, not {ours}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(Completion::Completed)
}

/// Names newer than the headers cannot be checked: says which. That hardly any can is a failure.
fn all_names_are_in_the_headers() -> Result<Completion, Failed> {
    let numbers = match headers() {
        Ok(numbers) => numbers,
        Err(reason) => return Ok(Completion::ignored_with(reason.as_str())),
    };
    assert!(numbers.len() >= AT_LEAST, "the headers have only {} of the names", numbers.len());
    let names = names();
    let absent: Vec<_> = names.iter().filter(|name| !numbers.contains_key(*name)).map(String::as_str).collect();
    if absent.is_empty() {
        return Ok(Completion::Completed);
    }
    Ok(Completion::ignored_with(format!("this kernel's headers are too old to check {}", absent.join(", "))))
}

/// An attribute that is newer than the list wants a line there, and a row or a reason.
fn no_attribute_is_missing_in_the_list() -> Result<Completion, Failed> {
    let folder = Folder::new("list");
    match preprocessed(&folder.0.join("names.c")) {
        Ok(preprocessed) => assert_eq!(listed::missing(&preprocessed), Vec::<String>::new(), "not in attributes.txt"),
        Err(reason) => return Ok(Completion::ignored_with(reason)),
    }
    Ok(Completion::Completed)
}

fn names() -> BTreeSet<String> {
    claims::GROUPS.iter().flat_map(|(_, claims)| claims()).map(|(name, _)| name).collect()
}

/// What the headers say of each name that they have; or why nobody can say.
fn headers() -> &'static Result<BTreeMap<String, i128>, String> {
    static HEADERS: OnceLock<Result<BTreeMap<String, i128>, String>> = OnceLock::new();
    HEADERS.get_or_init(|| {
        let folder = Folder::new("names");
        let source = folder.0.join("names.c");
        Ok(ask(&folder, &source, &preprocessed(&source)?))
    })
}

/// The headers, without comments. `source` is a file to make.
fn preprocessed(source: &Path) -> Result<String, String> {
    fs::write(source, INCLUDES).expect("a file");
    let preprocessed = match cc(&["-E", "-dD"], source) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("no C compiler here".into()),
        preprocessed => preprocessed.expect("cc starts"),
    };
    if !preprocessed.status.success() {
        return Err("the kernel's headers are not installed here".into());
    }
    Ok(String::from_utf8_lossy(&preprocessed.stdout).into_owned())
}

/// Compiles and runs a program that prints each name which occurs in the `preprocessed` headers, for an absent one would
/// not compile.
fn ask(folder: &Folder, source: &Path, preprocessed: &str) -> BTreeMap<String, i128> {
    let words: HashSet<&str> = preprocessed.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let mut program = format!("{INCLUDES}int main(void) {{\n");
    for name in names().iter().filter(|name| identifiers(name).all(|word| words.contains(word))) {
        writeln!(program, "printf(\"{name}=%lld\\n\", (long long)({name}));").expect("a string takes all");
    }
    program.push_str("return 0; }\n");
    fs::write(source, program).expect("a file");
    let binary = folder.0.join("names");
    let compiled = cc(&["-o", binary.to_str().expect("a path of text")], source).expect("cc starts");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let printed = Command::new(&binary).output().expect("it runs").stdout;
    let printed = String::from_utf8(printed).expect("text");
    let lines = printed.lines().map(|line| line.rsplit_once('=').expect("name=number"));
    lines.map(|(name, number)| (name.to_owned(), number.parse().expect("a number"))).collect()
}

/// The kernel's names in an expression.
fn identifiers(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| !matches!(*word, "" | "sizeof" | "offsetof" | "struct" | "0xffff"))
}

fn cc(arguments: &[&str], source: &Path) -> io::Result<Output> {
    Command::new("cc").args(arguments).arg(source).output()
}

/// A folder of our own, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sublink-headers-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder); // of a run that was killed, by a process with the same number
        fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
