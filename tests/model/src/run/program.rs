//! Guest programs: words in RAM, and what they do.
//!
//! Each instruction is four bytes: its program's number and its own. What works on registers alone is a closure;
//! everything that the hypervisor or the hardware could see is one of few kinds.

use super::machine::instruction_address;
use bulkhead_vmm::exit::SystemRegister;
use bulkhead_vmm::vcpu::GeneralRegisters;
use std::fmt;

/// Bytes of a kernel's file: header, vectors, instructions.
pub const IMAGE_SIZE: u64 = 0x4000;
/// Where the vectors lie in it: VBAR_EL1.
pub const VECTORS_OFFSET: u64 = 0x800;
/// Where the first instruction lies in it, but for the branch to it.
pub const ENTRY_OFFSET: u64 = 0x1000;
/// Vectors of the current exception level with SP_EL1: synchronous and IRQ.
const SYNCHRONOUS: u64 = 0x200;
const IRQ: u64 = 0x280;
/// What an instruction's word begins with.
const MARK: u32 = 0x4000_0000;

/// Work on registers.
pub type Work = Box<dyn Fn(&mut GeneralRegisters) + Send + Sync>;
/// A question to registers.
pub type Question = Box<dyn Fn(&GeneralRegisters) -> bool + Send + Sync>;

/// A place in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// One instruction. A register 31 reads as zero.
pub enum Instruction {
    /// Works on registers.
    Work(Work),
    /// Sets a register to a label's address.
    Address(u8, Label),
    /// Goes to the label if the answer is yes.
    Branch(Question, Label),
    /// Calls the label; the register holds the way back.
    Call(u8, Label),
    /// Goes to the address in the register.
    Return(u8),
    /// Loads so many bytes into a register from the sum of a register and an offset.
    Load(u8, u8, u8, u64),
    /// Stores likewise.
    Store(u8, u8, u8, u64),
    /// Loads or stores (`true`) a pair at the address in the register: stage 2 does not describe such an access.
    Pair(bool, u8),
    /// MRS.
    Read(u8, SystemRegister),
    /// MSR.
    Write(SystemRegister, u8),
    /// MRS, or MSR (`true`), of the register that is named by the bits of X26.
    Any(bool, u8),
    /// HVC.
    Hvc(u16),
    /// SMC.
    Smc(u16),
    /// An access that the memory system answers with an SError, which EL2 takes (HCR_EL2.AMO).
    SystemError,
    /// WFI.
    Wait,
    /// Masks IRQs (`true`), or lets them through.
    Mask(bool),
    /// ERET.
    ReturnFromException,
}

impl fmt::Debug for Instruction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Work(_) => write!(formatter, "Work"),
            Self::Branch(_, label) => write!(formatter, "Branch({label:?})"),
            Self::Load(size, to, base, offset) => write!(formatter, "Load({size}, x{to}, x{base} + {offset:#x})"),
            Self::Store(size, from, base, offset) => write!(formatter, "Store({size}, x{from}, x{base} + {offset:#x})"),
            Self::Read(to, register) => write!(formatter, "Read(x{to}, {register:?})"),
            Self::Write(register, from) => write!(formatter, "Write({register:?}, x{from})"),
            Self::Hvc(immediate) => write!(formatter, "Hvc({immediate})"),
            Self::Smc(immediate) => write!(formatter, "Smc({immediate})"),
            _ => write!(formatter, "control"),
        }
    }
}

/// A program.
#[derive(Debug)]
pub struct Program {
    pub(super) instructions: Vec<Instruction>,
    labels: Vec<usize>,
    /// Where synchronous exceptions and IRQs go.
    vectors: [Option<Label>; 2],
}

impl Program {
    /// The address of a label.
    pub(super) fn address(&self, label: Label) -> u64 {
        instruction_address(self.labels[label.0]).get()
    }

    /// The instruction that `word` stands for in the program `number`.
    pub(super) fn decode(&self, number: usize, word: u32) -> Option<&Instruction> {
        let index = (word & 0xffff) as usize;
        if word >> 16 != MARK >> 16 | number as u32 { None } else { self.instructions.get(index) }
    }

    /// The kernel's file, as the program `number`: an arm64 Image.
    pub(super) fn image(&self, number: usize) -> Vec<u8> {
        let mut image = vec![0; IMAGE_SIZE as usize];
        let mut put = |offset: u64, bytes: &[u8]| {
            image[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
        };
        let word = |index: usize| (MARK | (number as u32) << 16 | index as u32).to_le_bytes();
        assert!(ENTRY_OFFSET + 4 * self.instructions.len() as u64 <= IMAGE_SIZE, "the program is too long");
        for index in 0..self.instructions.len() {
            put(ENTRY_OFFSET + 4 * index as u64, &word(index));
        }
        for (label, offset) in self.vectors.iter().zip([SYNCHRONOUS, IRQ]) {
            if let Some(label) = label {
                put(VECTORS_OFFSET + offset, &word(self.branch_to(*label)));
            }
        }
        put(0, &word(0));
        put(16, &IMAGE_SIZE.to_le_bytes());
        put(56, b"ARM\x64");
        image
    }

    /// The index of an instruction that goes to `label` alone.
    fn branch_to(&self, label: Label) -> usize {
        let index = self.instructions.iter().position(|it| matches!(it, Instruction::Branch(_, to) if *to == label));
        index.expect("the assembler has made a branch to each vector's label first")
    }
}

/// Makes a program, an instruction after the other.
#[derive(Debug, Default)]
pub struct Assembler {
    instructions: Vec<Instruction>,
    labels: Vec<Option<usize>>,
    vectors: [Option<Label>; 2],
}

impl Assembler {
    /// A new program. Its first instructions are branches: to `start`, and to the handlers if there are any.
    pub fn new(start: Label, handlers: [Option<Label>; 2]) -> Self {
        let mut made = Self { vectors: handlers, ..Self::default() };
        for label in [Some(start), handlers[0], handlers[1]].into_iter().flatten() {
            made.labels.resize(made.labels.len().max(label.0 + 1), None);
            made.jump(label);
        }
        made
    }

    /// The label numbered `number`, to be placed by [`Self::place`]; numbers below 8 are the caller's to give.
    pub const fn given(number: usize) -> Label {
        Label(number)
    }

    /// A new label.
    pub fn label(&mut self) -> Label {
        self.labels.resize(self.labels.len().max(8), None);
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The label stands for the next instruction.
    pub fn place(&mut self, label: Label) {
        self.labels.resize(self.labels.len().max(label.0 + 1), None);
        self.labels[label.0] = Some(self.instructions.len());
    }

    /// A label for the next instruction.
    pub fn here(&mut self) -> Label {
        let label = self.label();
        self.place(label);
        label
    }

    /// Adds an instruction.
    pub fn add(&mut self, instruction: Instruction) {
        self.instructions.push(instruction);
    }

    /// Adds work on registers.
    pub fn work(&mut self, work: impl Fn(&mut GeneralRegisters) + Send + Sync + 'static) {
        self.add(Instruction::Work(Box::new(work)));
    }

    /// Sets `register`.
    pub fn set(&mut self, register: u8, value: u64) {
        self.work(move |x| x.set(register, value));
    }

    /// Goes to `label`.
    pub fn jump(&mut self, label: Label) {
        self.jump_if(label, |_| true);
    }

    /// Goes to `label` if the answer is yes.
    pub fn jump_if(&mut self, label: Label, question: impl Fn(&GeneralRegisters) -> bool + Send + Sync + 'static) {
        self.add(Instruction::Branch(Box::new(question), label));
    }

    /// Loads `size` bytes at the fixed address `address` into `to`.
    pub fn load(&mut self, size: u8, to: u8, address: u64) {
        self.add(Instruction::Load(size, to, 31, address));
    }

    /// Stores `size` bytes of `from` at the fixed address `address`.
    pub fn store(&mut self, size: u8, from: u8, address: u64) {
        self.add(Instruction::Store(size, from, 31, address));
    }

    /// Stores `value` at the fixed address `address`, by way of X9.
    pub fn poke(&mut self, size: u8, value: u64, address: u64) {
        self.set(9, value);
        self.store(size, 9, address);
    }

    /// Writes `value` to a system register, by way of X9.
    pub fn write(&mut self, register: SystemRegister, value: u64) {
        self.set(9, value);
        self.add(Instruction::Write(register, 9));
    }

    /// The program.
    pub fn finish(self) -> Program {
        let last = self.instructions.len();
        let labels = self.labels.into_iter().map(|place| place.unwrap_or(last)).collect();
        Program { instructions: self.instructions, labels, vectors: self.vectors }
    }
}
