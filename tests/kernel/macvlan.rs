//! macvlan and macvtap: mode, flags, broadcast queue and cutoff, as set and as read back.

use crate::common::{Skip, knows, mac, needs, parent, socket};
use crate::tools::{ip_about_x, refusal};
use crate::twins::{Change, New, Twin};
use sublink::link::{LinkFlags, MacvlanFlags};
use sublink::{ErrorKind, MacvlanMode, Socket};
use sublink_tests::kernel_test;

/// All but passthru, to and from which no change leads.
const CHANGEABLE: [MacvlanMode; 4] =
    [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, MacvlanMode::Source];

/// What the kernel reports of a queue length.
fn queue(len: u32) -> Option<u32> {
    Some(len).filter(|_| knows("bc_queue_len"))
}

fn in_mode(mode: MacvlanMode) -> New<'static> {
    New { name: Some("x"), mode: Some(mode), ..New::default() }
}

fn to_mode(mode: MacvlanMode) -> Change<'static> {
    Change { mode: Some(mode), ..Change::default() }
}

fn with_queue(bc_queue_len: u32) -> New<'static> {
    New { bc_queue_len: Some(bc_queue_len), ..New::default() }
}

#[kernel_test(both)]
pub fn every_mode_can_be_created<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for mode in CHANGEABLE.into_iter().chain([MacvlanMode::Passthru]) {
        let index = T::create(&mut socket, parent, &in_mode(mode)).unwrap();
        assert_eq!(T::read(&mut socket, index).mode, Some(mode));
        let link = socket.link_at(index).unwrap();
        assert_eq!(link.name(), "x");
        assert_eq!(link.kind(), T::KIND);
        assert_eq!((link.parent(), link.parent_netnsid()), (Some(parent), None));
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn ip_says_the_same<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let senders = [mac(1), mac(2)];
    let rows = [
        ("mode private ", in_mode(MacvlanMode::Private)),
        ("mode vepa ", in_mode(MacvlanMode::Vepa)),
        ("mode bridge ", in_mode(MacvlanMode::Bridge)),
        ("mode passthru ", in_mode(MacvlanMode::Passthru)),
        ("mode source ", in_mode(MacvlanMode::Source)),
        ("mode passthru nopromisc ", New { flags: Some(MacvlanFlags::NOPROMISC), ..in_mode(MacvlanMode::Passthru) }),
        ("mode source nodst ", New { flags: Some(MacvlanFlags::NODST), ..in_mode(MacvlanMode::Source) }),
        ("remotes (2) ", New { senders: Some(&senders), ..in_mode(MacvlanMode::Source) }),
        ("bcqueuelen 500 usedbcqueuelen 500 ", New { bc_queue_len: Some(500), ..in_mode(MacvlanMode::Vepa) }),
    ];
    let known = |(_, new): &(_, New<'_>)| new.bc_queue_len.is_none() || knows("bc_queue_len");
    for (words, new) in rows.into_iter().filter(known) {
        let index = T::create(&mut socket, parent, &new).unwrap();
        let said = ip_about_x();
        assert!(said.contains(&format!("{} mode", T::KIND)) && said.contains(words), "no `{words}`: {said}");
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn the_kernel_has_defaults<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = T::create(&mut socket, parent, &New::default()).unwrap();
    let shown = T::read(&mut socket, index);
    assert_eq!((shown.mode, shown.flags), (Some(MacvlanMode::Vepa), Some(MacvlanFlags::NONE)));
    assert_eq!((shown.bc_queue_len, shown.bc_queue_len_used), (queue(1000), queue(1000)));
    assert_eq!((shown.bc_cutoff, shown.macaddr_count, shown.senders), (None, Some(0), vec![]));
    let link = socket.link_at(index).unwrap().to_owned();
    assert!(link.mac.is_some() && !link.flags.contains(LinkFlags::UP));
    assert_eq!((link.mtu, link.min_mtu, link.max_mtu), (1500, Some(68), Some(65535)));
    Ok(())
}

#[kernel_test(both)]
pub fn unknown_modes_are_refused<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = T::create(&mut socket, parent, &New { name: Some("y"), ..New::default() }).unwrap();
    for number in [0, 3, 32, u32::MAX] {
        let mode = MacvlanMode::Other(number);
        let said = refusal(T::create(&mut socket, parent, &in_mode(mode)));
        assert_eq!(said, format!("create {} x on p0: EINVAL (Invalid argument)", T::KIND), "mode {number}");
        let said = refusal(T::change(&mut socket, index, &to_mode(mode)));
        assert_eq!(said, format!("change {} y: EINVAL (Invalid argument)", T::KIND), "mode {number}");
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_mode_can_be_changed_to_any_but_passthru<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = T::create(&mut socket, parent, &in_mode(MacvlanMode::Private)).unwrap();
    for from in CHANGEABLE {
        for to in CHANGEABLE {
            T::change(&mut socket, index, &to_mode(from)).unwrap();
            T::change(&mut socket, index, &to_mode(to)).unwrap();
            assert_eq!(T::read(&mut socket, index).mode, Some(to), "from {from} to {to}");
        }
        let said = refusal(T::change(&mut socket, index, &to_mode(MacvlanMode::Passthru)));
        assert_eq!(said, format!("change {} x: EINVAL (Invalid argument)", T::KIND), "from {from}");
    }
    Ok(())
}

#[kernel_test(both)]
pub fn passthru_is_for_life<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = T::create(&mut socket, parent, &in_mode(MacvlanMode::Passthru)).unwrap();
    for mode in CHANGEABLE {
        let said = refusal(T::change(&mut socket, index, &to_mode(mode)));
        assert_eq!(said, format!("change {} x: EINVAL (Invalid argument)", T::KIND), "to {mode}");
        assert_eq!(T::read(&mut socket, index).mode, Some(MacvlanMode::Passthru));
    }
    T::change(&mut socket, index, &to_mode(MacvlanMode::Passthru)).expect("no change at all");
    Ok(())
}

#[kernel_test(both)]
pub fn flags_are_set_and_replaced_as_a_whole<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let both = MacvlanFlags::NOPROMISC | MacvlanFlags::NODST;
    for flags in [MacvlanFlags::NONE, MacvlanFlags::NOPROMISC, MacvlanFlags::NODST, both] {
        let new = New { flags: Some(flags), ..in_mode(MacvlanMode::Source) };
        let index = T::create(&mut socket, parent, &new).unwrap();
        assert_eq!(T::read(&mut socket, index).flags, Some(flags), "at create");
        for flags in [both, MacvlanFlags::NODST, MacvlanFlags::NOPROMISC, MacvlanFlags::NONE] {
            T::change(&mut socket, index, &Change { flags: Some(flags), ..Change::default() }).unwrap();
            assert_eq!(T::read(&mut socket, index).flags, Some(flags), "changed");
        }
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn nopromisc_spares_the_parent_of_a_passthru_child<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let promiscuity = |flags: Option<MacvlanFlags>, socket: &mut Socket| {
        let index = T::create(socket, parent, &New { up: true, flags, ..in_mode(MacvlanMode::Passthru) }).unwrap();
        let promiscuity = socket.link_at(parent).unwrap().promiscuity();
        socket.delete(index).unwrap();
        promiscuity
    };
    assert_eq!(promiscuity(None, &mut socket), 1);
    assert_eq!(promiscuity(Some(MacvlanFlags::NOPROMISC), &mut socket), 0);
    Ok(())
}

#[kernel_test(both)]
pub fn a_change_of_one_property_leaves_the_others<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let senders = [mac(1), mac(2)];
    let all = New {
        flags: Some(MacvlanFlags::NODST),
        bc_queue_len: Some(77),
        bc_cutoff: Some(3),
        senders: Some(&senders),
        ..New::default()
    };
    let index = T::create(&mut socket, parent, &all).unwrap();
    let mut expected = T::read(&mut socket, index);
    assert_eq!((expected.mode, expected.bc_queue_len), (Some(MacvlanMode::Source), queue(77)));

    T::change(&mut socket, index, &Change { bc_queue_len: Some(78), ..Change::default() }).unwrap();
    (expected.bc_queue_len, expected.bc_queue_len_used) = (queue(78), queue(78));
    assert_eq!(T::read(&mut socket, index), expected);
    T::change(&mut socket, index, &Change { flags: Some(MacvlanFlags::NONE), ..Change::default() }).unwrap();
    expected.flags = Some(MacvlanFlags::NONE);
    assert_eq!(T::read(&mut socket, index), expected);
    T::change(&mut socket, index, &Change { mtu: Some(1400), ..Change::default() }).unwrap();
    assert_eq!(T::read(&mut socket, index), expected);
    assert_eq!(socket.link_at(index).unwrap().mtu(), 1400);
    Ok(())
}

#[kernel_test(both)]
pub fn the_longest_queue_of_all_children_is_used<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    needs("bc_queue_len")?;
    let queues = |socket: &mut Socket, index| {
        let shown = T::read(socket, index);
        (shown.bc_queue_len.unwrap(), shown.bc_queue_len_used.unwrap())
    };
    let short = T::create(&mut socket, parent, &with_queue(0)).unwrap();
    assert_eq!(queues(&mut socket, short), (0, 0));
    let long = T::create(&mut socket, parent, &with_queue(3000)).unwrap();
    assert_eq!((queues(&mut socket, short), queues(&mut socket, long)), ((0, 3000), (3000, 3000)));
    T::change(&mut socket, short, &Change { bc_queue_len: Some(u32::MAX), ..Change::default() }).unwrap();
    assert_eq!((queues(&mut socket, short), queues(&mut socket, long)), ((u32::MAX, u32::MAX), (3000, u32::MAX)));
    T::change(&mut socket, short, &Change { bc_queue_len: Some(5), ..Change::default() }).unwrap();
    assert_eq!((queues(&mut socket, short), queues(&mut socket, long)), ((5, 3000), (3000, 3000)));
    socket.delete(long).unwrap();
    assert_eq!(queues(&mut socket, short), (5, 5));
    Ok(())
}

#[kernel_test(both)]
pub fn the_queue_length_is_verified<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let new = with_queue(500);
    let index = T::create(&mut socket, parent, &new).unwrap();
    let verified = T::verify_created(&mut socket, index, parent, &new).map_err(|error| error.to_string());
    let too_old = "the kernel ignored IFLA_MACVLAN_BC_QUEUE_LEN: it is too old for it";
    assert_eq!(verified, if knows("bc_queue_len") { Ok(()) } else { Err(too_old.into()) });
    Ok(())
}

/// What the kernel reports of a cutoff of `asked`: its default of 1 is not reported, and older kernels have none.
fn reported(asked: i32) -> Option<i32> {
    Some(asked).filter(|cutoff| *cutoff != 1 && knows("bc_cutoff"))
}

/// What the library says on verifying a cutoff: an ignored 1 cannot be told from one that was taken.
fn verified(asked: i32) -> Result<(), String> {
    if knows("bc_cutoff") || asked == 1 {
        return Ok(());
    }
    Err("the kernel ignored IFLA_MACVLAN_BC_CUTOFF: it is too old for it".into())
}

#[kernel_test(both)]
pub fn a_cutoff_is_reported_or_verified_to_be_ignored<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for cutoff in [-1, 0, 1, 3, i32::MAX, i32::MIN] {
        let new = New { bc_cutoff: Some(cutoff), ..New::default() };
        let index = T::create(&mut socket, parent, &new).unwrap();
        assert_eq!(T::read(&mut socket, index).bc_cutoff, reported(cutoff), "created with {cutoff}");
        let said = T::verify_created(&mut socket, index, parent, &new).map_err(|error| error.to_string());
        assert_eq!(said, verified(cutoff), "created with {cutoff}");
        socket.delete(index).unwrap();
    }
    let index = T::create(&mut socket, parent, &New::default()).unwrap();
    for cutoff in [3, -1, 1, 0] {
        let change = Change { bc_cutoff: Some(cutoff), ..Change::default() };
        T::change(&mut socket, index, &change).unwrap();
        assert_eq!(T::read(&mut socket, index).bc_cutoff, reported(cutoff), "changed to {cutoff}");
        let said = T::verify_changed(&mut socket, index, &change).map_err(|error| error.to_string());
        assert_eq!(said, verified(cutoff), "changed to {cutoff}");
    }
    Ok(())
}

#[kernel_test(both)]
pub fn an_ignored_property_is_an_error_of_its_own_kind<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let new = New { bc_cutoff: Some(7), ..New::default() };
    let index = T::create(&mut socket, parent, &new).unwrap();
    let verified = T::verify_created(&mut socket, index, parent, &new);
    if knows("bc_cutoff") {
        verified.expect("this kernel knows it");
    } else {
        let error = verified.expect_err("this kernel does not know it");
        assert!(matches!(error.kind(), ErrorKind::Ignored("IFLA_MACVLAN_BC_CUTOFF")), "{error:?}");
        assert_eq!(error.raw_os_error(), None);
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_cutoff_holds_for_all_children<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let first = T::create(&mut socket, parent, &New::default()).unwrap();
    let second = T::create(&mut socket, parent, &New { bc_cutoff: Some(3), ..New::default() }).unwrap();
    assert_eq!(T::read(&mut socket, first).bc_cutoff, reported(3));
    T::change(&mut socket, first, &Change { bc_cutoff: Some(-5), ..Change::default() }).unwrap();
    assert_eq!(T::read(&mut socket, second).bc_cutoff, reported(-5));
    Ok(())
}
