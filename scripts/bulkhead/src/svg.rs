//! The same picture as a drawing (SVG 1.1).

use crate::check::Outcome;
use crate::map::{guest_interrupts, on_core, regions, size};
use std::fmt::Write;

/// Pixels from one row to the next.
const ROW: usize = 26;
/// Pixels from the left edge to the boxes.
const LEFT: usize = 170;
/// Pixels that a box is wide.
const WIDTH: usize = 520;
/// Colours of guests, in their order; used again from the first.
const COLOURS: [&str; 6] = ["#8ecae6", "#ffb703", "#90be6d", "#f28482", "#cdb4db", "#adb5bd"];
/// Colour of what belongs to no guest.
const NEUTRAL: &str = "#e9ecef";

/// A drawing that grows downwards.
struct Drawing {
    body: String,
    rows: usize,
}

impl Drawing {
    fn heading(&mut self, text: &str) {
        self.rows += 1;
        let y = self.rows * ROW;
        let _ = writeln!(self.body, r#"<text x="12" y="{y}" font-weight="bold">{}</text>"#, escape(text));
        self.rows += 1;
    }

    fn row(&mut self, label: &str, text: &str, colour: &str) {
        let (y, baseline, height) = (self.rows * ROW - 16, self.rows * ROW, ROW - 4);
        let (label, text) = (escape(label), escape(text));
        let _ = writeln!(self.body, r#"<text x="12" y="{baseline}">{label}</text>"#);
        let _ = writeln!(
            self.body,
            r##"<rect x="{LEFT}" y="{y}" width="{WIDTH}" height="{height}" rx="3" fill="{colour}" stroke="#495057"/>"##
        );
        let _ = writeln!(self.body, r#"<text x="{}" y="{baseline}">{text}</text>"#, LEFT + 8);
        self.rows += 1;
    }

    fn finish(self) -> String {
        let (width, height) = (LEFT + WIDTH + 12, (self.rows + 1) * ROW);
        let open = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="monospace" font-size="13">"#
        );
        format!("{open}\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}</svg>\n", self.body)
    }
}

/// Draws `outcome` as SVG.
pub fn draw(outcome: &Outcome) -> String {
    let mut drawing = Drawing { body: String::new(), rows: 0 };
    drawing.heading(&format!("{}: memory", outcome.board.model));
    for region in regions(outcome) {
        let text = format!("{}  {}", size(region.range.size()), region.what);
        drawing.row(&format!("{:#014x}", region.range.start().get()), &text, colour(outcome, &region.what));
    }
    drawing.heading("cores");
    for core in 0..outcome.board.cpus.len() {
        let what = on_core(outcome, core);
        drawing.row(&format!("core {core}"), &what, colour(outcome, &what));
    }
    drawing.heading("interrupts");
    for vm in outcome.plan.starting() {
        for (number, device) in guest_interrupts(vm) {
            drawing.row(&vm.vm.name, &format!("{number}  {device}"), colour(outcome, &vm.vm.name));
        }
    }
    drawing.finish()
}

/// The colour of the guest that is named in `text`.
fn colour(outcome: &Outcome, text: &str) -> &'static str {
    let words: Vec<&str> = text.split([' ', '/']).collect();
    let guest = outcome.plan.vms.iter().position(|vm| vm.is_good() && words.contains(&vm.vm.name.as_str()));
    guest.map_or(NEUTRAL, |guest| COLOURS[guest % COLOURS.len()])
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
