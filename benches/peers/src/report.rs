//! BENCHMARKS.md: rewrites what stands between `<!-- name -->` and `<!-- /name -->`, and the chart beside it.

use crate::table::Costs;
use crate::{chart, table};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn write_costs(costs: &Costs) {
    replace("machine", &machine());
    replace("costs", &table::text(costs));
    let in_chart = ["W1", "W2", "W3", "attach"];
    let is_shown = |(what, _): &&(&str, _)| in_chart.iter().any(|start| what.starts_with(start));
    let shown: Vec<_> = costs.iter().filter(is_shown).cloned().collect();
    fs::write(root().join("benches/benchmarks.svg"), chart::svg(&shown)).unwrap();
}

pub fn write_lean(table: &str) {
    replace("lean", table);
}

fn replace(section: &str, text: &str) {
    let path = root().join("BENCHMARKS.md");
    let old = fs::read_to_string(&path).unwrap();
    let (start, end) = (format!("<!-- {section} -->\n"), format!("<!-- /{section} -->\n"));
    let (before, rest) = old.split_once(&start).expect("the section's start");
    let (_, after) = rest.split_once(&end).expect("the section's end");
    fs::write(&path, format!("{before}{start}\n{text}\n{end}{after}")).unwrap();
}

fn machine() -> String {
    let line = |file: &str, start: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(start)).unwrap_or("?");
        line.split_once(':').map_or(line, |(_, value)| value).trim().to_owned()
    };
    let said = |program: &str| {
        let output = Command::new(program).arg("--version").output();
        output.map_or("no ".to_owned() + program, |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = line("/proc/cpuinfo", "model name");
    let kernel = line("/proc/sys/kernel/osrelease", "");
    format!("{cpu}, {cores} cores; Linux {kernel}, {}; {}; {}.\n", env::consts::ARCH, said("rustc"), said("valgrind"))
}
