//! Where it is shown: a terminal with panes and keys, or plain lines.

use super::director::{Act, Director};
use super::draw::{self, Focus};
use super::facts::Facts;
use super::keys;
use super::model::Model;
use super::stopped;
use crate::demo::session::{Port, Session};
use crate::error::ToolError;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::time::Duration;

/// For how long the banner has the screen, in milliseconds after the start.
const BANNER_UNTIL: u64 = 6_000;

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
        Ok(Self::Terminal { terminal, focus: Focus::default() })
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

    /// Shows `model`, and takes the lines out of it.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, model: &mut Model) -> Result<(), ToolError> {
        let printed = std::mem::take(&mut model.printed);
        match self {
            Self::Terminal { terminal, focus } => {
                let drawn = terminal.draw(|frame| match model.now < BANNER_UNTIL {
                    true => draw::banner(frame, model),
                    false => draw::panes(frame, model, *focus),
                });
                drawn.map(|_| ()).map_err(|error| failed(&error))
            }
            Self::Plain { greeted } => {
                if !*greeted && model.facts.kept.is_some() && model.facts.first_guest.is_some() {
                    *greeted = true;
                    print_banner(&model.facts);
                }
                printed.iter().for_each(|printed| println!("{:<10}| {}", printed.port, printed.line));
                Ok(())
            }
        }
    }
}

fn print_banner(facts: &Facts) {
    println!("{:<10}| {}", "hypervisor", facts.title);
    facts.banner().iter().for_each(|(key, value)| println!("{:<10}|   {key:<9}{value}", "hypervisor"));
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
