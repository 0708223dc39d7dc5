//! The housekeeping core's own work: the UART, the consoles, the monitor.

use super::interrupts::NEVER;
use super::{CoreLoop, Machine, commands};
use crate::console::{InputAction, Multiplexer, PortSet};
use crate::lock::lock;
use crate::monitor::Monitor;
use crate::platform::Platform;
use core::sync::atomic::Ordering;

/// Bytes that are taken from the multiplexer at a time, and may wait for the UART.
const CHUNK: usize = 64;

/// How much of that, and how many typed bytes, are dealt with before the core runs its guest again: a UART that takes
/// all at once would keep it here for as long as other guests print.
const CHUNKS_AT_ONCE: usize = 8;
const BYTES_AT_ONCE: usize = 64;

/// How often what was left is gone on with, and a UART without an interrupt is looked at: often enough that a FIFO of
/// 16 bytes never runs full at 115,200 baud.
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
    /// Ports whose owners do not know yet that there is input or room.
    untold: PortSet,
}

impl Console {
    /// A console that shows what `multiplexer` gives.
    pub fn new(multiplexer: Multiplexer) -> Self {
        Self {
            multiplexer,
            monitor: Monitor::default(),
            chunk: [0; CHUNK],
            sent: 0,
            filled: 0,
            untold: PortSet::default(),
        }
    }
}

impl CoreLoop {
    /// Moves what was typed to whom it is for, carries out the monitor's commands, and moves output to the UART.
    /// The caller holds no VM's lock.
    pub(super) fn keep_house<P: Platform>(&mut self, platform: &mut P, machine: &Machine) {
        machine.console_wanted.store(false, Ordering::Release);
        let mut console = lock(&machine.console);
        let read_all = console.receive(platform, machine);
        self.serve_monitor(platform, machine, &mut console);
        let wrote_all = console.transmit(platform, machine);
        let told_all = console.tell_owners(platform, machine);
        self.console_deadline = console.multiplexer.deadline().unwrap_or(NEVER);
        if !(read_all && wrote_all && told_all && platform.uart_interrupts()) {
            let next = platform.counter() + platform.counter_frequency() / POLLS_A_SECOND;
            self.console_deadline = self.console_deadline.min(next);
        }
        self.rearm(platform);
    }

    fn serve_monitor<P: Platform>(&mut self, platform: &mut P, machine: &Machine, console: &mut Console) {
        let Some(port) = machine.ports.get(machine.monitor_port()) else { return };
        loop {
            let line = console.monitor.serve(&mut lock(port));
            let Some(line) = line else { return };
            let Console { multiplexer, monitor, .. } = console;
            self.power_off |= commands::carry_out(platform, machine, multiplexer, &line, monitor.output());
            monitor.prompt();
        }
    }
}

impl Console {
    /// Moves typed bytes. Whether there are no more.
    fn receive<P: Platform>(&mut self, platform: &mut P, machine: &Machine) -> bool {
        for _ in 0..BYTES_AT_ONCE {
            let Some(byte) = platform.uart_read() else { return true };
            if let InputAction::Delivered(port) = self.multiplexer.input(&machine.ports, byte) {
                self.untold.insert(port);
            }
        }
        false
    }

    /// Fills the UART. Whether it is to be waited for, or nothing.
    fn transmit<P: Platform>(&mut self, platform: &mut P, machine: &Machine) -> bool {
        let full = (0..CHUNKS_AT_ONCE).find_map(|_| self.transmit_some(platform, machine));
        self.untold = self.untold.union(self.multiplexer.take_freed());
        // It interrupts when it has room again, as long as there is more.
        platform.uart_transmit_interrupt(full == Some(true));
        full.is_some()
    }

    /// Gives a chunk to the UART. Whether it is full, if that, or that nothing is left, is the end.
    fn transmit_some<P: Platform>(&mut self, platform: &mut P, machine: &Machine) -> Option<bool> {
        if self.sent == self.filled {
            self.filled = self.multiplexer.pull(&machine.ports, platform.counter(), &mut self.chunk);
            self.sent = 0;
        }
        let Some(rest) = self.chunk.get(self.sent..self.filled).filter(|rest| !rest.is_empty()) else {
            return Some(false);
        };
        let taken = platform.uart_write(rest);
        self.sent += taken;
        (taken == 0).then_some(true)
    }

    /// Tells owners of ports that there is input or room. Whether all were: a VM that is busy is told later, because
    /// no guest may keep the console from the others.
    fn tell_owners<P: Platform>(&mut self, platform: &mut P, machine: &Machine) -> bool {
        let untold = core::mem::take(&mut self.untold);
        for port in (0..machine.ports.len()).filter(|port| untold.contains(*port)) {
            if !wake_owner(platform, machine, port) {
                self.untold.insert(port);
            }
        }
        self.untold.is_empty()
    }
}

/// Tells the owner of port `port` that it has room or input, if that can be done now.
fn wake_owner<P: Platform>(platform: &mut P, machine: &Machine, port: usize) -> bool {
    let (Some(vm), Some(port)) = (machine.vms.get(port), machine.ports.get(port)) else {
        // The monitor: this core again.
        machine.want_console(platform);
        return true;
    };
    let Some(mut vm) = vm.try_lock() else { return false };
    let Some(kicks) = vm.console_changed(port) else { return false };
    machine.kick(platform, &vm, kicks);
    true
}

impl Machine {
    /// Writes what waits in the consoles to the UART, without interrupts: the machine is about to be switched off.
    /// Neither a guest that prints on nor a UART that is stuck holds it up for more than [`FLUSH_SECONDS`].
    pub fn flush_consoles<P: Platform>(&self, platform: &mut P) {
        let mut console = lock(&self.console);
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
