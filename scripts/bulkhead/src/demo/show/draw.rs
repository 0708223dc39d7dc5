//! The screen: banner first, then panes.

use super::facts::{Facts, grouped};
use super::model::Model;
use super::strip;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Sparkline, Wrap};

/// Linux's colour.
pub const LINUX: Color = Color::Cyan;
/// FreeRTOS's colour.
pub const FREERTOS: Color = Color::Green;
/// The hypervisor's colour.
pub const HYPERVISOR: Color = Color::Yellow;
/// The colour of what nobody has.
pub const FREE: Color = Color::DarkGray;

/// Where the keys go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// To the acts.
    #[default]
    Acts,
    /// To Linux.
    Linux,
    /// To FreeRTOS.
    FreeRtos,
}

/// The smallest terminal in which the panes make sense, in columns and rows.
const SMALLEST: (u16, u16) = (80, 24);

/// Draws the banner, large.
pub fn banner(frame: &mut Frame<'_>, model: &Model) {
    let area = frame.area();
    let [head, map, _] =
        Layout::vertical([Constraint::Length(12), Constraint::Length(5), Constraint::Min(0)]).areas(area);
    frame.render_widget(Paragraph::new(banner_lines(&model.facts)), head);
    frame.render_widget(Paragraph::new(strip::lines(&model.facts, map.width as usize)), map);
}

fn banner_lines(facts: &Facts) -> Vec<Line<'static>> {
    let title = Line::from(facts.title.clone()).style(Style::new().fg(HYPERVISOR).add_modifier(Modifier::BOLD));
    let said = facts.banner().into_iter();
    let lines = said.map(|(key, value)| Line::from(vec![format!("  {key:<9}").fg(HYPERVISOR), Span::raw(value)]));
    std::iter::once(title).chain(lines).collect()
}

/// Draws the panes.
pub fn panes(frame: &mut Frame<'_>, model: &Model, focus: Focus) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let (columns, rows) = SMALLEST;
        return frame.render_widget(Paragraph::new(format!("The terminal is smaller than {columns} x {rows}.")), area);
    }
    let [head, map, guests, below, caption, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Min(8),
        Constraint::Length(8),
        Constraint::Length(rows(&model.caption, area.width)),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(model.facts.headline()).fg(HYPERVISOR).bold(), head);
    frame.render_widget(Paragraph::new(strip::short(&model.facts, map.width as usize)), map);
    let [left, right] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(guests);
    linux(frame, left, model, focus);
    freertos(frame, right, model, focus);
    counts(frame, below, model);
    frame.render_widget(caption_text(model), caption);
    frame.render_widget(Paragraph::new(help(focus)).fg(Color::Gray), keys);
}

fn caption_text(model: &Model) -> Paragraph<'static> {
    Paragraph::new(model.caption.clone()).wrap(Wrap { trim: true }).bold().white().on_blue()
}

/// Rows that `text` takes: two where it is longer than a row.
fn rows(text: &str, width: u16) -> u16 {
    if text.chars().count() > width.into() { 2 } else { 1 }
}

fn pane<'a>(title: &'a str, colour: Color, focused: bool) -> Block<'a> {
    let style = if focused { Style::new().fg(colour).add_modifier(Modifier::BOLD) } else { Style::new().fg(colour) };
    let title = if focused { format!(" {title} (your keys go here) ") } else { format!(" {title} ") };
    Block::bordered().border_style(style).title(title)
}

fn linux(frame: &mut Frame<'_>, area: Rect, model: &Model, focus: Focus) {
    let block = pane("Linux, 2 cores", LINUX, focus == Focus::Linux);
    let inner = block.inner(area);
    let rows = model.linux.last(inner.height.into(), inner.width.into());
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(rows.join("\n")), inner);
}

fn freertos(frame: &mut Frame<'_>, area: Rect, model: &Model, focus: Focus) {
    let block = pane("FreeRTOS, 1 core, 1 kHz control loop", FREERTOS, focus == Focus::FreeRtos);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [numbers, line, console] =
        Layout::vertical([Constraint::Length(3), Constraint::Length(2), Constraint::Min(1)]).areas(inner);
    frame.render_widget(Paragraph::new(loop_numbers(model)), numbers);
    let newest = model.recent.iter().rev().take(line.width.into()).rev();
    frame.render_widget(Sparkline::default().data(newest.copied().collect::<Vec<u64>>()).fg(FREERTOS), line);
    let rows = model.freertos.last(console.height.into(), console.width.into());
    frame.render_widget(Paragraph::new(rows.join("\n")), console);
}

fn loop_numbers(model: &Model) -> Vec<Line<'static>> {
    let Some(status) = model.status else { return vec![Line::from("no period yet")] };
    let frequency = model.facts.frequency();
    let micro = |ticks: u64| format!("{:.1}", ticks as f64 * 1e6 / frequency as f64);
    let missed = if status.missed == 0 { Style::new().fg(FREERTOS) } else { Style::new().fg(Color::Red) };
    vec![
        Line::from(vec![
            Span::styled(format!("periods {}", grouped(status.periods)), Style::new().bold()),
            Span::styled(format!("   missed {}", grouped(status.missed)), missed.bold()),
        ]),
        Line::from(format!(
            "jitter min {} mean {} max {} us",
            micro(status.minimum),
            micro(status.mean),
            micro(status.maximum)
        )),
        Line::from(format!("largest jitter of each quarter second, now {} us:", micro(status.recent))).fg(Color::Gray),
    ]
}

fn counts(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let block =
        pane("Hypervisor: exits per second by cause (wait: a sleep, timed), time asleep, log", HYPERVISOR, false);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let mut lines: Vec<Line<'static>> = ["linux", "freertos"].iter().map(|vm| exits(model, vm)).collect();
    let asleep = model.rates.asleep.iter().map(|(core, runs, share)| {
        let who = if runs == "none" { format!("core {core}") } else { runs.replace("/vcpu", "/") };
        // Who wakes for a moment does not sleep all the time.
        format!("{who} {:.0}%", share.floor())
    });
    lines.push(Line::from(format!("{:<10}{}", "asleep", asleep.collect::<Vec<_>>().join("  "))));
    let log = model.log.last(usize::from(inner.height).saturating_sub(2), inner.width.into());
    let log = log.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let room = usize::from(inner.height).saturating_sub(lines.len());
    lines.extend(log.iter().skip(log.len().saturating_sub(room)).map(|line| Line::from(line.clone()).fg(HYPERVISOR)));
    frame.render_widget(Paragraph::new(lines), inner);
}

fn exits(model: &Model, vm: &str) -> Line<'static> {
    let causes = model.rates.exits.get(vm).map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<String> = causes.iter().map(|(cause, rate)| format!("{cause} {rate:.1}")).collect();
    let colour = if vm == "linux" { LINUX } else { FREERTOS };
    Line::from(vec![Span::styled(format!("{vm:<10}"), Style::new().fg(colour)), Span::raw(shown.join("  "))])
}

fn help(focus: Focus) -> &'static str {
    match focus {
        Focus::Acts => "1 crash Linux  2 read the neighbour  3 flood the console  Tab to type  q quit",
        Focus::Linux | Focus::FreeRtos => "Tab next guest, then back here   Ctrl-] back to the acts",
    }
}
