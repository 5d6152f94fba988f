//! Answers of kernels 5.10, 6.1, 6.12, 6.18 and 7.2, byte for byte: each is read as exactly the values expected, by us and by
//! netlink-packet-route; and where that crate errs, both are said.

#[path = "fixtures/expected.rs"]
mod expected;
#[path = "fixtures/link.rs"]
mod link;
#[path = "fixtures/neighbours.rs"]
mod neighbours;
#[path = "fixtures/outcomes.rs"]
mod outcomes;
#[path = "fixtures/spoilt.rs"]
mod spoilt;

use expected::{V5_10, V6_12, V6_18, V7_2};

/// The message `name` of a kernel's file.
fn message(kernel: &str, name: &str) -> Vec<u8> {
    if kernel == V6_18 {
        return binary(name).to_vec();
    }
    let line = text(kernel).lines().find(|line| line.split(' ').nth(1) == Some(name));
    let line = line.unwrap_or_else(|| panic!("{kernel} has no {name}"));
    from_hex(line.rsplit(' ').next().expect("hexadecimal"))
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("a digit");
    hex.as_bytes().chunks(2).map(|pair| u8::try_from(digit(pair[0]) << 4 | digit(pair[1])).expect("a byte")).collect()
}

fn text(kernel: &str) -> &'static str {
    match kernel {
        V5_10 => include_str!("fixtures/replies-5.10.0.txt"),
        V6_12 => include_str!("fixtures/replies-6.12.117.txt"),
        V7_2 => include_str!("fixtures/replies-7.2.12.txt"),
        other => panic!("no file of {other}"),
    }
}

fn binary(name: &str) -> &'static [u8] {
    match name {
        "mv0" => include_bytes!("fixtures/reply-6.18-macvlan-bridge.bin"),
        "mvs" => include_bytes!("fixtures/reply-6.18-macvlan-source-2-macs.bin"),
        "mt0" => include_bytes!("fixtures/reply-6.18-macvtap.bin"),
        "v0" => include_bytes!("fixtures/reply-6.18-veth.bin"),
        other => panic!("6.18 has no {other}"),
    }
}

#[test]
fn each_link_is_read_by_us_as_expected() {
    for (kernel, expected) in expected::all() {
        assert_eq!(link::by_us(&message(kernel, &name(&expected))), expected, "{kernel} {}", name(&expected));
    }
}

#[test]
fn each_link_is_read_by_packet_route_as_expected() {
    for (kernel, expected) in expected::all() {
        let read = link::by_packet_route(&message(kernel, &name(&expected)));
        assert_eq!(read.expect("a link"), expected, "{kernel} {}", name(&expected));
    }
}

fn name(link: &link::Link) -> String {
    String::from_utf8(link.name.clone()).expect("text")
}

#[test]
fn every_link_of_the_files_is_expected() {
    for kernel in [V5_10, V6_12, V7_2] {
        let links = expected::all().into_iter().filter(|(of, _)| *of == kernel).count();
        assert_eq!(links, text(kernel).lines().filter(|line| line.starts_with("REPLY ")).count(), "{kernel}");
    }
    assert_eq!(expected::all().iter().filter(|(of, _)| *of == V6_18).count(), 4);
}
