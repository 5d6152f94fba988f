//! The layers of the library: no module imports one above it.
//!
//! `src/lib.rs` lists the modules from the bottom to the top, a blank line between layers. This test reads that list,
//! draws an arrow for each `crate::MODULE` in the code of a module, and fails on an arrow that runs up, or to a sibling.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with its layer, from the bottom.
fn layers(lib: &str) -> BTreeMap<String, usize> {
    let (mut layers, mut layer) = (BTreeMap::new(), 0);
    for line in lib.lines() {
        let line = line.trim_start_matches("pub ");
        match line.strip_prefix("mod ").and_then(|line| line.strip_suffix(';')) {
            Some(module) => drop(layers.insert(module.to_owned(), layer)),
            None if line.is_empty() => layer += 1,
            None => {}
        }
    }
    layers
}

/// The names at the root, each with the module that it is of: `pub use error::{Error, Result};`.
fn roots(lib: &str) -> BTreeMap<String, String> {
    let uses = lib.lines().filter_map(|line| line.strip_prefix("pub use ")?.strip_suffix(';')?.split_once("::"));
    let names = uses.flat_map(|(module, names)| {
        let names = names.trim_matches(['{', '}']).split(", ");
        names.map(move |name| (name.to_owned(), module.to_owned()))
    });
    names.collect()
}

/// The code of a file: without comments, and without the tests at its end.
fn code(text: &str) -> String {
    let tests = text.find("\n#[cfg(test)]\nmod tests").or_else(|| text.find("\n#[cfg(test)]\npub(crate) mod tests"));
    let code = text.get(..tests.unwrap_or(text.len())).unwrap_or(text);
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The items of a list in braces, each from its start on: `addr::{A, B}, link}` has two.
fn heads(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut heads) = (0usize, 0, Vec::new());
    for (at, char) in list.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => {
                heads.push(list[start..at].trim());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    heads
}

/// The modules of the crate that this code names: `crate::link::…`, `$crate::link::…` and `use crate::{addr, link}`.
fn named(code: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = |text: &str| text.chars().take_while(|c| is_word(*c)).collect::<String>();
    let mut named = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            Some(list) => named.extend(heads(list).iter().map(|item| word(item))),
            None => named.push(word(rest)),
        }
    }
    named
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The arrows of the library that run up or to a sibling, each with the file that it starts in.
fn wrong_arrows(src: &Path) -> Vec<String> {
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let (layers, roots) = (layers(&lib), roots(&lib));
    let mut paths = Vec::new();
    files(src, &mut paths);
    let mut wrong = Vec::new();
    for path in paths {
        let inside = path.strip_prefix(src).unwrap();
        let module = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        let is_tests = inside.file_name().is_some_and(|name| name == "tests.rs");
        let Some(layer) = layers.get(module).filter(|_| !is_tests) else { continue };
        for other in named(&code(&fs::read_to_string(&path).unwrap())) {
            let other = roots.get(&other).cloned().unwrap_or(other);
            let is_wrong = other != module && layers.get(&other).is_none_or(|other| other >= layer);
            if is_wrong {
                wrong.push(format!("{}: {module} -> {other}", inside.display()));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

#[test]
fn no_arrow_runs_up() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    assert_eq!(wrong_arrows(&src), [""; 0]);
}

#[test]
fn an_arrow_that_runs_up_is_seen() {
    let code = code(
        "use crate::wire::Out; // crate::socket\nfn f() { crate::error::Error::new() }\nuse crate::{addr::{A, B}, link};\n\n#[cfg(test)]\nmod tests { use crate::network; }",
    );
    assert_eq!(named(&code), ["wire", "error", "addr", "link"]);
    let layers = layers("pub mod wire;\n\npub mod addr;\npub mod link;\n\nmod explain;\n");
    assert_eq!((layers["wire"], layers["addr"], layers["link"], layers["explain"]), (0, 1, 1, 2));
}
