//! What an error is to the code around it.

use crate::common::{Skip, name, socket};
use std::error::Error as _;
use std::io;
use std::time::Duration;
use sublink::link::DeleteLink;
use sublink::{Batch, Error, ErrorKind, IfIndex, Netns, NewLink, Result, Socket};
use sublink_tests::kernel_test;

#[kernel_test]
pub fn an_error_is_one_word_and_goes_anywhere() -> std::result::Result<(), Skip> {
    fn goes_anywhere<T: std::error::Error + Send + Sync + 'static>(_: &T) {}
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    let error = socket().index_of("absent").unwrap_err();
    goes_anywhere(&error);
    let error = std::thread::spawn(move || error).join().unwrap();
    let boxed: Box<dyn std::error::Error + Send + Sync> = error.into();
    assert_eq!(boxed.to_string(), "get link absent: ENODEV (No such device)");
    assert_eq!(boxed.downcast_ref::<Error>().and_then(Error::raw_os_error), Some(nix::errno::Errno::ENODEV as i32));
    Ok(())
}

#[kernel_test]
pub fn an_io_error_keeps_kind_and_sentence() -> std::result::Result<(), Skip> {
    let mut socket = socket();
    let veth = NewLink::veth(NewLink::peer()).name(name("v0"));
    socket.create(&veth).unwrap();
    let lo = IfIndex::new(1).unwrap();
    let mut batch = Batch::new();
    batch.push(&DeleteLink::group(0)).unwrap();
    let kind_of = |errno: nix::errno::Errno| io::Error::from(errno).kind();
    for (error, kind) in [
        (socket.create(&veth).unwrap_err(), io::ErrorKind::AlreadyExists),
        (socket.index_of("absent").unwrap_err(), kind_of(nix::errno::Errno::ENODEV)),
        (socket.delete(lo).unwrap_err(), kind_of(nix::errno::Errno::EOPNOTSUPP)),
        (socket.run(&mut batch).unwrap_err(), io::ErrorKind::PermissionDenied),
        (Netns::open("/no/such/file").unwrap_err(), io::ErrorKind::NotFound),
        (Netns::open("/").unwrap_err(), io::ErrorKind::InvalidInput),
        (socket.index_of("a b").unwrap_err(), io::ErrorKind::InvalidInput),
        (ErrorKind::TimedOut.into(), io::ErrorKind::TimedOut),
        (ErrorKind::Overrun.into(), kind_of(nix::errno::Errno::ENOBUFS)),
        (ErrorKind::Interrupted.into(), io::ErrorKind::Interrupted),
        (ErrorKind::Truncated(70_000).into(), io::ErrorKind::InvalidData),
        (ErrorKind::Ignored("IFLA_X").into(), io::ErrorKind::Other),
    ] {
        let sentence = error.to_string();
        let converted = io::Error::from(error);
        assert_eq!((converted.kind(), converted.to_string()), (kind, sentence));
        let inner = converted.into_inner().and_then(|inner| inner.downcast::<Error>().ok());
        assert!(inner.is_some(), "the error itself is still in there");
    }
    let error = Netns::open("/no/such/file").unwrap_err();
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    assert_eq!(source, Some(io::ErrorKind::NotFound));
    Ok(())
}

#[kernel_test]
pub fn a_socket_goes_to_another_thread() -> std::result::Result<(), Skip> {
    let mut socket = socket();
    socket.create(&NewLink::veth(NewLink::peer()).name(name("v0"))).unwrap();
    socket.set_time_limit(Duration::from_secs(5));
    // It speaks with the namespace it was opened in, wherever the thread is.
    let elsewhere = Netns::create().unwrap();
    let (there, own) = elsewhere
        .run(move || (socket.index_of("v0").map(|_| ()), Socket::open().and_then(|mut own| own.index_of("v0"))))
        .unwrap();
    there.unwrap();
    assert!(own.unwrap_err().is_no_device());
    Ok(())
}
