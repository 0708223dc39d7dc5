//! A picture of the screen at some time of a log, as SVG.

use super::director::Act;
use super::draw::{self, Focus};
use super::tape::{self, Event};
use crate::error::ToolError;
use crate::source::read;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::fmt::Write;
use std::path::Path;

/// The screen's size in columns and rows.
const SCREEN: (u16, u16) = (132, 36);
/// A cell's size in SVG's units.
const CELL: (f64, f64) = (8.0, 17.0);

/// The picture of the log at `path`, at `at` milliseconds, or shortly before the flood, which would cover the other acts.
///
/// # Errors
/// The log cannot be read, or is none.
pub fn draw(path: &Path, at: Option<u64>) -> Result<String, ToolError> {
    let bytes = read(path)?;
    let events = tape::read(&String::from_utf8_lossy(&bytes)).map_err(|error| ToolError::file(path, &error))?;
    let model = tape::replay(&events, at.unwrap_or_else(|| best_moment(&events)));
    let mut terminal =
        Terminal::new(TestBackend::new(SCREEN.0, SCREEN.1)).map_err(|error| ToolError(error.to_string()))?;
    let drawn = terminal.draw(|frame| draw::panes(frame, &model, Focus::Acts));
    let drawn = drawn.map_err(|error| ToolError(error.to_string()))?;
    Ok(svg(drawn.buffer))
}

fn best_moment(events: &[(u64, Event)]) -> u64 {
    let flood = Act::Flood.caption();
    let begins = events.iter().find(|(_, event)| matches!(event, Event::Say(said) if said == flood));
    begins.map_or(u64::MAX, |(now, _)| now.saturating_sub(1))
}

fn svg(buffer: &Buffer) -> String {
    let (width, height) = (f64::from(buffer.area.width) * CELL.0, f64::from(buffer.area.height) * CELL.1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"13\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#11151c\"/>\n"
    );
    for row in 0..buffer.area.height {
        let cells: Vec<&Cell> = (0..buffer.area.width).filter_map(|column| buffer.cell((column, row))).collect();
        let mut column = 0;
        for run in cells.chunk_by(|a, b| (a.fg, a.bg, a.modifier) == (b.fg, b.bg, b.modifier)) {
            draw_run(&mut svg, run, column, row);
            column += run.len();
        }
    }
    svg + "</svg>\n"
}

/// Cells of one style.
fn draw_run(svg: &mut String, run: &[&Cell], column: usize, row: u16) {
    let (x, y) = (column as f64 * CELL.0, f64::from(row) * CELL.1);
    let width = run.len() as f64 * CELL.0;
    let style = run[0];
    if style.bg != Color::Reset {
        let fill = colour(style.bg, "none");
        // Writing to a string does not fail.
        let _ = writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{fill}\"/>", CELL.1);
    }
    let text: String = run.iter().map(|cell| cell.symbol()).collect();
    if text.trim().is_empty() {
        return;
    }
    let bold = if style.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let fill = colour(style.fg, "#d5dae3");
    let baseline = y + CELL.1 * 0.76;
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{baseline:.2}\" fill=\"{fill}\"{bold} textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" \
         xml:space=\"preserve\">{}</text>",
        escaped(&text)
    );
}

fn colour(colour: Color, default: &'static str) -> &'static str {
    match colour {
        Color::Black => "#11151c",
        Color::Red => "#ff6b6b",
        Color::Green => "#6bd68a",
        Color::Yellow => "#e6c35c",
        Color::Blue => "#2d5fb3",
        Color::Cyan => "#5cc8e6",
        Color::Magenta => "#c58ae6",
        Color::Gray => "#9aa3b2",
        Color::DarkGray => "#4a5263",
        Color::White => "#ffffff",
        _ => default,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn a_run_of_one_style_is_one_text() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "a<b", Style::new().fg(Color::Green));
        buffer.set_string(3, 0, "xyz", Style::new().bg(Color::Blue));
        let svg = svg(&buffer);
        assert!(svg.contains("fill=\"#6bd68a\" textLength=\"24\""), "{svg}");
        assert!(svg.contains(">a&lt;b</text>"), "{svg}");
        assert!(svg.contains("<rect x=\"24\" y=\"0\" width=\"24\" height=\"17\" fill=\"#2d5fb3\"/>"), "{svg}");
    }

    #[test]
    fn the_moment_is_before_the_flood() {
        let say = |now, said: &str| (now, Event::Say(said.into()));
        let events = [say(1, "a"), say(50, Act::Flood.caption()), say(90, "b")];
        assert_eq!((best_moment(&events), best_moment(&events[..1])), (49, u64::MAX));
    }
}
