//! CNI's macvlan, vlan and ipvlan plugins in one program. The configuration's type, or else the program's name, says which it is.

pub mod config;
mod ipam;
mod json;
mod link;
mod master;
mod place;
pub mod protocol;
pub mod record;
mod routes;

use config::{Config, key, required};
use protocol::{Error, Result, Version};
use std::io::{Read, Write, stdin, stdout};
use std::process::ExitCode;

/// Runs the command that the environment says.
pub fn main() -> ExitCode {
    let (answer, code) = match run() {
        Ok(answer) => (answer, ExitCode::SUCCESS),
        Err(error) => (serde_json::to_string(&error).unwrap_or_default(), ExitCode::FAILURE),
    };
    // A result that nobody reads is no success.
    let is_told = answer.is_empty() || writeln!(stdout(), "{answer}").is_ok();
    if is_told { code } else { ExitCode::FAILURE }
}

fn run() -> Result<String> {
    let command = required("CNI_COMMAND")?;
    if command == "VERSION" {
        return Ok(Version::answer().to_string());
    }
    let mut bytes = Vec::with_capacity(4096);
    stdin().read_to_end(&mut bytes).map_err(|error| Error::new(5, format!("read the configuration: {error}")))?;
    let config = Config::read(&bytes)?;
    let version = config.version()?;
    answer(&command, version, &config, &bytes).map_err(|error| Error { cni_version: version.to_string(), ..error })
}

/// Runs one command. DEL and GC do all of their work, whatever a part of it fails by, and report that at the end.
fn answer(command: &str, version: Version, config: &Config, stdin: &[u8]) -> Result<String> {
    config.check_name()?;
    if version < since(command) {
        return Err(Error::new(1, format!("config version does not allow {command}"))); // the reference's words
    }
    let ipam = config.ipam(stdin);
    let call_ipam = || ipam.as_ref().map_or(Ok(()), |ipam| ipam.call(command));
    match command {
        "ADD" => {
            let result = link::add(config, &key()?, ipam.as_ref())?;
            return Ok(serde_json::to_string(&result.of_version(version))?);
        }
        "DEL" => {
            let key = key()?;
            let released = call_ipam();
            link::delete(config, &key, required("CNI_NETNS").ok()).and(released)?;
        }
        "CHECK" => {
            call_ipam()?;
            link::check(config, &key()?)?;
        }
        "STATUS" => {
            call_ipam()?;
            link::status(config)?;
        }
        "GC" => {
            let released = call_ipam();
            link::collect(config).and(released)?;
        }
        _ => {
            let known = "ADD, CHECK, DEL, STATUS, GC or VERSION";
            return Err(Error::environment(format!("CNI_COMMAND is {command:?}: it can be {known}")));
        }
    }
    Ok(String::new())
}

/// The first version that has a command.
fn since(command: &str) -> Version {
    match command {
        "STATUS" | "GC" => Version::V1_1,
        "CHECK" => Version::V0_4,
        _ => Version::V0_1,
    }
}
