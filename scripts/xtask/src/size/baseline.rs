//! The committed sizes that a change is held against.

use super::sections::{Room, Sections};
use crate::{Result, workspace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Sizes in bytes, as `size-baseline.toml` holds them.
#[derive(Default, Serialize, Deserialize)]
pub struct Baseline {
    /// Of the sections.
    #[serde(default)]
    pub sections: Sections,
    /// Text by room.
    #[serde(default)]
    pub rooms: BTreeMap<String, u64>,
}

impl Baseline {
    /// Reads the committed file; an absent one is empty.
    pub fn load() -> Result<Self> {
        match std::fs::read_to_string(path()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", workspace::shown(&path())).into()),
            Ok(text) => toml::from_str(&text).map_err(|error| format!("{}: {error}", workspace::shown(&path())).into()),
        }
    }
}

/// Writes the file.
pub fn store(sections: &Sections, rooms: &[Room]) -> Result<()> {
    let rooms = rooms.iter().map(|room| (room.name.clone(), room.bytes)).collect();
    let text = toml::to_string(&Baseline { sections: sections.clone(), rooms })?;
    std::fs::write(path(), format!("# Bytes of the release image. Written by cargo xtask size --update.\n{text}"))?;
    println!("{} written", workspace::shown(&path()));
    Ok(())
}

fn path() -> PathBuf {
    workspace::root().join("scripts/xtask/size-baseline.toml")
}
