//! One instruction of a guest, as the processor executes it at EL1 with its MMU off.

use super::hardware::Hardware;
use super::machine::VIRTUAL_INTERFACE;
use super::memory::is_ram;
use super::program::{Instruction, Program};
use bulkhead_vmm::exit::{RawExit, Syndrome, SystemRegister, Vector, exception_entry};
use bulkhead_vmm::vcpu::{GeneralRegisters, LoadedVcpu};

const IL: u64 = 1 << 25;
/// PSTATE.I.
const IRQ_MASK: u64 = 1 << 7;
/// From a synchronous exception's vector to the IRQ's of the same level.
const IRQ_VECTOR: u64 = 0x80;
/// xFSC: a translation fault at level 3.
const TRANSLATION_FAULT: u64 = 0b00_0111;

/// ESR_EL2 of an SError with an implementation defined syndrome (Arm ARM DDI 0487 D19.2.37, ISS encoding for an SError).
const SYSTEM_ERROR: u64 = 0x2f << 26 | IL | 1 << 24 | 0x11;

/// What became of an instruction.
pub enum Done {
    /// The guest goes on.
    Went,
    /// The guest sleeps until an interrupt is pending.
    Sleeps,
    /// It traps to EL2.
    Trapped(RawExit),
}

pub(super) fn trap(esr: u64) -> Done {
    Done::Trapped(RawExit { vector: Vector::Synchronous, esr, far: 0, hpfar: 0 })
}

/// An abort at the virtual address `far`, which is said to lead to `address`.
pub(super) fn fault(esr: u64, far: u64, address: u64) -> Done {
    let esr = esr | IL | TRANSLATION_FAULT;
    Done::Trapped(RawExit { vector: Vector::Synchronous, esr, far, hpfar: address >> 12 << 4 })
}

/// An abort at `address`, which is virtual and intermediate physical at once.
fn abort(esr: u64, address: u64) -> Done {
    fault(esr, address, address)
}

impl Hardware {
    /// Executes the guest's next instruction on `core`, or takes a virtual interrupt.
    pub(super) fn execute(&mut self, core: usize, vcpu: &mut LoadedVcpu) -> Done {
        let live = self.cores[core].live.as_ref().expect("a guest runs only loaded");
        let vm = usize::from(live.root.vmid) - 1;
        let count = self.now.wrapping_sub(live.counter_offset);
        if let Some(oracle) = self.physical_timer.as_mut().filter(|_| vm == 0) {
            oracle.check(count, |register| vcpu.general().get(register));
        }
        let signals = live.interface.signals();
        if signals && vcpu.general().pstate & IRQ_MASK == 0 {
            self.take_exception(core, vcpu.general_mut(), Some(IRQ_VECTOR), None);
            self.tally.taken += 1;
            return Done::Went;
        }
        let pc = vcpu.general().pc;
        let Some(at) = self.translate(core, pc, true) else {
            return abort(0x20 << 26, pc);
        };
        let mut word = [0; 4];
        assert!(self.owner(at) == Some(vm), "VM {vm} fetches from {at:#x}, which is not its own");
        self.memory.read(at, &mut word);
        let programs = core::mem::take(&mut self.programs);
        let program = &programs[vm];
        let done = match program.decode(vm, u32::from_le_bytes(word)) {
            Some(instruction) => self.carry_out(core, vcpu, program, instruction, signals),
            None => self.undefined(core, vcpu.general_mut()),
        };
        self.programs = programs;
        done
    }

    fn carry_out(
        &mut self,
        core: usize,
        vcpu: &mut LoadedVcpu,
        program: &Program,
        instruction: &Instruction,
        signals: bool,
    ) -> Done {
        let trap_wait = self.cores[core].live.as_ref().is_some_and(|live| live.trap_wait);
        let x = vcpu.general_mut();
        let next = x.pc.wrapping_add(4);
        match instruction {
            Instruction::Load(size, to, base, offset) => {
                return self.access(core, x, (*size, *to), x.get(*base).wrapping_add(*offset), false);
            }
            Instruction::Store(size, from, base, offset) => {
                return self.access(core, x, (*size, *from), x.get(*base).wrapping_add(*offset), true);
            }
            Instruction::Pair(write, base) => return self.access_pair(core, x, *write, x.get(*base)),
            Instruction::Read(to, register) => return self.system_register(core, x, *register, *to, false),
            Instruction::Write(register, from) => return self.system_register(core, x, *register, *from, true),
            Instruction::Any(write, transfer) => {
                let [low, high, ..] = x.get(26).to_le_bytes();
                let bits = u16::from_le_bytes([low, high]);
                let field = |shift: u32, mask: u16| (bits >> shift & mask).to_le_bytes()[0];
                let register =
                    SystemRegister::new(2 | field(14, 1), field(11, 7), field(7, 15), field(3, 15), field(0, 7));
                return self.system_register(core, x, register, *transfer, *write);
            }
            Instruction::Smc(immediate) => return trap(0x17 << 26 | IL | u64::from(*immediate)),
            Instruction::Hvc(immediate) => {
                x.pc = next;
                return trap(0x16 << 26 | IL | u64::from(*immediate));
            }
            Instruction::SystemError => {
                return Done::Trapped(RawExit { vector: Vector::SystemError, esr: SYSTEM_ERROR, far: 0, hpfar: 0 });
            }
            // Only a WFI that would sleep traps (Arm ARM DDI 0487, HCR_EL2.TWI).
            Instruction::Wait if trap_wait && !signals => return trap(0x01 << 26 | IL),
            Instruction::Wait => {
                x.pc = next;
                return if signals { Done::Went } else { Done::Sleeps };
            }
            Instruction::Work(work) => work(x),
            Instruction::Address(to, label) => x.set(*to, program.address(*label)),
            Instruction::Mask(true) => x.pstate |= IRQ_MASK,
            Instruction::Mask(false) => x.pstate &= !IRQ_MASK,
            Instruction::Branch(..) | Instruction::Call(..) | Instruction::Return(_) => {}
            Instruction::ReturnFromException => {}
        }
        x.pc = match instruction {
            Instruction::Branch(question, label) if question(x) => program.address(*label),
            Instruction::Call(link, label) => {
                x.set(*link, next);
                program.address(*label)
            }
            Instruction::Return(link) => x.get(*link),
            Instruction::ReturnFromException => {
                let live = self.cores[core].live.as_ref().expect("a guest runs only loaded");
                x.pstate = live.system.spsr_el1;
                live.system.elr_el1
            }
            _ => next,
        };
        Done::Went
    }

    fn translate(&mut self, core: usize, address: u64, fetch: bool) -> Option<u64> {
        let it = &mut self.cores[core];
        let root = it.live.as_ref()?.root;
        it.tlb.translate(&self.tables, root, address, fetch)
    }

    /// Takes an exception to EL1: the synchronous vector of the present level, or `offset` further.
    pub(super) fn take_exception(
        &mut self,
        core: usize,
        x: &mut GeneralRegisters,
        offset: Option<u64>,
        cause: Option<Syndrome>,
    ) {
        let system = &mut self.cores[core].live.as_mut().expect("a guest runs only loaded").system;
        let entry = exception_entry(x.pstate, system.vbar_el1, system.sctlr_el1);
        (system.elr_el1, system.spsr_el1) = (x.pc, x.pstate);
        if let Some(cause) = cause {
            system.esr_el1 = cause.esr(x.pstate);
        }
        (x.pc, x.pstate) = (entry.pc.wrapping_add(offset.unwrap_or(0)), entry.pstate);
    }

    pub(super) fn undefined(&mut self, core: usize, x: &mut GeneralRegisters) -> Done {
        self.take_exception(core, x, None, Some(Syndrome::Undefined));
        Done::Went
    }

    fn access(
        &mut self,
        core: usize,
        x: &mut GeneralRegisters,
        (size, transfer): (u8, u8),
        address: u64,
        write: bool,
    ) -> Done {
        let access = 1 << 24 | u64::from(size.trailing_zeros()) << 22 | u64::from(transfer) << 16 | 1 << 15;
        let esr = 0x24 << 26 | access | u64::from(write) << 6;
        if let Some(done) = self.refuse(core, x, (address, size), write, esr) {
            return done;
        }
        let address = address & !(u64::from(size) - 1);
        let Some(at) = self.translate(core, address, false) else {
            return abort(esr, address);
        };
        let value = match write {
            true => self.store(core, at, size, x.get(transfer)),
            false => self.load(core, at, size),
        };
        if !write {
            x.set(transfer, value);
        }
        x.pc = x.pc.wrapping_add(4);
        Done::Went
    }

    fn access_pair(&mut self, core: usize, x: &mut GeneralRegisters, write: bool, address: u64) -> Done {
        let esr = 0x24 << 26 | u64::from(write) << 6;
        if let Some(done) = self.refuse(core, x, (address, 16), write, esr) {
            return done;
        }
        let address = address & !15;
        if self.translate(core, address, false).is_none() {
            return abort(esr, address);
        }
        x.pc = x.pc.wrapping_add(4);
        Done::Went
    }

    fn check_owner(&self, core: usize, at: u64) {
        let vmid = self.cores[core].live.as_ref().map_or(0, |live| live.root.vmid);
        assert!(self.owner(at) == Some(usize::from(vmid) - 1), "VMID {vmid} reaches {at:#x}, which is not its own");
    }

    fn load(&mut self, core: usize, at: u64, size: u8) -> u64 {
        if !is_ram(at) {
            return self.virtual_interface(core, at, None);
        }
        self.check_owner(core, at);
        let mut bytes = [0; 8];
        self.memory.read(at, &mut bytes[..usize::from(size)]);
        u64::from_le_bytes(bytes)
    }

    fn store(&mut self, core: usize, at: u64, size: u8, value: u64) -> u64 {
        if !is_ram(at) {
            return self.virtual_interface(core, at, Some(value));
        }
        self.check_owner(core, at);
        self.memory.write(at, &value.to_le_bytes()[..usize::from(size)]);
        0
    }

    /// GICV (GICv2 IHI 0048 5.5), as far as guests here use it.
    fn virtual_interface(&mut self, core: usize, at: u64, write: Option<u64>) -> u64 {
        let offset = at.wrapping_sub(VIRTUAL_INTERFACE);
        assert!(!self.shape.v3 && offset < 0x2000, "a guest reaches {at:#x}, which is no RAM and not GICV");
        let interface = &mut self.cores[core].live.as_mut().expect("a guest runs only loaded").interface;
        let state = &mut interface.state;
        let low = |value: u64| value as u32;
        let physical = match (offset, write) {
            (0x0000, Some(value)) => {
                let bit = |position: u32| value >> position & 1 != 0;
                (state.group_0_enabled, state.group_1_enabled) = (bit(0), bit(1));
                (state.common_binary_point, state.split_end_of_interrupt) = (bit(4), bit(9));
                return 0;
            }
            (0x0004, Some(value)) => {
                state.priority_mask = value as u8 & 0xf8;
                return 0;
            }
            (0x000c, None) => return u64::from(interface.acknowledge()),
            (0x0010, Some(value)) => interface.end(low(value) & 0x3ff),
            (0x1000, Some(value)) if state.split_end_of_interrupt => interface.deactivate(low(value) & 0x3ff),
            _ => return 0,
        };
        self.deactivate_by_guest(core, physical);
        0
    }
}
