//! The configuration that comes on stdin, and what the environment says beside it.

use super::ipam::Ipam;
use super::json;
use super::protocol::{Error, Result, Success, Version};
use super::record::{Key, Records};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::env;
use std::fmt::Display;
use sublink::link::{
    EgressQos, IngressQos, IpvlanFlag, IpvlanMode, LinkKind, MacvlanFlags, VlanFlags, VlanFlagsChange, VlanPriority,
};
use sublink::{IfIndex, IfName, LinkSpec, MacAddr, MacvlanMode, NewLink, VlanId};

/// A container's id is part of a file's name.
const LONGEST_ID: usize = 200;

/// The fields of the reference plugins, and behind them those that only this plugin has. Fields of other names are other
/// plugins' business.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "they are named as in the specification")]
pub struct Config {
    pub cni_version: Option<String>,
    name: String,
    r#type: String,
    ipam: Option<IpamConfig>,
    pub dns: Map<String, Value>,
    runtime_config: WithMac,
    args: Args,
    pub prev_result: Option<Success>,
    #[serde(rename = "cni.dev/valid-attachments")]
    pub valid_attachments: Option<Vec<Key>>,
    pub master: Option<String>,
    pub link_in_container: bool,
    mtu: i64,
    mode: String,
    mac: String,
    bcqueuelen: u32,
    vlan_id: Option<u16>,

    data_dir: Option<String>,
    /// macvlan: how many users make a multicast address one that is queued; `ip link` calls it so too.
    bclim: Option<i32>,
    /// macvlan in mode source: the MAC addresses whose frames are let in.
    source_macs: Vec<String>,
    /// macvlan in mode passthru: the parent is not made promiscuous.
    nopromisc: bool,
    /// macvlan in mode source: what a sender's link got is not delivered by its receiver as well.
    nodst: bool,
    /// `802.1Q` or `802.1ad`.
    vlan_protocol: Option<String>,
    vlan_flags: VlanFlagsConfig,
    /// From the priority in the tag to the kernel's (ingress), and the other way round (egress).
    ingress_qos_map: BTreeMap<String, u32>,
    egress_qos_map: BTreeMap<String, u8>,
    /// ipvlan: `bridge`, `private` or `vepa`.
    flag: String,
    /// Settings below `net`, as the tuning plugin has them: `IFNAME` stands for the link.
    sysctl: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct VlanFlagsConfig {
    reorder_hdr: Option<bool>,
    gvrp: Option<bool>,
    loose_binding: Option<bool>,
    mvrp: Option<bool>,
    bridge_binding: Option<bool>,
}

#[derive(Deserialize)]
struct IpamConfig {
    #[serde(default)]
    r#type: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Args {
    cni: WithMac,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WithMac {
    mac: Option<String>,
}

/// What a link borrows from its configuration, in the library's types.
#[derive(Default)]
pub struct Lists {
    senders: Vec<MacAddr>,
    ingress: Vec<IngressQos>,
    egress: Vec<EgressQos>,
}

impl Config {
    pub fn read(stdin: &[u8]) -> Result<Self> {
        Ok(json::read(stdin)?)
    }

    pub fn check_name(&self) -> Result<()> {
        if is_word(&self.name) {
            return Ok(());
        }
        Err(Error::configuration(format!("{:?} is not a network's name", self.name)))
    }

    pub fn version(&self) -> Result<Version> {
        Version::of(self.cni_version.as_deref())
    }

    /// The kind that the configuration's type says. If the type is another, the kind that this program's name says.
    pub fn kind(&self) -> Result<LinkKind> {
        let program = env::args().next().unwrap_or_default();
        let program = program.rsplit('/').next().unwrap_or_default();
        [&*self.r#type, program]
            .into_iter()
            .filter_map(|word| word.parse().ok())
            .find(|kind| matches!(kind, LinkKind::Macvlan | LinkKind::Vlan | LinkKind::Ipvlan))
            .ok_or_else(|| {
                Error::configuration(format!(
                    "neither the type, {:?}, nor the program's name, {program:?}, is macvlan, vlan or ipvlan",
                    self.r#type
                ))
            })
    }

    /// The plugin that gives addresses. None: the link gets none, and is only brought up.
    pub fn ipam<'a>(&'a self, stdin: &'a [u8]) -> Option<Ipam<'a>> {
        let name = self.ipam.as_ref().map(|ipam| &*ipam.r#type).filter(|name| !name.is_empty());
        name.map(|name| Ipam::new(name, stdin))
    }

    pub fn records(&self) -> Result<Records> {
        match self.data_dir.as_deref() {
            Some(folder) if !folder.starts_with('/') => {
                Err(Error::configuration(format!("dataDir is {folder:?}: it is a path from the root")))
            }
            folder => Ok(Records::new(folder, &self.name)),
        }
    }

    pub fn master(&self) -> Option<&str> {
        self.master.as_deref().filter(|master| !master.is_empty())
    }

    pub fn lists(&self) -> Result<Lists> {
        let senders = self.source_macs.iter().map(|mac| parse("sourceMacs", mac)).collect::<Result<_>>()?;
        let ingress = self
            .ingress_qos_map
            .iter()
            .map(|(from, to)| Ok(IngressQos::new(VlanPriority::new(parse("ingressQosMap", from)?)?, *to)));
        let egress = self
            .egress_qos_map
            .iter()
            .map(|(from, to)| Ok(EgressQos::new(parse("egressQosMap", from)?, VlanPriority::new(*to)?)));
        Ok(Lists { senders, ingress: ingress.collect::<Result<_>>()?, egress: egress.collect::<Result<_>>()? })
    }

    /// The link as it is configured, on `parent`, whose MTU is `most`.
    pub fn link<'a>(&self, lists: &'a Lists, name: IfName, parent: IfIndex, most: u32) -> Result<LinkSpec<'a>> {
        let kind = self.kind()?;
        // An ipvlan has its parent's address, whatever a runtime says to all plugins.
        let mac = self.mac().filter(|_| kind != LinkKind::Ipvlan).map(|mac| parse("mac", &mac)).transpose()?;
        let link = match kind {
            LinkKind::Vlan => self.vlan(lists, parent)?,
            LinkKind::Ipvlan => self.ipvlan(parent)?,
            _ => self.macvlan(lists, parent)?,
        };
        Ok(link.name(name).maybe(self.mtu(most)?, LinkSpec::mtu).maybe(mac, LinkSpec::mac))
    }

    fn macvlan<'a>(&self, lists: &'a Lists, parent: IfIndex) -> Result<LinkSpec<'a>> {
        let mode = if self.mode.is_empty() { MacvlanMode::Bridge } else { parse("mode", &self.mode)? };
        let mut link = NewLink::macvlan(parent).mode(mode);
        if mode == MacvlanMode::Source {
            link = link.source(&lists.senders);
        }
        let flags = [(self.nopromisc, MacvlanFlags::NOPROMISC), (self.nodst, MacvlanFlags::NODST)];
        let flags = flags.into_iter().filter_map(|(is_on, flag)| is_on.then_some(flag)).reduce(MacvlanFlags::with);
        if let Some(flags) = flags {
            link = link.flags(flags);
        }
        if self.bcqueuelen > 0 {
            link = link.bc_queue_len(self.bcqueuelen);
        }
        if let Some(users) = self.bclim {
            link = link.bc_cutoff(users);
        }
        Ok(link.into())
    }

    fn vlan<'a>(&self, lists: &'a Lists, parent: IfIndex) -> Result<LinkSpec<'a>> {
        let id = self.vlan_id.ok_or_else(|| Error::configuration("vlanId is missing"))?;
        let protocol = self.vlan_protocol.as_deref().map(|word| parse("vlanProtocol", word)).transpose()?;
        let mut link = NewLink::vlan(parent, VlanId::new(id)?).maybe(protocol, NewLink::protocol);
        if let Some(flags) = self.vlan_flags.change() {
            link = link.flags(flags);
        }
        Ok(link.ingress_qos(&lists.ingress).egress_qos(&lists.egress).into())
    }

    fn ipvlan(&self, parent: IfIndex) -> Result<LinkSpec<'static>> {
        let mode = if self.mode.is_empty() { IpvlanMode::L2 } else { parse("mode", &self.mode)? };
        let flag = if self.flag.is_empty() { IpvlanFlag::Bridge } else { parse("flag", &self.flag)? };
        Ok(NewLink::ipvlan(parent).mode(mode).flag(flag).into())
    }

    fn mtu(&self, most: u32) -> Result<Option<u32>> {
        match u32::try_from(self.mtu) {
            Ok(0) => Ok(None),
            Ok(mtu) if mtu <= most => Ok(Some(mtu)),
            _ => Err(Error::configuration(format!("mtu is {}: it is 0 to {most}, which the master has", self.mtu))),
        }
    }

    /// The runtime's configuration wins over the caller's arguments, and those win over the configuration.
    fn mac(&self) -> Option<String> {
        let args = env::var("CNI_ARGS").unwrap_or_default();
        let of_args = args.split(';').find_map(|arg| arg.strip_prefix("MAC=")).map(str::to_owned);
        let macs = [self.runtime_config.mac.clone(), of_args, self.args.cni.mac.clone(), Some(self.mac.clone())];
        macs.into_iter().flatten().find(|mac| !mac.is_empty())
    }

    /// Files below `/proc/sys/net` and what to write there.
    pub fn sysctls(&self, link: &str) -> Result<Vec<(String, &str)>> {
        let settings = self.sysctl.iter().map(|(key, value)| {
            // In the form with dots, a dot of the link's name would be a slash.
            let path = if key.contains('/') { key.clone() } else { key.replace('.', "/") };
            let path = path.trim_start_matches('/');
            let setting =
                path.strip_prefix("net/").filter(|_| path.split('/').all(|part| !matches!(part, "" | "." | "..")));
            let setting = setting.ok_or_else(|| Error::configuration(format!("sysctl {key:?} is not below net")))?;
            Ok((setting.replace("IFNAME", link), &**value))
        });
        settings.collect()
    }
}

impl VlanFlagsConfig {
    fn change(&self) -> Option<VlanFlagsChange> {
        let Self { reorder_hdr, gvrp, loose_binding, mvrp, bridge_binding } = self;
        let flags = [
            (reorder_hdr, VlanFlags::REORDER_HDR),
            (gvrp, VlanFlags::GVRP),
            (loose_binding, VlanFlags::LOOSE_BINDING),
            (mvrp, VlanFlags::MVRP),
            (bridge_binding, VlanFlags::BRIDGE_BINDING),
        ];
        let said =
            flags.into_iter().filter_map(|(is_on, flag)| is_on.map(|is_on| if is_on { flag.on() } else { flag.off() }));
        said.reduce(VlanFlagsChange::with)
    }
}

fn parse<T: std::str::FromStr<Err: Display>>(field: &str, word: &str) -> Result<T> {
    word.parse().map_err(|error| Error::configuration(format!("{field}: {error}")))
}

/// A variable that a command needs.
pub fn required(name: &str) -> Result<String> {
    let value = env::var(name).ok().filter(|value| !value.is_empty());
    value.ok_or_else(|| Error::environment(format!("{name} is missing in the environment")))
}

/// Which attachment a command is about.
pub fn key() -> Result<Key> {
    let (container, ifname) = (required("CNI_CONTAINERID")?, required("CNI_IFNAME")?);
    if !is_word(&container) || container.len() > LONGEST_ID {
        return Err(Error::environment(format!(
            "CNI_CONTAINERID is {container:?}: {LONGEST_ID} letters, digits, _ . - are possible"
        )));
    }
    IfName::new(&ifname).map_err(|error| Error::environment(format!("CNI_IFNAME: {error}")))?;
    Ok(Key { container, ifname })
}

/// What the specification lets the names of networks and containers be.
fn is_word(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(is_inner)
}
