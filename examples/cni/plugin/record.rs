//! What this plugin remembers of an attachment: where the link is, whatever the container does to its name.
//!
//! One file an attachment, `/var/lib/cni/sublink/NETWORK/CONTAINERID@IFNAME` unless the configuration says another `dataDir`.
//! It is written when the link is there and removed with it. Without the file, the link is looked up by its name.

use super::protocol::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const DEFAULT_FOLDER: &str = "/var/lib/cni/sublink";

#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// The file of the container's namespace.
    pub netns: String,
    /// The link, in `sublink::Attached`'s words.
    pub attached: String,
    /// The name of its parent.
    pub master: String,
}

/// Where a network's records are.
pub struct Records(PathBuf);

/// Which attachment a record is of.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Key {
    #[serde(rename = "containerID")]
    pub container: String,
    pub ifname: String,
}

impl Key {
    /// A container's id has no `@`, and an interface's name no slash.
    fn file(&self) -> String {
        format!("{}@{}", self.container, self.ifname)
    }

    fn of_file(name: &str) -> Option<Self> {
        let (container, ifname) = name.split_once('@')?;
        Some(Self { container: container.into(), ifname: ifname.into() })
    }
}

impl Records {
    pub fn new(folder: Option<&str>, network: &str) -> Self {
        Self(Path::new(folder.unwrap_or(DEFAULT_FOLDER)).join(network))
    }

    /// Replaces the file as a whole, so that nobody reads half of it.
    pub fn write(&self, key: &Key, record: &Record) -> Result<()> {
        let (file, new) = self.files(key);
        let write = || {
            fs::create_dir_all(&self.0)?;
            fs::write(&new, serde_json::to_vec(record)?)?;
            fs::rename(&new, &file)
        };
        // Whoever removes the last record removes the folder too, perhaps in between.
        let mut written = write();
        for _ in 0..10 {
            match &written {
                Err(error) if error.kind() == io::ErrorKind::NotFound => written = write(),
                _ => break,
            }
        }
        written.map_err(|error| failed("write", &file, &error))
    }

    pub fn read(&self, key: &Key) -> Result<Option<Record>> {
        let file = self.0.join(key.file());
        match fs::read(&file) {
            Ok(json) => Ok(serde_json::from_slice(&json).ok()), // a damaged one says nothing
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &file, &error)),
        }
    }

    pub fn remove(&self, key: &Key) -> Result<()> {
        let (file, new) = self.files(key);
        let _ = fs::remove_file(new); // of a process that was killed while it wrote
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &file, &error)),
            _ => {
                let _ = fs::remove_dir(&self.0); // with the last one
                Ok(())
            }
        }
    }

    /// The record, and the same while it is written.
    fn files(&self, key: &Key) -> (PathBuf, PathBuf) {
        (self.0.join(key.file()), self.0.join(format!(".{}", key.file())))
    }

    /// The network's attachments.
    pub fn keys(&self) -> Result<Vec<Key>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| failed("list", &self.0, &error))?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter(|name| !name.starts_with('.')).filter_map(|name| Key::of_file(&name)).collect())
    }
}

fn failed(what: &str, file: &Path, error: &io::Error) -> Error {
    Error::new(5, format!("{what} {}: {error}", file.display()))
}
