//! The chart: instructions of each way, a dot on a logarithmic scale; ours, the peers' and the floor.

use crate::table::{Costs, thousands};
use std::fmt::Write as _;

const LEFT: f64 = 290.0;
const RIGHT: f64 = 800.0;
const ROW: f64 = 21.0;
/// Powers of ten at the left and right end.
const SCALE: (f64, f64) = (1.0, 5.0);

/// Both for light and for dark pages.
const STYLE: &str = "text { font: 13px system-ui, sans-serif; fill: #57606a } .title { font-weight: 600; fill: #1f2328 }
  .ours { font-weight: 600; fill: #0969da } .peer { fill: #8c959f } .floor { fill: none; stroke: #8c959f; stroke-width: 2 }
  line { stroke: #8c959f; stroke-opacity: .35 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 } .title { fill: #f0f6fc } .ours { fill: #4493f8 }
  }";

/// An SVG of the works in which instructions were counted.
pub fn svg(costs: &Costs) -> String {
    let (mut body, mut y) = (String::new(), 24.0);
    let _ =
        writeln!(body, "<text class=\"title\" x=\"8\" y=\"{y}\">Instructions in user space, fewer is better</text>");
    let top = y + 12.0;
    for (what, costs) in costs {
        y += ROW * 1.6;
        let _ = writeln!(body, "<text class=\"title\" x=\"8\" y=\"{y}\">{what}</text>");
        let last = costs.len() - 1;
        for (number, cost) in costs.iter().enumerate() {
            if let Some(instructions) = cost.instructions {
                y += ROW;
                let class = if number == 0 {
                    "ours"
                } else if number == last {
                    "floor"
                } else {
                    "peer"
                };
                row(&mut body, y, class, cost.way, instructions);
            }
        }
    }
    let bottom = y + ROW;
    let mut grid = String::new();
    for power in SCALE.0 as u32..=SCALE.1 as u32 {
        let x = place(10f64.powi(power as i32));
        let _ = writeln!(grid, "<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>", bottom - 12.0);
        let label = thousands(10usize.pow(power));
        let _ = writeln!(grid, "<text x=\"{x:.1}\" y=\"{bottom:.1}\" text-anchor=\"middle\">{label}</text>");
    }
    let height = bottom + 12.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 {height:.0}\" width=\"860\" height=\"{height:.0}\">\n\
         <style>{STYLE}</style>\n{grid}{body}</svg>\n"
    )
}

fn row(body: &mut String, y: f64, class: &str, name: &str, instructions: usize) {
    let (x, middle) = (place(instructions as f64), y - 4.5);
    let text = if class == "ours" { "ours" } else { "" };
    let _ = writeln!(
        body,
        "<text class=\"{text}\" x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{name}</text>",
        LEFT - 12.0
    );
    let _ = writeln!(body, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{middle:.1}\" r=\"5\"/>");
    let count = thousands(instructions);
    let _ = writeln!(body, "<text class=\"{text}\" x=\"{:.1}\" y=\"{y:.1}\">{count}</text>", x + 11.0);
}

fn place(instructions: f64) -> f64 {
    let (from, to) = SCALE;
    LEFT + (instructions.log10().max(from) - from) / (to - from) * (RIGHT - LEFT)
}
