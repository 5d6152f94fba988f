//! Links as a tree of parents and children; both examples print it.

use std::collections::HashSet;
use sublink::link::KindInfo;
use sublink::{IfIndex, LinkInfo};

/// Prints the links of one namespace, each below its parent.
pub fn print(links: &[LinkInfo]) {
    let is_here = |index: IfIndex| links.iter().any(|link| link.index == index);
    let (children, roots): (Vec<_>, Vec<_>) = links.iter().partition(|link| stands_on(link).is_some_and(is_here));
    let mut printed = HashSet::new();
    for link in roots.into_iter().chain(children) {
        print_below(link, links, 1, &mut printed); // a child that is not printed yet is one of a ring
    }
}

fn print_below(link: &LinkInfo, links: &[LinkInfo], depth: usize, printed: &mut HashSet<IfIndex>) {
    if !printed.insert(link.index) {
        return;
    }
    let name = format!("{:indent$}{}", "", link.name, indent = 2 * depth);
    println!("{name:<20} {:>5}  {}", link.index, description(link, links));
    for child in links.iter().filter(|child| stands_on(child) == Some(link.index)) {
        print_below(child, links, depth + 1, printed);
    }
}

/// What it stands on here. A veth stands on nothing: its parent is its other end.
fn stands_on(link: &LinkInfo) -> Option<IfIndex> {
    link.parent_here().filter(|_| link.kind.name() != "veth")
}

fn description(link: &LinkInfo, links: &[LinkInfo]) -> String {
    let mut words = vec![kind(&link.kind)];
    match (link.parent, link.parent_netnsid) {
        (Some(index), Some(nsid)) => words.push(format!("on link {index} of namespace {nsid}")),
        (Some(index), None) if link.kind.name() == "veth" => words.push(format!("to {}", name_of(index, links))),
        _ => {}
    }
    if let Some(master) = link.master {
        words.push(format!("port of {}", name_of(master, links)));
    }
    words.extend(link.mac.map(|mac| mac.to_string()));
    words.push(format!("mtu {}", link.mtu));
    words.push(if link.is_up() { "up" } else { "down" }.into());
    words.join(" ")
}

fn kind(kind: &KindInfo) -> String {
    fn mode(mode: Option<impl ToString>) -> String {
        mode.map_or_else(String::new, |mode| format!(" {}", mode.to_string()))
    }
    match kind {
        KindInfo::None => "device".into(),
        KindInfo::Macvlan(macvlan) => format!("macvlan{}", mode(macvlan.mode)),
        KindInfo::Macvtap(macvtap) => format!("macvtap{}", mode(macvtap.mode)),
        KindInfo::Ipvlan(ipvlan) => format!("ipvlan{}", mode(ipvlan.mode)),
        KindInfo::Vlan(vlan) => format!("vlan{}{}", mode(vlan.id), mode(vlan.protocol)),
        other => other.name().to_string(),
    }
}

fn name_of(index: IfIndex, links: &[LinkInfo]) -> String {
    let link = links.iter().find(|link| link.index == index);
    link.map_or_else(|| format!("link {index}"), |link| link.name.to_string())
}
