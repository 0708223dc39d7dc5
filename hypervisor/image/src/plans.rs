//! From the configuration to who gets what.

use crate::trees::Trees;
use bulkhead_el2::boot::image;
use bulkhead_el2::{memory, stop};
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::config::board::Board;
use bulkhead_vmm::config::{Occupied, Plan, WhenAllOff, plan};
use bulkhead_vmm::fault::ConfigError;
use bulkhead_vmm::seed::Seed;
use bulkhead_vmm::tell::{Level, tell};

/// Who gets what, and how the owner wants the rest.
pub struct Planned {
    /// VMs, cores and memory.
    pub plan: Plan,
    /// The character that moves the console's focus.
    pub escape_key: u8,
    /// What happens when no VM runs any more.
    pub when_all_off: WhenAllOff,
    /// Use no more list registers than this.
    pub max_list_registers: Option<u8>,
    /// For the guests' random numbers.
    pub seed: Seed,
}

/// Plans the configuration, says what is wrong with it, and frees the memory that guests may have.
pub fn make(board: &Board, trees: &Trees) -> Planned {
    let configuration = trees.configuration(board);
    say(Level::Warn, &board.warnings);
    say(Level::Error, &configuration.errors);
    say(Level::Warn, &configuration.warnings);
    let (escape_key, when_all_off) = (configuration.escape_key, configuration.when_all_off);
    let max_list_registers = configuration.max_list_registers;
    // Not the pack behind it: its modules are the plan's to keep, and its tree has been copied.
    let layout = image::layout();
    let own = Range::<Pa>::new(Pa::new(layout.start), layout.end - layout.start);
    let own = own.unwrap_or_else(|| stop(format_args!("the image has no size")));
    let own = Occupied { by: "the hypervisor", range: own, released: false };
    let tree = trees.firmware_range().map(|range| Occupied { by: "the board's device tree", range, released: true });
    // If the firmware gave no tree, nothing but the hypervisor is in the way.
    let plan = plan::plan(board, configuration, &[own, tree.unwrap_or(own)]);
    say(Level::Error, &plan.errors);
    plan.free.iter().for_each(|free| memory::add(*free));
    Planned { plan, escape_key, when_all_off, max_list_registers, seed: trees.seed() }
}

fn say(level: Level, mistakes: &[ConfigError]) {
    for mistake in mistakes {
        tell(level, format_args!("{mistake}"));
    }
}
