//! IPv6 settings of an attached link: in force before it is up, or the attach says why not and leaves nothing.

use crate::common::{Skip, kernel, name, own_run, parent, socket};
use crate::help::{Pod, net};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use sublink::endpoint::{Detach, Difference, Fate};
use sublink::error::{Class, Reason, Subject, Undo};
use sublink::link::{AddrGenMode, Ipv6Setting, Ipv6Token, LinkSettings};
use sublink::{Endpoint, Error, ErrorKind, LinkChange, MacvlanMode, Netns, NewLink, Sandbox, Socket};
use sublink_tests::kernel_test;

/// Each with a value that links do not have at first.
const ALL: &[(Ipv6Setting, i32)] = &[
    (Ipv6Setting::ACCEPT_RA, 2),
    (Ipv6Setting::AUTOCONF, 0),
    (Ipv6Setting::ACCEPT_RA_DEFRTR, 0),
    (Ipv6Setting::ACCEPT_RA_PINFO, 0),
    (Ipv6Setting::ACCEPT_RA_MTU, 0),
    (Ipv6Setting::ROUTER_SOLICITATIONS, 1),
    (Ipv6Setting::ACCEPT_REDIRECTS, 0),
    (Ipv6Setting::FORWARDING, 1),
    (Ipv6Setting::NDISC_NOTIFY, 1),
    (Ipv6Setting::KEEP_ADDR_ON_DOWN, -1),
    (Ipv6Setting::ACCEPT_DAD, 0),
    (Ipv6Setting::DAD_TRANSMITS, 3),
    (Ipv6Setting::USE_TEMPADDR, 2),
    (Ipv6Setting::PROXY_NDP, 1),
    (Ipv6Setting::DROP_UNSOLICITED_NA, 1),
    (Ipv6Setting::DISABLE_IPV6, 1),
];

/// Settings that only kernels have which were built with them.
const OF_SOME: &[(Ipv6Setting, i32)] = &[(Ipv6Setting::OPTIMISTIC_DAD, 1), (Ipv6Setting::USE_OPTIMISTIC, 1)];

fn endpoint(host: &mut Socket) -> Endpoint<'static> {
    Endpoint::new(NewLink::macvlan(parent(host)).mode(MacvlanMode::Bridge).name(name("eth0")))
}

/// The file of a setting, as another thread in the namespace reads it.
fn file(pod: &Pod, setting: Ipv6Setting) -> Option<i32> {
    let read = || std::fs::read_to_string(format!("/proc/sys/net/ipv6/conf/eth0/{setting}"));
    Some(pod.sandbox.run(read).expect("its thread").ok()?.trim().parse().expect("a number"))
}

#[kernel_test]
fn each_setting_is_written_and_read() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let plain = endpoint(&mut host);
    let attached = pod.attach(&mut host, &plain).unwrap();
    let before = pod.link(attached.index).settings;
    let there: Vec<_> = OF_SOME.iter().filter(|(setting, _)| file(&pod, *setting).is_some()).chain(ALL).collect();
    for (setting, value) in &there {
        assert_eq!(before.ipv6(*setting), file(&pod, *setting), "{setting}");
        assert_ne!(before.ipv6(*setting), Some(*value), "{setting}");
    }
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
    let all = there.iter().fold(plain, |endpoint, (setting, value)| endpoint.ipv6(*setting, *value));
    let attached = pod.attach(&mut host, &all).unwrap();
    let settings = pod.link(attached.index).settings;
    for (setting, value) in &there {
        assert_eq!((settings.ipv6(*setting), file(&pod, *setting)), (Some(*value), Some(*value)), "{setting}");
    }
    assert_eq!(all.check(&attached, &mut pod.sandbox).unwrap(), []);
    pod.sandbox.set_sysctl("ipv6/conf/eth0/accept_ra", "1").unwrap();
    let found = all.check(&attached, &mut pod.sandbox).unwrap();
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["DEVCONF_ACCEPT_RA is 1, not 2"]);
    Ok(())
}

/// The kernel makes a link-local address when a link comes up, unless it was told before that.
#[kernel_test]
fn settings_are_in_force_before_the_link_is_up() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let plain = endpoint(&mut host);
    let link_locals = |pod: &mut Pod, host: &mut Socket, endpoint: &Endpoint<'_>| {
        let events = pod.sandbox.run(crate::events::Addresses::open).unwrap();
        let attached = pod.attach(host, endpoint).unwrap();
        let detached = attached.detach(host, &mut pod.sandbox, &Detach::new()).unwrap();
        assert_eq!(detached.link, Fate::Deleted);
        events.count()
    };
    assert_ne!(link_locals(&mut pod, &mut host, &plain), 0, "it is heard");
    let off = plain.clone().ipv6(Ipv6Setting::DISABLE_IPV6, 1);
    assert_eq!(link_locals(&mut pod, &mut host, &off), 0);
    Ok(())
}

#[kernel_test]
fn ipv6_is_on_where_it_was_off_for_all_new_links() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    pod.sandbox.set_sysctl("ipv6/conf/default/disable_ipv6", "1").unwrap();
    let endpoint = endpoint(&mut host).addr(net("fd50::7/64")).nodad();
    let before = pod.contents();
    let error = pod.attach(&mut host, &endpoint).unwrap_err();
    assert!(error.is_access_denied() && error.undo() == Some(Undo::Clean), "{error}");
    assert!(has_text(&error) || error.reason() == Some(&Reason::Ipv6IsOff(name("eth0"))), "{error}");
    assert_eq!(pod.contents(), before);
    let on = endpoint.ipv6(Ipv6Setting::DISABLE_IPV6, 0);
    let attached = pod.attach(&mut host, &on).unwrap();
    assert_eq!(on.check(&attached, &mut pod.sandbox).unwrap(), []);
    Ok(())
}

fn has_text(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Kernel(kernel) if kernel.text.is_some())
}

/// What an attach that is refused says of it; nothing is left of it.
#[track_caller]
fn refused(pod: &mut Pod, host: &mut Socket, endpoint: &Endpoint<'_>) -> Error {
    let before = pod.contents();
    let error = pod.attach(host, endpoint).expect_err("it should have been refused");
    assert_eq!(error.undo(), Some(Undo::Clean), "{error}");
    assert_eq!(pod.contents(), before, "{error}");
    error
}

/// IPv6 needs an MTU of 1280: below that, the kernel has none on a link, and no files either.
#[kernel_test]
fn a_link_without_ipv6_has_it_off() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let link = NewLink::macvlan(parent(&mut host)).mode(MacvlanMode::Bridge).name(name("eth0")).mtu(1000);
    let off = Endpoint::new(link)
        .ipv6(Ipv6Setting::DISABLE_IPV6, 1)
        .ipv6(Ipv6Setting::ACCEPT_RA, 0)
        .ipv6(Ipv6Setting::KEEP_ADDR_ON_DOWN, -1)
        .ipv6_if_possible(Ipv6Setting::NDISC_NOTIFY, 1);
    let attached = pod.attach(&mut host, &off).unwrap();
    assert!(!pod.link(attached.index).settings.has_ipv6());
    assert_eq!(off.check(&attached, &mut pod.sandbox).unwrap(), []);
    let on = off.ipv6(Ipv6Setting::ACCEPT_DAD, 1);
    let found = on.check(&attached, &mut pod.sandbox).unwrap();
    let [Difference::Property { attribute: "DEVCONF_ACCEPT_DAD", found, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!(&**found, "none");
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();

    let plain = Endpoint::new(link);
    let no_ipv6 = Reason::NoIpv6 { link: name("eth0"), mtu: 1000 };
    for refusal in [
        refused(&mut pod, &mut host, &on),
        refused(&mut pod, &mut host, &plain.clone().ipv6(Ipv6Setting::DISABLE_IPV6, 0)),
        refused(&mut pod, &mut host, &plain.clone().addr_gen_mode(AddrGenMode::Eui64)),
        refused(&mut pod, &mut host, &plain.clone().token(Ipv6Token::new("::7".parse().unwrap()).unwrap())),
        refused(&mut pod, &mut host, &plain.clone().addr(net("fd50::7/64"))),
    ] {
        assert_eq!(refusal.reason(), Some(&no_ipv6), "{refusal}");
        assert_eq!((refusal.class(), refusal.subject()), (Class::Invalid, Subject::Link), "{refusal}");
        assert!(
            refusal.to_string().contains(": eth0 has no IPv6: its MTU is 1000, and IPv6 needs 1280; "),
            "{refusal}"
        );
    }
    Ok(())
}

/// As in most containers: `/proc/sys` cannot be written.
#[kernel_test]
fn where_settings_cannot_be_written_only_another_value_is_an_error() -> Result<(), Skip> {
    const NONE: Option<&str> = None;
    own_run()?;
    let (mut host, plain) = (socket(), endpoint(&mut socket()));
    let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(Some("/proc/sys"), "/proc/sys", NONE, MsFlags::MS_BIND, NONE).unwrap();
    mount(NONE, "/proc/sys", NONE, read_only, NONE).unwrap();
    let mut pod = Pod::new();
    let met = plain.clone().ipv6(Ipv6Setting::ACCEPT_RA, 1).ipv6_if_possible(Ipv6Setting::NDISC_NOTIFY, 1);
    let attached = pod.attach(&mut host, &met).unwrap();
    assert_eq!(met.check(&attached, &mut pod.sandbox).unwrap(), []);
    assert_eq!(pod.link(attached.index).settings.ipv6(Ipv6Setting::NDISC_NOTIFY), Some(0));
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();

    let error = refused(&mut pod, &mut host, &met.ipv6(Ipv6Setting::ACCEPT_RA, 0));
    assert_eq!((error.class(), error.subject()), (Class::Permission, Subject::Link), "{error}");
    assert_eq!(
        error.to_string(),
        "open /proc/sys/net/ipv6/conf/eth0/accept_ra: Read-only file system (os error 30): accept_ra of eth0 is 1, not 0; \
         no link is left behind"
    );
    Ok(())
}

#[kernel_test]
fn without_proc_only_another_value_is_an_error() -> Result<(), Skip> {
    own_run()?;
    let (mut host, plain, netns) = (socket(), endpoint(&mut socket()), Netns::create().unwrap());
    mount(Some("none"), "/proc", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    let mut pod = Pod { sandbox: Sandbox::of(netns).unwrap() };
    let met = plain.ipv6(Ipv6Setting::ACCEPT_RA, 1).ipv6_if_possible(Ipv6Setting::NDISC_NOTIFY, 1);
    let attached = pod.attach(&mut host, &met);
    let error = attached.map(|attached| {
        attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();
        refused(&mut pod, &mut host, &met.clone().ipv6(Ipv6Setting::ACCEPT_RA, 0))
    });
    umount2("/proc", MntFlags::empty()).unwrap();
    assert_eq!(
        error.unwrap().to_string(),
        "open /proc/sys/net/ipv6 inside: No such file or directory (os error 2): accept_ra of eth0 is 1, not 0; no link is \
         left behind"
    );
    // What was opened before stays usable, and what can be opened now is.
    let attached = pod.attach(&mut host, &met.ipv6(Ipv6Setting::ACCEPT_RA, 0)).unwrap();
    assert_eq!(pod.link(attached.index).settings.ipv6(Ipv6Setting::ACCEPT_RA), Some(0));
    Ok(())
}

/// A device manager in the container may give the link a name of its own.
#[kernel_test]
fn a_link_that_was_renamed_meanwhile_gets_its_settings() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let endpoint = endpoint(&mut host).ipv6(Ipv6Setting::ACCEPT_RA, 0).ipv6(Ipv6Setting::AUTOCONF, 0);
    let rename = |link: &sublink::Attached, pod: &mut Sandbox| {
        pod.socket().change(&LinkChange::new(link.index).name(name("lan0")))
    };
    let (attached, ()) = endpoint.attach_with(&mut host, &mut pod.sandbox, rename).unwrap();
    let settings = pod.link(attached.index).settings;
    let found = (settings.ipv6(Ipv6Setting::ACCEPT_RA), settings.ipv6(Ipv6Setting::AUTOCONF));
    assert_eq!(found, (Some(0), Some(0)));
    Ok(())
}

#[kernel_test]
fn a_setting_of_a_link_that_vanished_is_an_error() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let (endpoint, before) = (endpoint(&mut host).ipv6(Ipv6Setting::ACCEPT_RA, 0), pod.contents());
    let delete = |link: &sublink::Attached, pod: &mut Sandbox| pod.socket().delete(link.index);
    let error = endpoint.attach_with(&mut host, &mut pod.sandbox, delete).unwrap_err();
    assert!(error.is_no_device() && matches!(error.undo(), Some(Undo::Gone(_))), "{error}");
    assert_eq!(pod.contents(), before);
    Ok(())
}

#[kernel_test]
fn a_token_is_given_and_taken() -> Result<(), Skip> {
    let (mut host, mut pod) = (socket(), Pod::new());
    let token: Ipv6Token = "::7".parse().unwrap();
    let endpoint = endpoint(&mut host).token(token);
    let attached = pod.attach(&mut host, &endpoint).unwrap();
    assert_eq!(pod.link(attached.index).settings.token, Some(token));
    assert_eq!(endpoint.check(&attached, &mut pod.sandbox).unwrap(), []);
    pod.inside().set(&LinkSettings::new(attached.index).token(Ipv6Token::UNSET)).unwrap();
    assert_eq!(pod.link(attached.index).settings.token, None);
    let found = endpoint.check(&attached, &mut pod.sandbox).unwrap();
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["IFLA_INET6_TOKEN is ::, not ::7"]);
    attached.detach(&mut host, &mut pod.sandbox, &Detach::new()).unwrap();

    let deaf = endpoint.ipv6(Ipv6Setting::ACCEPT_RA, 0);
    let error = refused(&mut pod, &mut host, &deaf);
    let words = if kernel() >= (5, 12) { ": ipv6: Router advertisement is disabled on device" } else { " (" };
    assert!(error.to_string().contains(&format!("eth0: EINVAL{words}")), "{error}");
    Ok(())
}
