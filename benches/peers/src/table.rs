//! The table, for people and for BENCHMARKS.md.

use crate::measure::Cost;
use std::fmt::Write as _;

pub type Costs = [(&'static str, Vec<Cost>)];

/// A Markdown table that can be read as it is.
pub fn text(costs: &Costs) -> String {
    let mut rows = vec![["", "instructions", "× ours", "allocations", "time", "× ours"].map(String::from)];
    for (what, costs) in costs {
        rows.push([&format!("**{what}**"), "", "", "", "", ""].map(String::from));
        let ours = &costs[0];
        for cost in costs {
            let instructions = cost.instructions.zip(ours.instructions);
            rows.push([
                cost.way.into(),
                cost.instructions.map_or("–".into(), thousands),
                instructions.map_or("–".into(), |(theirs, ours)| ratio(theirs as f64, ours as f64)),
                cost.allocations.map_or("–".into(), thousands),
                time(cost.nanoseconds),
                ratio(cost.nanoseconds, ours.nanoseconds),
            ]);
        }
    }
    aligned(&rows)
}

/// With a comma behind the thousands, from 10,000 on.
pub fn thousands(number: usize) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{},{:03}", number / 1000, number % 1000),
        _ => format!("{},{:03},{:03}", number / 1_000_000, number / 1000 % 1000, number % 1000),
    }
}

fn ratio(theirs: f64, ours: f64) -> String {
    let ratio = theirs / ours;
    if ratio < 0.95 { format!("{ratio:.2}") } else { format!("{ratio:.1}") }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.1} ns"),
        ..1e6 => format!("{:.1} µs", nanoseconds / 1e3),
        _ => format!("{:.2} ms", nanoseconds / 1e6),
    }
}

/// The first row is the head; all columns but the first are aligned to the right.
pub fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3));
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let _ = if column == 0 { write!(text, "| {cell:<width$} ") } else { write!(text, "| {cell:>width$} ") };
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let line = "-".repeat(width - 1);
                let _ = if column == 0 { write!(text, "| {line}- ") } else { write!(text, "| {line}: ") };
            }
            text.push_str("|\n");
        }
    }
    text
}
