//! What QEMU logs of a board that executes one instruction a block (`-d exec,nochain,int`): who executed which one, and
//! at which exception level.

/// Cores that a board may have.
pub const CORES: usize = 8;

/// One executed instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Index of the core, below [`CORES`].
    pub core: usize,
    /// Virtual address.
    pub address: u64,
    /// Exception level, 0 to 3.
    pub level: u8,
}

/// What one line tells.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// A block is about to be executed.
    Begins { core: usize, address: u64 },
    /// The block of the line before was not: something came first, and it begins again later.
    NotBegun { address: u64 },
    /// An exception is taken by this core; where to follows. After an abort the last instruction was not executed.
    Taken { core: usize, is_abort: bool },
    /// The exception is taken to this level.
    To { level: u8 },
    /// The core that executed last returns from an exception to this level.
    Returns { level: u8 },
    /// Anything else.
    Other,
}

/// Turns lines into steps.
pub struct Steps {
    levels: [u8; CORES],
    /// The core that the last line is about.
    core: usize,
    /// The last instruction that began: the next line says if it was executed.
    begun: Option<Step>,
}

impl Steps {
    /// All cores come out of reset at `level`.
    pub fn new(level: u8) -> Self {
        Self { levels: [level; CORES], core: 0, begun: None }
    }

    /// Takes the next line; what the lines before it have told to be executed.
    pub fn take(&mut self, line: &[u8]) -> Option<Step> {
        match parse(line) {
            Line::Begins { core, address } => {
                self.core = core;
                return self.begun.replace(Step { core, address, level: self.levels[core] });
            }
            Line::NotBegun { address } => self.begun = self.begun.filter(|step| step.address != address),
            Line::Taken { core, is_abort } => {
                self.core = core;
                self.begun = self.begun.filter(|_| !is_abort);
            }
            Line::To { level } | Line::Returns { level } => self.levels[self.core] = level,
            Line::Other => {}
        }
        None
    }
}

fn parse(line: &[u8]) -> Line {
    let parsed = match line.first() {
        Some(b'T') => begins(line).or_else(|| taken(line)),
        Some(b'S') => not_begun(line),
        Some(b'.') => to(line),
        Some(b'E') => returns(line),
        _ => None,
    };
    parsed.unwrap_or(Line::Other)
}

/// `Trace CORE: HOST [BASE/ADDRESS/FLAGS/FLAGS] `.
fn begins(line: &[u8]) -> Option<Line> {
    let (core, rest) = core(line.strip_prefix(b"Trace ")?)?;
    let (_, rest) = split(rest, b'[')?;
    let (_, rest) = split(rest, b'/')?;
    let (address, _) = split(rest, b'/')?;
    Some(Line::Begins { core, address: hexadecimal(address)? })
}

/// `Stopped execution of TB chain before HOST [ADDRESS] `.
fn not_begun(line: &[u8]) -> Option<Line> {
    let (_, rest) = split(line.strip_prefix(b"Stopped execution ")?, b'[')?;
    Some(Line::NotBegun { address: hexadecimal(split(rest, b']')?.0)? })
}

/// `Taking exception 11 [Hypervisor Call] on CPU CORE`.
fn taken(line: &[u8]) -> Option<Line> {
    let (name, rest) = split(split(line.strip_prefix(b"Taking exception ")?, b'[')?.1, b']')?;
    Some(Line::Taken { core: core(rest.strip_prefix(b" on CPU ")?)?.0, is_abort: name == b"Data Abort" })
}

/// `...to ELn PC 0x40200c80 PSTATE 0x3c9`: the last line about an exception, not there for a call that QEMU answers.
fn to(line: &[u8]) -> Option<Line> {
    Some(Line::To { level: level(line.strip_prefix(b"...to EL")?)? })
}

/// `Exception return from AArch64 ELn to AArch64 ELn PC 0x40202bf4`.
fn returns(line: &[u8]) -> Option<Line> {
    let rest = line.strip_prefix(b"Exception return from AArch64 EL")?;
    Some(Line::Returns { level: level(rest.get(1..)?.strip_prefix(b" to AArch64 EL")?)? })
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = text.iter().position(|byte| *byte == at)?;
    Some((&text[..position], &text[position + 1..]))
}

fn core(text: &[u8]) -> Option<(usize, &[u8])> {
    let (digit, rest) = text.split_first()?;
    let core = usize::from(digit.checked_sub(b'0')?);
    let ends = rest.first().is_none_or(|next| !next.is_ascii_digit());
    (core < CORES && ends).then_some((core, rest))
}

fn level(text: &[u8]) -> Option<u8> {
    text.first()?.checked_sub(b'0').filter(|level| *level <= 3)
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(u64::from);
    digits.iter().try_fold(0, |value, byte| Some(value << 4 | digit(*byte)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hypercall and an interrupted instruction, as QEMU 10.0 logs them; core 1 starts beside it.
    const LOG: &str = "\
Trace 0: 0x7f2c34000900 [00000000/0000000040200318/00000461/ff022201] 
Exception return from AArch64 EL2 to AArch64 EL1 PC 0x40202dbc
Trace 0: 0x7f2c34000a40 [00000000/0000000040202db8/00000461/ff022201] \nTaking exception 11 [Hypervisor Call] on CPU 0
...from EL1 to EL2
...with ESR 0x16/0x5a000000
...with SPSR 0x600003c5
...with ELR 0x40202dbc
...to EL2 PC 0x40200c00 PSTATE 0x3c9
Trace 0: 0x7f2c34000b80 [00000000/0000000040200c00/00000461/ff022201] 
Taking exception 13 [Secure Monitor Call] on CPU 0
...from EL2 to EL3
...with ESR 0x17/0x5e000000
...handled as PSCI call
Trace 1: 0x7f2c34000cc0 [00000000/00000000402001e8/00000461/ff022201] 
Stopped execution of TB chain before 0x7f2c34000cc0 [00000000402001e8] 
qemu-system-aarch64: warning: netdev nobody has no peer
Trace 1: 0x7f2c34000cc0 [00000000/00000000402001e8/00000461/ff022201] 
Trace 0: 0x7f2c34000e00 [00000000/0000000040200c04/00000461/ff022201] 
Taking exception 4 [Data Abort] on CPU 0
...from EL2 to EL2
...to EL2 PC 0x40200a00 PSTATE 0x3c9
Trace 0: 0x7f2c34000f40 [00000000/0000000040200a00/00000461/ff022201] 
";

    #[test]
    fn each_executed_instruction_is_told_once_with_its_core_and_level() {
        let mut steps = Steps::new(2);
        let told: Vec<_> = LOG.lines().filter_map(|line| steps.take(line.as_bytes())).collect();
        let told: Vec<_> = told.iter().map(|step| (step.core, step.address, step.level)).collect();
        let expected = [(0, 0x4020_0318, 2), (0, 0x4020_2db8, 1), (0, 0x4020_0c00, 2), (1, 0x4020_01e8, 2)];
        assert_eq!(told, expected, "not the aborted one; the last may still be stopped");
    }

    #[test]
    fn what_is_no_line_of_the_log_is_skipped() {
        for line in ["", "Trace", "Trace 9: 0x0 [0/0/0/0]", "Trace 10: 0x0 [0/0/0/0]", "Trace 0: 0x0 [0/x/0]", "..."] {
            assert_eq!(parse(line.as_bytes()), Line::Other, "{line}");
        }
    }
}
