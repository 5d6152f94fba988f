//! ipvlan in its L2 mode: siblings with one MAC address.

use crate::common::{Skip, name, needs};
use crate::lan::{Lan, reach_each_other};
use crate::station::Station;
use sublink::*;

fn siblings(lan: &mut Lan, flag: IpvlanFlag) -> [Station; 2] {
    let link = NewLink::ipvlan(lan.parent).mode(IpvlanMode::L2).flag(flag).name(name("eth0"));
    [2, 3].map(|host| lan.container(link, host))
}

pub fn siblings_reach_each_other_with_the_bridge_flag() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut lan = Lan::new();
    let [a, b] = siblings(&mut lan, IpvlanFlag::Bridge);
    reach_each_other(&a, &b);
    reach_each_other(&a, &lan.outside);
    Ok(())
}

pub fn siblings_do_not_reach_each_other_with_the_private_flag() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut lan = Lan::new();
    let [a, b] = siblings(&mut lan, IpvlanFlag::Private);
    lan.blocks_both_ways(&a, &b);
    reach_each_other(&a, &lan.outside);
    Ok(())
}

pub fn siblings_and_their_host_are_apart() -> Result<(), Skip> {
    needs("ipvlan")?;
    let mut lan = Lan::new();
    let host = lan.host_station();
    let [a, b] = siblings(&mut lan, IpvlanFlag::Bridge);
    for child in [&a, &b] {
        lan.blocks_both_ways(&host, child);
    }
    reach_each_other(&host, &lan.outside);
    Ok(())
}
