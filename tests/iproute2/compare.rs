//! Comparing field by field, and saying which field differs.

use serde_json::{Value, json};
use std::fmt::Write as _;
use sublink::link::{IpvlanInfo, KindInfo, LinkFlags, MacvlanFlags, VlanFlags, VlanInfo};
use sublink::value::Broadcast;
use sublink::{LinkInfo, MacAddr, MacvlanMode};

/// What `ip` shows and we do not read.
const NOT_OURS: &[&str] = &[
    "qdisc", // read, but no part of a copy
    "info_slave_kind",
    "info_slave_data",
    "fwd_delay",
];

/// Two namespaces, or more, as JSON: every difference by its path.
pub fn same_json(ours: &Value, theirs: &Value) {
    let mut found = String::new();
    compare("", ours, theirs, &mut found);
    assert!(found.is_empty(), "ours, then theirs:\n{found}");
}

fn compare(path: &str, ours: &Value, theirs: &Value, found: &mut String) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let only_theirs = b.keys().filter(|key| !a.contains_key(*key));
            for key in a.keys().chain(only_theirs) {
                compare(&format!("{path}.{key}"), &ours[key], &theirs[key], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                let name = a["ifname"].as_str().map_or(at.to_string(), str::to_owned);
                compare(&format!("{path}[{name}]"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => writeln!(found, "{path}: {a} {b}").expect("a string takes all"),
    }
}

/// The same by our own reading.
pub fn same_links(ours: &[Vec<LinkInfo>], theirs: &[Vec<LinkInfo>]) {
    let (ours, theirs) = (ours.concat(), theirs.concat());
    let names = |links: &[LinkInfo]| links.iter().map(|link| link.name).collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let lines = (format!("{ours:#?}"), format!("{theirs:#?}"));
        let differ: Vec<_> = lines.0.lines().zip(lines.1.lines()).filter(|(a, b)| a != b).collect();
        assert_eq!(ours, theirs, "{}: ours, then theirs, differ in {differ:#?}", ours.name);
    }
}

/// Whether the link `name` of one of the namespaces shows at least `part`. A null stands for a field, or a link, that is
/// not there.
pub fn holds(shown: &Value, name: &str, part: &str) {
    let part = parsed(part);
    let all = shown.as_array().into_iter().flatten().filter_map(Value::as_array).flatten();
    let link = all.into_iter().find(|link| link["ifname"] == *name);
    match link {
        Some(link) => assert!(includes(link, &part), "{name} does not show {part}: {link:#}"),
        None => assert_eq!(part, Value::Null, "there is no {name}: {shown:#}"),
    }
}

/// Whether an object shows at least `part`.
pub fn shows(shown: &Value, part: &str) {
    assert!(includes(shown, &parsed(part)), "it does not show {part}: {shown:#}");
}

fn parsed(part: &str) -> Value {
    serde_json::from_str(part).unwrap_or_else(|error| panic!("{part}: {error}"))
}

fn includes(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| includes(whole.get(key).unwrap_or(&Value::Null), part))
        }
        _ => whole == part,
    }
}

/// What `ip` shows, without what we do not read, and with flags in a settled order.
pub fn what_we_read_too(shown: &Value) -> Value {
    match shown {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, _)| !NOT_OURS.contains(&key.as_str()));
            let kept = kept.filter(|(key, value)| *key != "info_data" || !is_data_of_others(fields, value));
            kept.map(|(key, value)| (key.clone(), what_we_read_too(value))).collect()
        }
        Value::Array(items) if items.iter().all(Value::is_string) => sorted(items.clone()),
        Value::Array(items) => items.iter().map(what_we_read_too).collect(),
        other => other.clone(),
    }
}

/// The library reads no more of a bridge than the name of its kind.
fn is_data_of_others(info: &serde_json::Map<String, Value>, data: &Value) -> bool {
    info["info_kind"] == "bridge" && data.is_object()
}

fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by_key(Value::to_string);
    items.into()
}

/// What `ip -d -j link show` would show in each of these namespaces.
pub fn as_ip_shows(namespaces: &[Vec<LinkInfo>]) -> Value {
    namespaces.iter().map(|links| links.iter().map(|link| shown(link, links)).collect::<Value>()).collect()
}

fn shown(link: &LinkInfo, links: &[LinkInfo]) -> Value {
    let at = |index| links.iter().find(|link| link.index == index);
    let name_of = |index| at(index).map(|link| link.name.to_string());
    let mut shown = json!({
        "ifindex": link.index.get(),
        "ifname": link.name.to_string(),
        "flags": flags(link, link.parent_here().and_then(at)),
        "mtu": link.mtu,
        "operstate": link.oper_state.to_string(),
        "group": if link.group == 0 { "default".to_owned() } else { link.group.to_string() },
        "txqlen": link.txqlen,
        "link_type": if link.device_type == 772 { "loopback" } else { "ether" },
        "address": link.mac.map_or("00:00:00:00:00:00".into(), |mac| mac.to_string()),
        "promiscuity": link.promiscuity,
        "min_mtu": link.min_mtu,
        "max_mtu": link.max_mtu,
        "linkmode": link.link_mode.to_string(),
        "num_tx_queues": link.tx_queues,
        "num_rx_queues": link.rx_queues,
        "gso_max_size": link.gso_max_size,
        "gso_max_segs": link.gso_max_segs,
    });
    let fields = shown.as_object_mut().expect("an object");
    let mut put = |key: &str, value: Option<Value>| value.map(|value| fields.insert(key.to_owned(), value));
    // `ip` shows what its kernel has, and that it knows itself.
    put("allmulti", link.allmulti.map(Into::into));
    put("tso_max_size", link.tso_max_size.map(Into::into));
    put("tso_max_segs", link.tso_max_segs.map(Into::into));
    put("gro_max_size", link.gro_max_size.map(Into::into));
    let reasons: Vec<_> = (0..32).filter(|bit| link.proto_down_reason.bits() & 1 << bit != 0).collect();
    put(
        "proto_down_reason",
        Some(reasons).filter(|bits| !bits.is_empty()).map(|bits| bits.iter().map(u8::to_string).collect()),
    );
    put("broadcast", link.broadcast.map(|Broadcast(bytes)| hex(bytes).into()));
    match link.parent_netnsid {
        Some(nsid) => {
            put("link_netnsid", Some(nsid.get().into()));
            put("link_index", link.parent.map(|parent| parent.get().into()));
        }
        None => _ = put("link", link.parent.map(|parent| name_of(parent).into())),
    }
    put("master", link.master.map(|master| name_of(master).into()));
    put("proto_down", link.proto_down.filter(|down| *down).map(Into::into));
    put("ifalias", link.alias.as_deref().map(text));
    put(
        "altnames",
        Some(sorted(link.alt_names.iter().map(|name| text(name)).collect())).filter(|all| *all != json!([])),
    );
    put("inet6_addr_gen_mode", link.settings.addr_gen_mode.map(|mode| mode.to_string().into()));
    put("linkinfo", linkinfo(&link.kind));
    shown
}

fn text(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).expect("text").into()
}

fn hex(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

/// `ip` leaves out RUNNING, and adds two words of its own.
fn flags(link: &LinkInfo, parent: Option<&LinkInfo>) -> Value {
    let printed = format!("{:?}", link.flags);
    let names = printed.trim_matches(['<', '>']).split(',').filter(|name| *name != "RUNNING" && !name.is_empty());
    let has_no_carrier = link.flags.contains(LinkFlags::UP) && !link.flags.contains(LinkFlags::RUNNING);
    let parent_is_down = parent.is_some_and(|parent| !parent.flags.contains(LinkFlags::UP));
    let own = [(has_no_carrier, "NO-CARRIER"), (parent_is_down, "M-DOWN")];
    sorted(names.chain(own.into_iter().filter(|own| own.0).map(|own| own.1)).map(Value::from).collect())
}

fn linkinfo(kind: &KindInfo) -> Option<Value> {
    let data = match kind {
        KindInfo::None => return None,
        KindInfo::Macvlan(it) => {
            let senders = (it.macaddr_count, it.macaddrs.as_deref());
            macvlan(it.mode, it.flags, it.bc_queue_len, it.bc_queue_len_used, senders)
        }
        KindInfo::Macvtap(it) => {
            let senders = (it.macaddr_count, it.macaddrs.as_deref());
            macvlan(it.mode, it.flags, it.bc_queue_len, it.bc_queue_len_used, senders)
        }
        KindInfo::Vlan(vlan) => self::vlan(vlan),
        KindInfo::Ipvlan(IpvlanInfo { mode, flag, .. }) => json!({
            "mode": mode.expect("a mode").to_string(),
            flag.expect("a flag").to_string(): true,
        }),
        other => return Some(json!({ "info_kind": other.name().to_string() })),
    };
    Some(json!({ "info_kind": kind.name().to_string(), "info_data": data }))
}

fn macvlan(
    mode: Option<MacvlanMode>,
    flags: Option<MacvlanFlags>,
    len: Option<u32>,
    used: Option<u32>,
    (count, macs): (Option<u32>, Option<&[MacAddr]>),
) -> Value {
    let mut data = json!({ "mode": mode.expect("a mode").to_string(), "bcqueuelen": len, "usedbcqueuelen": used });
    let flags = flags.expect("flags");
    for (flag, name) in [(MacvlanFlags::NOPROMISC, "nopromisc"), (MacvlanFlags::NODST, "nodst")] {
        if flags.contains(flag) {
            data[name] = true.into();
        }
    }
    if mode == Some(MacvlanMode::Source) {
        data["macaddr_count"] = count.into();
    }
    if let Some(macs) = macs {
        data["macaddr_data"] = sorted(macs.iter().map(|mac| mac.to_string().into()).collect());
    }
    data
}

fn vlan(vlan: &VlanInfo) -> Value {
    let mut data = json!({
        "protocol": vlan.protocol.expect("a protocol").to_string(),
        "id": vlan.id.expect("an id").get(),
    });
    let flags = vlan.flags;
    if flags.bits() != 0 {
        let names = [
            (VlanFlags::REORDER_HDR, "REORDER_HDR"),
            (VlanFlags::GVRP, "GVRP"),
            (VlanFlags::LOOSE_BINDING, "LOOSE_BINDING"),
            (VlanFlags::MVRP, "MVRP"),
            (VlanFlags::BRIDGE_BINDING, "BRIDGE_BINDING"),
        ];
        data["flags"] = sorted(names.iter().filter(|name| flags.contains(name.0)).map(|name| name.1.into()).collect());
    }
    let pair = |from: u32, to: u32| json!({ "from": from, "to": to });
    if let Some(map) = &vlan.ingress_qos {
        data["ingress_qos"] = map.iter().map(|entry| pair(entry.from(), entry.to())).collect();
    }
    if let Some(map) = &vlan.egress_qos {
        data["egress_qos"] = map.iter().map(|entry| pair(entry.from(), entry.to())).collect();
    }
    data
}
