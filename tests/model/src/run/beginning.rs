//! What a VM is at the moment when it was started: to compare one start with another.

use super::hardware::Parked;
use super::world::{Ended, World};
use bulkhead_vmm::vcpu::VcpuId;
use bulkhead_vmm::vm::{Lifecycle, Run, State, Vm};
use std::collections::BTreeMap;

/// Fields of a VM that rightly go on from life to life, and its slots, of which [`State`] has all but their counters.
const GO_ON: [&str; 4] = ["counters", "counter_offset", "reason", "slots"];

/// A VM that was just started: no vCPU has run yet, the boot vCPU is about to.
#[derive(Debug)]
pub struct Beginning {
    /// All that is carried when it moves, but for its counter.
    pub state: State,
    /// Ticks of its counter.
    pub counter: u64,
    /// The machine's ticks since it was seen not to be started yet.
    pub since: u64,
    /// Its other fields by name, also what is derived from the state and what hardware was told.
    pub fields: BTreeMap<String, String>,
    /// Its RAM.
    pub ram: Vec<u8>,
    /// Its cores: whether no vCPU lives there, and whether its timer's physical interrupt is active.
    pub cores: Vec<(bool, bool)>,
    /// What the boot vCPU was then loaded with: registers, CPU interface, active physical interrupts.
    pub boot: String,
    /// Why it had stopped before.
    pub reason: Option<String>,
}

impl World {
    /// Lets the cores run until VM `vm` is started the next time, and looks at it. `None` if it is not after `most` turns,
    /// or nothing happens any more.
    ///
    /// # Panics
    /// As [`World::run`].
    pub fn next_beginning(&self, vm: usize, most: u64) -> Option<Beginning> {
        let mut turns = 0;
        loop {
            let (starts, before) = (self.starts(vm), self.now());
            // To stop it, zero its RAM and load it takes more turns than are taken at once.
            let some = if self.lifecycle(vm) == Lifecycle::Running { 8 } else { 1 };
            turns += some;
            if turns > most || self.run(some) != Ended::Enough {
                return None;
            }
            if self.starts(vm) != starts {
                let mut beginning = self.look(vm, before);
                beginning.boot = self.boot_load(vm);
                return Some(beginning);
            }
        }
    }

    fn look(&self, vm: usize, before: u64) -> Beginning {
        let now = self.now();
        let mut vm = self.machine().vms[vm].lock();
        let begins = vm.slots().first().is_some_and(|slot| matches!(slot.run, Run::Starting(_)));
        assert!(begins, "its start was missed: {:?}", vm.slots());
        let reason = vm.reason().map(String::from);
        let (fields, cores) = (fields(&vm), vm.cores().collect::<Vec<_>>());
        let pieces = vm.memory().pieces().to_vec();
        let mut state = vm.take_state(now).expect("no vCPU is loaded");
        let hardware = self.hardware();
        let mut ram = Vec::new();
        for piece in pieces {
            let from = ram.len();
            ram.resize(from + piece.size() as usize, 0);
            hardware.memory.read(piece.start().get(), &mut ram[from..]);
        }
        let cores = cores.iter().map(|core| &hardware.cores[core.0]);
        let cores = cores.map(|core| (core.live.is_none(), core.timer_active)).collect();
        let counter = core::mem::take(&mut state.counter);
        Beginning { state, counter, since: now - before, fields, ram, cores, boot: String::new(), reason }
    }

    /// What the boot vCPU of VM `vm`, which is about to begin, is loaded with.
    fn boot_load(&self, vm: usize) -> String {
        let vmid = u8::try_from(vm + 1).expect("a machine has few VMs");
        let boot =
            |(loaded_vmid, mpidr): &(u8, u64)| *loaded_vmid == vmid && mpidr & 0xff_ffff == VcpuId::BOOT.affinity();
        self.hardware().loaded.retain(|vcpu, _| !boot(vcpu));
        let load = |world: &Self| -> Option<String> {
            let hardware = world.hardware();
            let (_, Parked { vcpu, interface, active }) = hardware.loaded.iter().find(|(vcpu, _)| boot(vcpu))?;
            Some(format!("{vcpu:?} {interface:?} {active:?}"))
        };
        self.run_until(64, "its boot vCPU is loaded", |world| load(world).is_some());
        load(self).expect("it is loaded")
    }
}

/// The fields of `vm` by name, as text.
fn fields(vm: &Vm) -> BTreeMap<String, String> {
    let text = format!("{vm:#?}");
    let mut fields = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        let field = line.strip_prefix("    ").filter(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()));
        if let Some((field, _)) = field.and_then(|rest| rest.split_once(": ")) {
            name = field.into();
        }
        let whole: &mut String = fields.entry(name.clone()).or_default();
        whole.push_str(line);
        whole.push('\n');
    }
    fields.retain(|name, _| !GO_ON.contains(&name.as_str()));
    fields
}
