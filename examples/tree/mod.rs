//! Links as a tree of parents and children; both examples print it.

use sublink::{IfIndex, KindInfo, LinkFlags, LinkInfo};

/// Prints the links of one namespace, each below its parent.
pub fn print(links: &[LinkInfo]) {
    let is_here = |index: IfIndex| links.iter().any(|link| link.index == index);
    for root in links.iter().filter(|link| !parent_here(link).is_some_and(is_here)) {
        print_below(root, links, 1);
    }
}

fn print_below(link: &LinkInfo, links: &[LinkInfo], depth: usize) {
    let name = format!("{:indent$}{}", "", link.name, indent = 2 * depth);
    println!("{name:<20} {:>5}  {}", link.index, description(link, links));
    for child in links.iter().filter(|child| parent_here(child) == Some(link.index)) {
        print_below(child, links, depth + 1);
    }
}

/// The parent, if it is in the link's own namespace. A veth's "parent" is its other end.
fn parent_here(link: &LinkInfo) -> Option<IfIndex> {
    link.parent.filter(|_| link.parent_netnsid.is_none() && link.kind.name() != "veth")
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
    words.push(if link.flags.contains(LinkFlags::UP) { "up" } else { "down" }.into());
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
