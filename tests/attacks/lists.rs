//! Lists that change while they are read, that are dropped halfway, and what comes after them on the same socket.

use crate::common::{Skip, mac, name, socket};
use crate::overrun::many_links;
use sublink::batch::Outcome;
use sublink::link::DeleteLink;
use sublink::request::Verb;
use sublink::socket::List;
use sublink::{Batch, Error, ErrorKind, LinkChange, ListLinks, NewLink, Socket};
use sublink_tests::kernel_test;

const ALL: ListLinks<'_> = ListLinks::new();

/// Reads the first entry of a list that needs several datagrams, and then makes a link that the list may lack.
fn begin<'s>(socket: &'s mut Socket, other: &mut Socket, new: &str) -> List<'s, ListLinks<'static>> {
    let mut links = socket.links(&ALL).unwrap();
    assert_eq!(links.next().unwrap().unwrap().name(), "lo");
    other.create(&NewLink::veth(NewLink::peer()).name(name(new))).unwrap();
    links
}

fn assert_interrupted(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Interrupted), "{error}");
    assert_eq!(error.to_string(), "list links: the list changed while it was read (NLM_F_DUMP_INTR)");
    assert_eq!(error.request().unwrap().verb, Verb::List);
}

#[kernel_test]
pub fn a_list_that_changed_meanwhile_says_so_behind_its_last_entry() -> Result<(), Skip> {
    let (mut socket, mut other) = (socket(), socket());
    many_links(&mut other, 60);
    let mut links = begin(&mut socket, &mut other, "v0");
    let mut names = Vec::new();
    let error = loop {
        match links.next() {
            Ok(link) => names.push(link.expect("an error behind the last entry").name().to_string()),
            Err(error) => break error,
        }
    };
    assert_interrupted(&error);
    assert!(names.contains(&"mv59".into()), "what was there all the time was given out: {names:?}");
    assert!(links.next().unwrap().is_none(), "there is no entry behind an error");
    assert_eq!(socket.links(&ALL).unwrap().collect().unwrap().len(), 65, "asked for again, it is right");
    Ok(())
}

#[kernel_test]
pub fn collect_gives_what_was_read_with_the_error() -> Result<(), Skip> {
    let (mut socket, mut other) = (socket(), socket());
    many_links(&mut other, 60);
    let partial = begin(&mut socket, &mut other, "v0").collect().unwrap_err();
    assert!(partial.items.len() >= 62, "{}", partial.items.len());
    assert!(partial.to_string().ends_with(&format!("; {} were read", partial.items.len())), "{partial}");
    assert_interrupted(&partial.error);
    assert!(std::error::Error::source(&partial).is_none(), "its sentence holds the error's already");
    assert_interrupted(&Error::from(partial));
    Ok(())
}

#[kernel_test]
pub fn a_list_dropped_halfway_is_in_nobodys_way() -> Result<(), Skip> {
    let mut socket = socket();
    let parent = many_links(&mut socket, 60);
    // Read entries: none, one, and so many that the second datagram is begun.
    for read in [0, 1, 40] {
        let drop_a_list = |socket: &mut Socket| {
            let mut links = socket.links(&ALL).unwrap();
            (0..read).for_each(|_| assert!(links.next().unwrap().is_some()));
        };
        drop_a_list(&mut socket);
        let index = socket.create(&NewLink::macvlan(parent).name(name("new")).mac(mac(1)).up()).unwrap();
        drop_a_list(&mut socket);
        assert_eq!(socket.link_at(index).unwrap().name(), "new");
        drop_a_list(&mut socket);
        assert_eq!(socket.index_of("new").unwrap(), index);
        drop_a_list(&mut socket);
        let error = socket.create(&NewLink::macvlan(parent).name(name("new"))).unwrap_err();
        assert_eq!(error.to_string().split(": ").nth(1), Some("EEXIST"), "{error}");
        drop_a_list(&mut socket);
        let mut batch = Batch::new();
        batch.push(&LinkChange::new(index).down()).unwrap();
        batch.push(&DeleteLink::index(index)).unwrap();
        socket.run(&mut batch).unwrap();
        assert_eq!(batch.outcomes(), [Outcome::Done, Outcome::Done]);
        drop_a_list(&mut socket);
        drop_a_list(&mut socket);
        assert_eq!(socket.links(&ALL).unwrap().collect().unwrap().len(), 63, "{read} entries were read of the others");
    }
    Ok(())
}

#[kernel_test]
pub fn a_list_ends_once() -> Result<(), Skip> {
    let mut socket = socket();
    let mut links = socket.links(&ALL).unwrap();
    assert!(links.next().unwrap().is_some());
    for _ in 0..3 {
        assert!(links.next().unwrap().is_none(), "behind the end there is nothing, without a wait");
    }
    Ok(())
}
