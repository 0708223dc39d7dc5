//! What is judged: the raw logs of a run, read back from their files.

use super::Mismatch;
use crate::demo::session::{LOG, Port};
use crate::demo::transcript::Section;
use crate::error::ToolError;
use crate::source::read;
use std::path::Path;

/// The raw logs.
pub struct Evidence {
    linux: String,
    freertos: String,
    monitor: String,
    /// The hypervisor's log.
    pub log: String,
    /// What stood on the UART before the consoles.
    pub banner: String,
    /// The run's nonce.
    pub nonce: String,
}

impl Evidence {
    /// Reads the logs in `folder`.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn read(folder: &Path, nonce: &str) -> Result<Self, ToolError> {
        let text = |name: &str| read(&file(folder, name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Self {
            linux: text(Port::Linux.name())?,
            freertos: text(Port::FreeRtos.name())?,
            monitor: text(Port::Monitor.name())?,
            log: text(LOG)?,
            banner: text(BANNER)?,
            nonce: nonce.into(),
        })
    }

    /// The whole output of `port`.
    pub fn output(&self, port: Port) -> &str {
        match port {
            Port::Linux => &self.linux,
            Port::FreeRtos => &self.freertos,
            Port::Monitor => &self.monitor,
        }
    }

    /// What was said on `port` for `check`.
    ///
    /// # Errors
    /// It was not begun or not ended.
    pub fn section(&self, port: Port, check: &str) -> Result<Section<'_>, Mismatch> {
        Ok(Section::whole(self.output(port), port.prompt()).of(check, &self.nonce)?)
    }
}

/// Name of the log of what stood on the UART before the consoles.
pub const BANNER: &str = "banner";

/// Where the log `name` is.
pub fn file(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join(format!("{name}.log"))
}
