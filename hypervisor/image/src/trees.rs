//! The device trees that describe the board and the guests.

use crate::use_console;
use bulkhead_abi::property;
use bulkhead_el2::boot::{self, TreeError, image};
use bulkhead_el2::{refuse_tree, stop};
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::config::Configuration;
use bulkhead_vmm::config::board::{Board, Uart};
use bulkhead_vmm::fdt::Tree;
use bulkhead_vmm::seed::Seed;
use bulkhead_vmm::tell::{Level, tell};

/// The firmware's tree and the packed one, as far as they are there.
pub struct Trees {
    /// With what it takes of memory, where it was copied from.
    firmware: Result<(Tree, Range<Pa>), TreeError>,
    packed: Option<Result<Tree, TreeError>>,
}

/// Reads both; `address` is where the firmware says that its tree is.
pub fn read(address: u64) -> Trees {
    Trees { firmware: boot::firmware_tree(address), packed: boot::packed_tree() }
}

impl Trees {
    /// The board: by the firmware's tree, or by the packed one if the firmware gave none.
    pub fn board(&self) -> Board {
        match (&self.firmware, &self.packed) {
            (Ok((tree, _)), _) | (Err(_), Some(Ok(tree))) => self.read_board(tree),
            (Err(firmware), None) => stop(format_args!("no device tree: {firmware}, and none is packed")),
            (Err(firmware), Some(Err(packed))) => {
                stop(format_args!("no device tree: {firmware}; and the packed one: {packed}"))
            }
        }
    }

    /// The board that `tree` describes; if it describes none, nothing can run.
    fn read_board(&self, tree: &Tree) -> Board {
        Board::read(tree).unwrap_or_else(|error| {
            use_console(self.console());
            match &self.firmware {
                Ok(_) => refuse_tree(format_args!("{error}")),
                Err(firmware) => {
                    stop(format_args!("no device tree: {firmware}; and the packed one describes no board: {error}"))
                }
            }
        })
    }

    /// The UART that the firmware's tree names, or else the packed one, of a board that may be of no use otherwise.
    pub fn console(&self) -> Option<Uart> {
        let packed = self.packed.as_ref().and_then(|packed| packed.as_ref().ok());
        Board::console_of(self.firmware.as_ref().ok().map(|(tree, _)| tree).or(packed)?)
    }

    /// What the firmware's tree has for random numbers. A packed one is no secret.
    pub fn seed(&self) -> Seed {
        self.firmware.as_ref().map(|(tree, _)| Seed::read(tree)).unwrap_or_default()
    }

    /// What the firmware's tree takes of memory, where it lay.
    pub fn firmware_range(&self) -> Option<Range<Pa>> {
        self.firmware.as_ref().ok().map(|(_, range)| *range)
    }

    /// What the owner wants: by the firmware's tree if it has a configuration, else by the packed one; with
    /// neither, whatever modules the firmware's tree lists.
    pub fn configuration(&self, board: &Board) -> Configuration {
        if let Some(Err(error)) = &self.packed {
            tell(Level::Error, format_args!("the packed device tree is of no use: {error}"));
        }
        let has_own = |tree: &Tree| tree.view().find(property::HYPERVISOR_PATH).is_some();
        match (&self.firmware, &self.packed) {
            (Ok((tree, _)), _) if has_own(tree) => Configuration::read(tree, board, None),
            (_, Some(Ok(tree))) => Configuration::read(tree, board, Some(Pa::new(image::layout().start))),
            (Ok((tree, _)), _) => Configuration::read(tree, board, None),
            (Err(_), _) => stop(format_args!("no configuration")),
        }
    }
}
