//! What this plugin remembers of an attachment: where the link is, whatever the container does to its name.
//!
//! One file an attachment, `/var/lib/cni/sublink/NETWORK/CONTAINERID@IFNAME` unless the configuration says another `dataDir`.
//! It is written before the link is made, so that whoever is killed leaves nothing unknown, again when the link is there, and
//! removed with it. Without the file, the link is looked up by its name.

use super::protocol::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

const DEFAULT_FOLDER: &str = "/var/lib/cni/sublink";

/// How often the folder is made anew, if others remove it each time before there is a file in it.
const TRIES: usize = 100;

#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// The file of the container's namespace.
    pub netns: String,
    /// The link, in `sublink::Attached`'s words; empty before it is there.
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

    /// Writes a record before the link is made. Returns whether there was none: an existing record may be another's, and stays.
    pub fn reserve(&self, key: &Key, record: &Record) -> Result<bool> {
        match self.put(key, record, |new, file| fs::hard_link(new, file).and_then(|()| fs::remove_file(new))) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(failed("write", &self.file(key), &error)),
        }
    }

    /// Takes back what was reserved, unless another process has made the link and written that meanwhile.
    pub fn withdraw(&self, key: &Key) -> Result<()> {
        let (file, taken) = (self.file(key), self.unfinished_file(key));
        // Taken aside first: nobody can write it between the look and the removal.
        if fs::rename(&file, &taken).is_ok() {
            let record = fs::read(&taken).ok().and_then(|json| serde_json::from_slice::<Record>(&json).ok());
            if record.is_some_and(|record| !record.attached.is_empty()) {
                let back = fs::hard_link(&taken, &file); // there is a newer one, or it is back
                let _ = fs::remove_file(&taken);
                return match back {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed("write", &file, &error)),
                    _ => Ok(()),
                };
            }
            let _ = fs::remove_file(&taken);
        }
        let _ = fs::remove_dir(&self.0); // with the last one
        Ok(())
    }

    /// Replaces the file.
    pub fn write(&self, key: &Key, record: &Record) -> Result<()> {
        self.put(key, record, |new, file| fs::rename(new, file))
            .map_err(|error| failed("write", &self.file(key), &error))
    }

    /// Writes a file beside it first, so that nobody reads half of it. While that is in the folder, nobody removes the folder.
    fn put(&self, key: &Key, record: &Record, name: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
        let (new, json) = (self.unfinished_file(key), serde_json::to_vec(record)?);
        let mut written = fs::write(&new, &json);
        for _ in 0..TRIES {
            match &written {
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.make_folder()?,
                _ => break,
            }
            written = fs::write(&new, &json);
        }
        written.and_then(|()| name(&new, &self.file(key))).inspect_err(|_| {
            let _ = fs::remove_file(&new);
            let _ = fs::remove_dir(&self.0);
        })
    }

    fn make_folder(&self) -> io::Result<()> {
        match fs::create_dir_all(&self.0) {
            // It was there, and gone at a second look: whoever removes the last record removes it too.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    pub fn read(&self, key: &Key) -> Result<Option<Record>> {
        let file = self.file(key);
        match fs::read(&file) {
            Ok(json) => Ok(serde_json::from_slice(&json).ok()), // a damaged one says nothing
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &file, &error)),
        }
    }

    pub fn remove(&self, key: &Key) -> Result<()> {
        let file = self.file(key);
        for (left, _) in self.unfinished()?.into_iter().filter(|(_, of)| of == key) {
            let _ = fs::remove_file(left);
        }
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &file, &error)),
            _ => {
                let _ = fs::remove_dir(&self.0); // with the last one
                Ok(())
            }
        }
    }

    fn file(&self, key: &Key) -> PathBuf {
        self.0.join(key.file())
    }

    fn unfinished_file(&self, key: &Key) -> PathBuf {
        self.0.join(format!(".{}.{}", key.file(), process::id()))
    }

    /// The network's attachments, and those of which only an unfinished file is there.
    pub fn keys(&self) -> Result<Vec<Key>> {
        let whole = self.names()?.into_iter().filter(|name| !name.starts_with('.'));
        let mut keys: Vec<_> = whole.filter_map(|name| Key::of_file(&name)).collect();
        for (_, key) in self.unfinished()? {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// Files that were being written, perhaps by processes that were killed: `.CONTAINERID@IFNAME.PID`.
    fn unfinished(&self) -> Result<Vec<(PathBuf, Key)>> {
        let of = |name: String| {
            let (key, _) = name.strip_prefix('.')?.rsplit_once('.')?;
            Some((self.0.join(&name), Key::of_file(key)?))
        };
        Ok(self.names()?.into_iter().filter_map(of).collect())
    }

    fn names(&self) -> Result<Vec<String>> {
        match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed("list", &self.0, &error)),
            Ok(entries) => Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()),
        }
    }
}

fn failed(what: &str, file: &Path, error: &io::Error) -> Error {
    Error::new(5, format!("{what} {}: {error}", file.display()))
}
