//! `bulkhead demo` for a person: panes in a terminal, or plain lines.

mod director;
mod draw;
mod facts;
mod keys;
mod lines;
mod model;
mod picture;
mod rates;
mod screen;
mod strip;
mod tape;

pub use picture::draw as picture;

use super::board::{self, Gic, Time};
use super::files::Files;
use super::record;
use super::session::{Session, Stopped};
use crate::error::ToolError;
use crate::output;
use director::Director;
use facts::grouped;
use model::Model;
use screen::Screen;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;
use tape::{Event, Tape};

/// What is asked for.
pub struct Options {
    /// The board's interrupt controller.
    pub gic: Gic,
    /// Whether the acts are played, with captions, in a minute.
    pub tour: bool,
    /// Whether lines are printed even to a terminal.
    pub plain: bool,
    /// Where the log goes.
    pub folder: PathBuf,
}

/// Milliseconds between two looks at the board and at the keys.
const TICK: Duration = Duration::from_millis(40);

/// Name of the log of a showing.
const LOG: &str = "tour.log";

/// A showing.
struct Show {
    session: Session,
    model: Model,
    director: Director,
    tape: Tape,
    /// Bytes of the board's output that the model has.
    taken: usize,
}

/// Shows the board until the user or the tour ends it.
///
/// # Errors
/// The board cannot be started or ends by itself, or a file cannot be written.
pub fn run(options: &Options, files: &Files) -> Result<(), ToolError> {
    let packed = options.folder.join("packed.img");
    record::write(&packed, &board::pack(files, &[])?)?;
    let arguments = board::arguments(options.gic, Time::Paced, &packed.display().to_string());
    record::manifest(&options.folder, files, &packed, &arguments)?;
    let errors = options.folder.join("qemu-errors");
    let mut show = Show {
        tape: Tape::create(&options.folder.join(LOG))?,
        session: Session::start(&files.qemu, &arguments, &errors, Duration::ZERO)?,
        model: Model::default(),
        director: Director::new(options.tour),
        taken: 0,
    };
    let terminal = !options.plain && std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let mut screen = if terminal { Screen::terminal()? } else { Screen::plain() };
    let result = show.run(&mut screen);
    drop(screen);
    result?;
    let said = std::fs::read_to_string(&errors).unwrap_or_default();
    if show.session.output().has_ended() {
        return Err(ToolError(format!("QEMU ended: {}", said.trim())));
    }
    if let Some(status) = show.model.status {
        let (periods, missed) = (grouped(status.periods), grouped(status.missed));
        output::line(&format!("FreeRTOS ran {periods} periods and missed {missed}."))?;
    }
    output::line(&format!("The log is {}.", options.folder.join(LOG).display()))
}

impl Show {
    fn run(&mut self, screen: &mut Screen) -> Result<(), ToolError> {
        loop {
            let ended = self.take_output()?;
            let caption = self.model.caption.clone();
            let over = self.director.tick(&mut self.model, &mut self.session).map_err(stopped)?;
            let quit = screen.keys(TICK, &mut self.model, &mut self.session, &mut self.director)?;
            if self.model.caption != caption {
                self.tape.add(self.model.now, &Event::Say(self.model.caption.clone()))?;
            }
            let last = over || quit || ended;
            screen.draw(&mut self.model, last)?;
            if last {
                return Ok(());
            }
        }
    }

    /// Gives the model what the board printed since the last time. True if that was all there will ever be.
    fn take_output(&mut self) -> Result<bool, ToolError> {
        let now = self.session.elapsed().as_millis() as u64;
        let (new, ended) = {
            let output = self.session.output();
            (output.raw.get(self.taken..).unwrap_or_default().to_vec(), output.has_ended())
        };
        self.model.now = now;
        if !new.is_empty() {
            self.taken += new.len();
            self.model.output(now, &new);
            self.tape.add(now, &Event::Output(new))?;
        }
        Ok(ended)
    }
}

/// QEMU took no keys.
fn stopped(stopped: Stopped) -> ToolError {
    ToolError(stopped.to_string())
}
