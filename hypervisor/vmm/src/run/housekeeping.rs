//! The housekeeping core's own work: the UART, the consoles, the monitor.

use super::interrupts::NEVER;
use super::{CoreLoop, Machine, commands};
use crate::console::{InputAction, Multiplexer};
use crate::monitor::Monitor;
use crate::platform::Platform;
use core::sync::atomic::Ordering;

/// Bytes that are taken from the multiplexer at a time, and may wait for the UART.
const CHUNK: usize = 64;

/// How often a UART without an interrupt is looked at: often enough that a FIFO of 16 bytes never runs full at
/// 115,200 baud.
const POLLS_A_SECOND: u64 = 1000;

/// How long the machine waits with switching off for what was printed last: four full ports at 115,200 baud.
const FLUSH_SECONDS: u64 = 2;

/// What only the housekeeping core uses, and the log that everyone writes.
#[derive(Debug)]
pub struct Console {
    multiplexer: Multiplexer,
    monitor: Monitor,
    /// Bytes for the UART: those from `sent` to `filled` are still to go.
    chunk: [u8; CHUNK],
    sent: usize,
    filled: usize,
}

impl Console {
    /// A console that shows what `multiplexer` gives.
    pub fn new(multiplexer: Multiplexer) -> Self {
        Self { multiplexer, monitor: Monitor::default(), chunk: [0; CHUNK], sent: 0, filled: 0 }
    }
}

impl CoreLoop {
    /// Moves what was typed to whom it is for, carries out the monitor's commands, and moves output to the UART.
    /// The caller holds no VM's lock.
    pub(super) fn keep_house<P: Platform>(&mut self, platform: &mut P, machine: &Machine) {
        machine.console_wanted.store(false, Ordering::Release);
        let mut console = machine.console.lock();
        while let Some(byte) = platform.uart_read() {
            let action = console.multiplexer.input(&machine.ports, byte);
            if let InputAction::Delivered(port) = action {
                wake_owner(platform, machine, port);
            }
        }
        self.serve_monitor(platform, machine, &mut console);
        self.transmit(platform, machine, &mut console);
    }

    fn serve_monitor<P: Platform>(&mut self, platform: &mut P, machine: &Machine, console: &mut Console) {
        let Some(port) = machine.ports.get(machine.monitor_port()) else { return };
        loop {
            let line = console.monitor.serve(&mut port.lock());
            let Some(line) = line else { return };
            let Console { multiplexer, monitor, .. } = console;
            self.power_off |= commands::carry_out(platform, machine, multiplexer, &line, monitor.output());
            monitor.prompt();
        }
    }

    /// Fills the UART. It interrupts when it has room again, as long as there is more.
    fn transmit<P: Platform>(&mut self, platform: &mut P, machine: &Machine, console: &mut Console) {
        loop {
            if console.sent == console.filled {
                let now = platform.counter();
                console.filled = console.multiplexer.pull(&machine.ports, now, &mut console.chunk);
                console.sent = 0;
            }
            let Some(rest) = console.chunk.get(console.sent..console.filled).filter(|rest| !rest.is_empty()) else {
                platform.uart_transmit_interrupt(false);
                break;
            };
            let taken = platform.uart_write(rest);
            console.sent += taken;
            if taken == 0 {
                platform.uart_transmit_interrupt(true);
                break;
            }
        }
        let freed = console.multiplexer.take_freed();
        (0..machine.ports.len()).filter(|port| freed.contains(*port)).for_each(|port| {
            wake_owner(platform, machine, port);
        });
        self.console_deadline = console.multiplexer.deadline().unwrap_or(NEVER);
        if !platform.uart_interrupts() {
            let next = platform.counter() + platform.counter_frequency() / POLLS_A_SECOND;
            self.console_deadline = self.console_deadline.min(next);
        }
        self.rearm(platform);
    }
}

/// Tells the owner of port `port` that it has room or input.
fn wake_owner<P: Platform>(platform: &mut P, machine: &Machine, port: usize) {
    match machine.vms.get(port) {
        Some(vm) => {
            let mut vm = vm.lock();
            if let Some(port) = machine.ports.get(port) {
                let kicks = vm.console_changed(port);
                machine.kick(platform, &vm, kicks);
            }
        }
        // The monitor: this core again.
        None => machine.want_console(platform),
    }
}

impl Machine {
    /// Writes what waits in the consoles to the UART, without interrupts: the machine is about to be switched off.
    /// Neither a guest that prints on nor a UART that is stuck holds it up for more than [`FLUSH_SECONDS`].
    pub fn flush_consoles<P: Platform>(&self, platform: &mut P) {
        let mut console = self.console.lock();
        let deadline = platform.counter().saturating_add(platform.counter_frequency().saturating_mul(FLUSH_SECONDS));
        while platform.counter() < deadline {
            if console.sent == console.filled {
                let Console { multiplexer, chunk, .. } = &mut *console;
                let filled = multiplexer.pull(&self.ports, u64::MAX, chunk);
                (console.filled, console.sent) = (filled, 0);
            }
            let taken = match console.chunk.get(console.sent..console.filled) {
                Some(rest) if !rest.is_empty() => platform.uart_write(rest),
                _ => return,
            };
            console.sent += taken;
        }
    }
}
