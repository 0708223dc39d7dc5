//! Where it is shown: a terminal with panes and keys, or plain lines.

use super::director::{Act, Director};
use super::draw::{self, Focus};
use super::facts::Facts;
use super::keys;
use super::model::Model;
use super::stopped;
use crate::demo::session::{Port, Session};
use crate::error::ToolError;
use crate::output;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{Clear, ClearType};
use std::time::Duration;

/// For how long the banner has the screen, in milliseconds after the start.
const BANNER_UNTIL: u64 = 6_000;
/// For how long at most a banner waits to be complete, in milliseconds after the start: a net for when what it lacks
/// never comes.
const BANNER_AWAITED: u64 = 60_000;

/// Where it is shown.
pub enum Screen {
    /// Panes.
    Terminal {
        /// The terminal, in raw mode.
        terminal: DefaultTerminal,
        /// Where keys go.
        focus: Focus,
    },
    /// Lines on standard output.
    Plain {
        /// Whether the banner was printed.
        greeted: bool,
    },
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Self::Terminal { .. } = self {
            ratatui::restore();
        }
    }
}

impl Screen {
    /// The terminal, which is given back when this is dropped.
    ///
    /// # Errors
    /// It cannot be set up.
    pub fn terminal() -> Result<Self, ToolError> {
        let terminal = ratatui::try_init().map_err(|error| failed(&error))?;
        let screen = Self::Terminal { terminal, focus: Focus::default() };
        // A terminal without an alternate screen still shows what was on it. Terminal::clear() would ask where the
        // cursor is, which not every terminal answers.
        execute!(std::io::stdout(), Clear(ClearType::All)).map_err(|error| failed(&error))?;
        Ok(screen)
    }

    /// Lines on standard output.
    pub fn plain() -> Self {
        Self::Plain { greeted: false }
    }

    /// Waits for keys for `patience` and does what they ask for. True if they ask to end.
    ///
    /// # Errors
    /// The terminal or QEMU is gone.
    pub fn keys(
        &mut self,
        patience: Duration,
        model: &mut Model,
        session: &mut Session,
        director: &mut Director,
    ) -> Result<bool, ToolError> {
        let Self::Terminal { focus, .. } = self else {
            std::thread::sleep(patience);
            return Ok(false);
        };
        let mut patience = patience;
        while event::poll(patience).map_err(|error| failed(&error))? {
            patience = Duration::ZERO;
            let Event::Key(key) = event::read().map_err(|error| failed(&error))? else { continue };
            if key.kind != KeyEventKind::Release && press(&key, focus, model, session, director)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Shows `model`, and takes the lines out of it; `last` says that no more will come.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, model: &mut Model, last: bool) -> Result<(), ToolError> {
        match self {
            Self::Terminal { terminal, focus } => {
                model.printed.clear();
                let drawn = terminal.draw(|frame| match model.now < BANNER_UNTIL || lacks_facts(model) {
                    true => draw::banner(frame, model),
                    false => draw::panes(frame, model, *focus),
                });
                drawn.map(|_| ()).map_err(|error| failed(&error))
            }
            Self::Plain { greeted } if !*greeted && !last && lacks_facts(model) => Ok(()),
            Self::Plain { greeted } => print_lines(model, greeted),
        }
    }
}

/// Whether the banner waits for something: for as long as the board takes, but not longer than Linux to its shell, by
/// when everything has been said, on a slow host as on a fast one.
fn lacks_facts(model: &Model) -> bool {
    !model.facts.are_complete() && !model.linux_waits() && model.now < BANNER_AWAITED
}

/// Prints what is new, the banner first.
fn print_lines(model: &mut Model, greeted: &mut bool) -> Result<(), ToolError> {
    if !*greeted {
        *greeted = true;
        print_banner(&model.facts)?;
    }
    let printed = std::mem::take(&mut model.printed);
    printed.iter().try_for_each(|printed| output::line(&format!("{:<10}| {}", printed.port, printed.line)))
}

fn print_banner(facts: &Facts) -> Result<(), ToolError> {
    output::line(&format!("{:<10}| {}", "hypervisor", facts.title))?;
    let mut lines = facts.banner().into_iter().map(|(key, value)| format!("{:<10}|   {key:<9}{value}", "hypervisor"));
    lines.try_for_each(|line| output::line(&line))
}

/// Does what `key` asks for. True if that is to end.
fn press(
    key: &KeyEvent,
    focus: &mut Focus,
    model: &mut Model,
    session: &mut Session,
    director: &mut Director,
) -> Result<bool, ToolError> {
    match (*focus, key.code) {
        (_, KeyCode::Tab) => *focus = next(*focus, director),
        (Focus::Acts, KeyCode::Char('q') | KeyCode::Esc) => return Ok(true),
        (Focus::Acts, KeyCode::Char('c')) if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(true),
        (Focus::Acts, KeyCode::Char(letter)) => {
            if let Some(act) = Act::of_key(letter) {
                director.act(act, model, session).map_err(stopped)?;
            }
        }
        (Focus::Acts, _) => {}
        (_, _) if keys::leaves(key) => *focus = Focus::Acts,
        (_, _) => session.send(director.keys_to, &keys::bytes(key)).map_err(stopped)?,
    }
    Ok(false)
}

fn next(focus: Focus, director: &mut Director) -> Focus {
    let (focus, port) = match focus {
        Focus::Acts => (Focus::Linux, Port::Linux),
        Focus::Linux => (Focus::FreeRtos, Port::FreeRtos),
        Focus::FreeRtos => (Focus::Acts, Port::Linux),
    };
    director.keys_to = port;
    focus
}

fn failed(error: &std::io::Error) -> ToolError {
    ToolError(format!("the terminal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(model: &mut Model, now: u64, port: &str, text: &str) {
        model.output(now, format!("\x1b[0;32m{port}\x1b[0m| {text}").as_bytes());
    }

    #[test]
    fn the_banner_waits_until_all_has_been_said() {
        let mut model = Model::default();
        said(
            &mut model,
            20_000,
            "hypervisor",
            "[    0.003] info: linux: running, 200 ticks after entry, 100 spent\r\n",
        );
        assert!(lacks_facts(&model));
        said(&mut model, 30_000, "monitor", "stats\r\n");
        said(&mut model, 30_000, "monitor", "hypervisor kept=1112KiB first-guest-ticks=8 copying-ticks=9\r\n");
        said(&mut model, 30_000, "monitor", "> ");
        assert_eq!(model.facts.kept.as_deref(), Some("1112KiB"));
        assert!(!lacks_facts(&model));
        assert!(model.facts.banner().iter().all(|(_, value)| value != "not known yet"));
    }

    #[test]
    fn the_wait_for_the_banner_has_bounds() {
        let mut model = Model::default();
        model.now = BANNER_AWAITED;
        assert!(!lacks_facts(&model));
        model.now = BANNER_AWAITED - 1;
        assert!(lacks_facts(&model));
        said(&mut model, BANNER_AWAITED - 1, "linux", Port::Linux.prompt());
        assert!(!lacks_facts(&model));
    }
}
