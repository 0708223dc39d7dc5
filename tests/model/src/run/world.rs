//! A machine with its guests, to be watched and to be typed at.

use super::boot;
use super::hardware::{Asleep, Hardware, Live, Tally};
use super::logger;
use super::machine::{DATA, Guest, Shape};
use super::physical_timer::{Oracle, Rises};
use super::platform::Shared;
use crate::random::Random;
use bulkhead_vmm::address::Ipa;
use bulkhead_vmm::console::{Source, Splitter};
use bulkhead_vmm::exit::Cause;
use bulkhead_vmm::platform::CoreId;
use bulkhead_vmm::run::{Assignment, CoreState, Machine};
use bulkhead_vmm::vcpu::VcpuId;
use bulkhead_vmm::vm::{Lifecycle, Vm, Work};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};
use std::thread::JoinHandle;

/// Why the cores stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// They have done as much as they were to.
    Enough,
    /// Every core sleeps, and nothing will ever wake one.
    Idle,
    /// The machine is switched off.
    PowerOff,
}

/// A machine with its guests. Its cores run only within [`World::run`].
#[derive(Debug)]
pub struct World {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    seed: u64,
    tables: usize,
    random: Random,
    listener: RefCell<Listener>,
}

/// Takes what came out of the UART apart.
#[derive(Debug, Default)]
struct Listener {
    splitter: Splitter,
    heard: usize,
    ports: BTreeMap<String, Vec<u8>>,
}

impl Listener {
    fn listen(&mut self, sent: &[u8]) {
        let Self { splitter, heard, ports } = self;
        splitter.push(&sent[*heard..], &mut |piece| {
            if piece.source == Source::Output {
                ports.entry(piece.port.to_owned()).or_default().extend_from_slice(piece.bytes);
            }
        });
        *heard = sent.len();
    }
}

impl World {
    /// A machine of this shape with these VMs, all as the image's boot leaves them. `seed` names the interleaving.
    pub fn new(shape: Shape, seed: u64, guests: Vec<Guest>) -> Self {
        let shared = Arc::new(Shared::new(Hardware::new(shape, Random::new(seed))));
        logger::attach(&shared);
        let machine = boot::build(&shared, &shape, guests);
        shared.machine.set(machine).expect("the machine is made once");
        let tables = shared.hardware().tables.in_use();
        let threads = (0..shape.cores).map(|core| boot::start(&shared, CoreId(core))).collect();
        Self { shared, threads, seed, tables, random: Random::new(!seed), listener: RefCell::default() }
    }

    /// What the cores share.
    pub fn machine(&self) -> &Machine {
        self.shared.machine.get().expect("it is made with the world")
    }

    pub(super) fn hardware(&self) -> MutexGuard<'_, Hardware> {
        self.shared.hardware()
    }

    /// Choices of the test's own.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Lets the cores take `turns` turns, then checks what must always hold.
    ///
    /// # Panics
    /// A core panicked, or something does not hold.
    pub fn run(&self, turns: u64) -> Ended {
        let watcher = {
            let mut hardware = self.shared.hardware();
            (hardware.budget, hardware.idle) = (turns, false);
            hardware.cores.len()
        };
        let next = self.shared.hardware().choose_next();
        self.shared.baton.pass(watcher, next);
        let hardware = self.shared.hardware();
        if let Some(panic) = &hardware.panic {
            panic!("{panic} (seed {})", self.seed);
        }
        let ended = match (hardware.powered_off, hardware.idle) {
            (true, _) => Ended::PowerOff,
            (false, true) => Ended::Idle,
            (false, false) => Ended::Enough,
        };
        drop(hardware);
        if ended != Ended::PowerOff {
            self.check();
        }
        ended
    }

    /// Lets the cores run until `done`, at most `most` turns.
    ///
    /// # Panics
    /// It was not done by then.
    pub fn run_until(&self, most: u64, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..most.div_ceil(64) {
            if done(self) {
                return;
            }
            let ended = self.run(64);
            let still = ended == Ended::Enough || done(self);
            assert!(still, "{ended:?} before {what} (seed {})\n{}", self.seed, self.describe());
        }
        assert!(done(self), "no {what} after {most} turns (seed {})\n{}", self.seed, self.describe());
    }

    /// What must hold whenever no lock is held.
    fn check(&self) {
        let machine = self.machine();
        let mut assigned = 0;
        for (index, vm) in machine.vms.iter().enumerate() {
            let vm = vm.try_lock().expect("no VM's lock is held where others go on");
            for (vcpu, slot) in (0..).filter_map(VcpuId::new).zip(vm.slots()) {
                let there = machine.core(slot.core).and_then(CoreState::assignment);
                let lost = there != Some(Assignment { vm: index, vcpu });
                assert!(
                    !lost,
                    "{} {vcpu} is lost: core {} runs {there:?} (seed {})",
                    vm.name(),
                    slot.core.0,
                    self.seed
                );
                assigned += 1;
                self.check_attention(&vm, vcpu, slot.core);
            }
            if vm.lifecycle() == Lifecycle::Off {
                let zero = vm.memory().pieces().iter().all(|piece| self.shared.hardware().memory.is_zero(*piece));
                assert!(zero, "{} is off, and its RAM is not zero (seed {})", vm.name(), self.seed);
            }
        }
        let all = machine.cores.iter().filter(|core| core.assignment().is_some()).count();
        assert_eq!(all, assigned, "a core has a vCPU that no VM knows (seed {})", self.seed);
        let tables = self.shared.hardware().tables.in_use();
        assert_eq!(tables, self.tables, "tables leak (seed {})", self.seed);
    }

    /// A core that has something to do for its vCPU does not sleep, nor stay in the guest, without a kick.
    fn check_attention(&self, vm: &Vm, vcpu: VcpuId, core: CoreId) {
        let hardware = self.shared.hardware();
        let it = &hardware.cores[core.0];
        let work = vm.work(vcpu);
        let rests = match it.asleep {
            Some(Asleep::Hypervisor) if work == Work::Rest => !it.live.as_ref().is_some_and(Live::is_out_of_reset),
            Some(Asleep::Hypervisor) => !matches!(work, Work::Nothing | Work::Wait(_)),
            Some(Asleep::Guest) => work != Work::Run,
            None => it.in_guest && work != Work::Run,
        };
        let lost = rests && !hardware.will_wake(core.0);
        assert!(!lost, "core {} rests, and {} {vcpu} wants {work:?} (seed {})", core.0, vm.name(), self.seed);
    }

    /// Where every VM and core is, for a message.
    pub fn describe(&self) -> String {
        let hardware = self.shared.hardware();
        let mut text = String::new();
        for (index, core) in hardware.cores.iter().enumerate() {
            let pending = hardware.pending(index);
            text += &format!("core {index}: asleep {:?}, in guest {}, {pending:?}\n", core.asleep, core.in_guest);
        }
        drop(hardware);
        for vm in &self.machine().vms {
            let vm = vm.lock();
            let slots: Vec<_> = vm.slots().iter().map(|slot| (slot.core.0, slot.run, slot.loaded)).collect();
            text += &format!("{}: {:?} {slots:?} {:?}\n", vm.name(), vm.lifecycle(), vm.reason());
        }
        for port in &self.machine().ports {
            let port = port.lock();
            text += &format!("port {}: {:?}, {} to print\n", port.name(), port.counters(), port.queued());
        }
        let messages = self.shared.messages();
        text += &self.output("monitor").lines().rev().take(6).collect::<Vec<_>>().join("\n");
        text.push('\n');
        text + &messages[messages.len().saturating_sub(30)..].join("\n")
    }

    /// Types at the machine's UART.
    pub fn type_in(&self, bytes: &[u8]) {
        self.shared.hardware().uart.type_in(bytes);
    }

    /// Has the machine's UART send nothing any more.
    pub fn stop_sending(&self) {
        self.shared.hardware().uart.stop_sending();
    }

    /// Has the machine's UART send without taking time, from now on.
    pub fn send_at_once(&self) {
        self.shared.hardware().uart.send_at_once();
    }

    /// The most bytes that then went out without a guest running on the housekeeping core in between.
    pub fn longest_burst(&self) -> usize {
        self.shared.hardware().uart.longest_burst
    }

    /// Types a line at the monitor.
    pub fn command(&self, line: &str) {
        self.type_in(b"\x1dm");
        self.type_in(line.as_bytes());
        self.type_in(b"\r");
    }

    /// Whether everything typed was read by the hypervisor, and by the monitor if it was for that. A console holds 256
    /// bytes for an owner who does not read; what is typed beyond is dropped and counted.
    pub fn is_read(&self) -> bool {
        let machine = self.machine();
        self.shared.hardware().uart.is_read() && !machine.ports[machine.monitor_port()].lock().has_input()
    }

    /// Bytes that came out of the UART.
    pub fn sent(&self) -> u64 {
        self.shared.hardware().uart.sent.len() as u64
    }

    /// What came out of the UART of what the port `name` printed.
    pub fn output(&self, name: &str) -> String {
        let mut listener = self.listener.borrow_mut();
        listener.listen(&self.shared.hardware().uart.sent);
        String::from_utf8_lossy(listener.ports.get(name).map_or(&[], Vec::as_slice)).into_owned()
    }

    /// The eight bytes at `offset` in the data of VM `vm`.
    pub fn data(&self, vm: usize, offset: u64) -> u64 {
        let at = self.machine().vms[vm].lock().memory().contiguous(Ipa::new(DATA + offset), 8);
        let mut bytes = [0; 8];
        self.shared.hardware().memory.read(at.expect("data lie in RAM").start().get(), &mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Where VM `vm` is in its life.
    pub fn lifecycle(&self, vm: usize) -> Lifecycle {
        self.machine().vms[vm].lock().lifecycle()
    }

    /// The core of the boot vCPU of VM `vm`.
    pub fn home(&self, vm: usize) -> usize {
        self.machine().vms[vm].lock().home().0
    }

    /// Times that VM `vm` was started.
    pub fn starts(&self, vm: usize) -> u64 {
        self.machine().vms[vm].lock().counters().starts
    }

    /// Exits of the vCPU `vcpu` of VM `vm`: those for its virtual timer, and all others.
    pub fn exits(&self, vm: usize, vcpu: usize) -> (u64, u64) {
        let vm = self.machine().vms[vm].lock();
        let exits = &vm.slots()[vcpu].exits;
        let timer = exits.get(Cause::VirtualTimer);
        (timer, exits.total() - timer)
    }

    /// The machine's counter.
    pub fn now(&self) -> u64 {
        self.shared.hardware().now
    }

    /// Judges the physical timer of the first VM, which has one vCPU, from now on. Returns how often its line went
    /// high since it was last asked for.
    pub fn judge_physical_timer(&self) -> Rises {
        let before = self.shared.hardware().physical_timer.replace(Oracle::default());
        before.map_or(Rises::default(), |oracle| oracle.rises)
    }

    /// Ticks that `core` slept in its guest's WFI, and how many times.
    pub fn slept_in_guest(&self, core: usize) -> (u64, u64) {
        self.shared.hardware().cores[core].slept_in_guest
    }

    /// What happened.
    pub fn tally(&self) -> Tally {
        self.shared.hardware().tally
    }

    /// What was logged.
    pub fn messages(&self) -> Vec<String> {
        self.shared.messages()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shared.baton.quit();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
