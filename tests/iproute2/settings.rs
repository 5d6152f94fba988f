//! IPv6 settings: `ip token` sets and shows a token, and `ip netconf` shows what was written to files.

use crate::common::{Skip, name, parent, socket};
use crate::host;
use serde_json::{Value, json};
use std::process::Command;
use sublink::link::{Ipv6Setting, Ipv6Token, LinkSettings};
use sublink::{Endpoint, IfIndex, MacvlanMode, NewLink, Sandbox};
use sublink_tests::kernel_test;

fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("ip");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn json(arguments: &str) -> Value {
    serde_json::from_str(&ip(arguments)).expect("JSON")
}

/// `t0`, which takes advertisements: a token is of no use otherwise, and refused.
fn t0() -> IfIndex {
    let mut socket = socket();
    let parent = parent(&mut socket);
    socket.create(&NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name("t0"))).expect("a macvlan")
}

#[kernel_test]
fn a_token_set_by_us_is_read_by_ip() -> Result<(), Skip> {
    host::needs_ip()?;
    let (t0, mut socket) = (t0(), socket());
    for token in ["::7", "::dead:beef:0:1", "::"] {
        socket.set(&LinkSettings::new(t0).token(token.parse().unwrap())).unwrap();
        assert_eq!(json("-j token get dev t0"), json!([{ "token": token, "ifname": "t0" }]));
    }
    Ok(())
}

#[kernel_test]
fn a_token_set_by_ip_is_read_by_us() -> Result<(), Skip> {
    host::needs_ip()?;
    let (t0, mut socket) = (t0(), socket());
    for token in ["::7", "::dead:beef:0:1", "::"] {
        ip(&format!("token set {token} dev t0"));
        let expected = token.parse().ok().filter(|token| *token != Ipv6Token::UNSET);
        assert_eq!(socket.link_at(t0).unwrap().settings().token, expected);
    }
    Ok(())
}

/// It shows two of them.
#[kernel_test]
fn settings_written_by_us_are_read_by_ip() -> Result<(), Skip> {
    host::needs_ip()?;
    let (mut host, mut pod) = (socket(), Sandbox::create().unwrap());
    let parent = parent(&mut host);
    for (link, value, word) in [("t0", 1, "on"), ("t1", 0, "off")] {
        let endpoint = Endpoint::new(NewLink::macvlan(parent).mode(MacvlanMode::Bridge).name(name(link)));
        let endpoint = endpoint.ipv6(Ipv6Setting::FORWARDING, value).ipv6(Ipv6Setting::PROXY_NDP, value);
        endpoint.attach(&mut host, &mut pod).unwrap();
        let shown = pod.run(|| ip(&format!("-6 netconf show dev {link}"))).unwrap();
        let expected = format!("inet6 {link} forwarding {word} mc_forwarding off proxy_neigh {word} ");
        assert!(shown.starts_with(&expected), "{shown}");
    }
    Ok(())
}
