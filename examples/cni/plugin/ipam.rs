//! Addresses come from another plugin, which is executed with this one's input.

use super::json;
use super::protocol::{Error, Result, Success};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

/// The plugin that a configuration's `ipam.type` names.
pub struct Ipam<'a> {
    name: &'a str,
    stdin: &'a [u8],
}

impl<'a> Ipam<'a> {
    pub const fn new(name: &'a str, stdin: &'a [u8]) -> Self {
        Self { name, stdin }
    }

    /// Asks for addresses.
    pub fn add(&self) -> Result<Success> {
        let result = Success::read(&self.run("ADD")?).map_err(|error| error.during(self))?;
        if result.ips.is_empty() {
            return Err(Error::configuration(format!("{self} returned no address")));
        }
        Ok(result)
    }

    /// Runs it with a command that answers nothing.
    pub fn call(&self, command: &str) -> Result<()> {
        self.run(command).map(drop)
    }

    fn run(&self, command: &str) -> Result<Vec<u8>> {
        let failed = |error: io::Error| Error::new(5, format!("run {self}: {error}"));
        let mut child = Command::new(self.find()?)
            .env("CNI_COMMAND", command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        // One that does not read its input says why by its exit code.
        let _ = child.stdin.take().map(|mut pipe| pipe.write_all(self.stdin));
        let output = child.wait_with_output().map_err(failed)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let error: Error = json::read(&output.stdout).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&output.stdout);
            Error::new(999, format!("{}: {}", output.status, text.trim()))
        });
        Err(error.during(self))
    }

    fn find(&self) -> Result<PathBuf> {
        let path: OsString = std::env::var_os("CNI_PATH").unwrap_or_default();
        let is_file_name =
            Path::new(self.name).components().map(|part| matches!(part, Component::Normal(_))).eq([true]);
        let mut files = std::env::split_paths(&path).map(|folder| folder.join(self.name));
        let found = files.find(|file| is_file_name && file.is_file());
        found.ok_or_else(|| Error::new(5, format!("no IPAM plugin {:?} in CNI_PATH, which is {path:?}", self.name)))
    }
}

impl fmt::Display for Ipam<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IPAM plugin {}", self.name)
    }
}
