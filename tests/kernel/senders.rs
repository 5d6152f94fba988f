//! macvlan and macvtap in source mode: the list of senders that are heard.

use crate::common::{Skip, kernel, knows, mac, parent, socket};
use crate::tools::refusal;
use crate::twins::{Change, New, Twin};
use sublink::link::SourceMacs;
use sublink::{Error, ErrorKind, IfIndex, ListLinks, MacAddr, MacvlanMode, Result, Socket};
use sublink_tests::kernel_test;

/// A child of `parent` in source mode that hears `senders`.
fn hearing<T: Twin>(socket: &mut Socket, parent: IfIndex, senders: &[MacAddr]) -> IfIndex {
    T::create(socket, parent, &New { name: Some("x"), senders: Some(senders), ..New::default() }).unwrap()
}

fn change<T: Twin>(socket: &mut Socket, index: IfIndex, macaddr: SourceMacs<'_>) -> Result<()> {
    T::change(socket, index, &Change { macaddr: Some(macaddr), ..Change::default() })
}

#[track_caller]
fn assert_hears<T: Twin>(socket: &mut Socket, index: IfIndex, senders: &[MacAddr], why: &str) {
    let shown = T::read(socket, index);
    assert_eq!(shown.senders, senders, "{why}");
    assert_eq!(shown.macaddr_count.map(usize::try_from), Some(Ok(senders.len())), "{why}");
}

#[kernel_test(both)]
pub fn a_list_is_set_at_create<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = hearing::<T>(&mut socket, parent, &[mac(1), mac(2)]);
    assert_hears::<T>(&mut socket, index, &[mac(1), mac(2)], "two at create");
    assert_eq!(T::read(&mut socket, index).mode, Some(MacvlanMode::Source));
    socket.delete(index).unwrap();
    let index = hearing::<T>(&mut socket, parent, &[]);
    assert_hears::<T>(&mut socket, index, &[], "none at create");
    Ok(())
}

#[kernel_test(both)]
pub fn a_list_is_added_to_removed_from_flushed_and_replaced<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = hearing::<T>(&mut socket, parent, &[]);
    let [a, b, c] = [mac(1), mac(2), mac(3)];
    // Rust 1.85 drops a list that is only made inside `Set` at the end of the statement.
    let (a_and_c, c_twice, all) = ([a, c], [c, c], [a, b, c]);
    let steps: [(SourceMacs<'_>, &[MacAddr], &str); 11] = [
        (SourceMacs::Add(a), &[a], "one added"),
        (SourceMacs::Add(a), &[a], "the same added again"),
        (SourceMacs::Add(b), &[a, b], "another added"),
        (SourceMacs::Delete(c), &[a, b], "an absent one removed"),
        (SourceMacs::Delete(a), &[b], "one removed"),
        (SourceMacs::Set(&a_and_c), &[a, c], "replaced by two"),
        (SourceMacs::Set(&c_twice), &[c], "replaced by one named twice"),
        (SourceMacs::Set(&[]), &[], "replaced by none"),
        (SourceMacs::Flush, &[], "an empty list flushed"),
        (SourceMacs::Set(&all), &[a, b, c], "replaced by three"),
        (SourceMacs::Flush, &[], "flushed"),
    ];
    for (step, senders, why) in steps {
        change::<T>(&mut socket, index, step).unwrap_or_else(|error| panic!("{why}: {error}"));
        assert_hears::<T>(&mut socket, index, senders, why);
    }
    Ok(())
}

#[kernel_test(both)]
pub fn a_list_of_500_is_set_and_read<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let sender = |number: u16| MacAddr::new([2, 0, 0, 1, number.to_be_bytes()[0], number.to_be_bytes()[1]]).unwrap();
    let senders: Vec<_> = (0..500).map(sender).collect();
    let index = hearing::<T>(&mut socket, parent, &senders);
    assert_hears::<T>(&mut socket, index, &senders, "at create");
    let others: Vec<_> = (1000..1500).map(sender).collect();
    change::<T>(&mut socket, index, SourceMacs::Set(&others)).unwrap();
    assert_hears::<T>(&mut socket, index, &others, "replaced");
    Ok(())
}

/// Linux tells a list that is too long with a wrong length, and since 7.3 says that it cannot tell it.
fn cannot_be_told(error: &Error) -> bool {
    const EMSGSIZE: i32 = 90;
    matches!(error.kind(), ErrorKind::Unexpected) || (kernel() >= (7, 3) && error.raw_os_error() == Some(EMSGSIZE))
}

/// A container may let its list grow as it likes: the kernel's report of it then has a wrong length, and senders in it look
/// like attributes of the link.
#[kernel_test(both)]
pub fn a_list_longer_than_can_be_told_is_an_error<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    // Whatever falls where a header is read, it is a sender's choice.
    let sender = |number: u16| MacAddr::new([6, 0, 3, 0, number.to_be_bytes()[0], number.to_be_bytes()[1]]).unwrap();
    let senders: Vec<_> = (0..6000).map(sender).collect();
    let (longest, more) = senders.split_at(5450);
    let without = New { name: Some("x"), senders: Some(longest), ..New::default() };
    for new in [without, New { bc_cutoff: Some(5), ..without }] {
        let index = T::create(&mut socket, parent, &new).unwrap();
        assert_hears::<T>(&mut socket, index, longest, "as many as one request sets");
        for (added, sender) in more.iter().enumerate() {
            change::<T>(&mut socket, index, SourceMacs::Add(*sender)).unwrap();
            match socket.link_at(index) {
                Ok(link) => {
                    assert_eq!((link.name() == "x", link.mtu(), link.parent()), (true, 1500, Some(parent)));
                    let room = if knows("bc_queue_len") { 5 } else { 8 }; // older kernels have less to tell besides
                    assert!(added < room, "{added} more were told");
                    assert_hears::<T>(&mut socket, index, &senders[..=longest.len() + added], "those that can be told");
                }
                Err(error) => assert!(cannot_be_told(&error), "{added}: {error}"),
            }
        }
        let error = socket.link("x").unwrap_err();
        assert!(cannot_be_told(&error) && error.to_string().starts_with("get link x: "), "{error}");
        match (socket.index_of("x"), socket.name_of(index)) {
            (Ok(found), Ok(named)) => {
                assert!(kernel() >= (7, 2), "only then the kernel tells an index and a name alone");
                assert!(found == index && named == *"x", "{found:?} {named}");
            }
            (Err(by_name), Err(by_index)) => assert!(cannot_be_told(&by_name) && cannot_be_told(&by_index)),
            mixed => panic!("{mixed:?}"),
        }
        let partial = socket.links(&ListLinks::new()).unwrap().collect().unwrap_err();
        if kernel() < (7, 3) {
            assert!(cannot_be_told(&partial.error), "{partial}");
        } else {
            assert!(matches!(partial.error.kind(), ErrorKind::CutShort), "now it ends before the link: {partial}");
            assert!(partial.items.iter().all(|link| link.index != index), "{partial:?}");
        }
        change::<T>(&mut socket, index, SourceMacs::Set(&[mac(1)])).unwrap();
        assert_hears::<T>(&mut socket, index, &[mac(1)], "a list that can be told again");
        socket.delete(index).unwrap();
    }
    Ok(())
}

#[kernel_test(both)]
pub fn each_child_has_a_list_of_its_own<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let first = hearing::<T>(&mut socket, parent, &[mac(1), mac(2)]);
    let second = T::create(&mut socket, parent, &New { senders: Some(&[mac(2)]), ..New::default() }).unwrap();
    change::<T>(&mut socket, second, SourceMacs::Flush).unwrap();
    assert_hears::<T>(&mut socket, first, &[mac(1), mac(2)], "after its sibling's was flushed");
    assert_hears::<T>(&mut socket, second, &[], "flushed");
    Ok(())
}

#[kernel_test(both)]
pub fn leaving_source_mode_drops_the_list<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = hearing::<T>(&mut socket, parent, &[mac(1)]);
    for mode in [MacvlanMode::Source, MacvlanMode::Bridge] {
        T::change(&mut socket, index, &Change { mode: Some(mode), ..Change::default() }).unwrap();
        let left: &[MacAddr] = if mode == MacvlanMode::Source { &[mac(1)] } else { &[] };
        assert_hears::<T>(&mut socket, index, left, &format!("changed to {mode}"));
    }
    T::change(&mut socket, index, &Change { mode: Some(MacvlanMode::Source), ..Change::default() }).unwrap();
    assert_hears::<T>(&mut socket, index, &[], "back in source mode");
    Ok(())
}

#[kernel_test(both)]
pub fn a_link_enters_source_mode_with_its_list<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let index = T::create(&mut socket, parent, &New { mode: Some(MacvlanMode::Bridge), ..New::default() }).unwrap();
    let senders = [mac(1), mac(2)];
    let macaddr = Some(SourceMacs::Set(&senders));
    T::change(&mut socket, index, &Change { mode: Some(MacvlanMode::Source), macaddr, ..Change::default() }).unwrap();
    assert_hears::<T>(&mut socket, index, &senders, "in the same change");
    Ok(())
}

#[kernel_test(both)]
pub fn a_list_outside_source_mode_is_refused<T: Twin>() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for mode in [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge, MacvlanMode::Passthru] {
        let (name, set) = (Some("x"), [mac(1)]);
        let with_list = New { name, mode: Some(mode), senders: Some(&set), ..New::default() };
        let said = refusal(T::create(&mut socket, parent, &with_list));
        assert_eq!(said, format!("create {} x on p0: EINVAL (Invalid argument)", T::KIND), "{mode}");

        let index = T::create(&mut socket, parent, &New { name, mode: Some(mode), ..New::default() }).unwrap();
        for step in [SourceMacs::Add(mac(1)), SourceMacs::Delete(mac(1)), SourceMacs::Flush, SourceMacs::Set(&set)] {
            let said = refusal(change::<T>(&mut socket, index, step));
            assert_eq!(said, format!("change {} x: EINVAL (Invalid argument)", T::KIND), "{mode}: {step:?}");
        }
        assert_hears::<T>(&mut socket, index, &[], "after all refusals");
        socket.delete(index).unwrap();
    }
    Ok(())
}
