//! Named namespaces, beside the real `ip netns`.

use crate::common::{Skip, own_run};
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use sublink::value::InvalidValue;
use sublink::*;
use sublink_tests::kernel_test;

const NONE: Option<&str> = None;

#[track_caller]
fn ip(args: &str) -> String {
    let output = Command::new("ip").args(args.split_whitespace()).output().expect("ip");
    assert!(output.status.success(), "ip {args}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The lines of the calling thread's mounts on or below the folder of names.
pub fn mounts() -> Vec<String> {
    let mounts = fs::read_to_string("/proc/thread-self/mountinfo").expect("mounts");
    mounts.lines().filter(|line| line.split(' ').nth(4).unwrap().starts_with("/run/netns")).map(Into::into).collect()
}

fn names() -> Vec<String> {
    Netns::names().unwrap().into_iter().map(|name| name.into_string().unwrap()).collect()
}

#[kernel_test]
fn a_name_is_known_to_ip() -> Result<(), Skip> {
    own_run()?;
    assert_eq!(names(), [""; 0], "without a folder there are no names");
    let pod = Netns::create_named("c1").unwrap();
    pod.run(|| ip("link add only type veth peer name there")).unwrap();
    assert_eq!(ip("netns list").trim(), "c1");
    assert!(ip("-n c1 -o link show").contains("only"));
    assert!(ip("netns exec c1 ip -o link show").contains("there"));
    ip("netns add c2");
    assert_eq!(names(), ["c1", "c2"]);
    ip("netns del c1");
    assert_eq!(names(), ["c2"]);
    assert!(Netns::named("c1").unwrap_err().is_not_found());
    assert_eq!(pod.run(|| ip("-o link show")).unwrap().lines().count(), 3, "it lives while it is open");
    Ok(())
}

#[kernel_test]
fn a_name_of_ip_is_known_here() -> Result<(), Skip> {
    own_run()?;
    ip("netns add c1");
    let pod = Sandbox::named("c1").unwrap();
    assert!(pod.run(|| ip("netns identify")).unwrap().trim() == "c1");
    drop(pod);
    Netns::remove_named("c1").unwrap();
    assert_eq!(ip("netns list"), "");
    assert_eq!(mounts().len(), 1, "the folder's own: {:?}", mounts());
    ip("netns add c1");
    ip("netns del c1");
    Ok(())
}

#[kernel_test]
fn a_namespace_may_have_several_names() -> Result<(), Skip> {
    own_run()?;
    let pod = Netns::create().unwrap();
    pod.keep_as("a").unwrap();
    pod.keep_as("b").unwrap();
    Netns::current().unwrap().keep_as("here").unwrap();
    Netns::named("a").unwrap().keep_as("c").unwrap();
    for name in ["a", "b", "c"] {
        assert!(Netns::named(name).unwrap().is_same_as(&pod).unwrap(), "{name}");
    }
    assert!(Netns::named("here").unwrap().is_same_as(Netns::current().unwrap()).unwrap());
    drop(pod);
    Netns::remove_named("a").unwrap();
    assert!(ip("-n b -o link show").contains("lo"));
    assert_eq!(names(), ["b", "c", "here"]);
    Ok(())
}

#[kernel_test]
fn a_taken_name_is_refused() -> Result<(), Skip> {
    own_run()?;
    let pod = Netns::create_named("c1").unwrap();
    ip("netns add c2");
    File::create("/run/netns/stale").unwrap();
    for name in ["c1", "c2", "stale"] {
        for result in [Netns::create_named(name).map(drop), pod.keep_as(name)] {
            let error = result.unwrap_err();
            assert!(error.is_already_there(), "{error}");
            assert_eq!(error.to_string(), format!("create /run/netns/{name}: File exists (os error 17)"));
        }
    }
    assert!(Netns::named("c1").unwrap().is_same_as(&pod).unwrap(), "and stays what it was");
    assert_eq!(names(), ["c1", "c2", "stale"]);
    Ok(())
}

#[kernel_test]
fn an_absent_name_is_not_found() -> Result<(), Skip> {
    own_run()?;
    for round in ["without a folder", "with one"] {
        let error = Netns::named("c1").unwrap_err();
        assert!(error.is_not_found(), "{round}: {error}");
        let error = Netns::remove_named("c1").unwrap_err();
        assert!(error.is_not_found(), "{round}: {error}");
        assert_eq!(error.to_string(), "remove /run/netns/c1: No such file or directory (os error 2)");
        Netns::create_named("other").unwrap();
        Netns::remove_named("other").unwrap();
    }
    Ok(())
}

/// As a restart of the machine leaves it where `/run` is on a disk.
#[kernel_test]
fn a_file_without_a_namespace_is_no_namespace_and_can_be_removed() -> Result<(), Skip> {
    own_run()?;
    Netns::create_named("c1").unwrap();
    File::create("/run/netns/stale").unwrap();
    std::os::unix::fs::symlink("/proc/self/ns/net", "/run/netns/link").unwrap();
    let error = Netns::named("stale").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NamespaceGone(_)), "{error}");
    assert!(Netns::named("link").is_ok(), "as Docker's names are made known to ip");
    assert_eq!(names(), ["c1", "link", "stale"]);
    Netns::remove_named("stale").unwrap();
    Netns::remove_named("link").unwrap();
    assert_eq!(names(), ["c1"]);
    fs::create_dir("/run/netns/folder").unwrap();
    let error = Netns::remove_named("folder").unwrap_err();
    assert_eq!(error.to_string(), "remove /run/netns/folder: Is a directory (os error 21)");
    Ok(())
}

#[kernel_test]
fn names_are_checked() -> Result<(), Skip> {
    own_run()?;
    let long = "n".repeat(256);
    let pod = Netns::create().unwrap();
    for bad in ["", ".", "..", "a/b", "/run/netns/c1", "../c1", "c1\0", "c1/", &*long] {
        let results = [
            Netns::named(bad).map(drop),
            Netns::create_named(bad).map(drop),
            pod.keep_as(bad),
            Netns::remove_named(bad),
            Sandbox::named(bad).map(drop),
        ];
        for result in results {
            let error = result.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Invalid(InvalidValue::NamespaceName(_))), "{bad:?}: {error}");
        }
    }
    assert!(!Path::new("/run/netns").exists(), "nothing was made");
    for odd in [&b"..."[..], b" ", b"-rf", b"\xff\n", &long.as_bytes()[1..]].map(OsStr::from_bytes) {
        let made = Netns::create_named(odd).unwrap();
        assert!(Netns::named(odd).unwrap().is_same_as(&made).unwrap());
        assert_eq!(Netns::names().unwrap(), [odd]);
        Netns::remove_named(odd).unwrap();
    }
    Ok(())
}

#[kernel_test]
fn a_name_mounted_on_twice_is_removed() -> Result<(), Skip> {
    own_run()?;
    Netns::create_named("c1").unwrap();
    for _ in 0..3 {
        mount(Some("/proc/self/ns/net"), "/run/netns/c1", NONE, MsFlags::MS_BIND, NONE).unwrap();
    }
    Netns::remove_named("c1").unwrap();
    assert_eq!((names(), mounts().len()), (vec![], 1));
    Ok(())
}

/// What is made or removed in one mount namespace is so in another that shares the folder.
#[kernel_test]
fn the_folder_is_a_shared_mount() -> Result<(), Skip> {
    own_run()?;
    Netns::create_named("c1").unwrap();
    let folder = mounts().into_iter().find(|line| line.split(' ').nth(4) == Some("/run/netns")).expect("a mount");
    assert!(folder.contains(" shared:"), "{folder}");
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNS).unwrap();
            assert!(Netns::named("c1").is_ok());
            Netns::remove_named("c1").unwrap();
            Netns::create_named("c2").unwrap();
        });
        other.join().unwrap();
    });
    assert_eq!(names(), ["c2"]);
    assert!(Netns::named("c2").is_ok(), "it was mounted here too");
    assert_eq!(mounts().len(), 2, "{:?}", mounts());
    Netns::create_named("c3").unwrap();
    assert_eq!(mounts().len(), 3, "the folder is not mounted again: {:?}", mounts());
    Ok(())
}

#[kernel_test]
fn private_mounts_keep_a_name_to_themselves() -> Result<(), Skip> {
    own_run()?;
    Netns::create_named("c1").unwrap();
    thread::scope(|scope| {
        let private = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNS).unwrap();
            mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE).unwrap(); // unshare -m
            Netns::create_named("c2").unwrap();
            assert!(Netns::named("c2").is_ok());
            assert_eq!(ip("netns list").lines().count(), 2);
        });
        private.join().unwrap();
    });
    let error = Netns::named("c2").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NamespaceGone(_)), "a file without a mount: {error}");
    Netns::remove_named("c2").unwrap();
    assert_eq!(names(), ["c1"]);
    Ok(())
}

#[kernel_test]
fn a_failed_mount_leaves_no_file() -> Result<(), Skip> {
    own_run()?;
    let pod = Netns::create_named("c1").unwrap();
    mount(Some("none"), "/proc", Some("tmpfs"), MsFlags::empty(), NONE).unwrap();
    let error = pod.keep_as("c2").unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(error.to_string(), "mount the namespace on /run/netns/c2: No such file or directory (os error 2)");
    Netns::create_named("c3").unwrap_err();
    assert_eq!(names(), ["c1"]);
    mount(NONE, "/run/netns", NONE, MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY, NONE).unwrap();
    let error = pod.keep_as("c4").unwrap_err();
    assert_eq!(error.to_string(), "create /run/netns/c4: Read-only file system (os error 30)");
    Ok(())
}

/// Any user may take the lock of a folder that all may read.
#[kernel_test]
fn a_lock_of_the_folder_is_not_waited_for_without_limit() -> Result<(), Skip> {
    own_run()?;
    fs::create_dir("/run/netns").unwrap();
    let hold = || Flock::lock(File::open("/run/netns").unwrap(), FlockArg::LockExclusive).unwrap();
    let (held, since) = (hold(), Instant::now());
    let error = Netns::create_named("c1").unwrap_err();
    assert_eq!(error.to_string(), "lock /run/netns: Resource temporarily unavailable (os error 11)");
    assert!(since.elapsed() < Duration::from_secs(60));
    assert_eq!(names(), [""; 0]);
    drop(held);
    Netns::create_named("c1").unwrap();
    let _held = hold();
    Netns::create_named("c2").unwrap(); // the folder is ready: nothing to lock
    Ok(())
}
