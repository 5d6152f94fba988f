//! A sandbox's settings: files that each network namespace has for itself.

use crate::common::{Skip, name, own_run};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use std::fs;
use std::thread;
use sublink::value::InvalidValue;
use sublink::*;
use sublink_tests::kernel_test;

const NONE: Option<&str> = None;
const SETTING: &str = "ipv4/conf/lo/arp_notify";

/// As the namespace itself sees it.
fn seen(pod: &Sandbox) -> String {
    let read = || fs::read_to_string(format!("/proc/sys/net/{SETTING}")).expect("a file");
    pod.run(read).unwrap().trim().to_string()
}

#[kernel_test]
fn a_setting_is_written_inside_from_outside() -> Result<(), Skip> {
    let (pod, here) = (Sandbox::create().unwrap(), Sandbox::here().unwrap());
    here.set_sysctl(SETTING, "0").unwrap(); // the machine's is handed down
    pod.set_sysctl(SETTING, "1").unwrap();
    assert_eq!((&*pod.sysctl(SETTING).unwrap(), &*seen(&pod)), ("1", "1"));
    assert_eq!((&*here.sysctl(SETTING).unwrap(), &*seen(&here)), ("0", "0"));
    here.set_sysctl(SETTING, "1").unwrap();
    pod.set_sysctl(SETTING, "0").unwrap();
    assert_eq!((&*seen(&pod), &*seen(&here)), ("0", "1"));
    pod.set_sysctl("ipv4/ip_local_port_range", "20000 30000").unwrap();
    assert_eq!(pod.sysctl("ipv4/ip_local_port_range").unwrap(), "20000\t30000");
    Ok(())
}

/// Where the name of the link does not say which namespace is meant.
#[kernel_test]
fn every_folder_is_of_the_namespace() -> Result<(), Skip> {
    let (pod, here) = (Sandbox::create().unwrap(), Sandbox::here().unwrap());
    for setting in [
        "ipv4/ip_forward",
        "ipv4/conf/default/arp_ignore",
        "ipv6/conf/all/forwarding",
        "ipv6/bindv6only",
        "unix/max_dgram_qlen",
        "core/somaxconn",
    ] {
        let before = here.sysctl(setting).unwrap();
        let other = if before == "1" { "0" } else { "1" };
        pod.set_sysctl(setting, other).unwrap();
        let read = || fs::read_to_string(format!("/proc/sys/net/{setting}")).expect("a file").trim().to_string();
        assert_eq!((pod.run(read).unwrap(), pod.sysctl(setting).unwrap()), (other.into(), other.into()), "{setting}");
        assert_eq!((read(), here.sysctl(setting).unwrap()), (before.clone(), before), "{setting}");
    }
    Ok(())
}

/// Also one that is in yet another namespace; whichever opens the folder.
#[kernel_test]
fn another_thread_writes_it_too() -> Result<(), Skip> {
    let (mut pod, other) = (Sandbox::create().unwrap(), Sandbox::create().unwrap());
    for fresh in [&other, &Sandbox::here().unwrap()] {
        fresh.set_sysctl(SETTING, "0").unwrap(); // the machine's is handed down
    }
    pod.set_sysctl(SETTING, "1").unwrap();
    pod = other.run(move || pod.set_sysctl(SETTING, "0").map(|()| pod)).unwrap().unwrap();
    assert_eq!(seen(&pod), "0");
    let pod = other.run(Sandbox::create).unwrap().unwrap();
    let pod = thread::spawn(move || pod.set_sysctl(SETTING, "1").map(|()| pod)).join().unwrap().unwrap();
    assert_eq!((&*seen(&pod), &*seen(&other)), ("1", "0"));
    let inside = other.run(Sandbox::here).unwrap().unwrap();
    inside.set_sysctl(SETTING, "1").unwrap(); // by now the calling thread is outside
    assert_eq!((&*seen(&other), &*seen(&Sandbox::here().unwrap())), ("1", "0"));
    Ok(())
}

#[kernel_test]
fn a_link_may_have_dots_in_its_name() -> Result<(), Skip> {
    let mut pod = Sandbox::create().unwrap();
    let pair = NewLink::veth(NewLink::peer().name(name("..."))).name(name("eth0.50"));
    pod.socket().create(&pair).unwrap();
    for link in ["eth0.50", "..."] {
        let setting = format!("ipv6/conf/{link}/disable_ipv6");
        pod.set_sysctl(&setting, "1").unwrap();
        assert_eq!(pod.sysctl(&setting).unwrap(), "1", "{link}");
    }
    Ok(())
}

#[kernel_test]
fn paths_are_checked() -> Result<(), Skip> {
    let pod = Sandbox::create().unwrap();
    for bad in [
        "",
        "/",
        "/proc/sys/net/ipv4/ip_forward",
        "..",
        "../kernel/hostname",
        "ipv4/../../kernel/hostname",
        "ipv4//ip_forward",
        "ipv4/./ip_forward",
        "ipv4/ip_forward/",
        "ipv4/ip_forward\0",
    ] {
        for result in [pod.sysctl(bad).map(drop), pod.set_sysctl(bad, "1")] {
            let error = result.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Invalid(InvalidValue::SettingPath(_))), "{bad:?}: {error}");
        }
    }
    Ok(())
}

#[kernel_test]
fn errors_say_what_is_wrong() -> Result<(), Skip> {
    own_run()?;
    let pod = Sandbox::create().unwrap();
    let error = pod.set_sysctl("ipv4/conf/eth0/arp_notify", "1").unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(
        error.to_string(),
        "open /proc/sys/net/ipv4/conf/eth0/arp_notify: No such file or directory (os error 2)"
    );
    let error = pod.set_sysctl(SETTING, "many").unwrap_err();
    assert_eq!(error.to_string(), "write /proc/sys/net/ipv4/conf/lo/arp_notify: Invalid argument (os error 22)");
    let error = pod.sysctl("ipv4/conf").unwrap_err();
    assert_eq!(error.to_string(), "read /proc/sys/net/ipv4/conf: Is a directory (os error 21)");
    let error = pod.set_sysctl("ipv4/a\nb", "1").unwrap_err();
    assert_eq!(error.to_string(), "open /proc/sys/net/ipv4/a\\nb: No such file or directory (os error 2)");
    // As in most containers.
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(Some("/proc/sys"), "/proc/sys", NONE, MsFlags::MS_BIND, NONE).unwrap();
    mount(NONE, "/proc/sys", NONE, read_only, NONE).unwrap();
    let before = pod.sysctl(SETTING).unwrap();
    let pod = Sandbox::create().unwrap();
    assert_eq!(pod.sysctl(SETTING).unwrap(), before);
    let error = pod.set_sysctl(SETTING, "1").unwrap_err();
    assert_eq!(error.to_string(), "open /proc/sys/net/ipv4/conf/lo/arp_notify: Read-only file system (os error 30)");
    Ok(())
}

#[kernel_test]
fn without_proc_there_are_no_settings() -> Result<(), Skip> {
    own_run()?;
    let (pod, early) = (Sandbox::create().unwrap(), Sandbox::create().unwrap());
    early.set_sysctl(SETTING, "1").unwrap();
    mount(Some("none"), "/proc", Some("tmpfs"), MsFlags::empty(), NONE).unwrap();
    let error = pod.set_sysctl(SETTING, "1").unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(error.to_string(), "open /proc/sys/net/ipv4 inside: No such file or directory (os error 2)");
    early.set_sysctl(SETTING, "0").unwrap(); // what is open stays
    umount2("/proc", MntFlags::empty()).unwrap();
    pod.set_sysctl(SETTING, "1").unwrap();
    assert_eq!((&*seen(&pod), &*seen(&early)), ("1", "0"));
    Ok(())
}
