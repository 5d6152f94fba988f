//! Names: any bytes the kernel takes, printed so that they cannot do harm, and no other link's alternative name.

use crate::common::{Skip, mac, name, parent, socket};
use crate::help::{all, index, ip, seen, sentence};
use sublink::link::GetLink;
use sublink::value::{Alias, InvalidValue};
use sublink::{ErrorKind, IfName, LinkChange, NewLink};
use sublink_tests::kernel_test;

#[kernel_test]
pub fn a_name_is_bytes() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    for (bytes, printed) in [
        (&b"\xff\xfeeth"[..], "\\xff\\xfeeth"),
        (b"e\x1b[2Jx", "e\\u{1b}[2Jx"),
        ("größe".as_bytes(), "größe"),
        (b"a\x7f\x01\\", "a\\u{7f}\\u{1}\\\\"),
        (b"fifteen.bytes..", "fifteen.bytes.."),
        (b"\"'$(x)`;", "\"'$(x)`;"),
    ] {
        let wanted = IfName::from_bytes(bytes).expect(printed);
        let index = socket.create(&NewLink::macvlan(parent).name(wanted)).expect(printed);
        let link = socket.link(bytes).expect(printed);
        assert_eq!((link.index(), link.name().as_bytes()), (index, bytes));
        assert_eq!(link.name().to_string(), printed);
        let owned = all(&mut socket).into_iter().find(|link| link.index == index).expect(printed);
        assert_eq!((owned.name.as_bytes(), owned.name), (bytes, wanted));
        let again = sentence(socket.create(&NewLink::macvlan(parent).name(wanted)));
        assert_eq!(again, format!("create macvlan {printed} on p0: EEXIST (File exists)"));
        assert_eq!(
            sentence(socket.change(&LinkChange::new(index).mtu(9000))),
            format!("change link {printed}: EINVAL (Invalid argument)")
        );
        let child = NewLink::macvlan(index).mtu(9000);
        assert!(
            sentence(socket.create(&child))
                .starts_with(&format!("create macvlan on {printed}: EINVAL (Invalid argument)"))
        );
        socket.delete(index).expect(printed);
        assert_eq!(sentence(socket.index_of(bytes)), format!("get link {printed}: ENODEV (No such device)"));
    }
    Ok(())
}

#[kernel_test]
pub fn so_are_alternative_names_and_aliases() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let bytes = &b"\xff\x1b[2J\xfe"[..];
    socket.add_alt_name(parent, bytes).unwrap();
    socket.change(&LinkChange::new(parent).alias(Alias::new(bytes).unwrap())).unwrap();
    let link = socket.link_by_alt_name(bytes).unwrap();
    assert_eq!(link.index(), parent);
    assert_eq!(link.alias().unwrap().as_bytes(), bytes);
    let printed = "\\xff\\u{1b}[2J\\xfe";
    assert_eq!(link.alias().unwrap().to_string(), printed);
    assert_eq!(link.alt_names().iter().map(|name| name.to_string()).collect::<Vec<_>>(), [printed]);
    let again = sentence(socket.add_alt_name(parent, bytes));
    assert!(again.starts_with(&format!("add alternative name {printed} of p0: EEXIST (File exists)")), "{again}");
    let longest = [b'a'; 255];
    socket.change(&LinkChange::new(parent).alias(Alias::new(&longest).unwrap())).unwrap();
    assert_eq!(socket.link_at(parent).unwrap().alias().unwrap().as_bytes(), longest);
    Ok(())
}

/// The kernel makes `a0` of `a%d`: a name nobody asked for.
#[kernel_test]
pub fn a_pattern_does_not_reach_the_kernel() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    assert!(matches!(IfName::new("a%d"), Err(InvalidValue::NameByte { byte: b'%', .. })));
    assert!(matches!(IfName::from_bytes(b"100%"), Err(InvalidValue::NameByte { byte: b'%', .. })));
    let before = all(&mut socket);
    let why = "\"a%d\" is not an interface name: it holds '%'";
    for error in [
        socket.index_of("a%d").unwrap_err(),
        socket.link("a%d").unwrap_err(),
        socket.link_by_alt_name("a%d").unwrap_err(),
        socket.add_alt_name(parent, "a%d").unwrap_err(),
        socket.delete_alt_name(parent, "a%d").unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Invalid(InvalidValue::NameByte { byte: b'%', .. })), "{error}");
        assert_eq!((error.to_string().as_str(), error.request()), (why, None));
    }
    assert_eq!(all(&mut socket), before);
    ip("link add link p0 name a%d type macvlan");
    assert!(socket.index_of("a0").is_ok(), "so does the kernel");
    Ok(())
}

/// A link in a container may have any alternative name, such as the name that its host is about to ask for.
#[kernel_test]
pub fn a_planted_alternative_name_is_not_fallen_for() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let other = socket.create(&NewLink::macvlan(parent).name(name("mv0")).mac(mac(1))).unwrap();
    socket.add_alt_name(other, "eth0").unwrap();

    // The kernel would take it for `eth0`.
    let found = socket.get(&GetLink::name(name("eth0"))).unwrap();
    assert_eq!((found.index(), found.name() == "mv0"), (other, true));
    for error in [socket.index_of("eth0").unwrap_err(), socket.link("eth0").unwrap_err()] {
        assert!(matches!(error.kind(), ErrorKind::OnlyAltName { owner, .. } if owner.as_bytes() == b"mv0"), "{error}");
        assert_eq!(error.to_string(), "ENODEV: no link has the name eth0, though mv0 has it as an alternative name");
    }
    let error = socket.create(&NewLink::macvlan(parent).name(name("eth0"))).unwrap_err();
    assert!(error.is_already_there(), "{error}");
    assert_eq!(socket.link_at(other).unwrap().mac().mac(), Some(mac(1)));

    // With an index there is no doubt: only the link meant goes.
    let third = socket.create(&NewLink::macvlan(parent).name(name("mv1"))).unwrap();
    socket.delete(third).unwrap();
    assert_eq!(socket.index_of("mv0").unwrap(), other);
    socket.delete_alt_name(other, "eth0").unwrap();
    let eth0 = socket.create(&NewLink::macvlan(parent).name(name("eth0"))).unwrap();
    assert_eq!(socket.index_of("eth0").unwrap(), eth0);
    socket.delete(eth0).unwrap();
    assert_eq!(socket.index_of("mv0").unwrap(), other);
    Ok(())
}

/// A name that is too long to be a name may still be an alternative one.
#[kernel_test]
pub fn a_long_name_is_an_alternative_name_only() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let long = "a-name-of-sixteen-bytes-and-more";
    socket.add_alt_name(parent, long).unwrap();
    assert_eq!(socket.link_by_alt_name(long).unwrap().index(), parent);
    let error = socket.index_of(long).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Invalid(InvalidValue::NameLength(given)) if given.len() == 32),
        "{error}"
    );
    assert!(matches!(socket.add_alt_name(parent, [b'a'; 128]).unwrap_err().kind(), ErrorKind::Invalid(_)));
    Ok(())
}

/// What an error or a link is called is what the link of that index is called now.
#[kernel_test]
pub fn an_index_may_be_another_links_by_now() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = parent(&mut socket);
    let link = NewLink::macvlan(parent).index(index(600));
    let old = socket.create(&link.name(name("old"))).unwrap();
    socket.delete(old).unwrap();
    let new = socket.create(&link.name(name("new"))).unwrap();
    assert_eq!(new, old);
    assert_eq!(socket.link_at(old).unwrap().name(), "new");
    assert!(socket.index_of("old").unwrap_err().is_no_device());
    assert_eq!(sentence(socket.change(&LinkChange::new(old).mtu(9000))), "change link new: EINVAL (Invalid argument)");
    assert_eq!(seen().iter().filter(|(index, _)| *index == 600).count(), 1);
    Ok(())
}
