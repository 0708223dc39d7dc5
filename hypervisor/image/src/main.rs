//! The EL2 binary: how Bulkhead comes up, and nothing else.
#![no_std]
#![no_main]

extern crate alloc;

mod banner;
mod logger;
mod plans;
mod trees;
mod vms;

use alloc::vec::Vec;
use bulkhead_abi::image::EarlyUart;
use bulkhead_el2::boot::image;
use bulkhead_el2::core::Core;
use bulkhead_el2::gic::Gic;
use bulkhead_el2::{CORES, heap, power, stop, uart, window};
use bulkhead_vmm::address::{Pa, Range};
use bulkhead_vmm::config::board::{Board, Enable, Uart};
use bulkhead_vmm::lock::lock;
use bulkhead_vmm::platform::Platform;
use bulkhead_vmm::run::{CoreLoop, Machine, Step};
use bulkhead_vmm::tell::{Level, tell};
use core::fmt;
use spin::{Mutex, Once};

bulkhead_el2::entry!(primary = start, secondary = join, below_el2 = refuse);

/// The board. Cores that do not come are struck out of it.
static BOARD: Mutex<Option<Board>> = Mutex::new(None);
/// The windows of cores that come up later, by slot.
static WINDOWS: Mutex<[Option<window::Window>; CORES]> = Mutex::new([const { None }; CORES]);
/// What all cores share, once the first has put it together.
static MACHINE: Once<Machine> = Once::new();

/// The first core, from the firmware, with the address of the firmware's tree.
fn start(tree: u64) -> ! {
    let entered = bulkhead_el2::counter();
    heap::init();
    use_early_uart();
    logger::init();
    let trees = trees::read(tree);
    let board = trees.board();
    use_console(board.console);
    logger::begin();
    Gic::init_distributor(&board.gic.version);
    let own = window::Window::new(0);
    let mut core = Core::new(&board, own)
        .unwrap_or_else(|| stop(format_args!("the first core is not among the first of the board's tree")));
    *lock(&BOARD) = Some(board);
    start_cores();
    // Made where it stays: a machine that is moved there would need code to drop it if another were there.
    let machine = MACHINE.call_once(|| {
        with_board(|board| {
            let plan = plans::make(board, &trees);
            banner::print(board, &core, &plan);
            vms::build(&mut core, board, plan, entered)
        })
    });
    // The heap is small.
    drop(trees);
    bulkhead_el2::signal_event();
    logger::attach(machine);
    run(core, machine)
}

/// A further core, with the number of its stack.
fn join(slot: usize) -> ! {
    let window = lock(&WINDOWS).get_mut(slot).and_then(Option::take);
    let core = window.and_then(|window| with_board(|board| Core::new(board, window)));
    let core = core.unwrap_or_else(|| bulkhead_el2::halt());
    power::arrived(slot);
    let machine = bulkhead_el2::wait_for_event_until(|| MACHINE.get());
    run(core, machine)
}

/// What every core does from here on.
fn run(mut core: Core, machine: &Machine) -> ! {
    if let Some(state) = machine.core(core.core()) {
        state.set_running();
    }
    if core.core() == machine.housekeeping {
        with_board(|board| core.receive_uart_interrupts(board));
    }
    let mut core_loop = CoreLoop::new(core.core());
    loop {
        if core_loop.step(&mut core, machine) == Step::PowerOff {
            logger::flush(&mut core, machine);
            power::switch_off(with_board(|board| board.psci))
        }
        if logger::has_news() {
            machine.want_console(&mut core);
        }
    }
}

/// Entered at EL1: the firmware keeps EL2 to itself, or QEMU was not told `virtualization=on`.
fn refuse(tree: u64) -> ! {
    heap::init();
    use_early_uart();
    use_console(trees::read(tree).console());
    stop(format_args!("entered at EL1: the firmware must enter it at EL2 (on QEMU: -machine virtualization=on)"))
}

/// The UART that `bulkhead pack` put into the image's header, for boards whose tree may not be there.
fn use_early_uart() {
    let Some(header) = image::header() else { return };
    if header.early_uart_kind == EarlyUart::Pl011 as u32
        && let Some(registers) = Range::<Pa>::new(Pa::new(header.early_uart_base), 0x1000)
    {
        uart::use_pl011(registers);
    }
}

/// The UART that a tree names, if one does.
fn use_console(console: Option<Uart>) {
    if let Some(console) = console {
        uart::use_pl011(console.registers);
    }
}

/// What `read` makes of the board.
fn with_board<T>(read: impl FnOnce(&Board) -> T) -> T {
    match lock(&BOARD).as_ref() {
        Some(board) => read(board),
        None => stop(format_args!("the board is not known")),
    }
}

/// Starts every core that the tree lists, and strikes out of the board those that do not come.
fn start_cores() {
    let (own, mut started) = (bulkhead_el2::affinity(), Vec::new());
    let mut slot = 1;
    for index in 0.. {
        let cpu = with_board(|board| board.cpus.get(index).map(|cpu| (*cpu, board.psci)));
        let Some((cpu, psci)) = cpu else { break };
        if cpu.mpidr == own {
            continue;
        }
        if slot >= CORES || index >= CORES {
            strike_out(index, format_args!("at most {CORES} cores are used"));
            continue;
        }
        if let Some(place) = lock(&WINDOWS).get_mut(slot) {
            *place = Some(window::Window::new(slot));
        }
        started.push((index, slot, power::start_core(slot, &cpu, psci)));
        slot += 1;
    }
    // All were started before any is waited for: they come up side by side.
    let deadline = power::deadline();
    for (index, slot, result) in started {
        if let Err(error) = result.and_then(|()| power::wait_for(slot, deadline)) {
            strike_out(index, format_args!("{error}"));
        }
    }
}

/// Says that the core `index` is not there, and lets no guest have it.
fn strike_out(index: usize, why: fmt::Arguments<'_>) {
    tell(Level::Warn, format_args!("core {index} does not run: {why}"));
    if let Some(cpu) = lock(&BOARD).as_mut().and_then(|board| board.cpus.get_mut(index)) {
        cpu.enable = Enable::Disabled;
    }
}
