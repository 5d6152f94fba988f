//! A runtime that calls the plugin, and an IPAM plugin that answers what the configuration tells it to.

use crate::common::{Skip, own_run, role, roles::ROLE, socket};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write, stdin};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use sublink::addr::ListAddresses;
use sublink::route::ListRoutes;
use sublink::value::Scope;
use sublink::{ListLinks, Netns, Sandbox, Socket};

/// Where the IPAM plugin is, and where the records and the IPAM plugin's log go: in a `/run` of the test's own.
pub const FOLDER: &str = "/run/cni";

/// Where Debian's package containernetworking-plugins puts the reference plugins.
const REFERENCE: &str = "/usr/lib/cni";

/// The file of a reference plugin.
pub fn needs_reference(name: &str) -> Result<PathBuf, Skip> {
    let file = Path::new(REFERENCE).join(name);
    let is_lacking = || Skip("the reference plugins are not installed (package containernetworking-plugins)".into());
    if file.exists() { Ok(file) } else { Err(is_lacking()) }
}

#[role]
fn plugin() {
    if crate::plugin::main() != ExitCode::SUCCESS {
        std::process::exit(1);
    }
}

/// Answers ADD with `ipam.result`, fails the commands in `ipam.fails`, and writes down what it was called with.
#[role]
fn ipam() {
    let command = std::env::var("CNI_COMMAND").expect("a command");
    let mut config = String::new();
    stdin().read_to_string(&mut config).expect("its input");
    let config: Value = serde_json::from_str(&config).expect("JSON");
    let container = std::env::var("CNI_CONTAINERID").unwrap_or_default();
    let mut log = fs::OpenOptions::new().append(true).create(true).open(format!("{FOLDER}/log")).expect("a log");
    writeln!(log, "{command} {container}").expect("a line");
    if config["ipam"]["fails"].as_array().is_some_and(|fails| fails.contains(&json!(command))) {
        println!("{}", json!({"cniVersion": "1.0.0", "code": 109, "msg": "no address is free"}));
        std::process::exit(1);
    }
    if command == "ADD" {
        println!("{}", config["ipam"]["result"]);
    }
}

/// What a runtime has: a folder of plugins, which is gone with the test's `/run`.
pub struct Runtime {
    folder: PathBuf,
}

/// A container.
pub struct Pod {
    pub name: String,
}

/// What the plugin answered, and whether it said that it succeeded.
#[derive(Debug)]
pub struct Answer {
    pub is_good: bool,
    pub json: Value,
}

impl Runtime {
    pub fn new() -> Result<Self, Skip> {
        own_run()?;
        fs::create_dir(FOLDER).expect("a folder");
        let this = std::env::current_exe().expect("this binary");
        let runtime = Self { folder: FOLDER.into() };
        runtime.plugin("fake", &format!("{ROLE}=ipam exec {}", this.display()));
        Ok(runtime)
    }

    /// Puts another plugin beside, which is a script. A shell writes it: a process that another test starts meanwhile would
    /// inherit the open file of this process, and what is open for writing cannot be executed (`ETXTBSY`).
    pub fn plugin(&self, name: &str, script: &str) {
        let file = self.folder.join(name);
        let write = ["-c", r#"printf '#!/bin/sh\n%s\n' "$1" >"$0""#];
        let written = Command::new("sh").args(write).arg(&file).arg(script).status().expect("a shell");
        assert!(written.success(), "{written}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    /// Runs this binary as the plugin, with the process that `wrapped` puts before it.
    pub fn process(&self, command: &str, pod: &Pod, wrapped: &[&str]) -> Command {
        self.process_of(&std::env::current_exe().expect("this binary"), command, pod, wrapped)
    }

    /// The same with another program as the plugin.
    pub fn process_of(&self, plugin: &Path, command: &str, pod: &Pod, wrapped: &[&str]) -> Command {
        let mut words = wrapped.iter().map(OsStr::new).chain([plugin.as_os_str()]);
        let mut process = Command::new(words.next().expect("a program"));
        process
            .args(words)
            .env(ROLE, "plugin")
            .env("CNI_COMMAND", command)
            .env("CNI_PATH", format!("/nowhere:{}:{REFERENCE}", self.folder.display()));
        process.env("CNI_CONTAINERID", &pod.name).env("CNI_NETNS", pod.netns()).env("CNI_IFNAME", "eth0");
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        process
    }

    pub fn run(mut process: Command, config: &Value) -> Answer {
        let mut child = process.spawn().expect("it starts");
        let _ = child.stdin.take().expect("its input").write_all(config.to_string().as_bytes());
        let output = child.wait_with_output().expect("its end");
        let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        Answer { is_good: output.status.success(), json }
    }

    pub fn call(&self, command: &str, config: &Value, pod: &Pod) -> Answer {
        Self::run(self.process(command, pod, &[]), config)
    }

    #[track_caller]
    pub fn good(&self, command: &str, config: &Value, pod: &Pod) -> Value {
        let answer = self.call(command, config, pod);
        assert!(answer.is_good, "{command}: {answer:?}");
        answer.json
    }

    /// A command that fails, and the error.
    #[track_caller]
    pub fn bad(&self, command: &str, config: &Value, pod: &Pod) -> Value {
        let answer = self.call(command, config, pod);
        assert!(!answer.is_good, "{command}: {answer:?}");
        answer.json
    }

    /// The commands that the IPAM plugin got for this container.
    pub fn asked_of_ipam(&self, pod: &Pod) -> Vec<String> {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines = log.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(_, container)| *container == pod.name).map(|(command, _)| command.to_owned()).collect()
    }

    /// The records that are there.
    pub fn records(&self) -> Vec<String> {
        let folders = fs::read_dir(self.folder.join("records")).into_iter().flatten().flatten();
        let files = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
        files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Pod {
    pub fn new(name: &str) -> Self {
        Netns::create_named(name).expect("a namespace");
        Self { name: name.into() }
    }

    pub fn netns(&self) -> String {
        format!("/run/netns/{}", self.name)
    }

    pub fn sandbox(&self) -> Sandbox {
        Sandbox::named(&self.name).expect("its namespace")
    }

    /// The names of its links, but for `lo`.
    pub fn links(&self) -> Vec<String> {
        links(self.sandbox().socket())
    }

    /// Its global addresses.
    pub fn addresses(&self) -> Vec<String> {
        let mut sandbox = self.sandbox();
        let all = sandbox.socket().snapshot(&ListAddresses::new()).expect("its addresses");
        let global = all.into_iter().filter(|address| address.scope == Scope::GLOBAL);
        global.filter_map(|address| address.addr.map(|addr| addr.to_string())).collect()
    }

    /// Its routes that were asked for: where to, and by which router.
    pub fn routes(&self) -> Vec<String> {
        let mut sandbox = self.sandbox();
        let mut found = Vec::new();
        for list in [ListRoutes::v4(), ListRoutes::v6()] {
            let routes = sandbox.socket().snapshot(&list).expect("its routes");
            let by_router = routes.into_iter().filter_map(|route| Some((route.destination?, route.gateway?)));
            found.extend(by_router.map(|(to, gateway)| format!("{to} by {gateway}")));
        }
        found
    }
}

/// The names of all links, but for `lo`.
pub fn links(socket: &mut Socket) -> Vec<String> {
    let links = socket.snapshot(&ListLinks::new()).expect("links");
    links.into_iter().map(|link| link.name.to_string()).filter(|name| name != "lo").collect()
}

/// The host's links.
pub fn host_links() -> Vec<String> {
    links(&mut socket())
}

/// A macvlan on `p0` with an IPv4 and an IPv6 address of its own.
pub fn config(last: u8) -> Value {
    json!({
        "cniVersion": "1.1.0", "name": "net1", "type": "macvlan", "master": "p0", "dataDir": format!("{FOLDER}/records"),
        "ipam": {"type": "fake", "result": {
            "cniVersion": "1.0.0",
            "ips": [
                {"address": format!("10.0.50.{last}/24"), "gateway": "10.0.50.254"},
                {"address": format!("fd00:50::{last}/64"), "gateway": "fd00:50::fffe"},
            ],
            "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}, {"dst": "10.9.0.0/16", "gw": "10.0.50.253"}],
        }},
    })
}

/// The same without IPv6, whose duplicate address detection takes a second and more.
pub fn ipv4_config(last: u8) -> Value {
    let mut config = config(last);
    let result = &mut config["ipam"]["result"];
    result["ips"].as_array_mut().expect("addresses").truncate(1);
    result["routes"] = json!([{"dst": "0.0.0.0/0"}]);
    config
}

/// The configuration with a field that is another.
pub fn with(config: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut config = config.clone();
    config[field] = value.into();
    config
}
