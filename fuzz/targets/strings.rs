//! Values made of text or bytes: what is taken is kept as it is and comes back as it was given; what is refused says so in
//! words that print safely.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::fmt::{Debug, Display};
use std::str::FromStr;
use sublink::link::{AddrGenMode, Ipv6Token, IpvlanFlag, IpvlanMode, LinkKind, OperState, VlanProtocol};
use sublink::network::{Driver, Network, Owner};
use sublink::route::RouteType;
use sublink::value::{Alias, AltName, Name};
use sublink::{Attached, IfName, MacAddr, MacvlanMode, Netns, VlanId};
use sublink_fuzz::prints_safely;

fuzz_target!(|data: &[u8]| {
    names(data);
    let Ok(text) = str::from_utf8(data) else { return };
    if let Some(mac) = parsed::<MacAddr>(text) {
        assert_eq!(mac.to_string(), text.to_ascii_lowercase().replace('-', ":"));
        assert_eq!(MacAddr::new(mac.bytes()), Ok(mac));
    }
    assert!(parsed::<VlanId>(text).is_none_or(|id| id.get() <= 4094));
    word::<MacvlanMode>(text);
    word::<IpvlanMode>(text);
    word::<IpvlanFlag>(text);
    word::<VlanProtocol>(text);
    word::<AddrGenMode>(text);
    word::<OperState>(text);
    word::<RouteType>(text);
    word::<LinkKind>(text);
    parsed::<Ipv6Token>(text);
    parsed::<Attached>(text);
    network(text, Driver::Macvlan(MacvlanMode::Bridge));
    network(text, Driver::Vlan);
    let _ = Owner::new(text).map_err(|error| prints_safely(&error.to_string()));
    let _ = Netns::named(text).map_err(|error| prints_safely(&error.to_string()));
});

/// Parses a text. What is taken prints so that it is taken again, as the same.
fn parsed<T: FromStr<Err: Display> + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    match text.parse::<T>() {
        Ok(value) => {
            let again = value.to_string().parse();
            assert!(again.is_ok_and(|again: T| again == value), "{value:?}");
            Some(value)
        }
        Err(error) => {
            prints_safely(&error.to_string());
            None
        }
    }
}

/// Parses a word, which prints as it was given.
fn word<T: FromStr<Err: Display> + Display + PartialEq + Debug>(text: &str) {
    if let Some(value) = parsed::<T>(text) {
        assert_eq!(value.to_string(), text);
    }
}

fn names(data: &[u8]) {
    match IfName::from_bytes(data) {
        Ok(name) => {
            assert_eq!(name.as_bytes(), data);
            assert!((1..=15).contains(&data.len()));
            assert!(!data.iter().any(|byte| matches!(byte, 0 | b'/' | b':' | b'%' | b' ' | 9..=13 | 0xa0)));
            assert_eq!(IfName::try_from(name.as_name()), Ok(name));
            prints_safely(&format!("{name} {name:>20}"));
            if data.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'\\') {
                assert_eq!(name.to_string().parse(), Ok(name));
            }
        }
        Err(error) => prints_safely(&error.to_string()),
    }
    prints_safely(&Name::new(data).to_string());
    match AltName::new(data) {
        Ok(name) => assert!(name.as_bytes() == data && (1..=127).contains(&data.len())),
        Err(error) => prints_safely(&error.to_string()),
    }
    assert_eq!(Alias::new(data).is_ok(), data.len() <= 255);
}

fn network(text: &str, driver: Driver) {
    let network = match Network::new(text, driver) {
        Ok(network) => network,
        Err(error) => return prints_safely(&error.to_string()),
    };
    assert_eq!((network.name(), network.id().len()), (text, 16));
    if let Ok(named) = network.clone().with_id(text) {
        assert!(named.parent_name().as_bytes().starts_with(b"dm-"));
    }
    for key in ["parent", "macvlan_mode", "com.docker.network.driver.mtu", text] {
        match network.clone().option(key, text) {
            Ok(set) => {
                let again =
                    set.options().iter().try_fold(network.clone(), |again, (key, value)| again.option(key, value));
                assert_eq!(again, Ok(set), "{key}");
            }
            Err(error) => prints_safely(&error.to_string()),
        }
    }
}
