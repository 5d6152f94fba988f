//! Counting by callgrind: the program runs itself again under it, with the work to do in the variable [`MEASURED`], and reads
//! what each call of a function named `measure_…` cost, callees included.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::collections::HashMap;
use std::fs;
use std::process::Command;

/// The variable that says what is to be done, where this process is one that is measured.
pub const MEASURED: &str = "SUBLINK_MEASURED";

pub fn has_valgrind() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok()
}

/// Instructions of each measured function, by its name without `measure_`.
pub fn callgrind(work: &str) -> Result<HashMap<String, usize>, String> {
    let program = std::env::current_exe().expect("this program's path");
    let out = std::env::temp_dir().join(format!("sublink-callgrind-{}", std::process::id()));
    let valgrind = Command::new("valgrind")
        .args(["--tool=callgrind", &format!("--callgrind-out-file={}", out.display())])
        .arg(program)
        .env(MEASURED, work)
        .output()
        .expect("valgrind");
    let profile = fs::read_to_string(&out).unwrap_or_default();
    let _ = fs::remove_file(&out);
    if valgrind.status.success() {
        Ok(inclusive_costs(&profile))
    } else {
        let said = String::from_utf8_lossy(&valgrind.stderr);
        Err(said.lines().find(|line| !line.starts_with("==")).unwrap_or("valgrind failed").to_owned())
    }
}

/// Adds up the costs of calls. A callee is `cfn=(id) name`, where the name stands only the first time; `calls=…` follows,
/// and a line of which the last number is what the calls cost.
fn inclusive_costs(profile: &str) -> HashMap<String, usize> {
    let (mut names, mut costs) = (HashMap::new(), HashMap::new());
    let (mut callee, mut lines) = ("", profile.lines());
    while let Some(line) = lines.next() {
        if let Some((key, value)) = line.split_once('=').filter(|(key, _)| matches!(*key, "fn" | "cfn")) {
            let (id, name) = value.split_once(' ').unwrap_or((value, ""));
            let name: &str = if name.is_empty() { names.get(id).copied().unwrap_or("") } else { name };
            names.insert(id, name);
            if key == "cfn" {
                callee = name;
            }
        } else if line.starts_with("calls=") {
            let cost = lines.next().and_then(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).unwrap_or(0);
            if let Some((_, function)) = callee.split_once("measure_") {
                let function = function.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or("");
                *costs.entry(function.to_owned()).or_default() += cost;
            }
        }
    }
    costs
}
