//! Loads and stores of A64, written down once more as the encodings' tables have them (Arm ARM DDI 0487 C4.1.94): what the
//! decoder of those that no syndrome describes must make of any word.

use crate::random::Random;
use bulkhead_vmm::exit::{self, RawExit, Transfer, Vector};

/// A form of an instruction: its bits from 31 down, of which letters are fields, and what it moves.
struct Form {
    name: &'static str,
    /// `t` is the first register, `u` the second, `n` the base, `i` the immediate.
    bits: &'static str,
    /// Bytes of an element.
    size: u64,
    write: bool,
    /// To how many bits a load extends the sign; 0 for none.
    signed: u32,
    /// Whether its base changes, and if so whether after the access.
    indexed: Option<bool>,
}

const fn form(name: &'static str, bits: &'static str, size: u64, write: bool, signed: u32, indexed: char) -> Form {
    let indexed = match indexed {
        'a' => Some(true),
        'b' => Some(false),
        _ => None,
    };
    Form { name, bits, size, write, signed, indexed }
}

/// `-` leaves its base, `a` changes it after the access, `b` before.
const FORMS: [Form; 45] = [
    form("stnp w", "0010100000iiiiiiiuuuuunnnnnttttt", 4, true, 0, '-'),
    form("ldnp w", "0010100001iiiiiiiuuuuunnnnnttttt", 4, false, 0, '-'),
    form("stnp x", "1010100000iiiiiiiuuuuunnnnnttttt", 8, true, 0, '-'),
    form("ldnp x", "1010100001iiiiiiiuuuuunnnnnttttt", 8, false, 0, '-'),
    form("stp w post", "0010100010iiiiiiiuuuuunnnnnttttt", 4, true, 0, 'a'),
    form("ldp w post", "0010100011iiiiiiiuuuuunnnnnttttt", 4, false, 0, 'a'),
    form("stp w", "0010100100iiiiiiiuuuuunnnnnttttt", 4, true, 0, '-'),
    form("ldp w", "0010100101iiiiiiiuuuuunnnnnttttt", 4, false, 0, '-'),
    form("stp w pre", "0010100110iiiiiiiuuuuunnnnnttttt", 4, true, 0, 'b'),
    form("ldp w pre", "0010100111iiiiiiiuuuuunnnnnttttt", 4, false, 0, 'b'),
    form("ldpsw post", "0110100011iiiiiiiuuuuunnnnnttttt", 4, false, 64, 'a'),
    form("ldpsw", "0110100101iiiiiiiuuuuunnnnnttttt", 4, false, 64, '-'),
    form("ldpsw pre", "0110100111iiiiiiiuuuuunnnnnttttt", 4, false, 64, 'b'),
    form("stp x post", "1010100010iiiiiiiuuuuunnnnnttttt", 8, true, 0, 'a'),
    form("ldp x post", "1010100011iiiiiiiuuuuunnnnnttttt", 8, false, 0, 'a'),
    form("stp x", "1010100100iiiiiiiuuuuunnnnnttttt", 8, true, 0, '-'),
    form("ldp x", "1010100101iiiiiiiuuuuunnnnnttttt", 8, false, 0, '-'),
    form("stp x pre", "1010100110iiiiiiiuuuuunnnnnttttt", 8, true, 0, 'b'),
    form("ldp x pre", "1010100111iiiiiiiuuuuunnnnnttttt", 8, false, 0, 'b'),
    form("strb post", "00111000000iiiiiiiii01nnnnnttttt", 1, true, 0, 'a'),
    form("ldrb post", "00111000010iiiiiiiii01nnnnnttttt", 1, false, 0, 'a'),
    form("ldrsb x post", "00111000100iiiiiiiii01nnnnnttttt", 1, false, 64, 'a'),
    form("ldrsb w post", "00111000110iiiiiiiii01nnnnnttttt", 1, false, 32, 'a'),
    form("strh post", "01111000000iiiiiiiii01nnnnnttttt", 2, true, 0, 'a'),
    form("ldrh post", "01111000010iiiiiiiii01nnnnnttttt", 2, false, 0, 'a'),
    form("ldrsh x post", "01111000100iiiiiiiii01nnnnnttttt", 2, false, 64, 'a'),
    form("ldrsh w post", "01111000110iiiiiiiii01nnnnnttttt", 2, false, 32, 'a'),
    form("str w post", "10111000000iiiiiiiii01nnnnnttttt", 4, true, 0, 'a'),
    form("ldr w post", "10111000010iiiiiiiii01nnnnnttttt", 4, false, 0, 'a'),
    form("ldrsw post", "10111000100iiiiiiiii01nnnnnttttt", 4, false, 64, 'a'),
    form("str x post", "11111000000iiiiiiiii01nnnnnttttt", 8, true, 0, 'a'),
    form("ldr x post", "11111000010iiiiiiiii01nnnnnttttt", 8, false, 0, 'a'),
    form("strb pre", "00111000000iiiiiiiii11nnnnnttttt", 1, true, 0, 'b'),
    form("ldrb pre", "00111000010iiiiiiiii11nnnnnttttt", 1, false, 0, 'b'),
    form("ldrsb x pre", "00111000100iiiiiiiii11nnnnnttttt", 1, false, 64, 'b'),
    form("ldrsb w pre", "00111000110iiiiiiiii11nnnnnttttt", 1, false, 32, 'b'),
    form("strh pre", "01111000000iiiiiiiii11nnnnnttttt", 2, true, 0, 'b'),
    form("ldrh pre", "01111000010iiiiiiiii11nnnnnttttt", 2, false, 0, 'b'),
    form("ldrsh x pre", "01111000100iiiiiiiii11nnnnnttttt", 2, false, 64, 'b'),
    form("ldrsh w pre", "01111000110iiiiiiiii11nnnnnttttt", 2, false, 32, 'b'),
    form("str w pre", "10111000000iiiiiiiii11nnnnnttttt", 4, true, 0, 'b'),
    form("ldr w pre", "10111000010iiiiiiiii11nnnnnttttt", 4, false, 0, 'b'),
    form("ldrsw pre", "10111000100iiiiiiiii11nnnnnttttt", 4, false, 64, 'b'),
    form("str x pre", "11111000000iiiiiiiii11nnnnnttttt", 8, true, 0, 'b'),
    form("ldr x pre", "11111000010iiiiiiiii11nnnnnttttt", 8, false, 0, 'b'),
];

impl Form {
    /// Whether `word` is of this form.
    fn fits(&self, word: u32) -> bool {
        let bits = self.bits.bytes().rev().enumerate();
        bits.filter(|(_, bit)| b"01".contains(bit)).all(|(place, bit)| word >> place & 1 == u32::from(bit - b'0'))
    }

    /// The bits of the field `letter` of `word`, and how many they are.
    fn field(&self, word: u32, letter: u8) -> (u32, u32) {
        let places = self.bits.bytes().rev().enumerate().filter(|(_, bit)| *bit == letter);
        places.fold((0, 0), |(value, width), (place, _)| (value | (word >> place & 1) << width, width + 1))
    }

    /// The immediate in bytes: that of a pair counts elements.
    fn immediate(&self, word: u32) -> i64 {
        let (value, width) = self.field(word, b'i');
        let signed = i64::from(value) - if value >> (width - 1) == 1 { 1 << width } else { 0 };
        if self.is_pair() { signed * self.size as i64 } else { signed }
    }

    fn is_pair(&self) -> bool {
        self.bits.contains('u')
    }

    /// The registers moved, the lowest address first.
    fn registers(&self, word: u32) -> Vec<u32> {
        let letters: &[u8] = if self.is_pair() { b"tu" } else { b"t" };
        letters.iter().map(|letter| self.field(word, *letter).0).collect()
    }

    /// Whether it is decoded: the stack pointer is no device's address, and what the architecture leaves open is left alone
    /// (DDI 0487 K1.1).
    fn is_decoded(&self, word: u32) -> bool {
        let (registers, (base, _)) = (self.registers(word), self.field(word, b'n'));
        let twice = self.is_pair() && !self.write && registers[0] == registers[1];
        base != 31 && !twice && !(self.indexed.is_some() && registers.contains(&base))
    }

    /// What a register holds after a load of `value`.
    fn loaded(&self, value: u64) -> u64 {
        let (bits, from) = (8 * self.size, 64 - 8 * self.size);
        match self.signed {
            0 => value,
            to if value >> (bits - 1) & 1 == 1 => (u64::MAX << (bits - 1) << 1 | value) & u64::MAX >> (64 - to),
            _ => value << from >> from,
        }
    }
}

/// Decodes the word that `bytes` begin with, for a base address and a value loaded that follow. Whether it is a load or store
/// that is carried out.
///
/// # Panics
/// The decoder says otherwise than the tables.
pub fn check(bytes: &[u8]) -> bool {
    let mut random = Random::chosen(bytes);
    let (word, base, value) = (random.below(1 << 32) as u32, random.bits(), random.bits());
    // No syndrome is too strange to be told.
    let raw = RawExit { vector: Vector::Synchronous, esr: value, far: base, hpfar: value ^ base };
    exit::decode(&raw, || 0);
    assert!(!exit::describe(&raw).is_empty());
    let form = FORMS.iter().find(|form| form.fits(word));
    let form = form.filter(|form| form.is_decoded(word));
    let decoded = Transfer::decode(word);
    assert_eq!(decoded.is_some(), form.is_some(), "{word:#x} is {:?}", form.map(|form| form.name));
    let (Some(form), Some(transfer)) = (form, decoded) else { return false };
    compare(form, word, transfer, base, value);
    true
}

fn compare(form: &Form, word: u32, transfer: Transfer, base: u64, value: u64) {
    let name = format!("{} {word:#x}", form.name);
    let moved = base.wrapping_add_signed(form.immediate(word));
    assert_eq!(u32::from(transfer.base()), form.field(word, b'n').0, "{name}");
    assert_eq!(transfer.address(base), if form.indexed == Some(true) { base } else { moved }, "{name}");
    assert_eq!(transfer.written_back(base), form.indexed.map(|_| moved), "{name}");
    assert_eq!(transfer.size(), form.size * form.registers(word).len() as u64, "{name}");
    let elements: Vec<_> = std::iter::successors(Some(transfer), |transfer| transfer.rest()).collect();
    let registers: Vec<u32> = elements.iter().map(|element| element.first().register().into()).collect();
    assert_eq!(registers, form.registers(word), "{name}");
    for access in elements.iter().map(Transfer::first) {
        assert_eq!((u64::from(access.size()), access.write()), (form.size, form.write), "{name}");
        let value = access.store(value);
        assert_eq!(value >> 1 >> (8 * form.size - 1), 0, "{name}");
        if !form.write {
            assert_eq!(access.load(value), form.loaded(value), "{name}");
        }
    }
}

/// What fuzzing starts from: each form, of X1, X2 and the base X3.
pub fn seeds() -> impl Iterator<Item = (String, Vec<u8>)> {
    FORMS.iter().map(|form| {
        let fixed = form.bits.replace("nnnnnttttt", "0001100001").replace("uuuuu", "00010").replace('i', "0");
        let word = u32::from_str_radix(&fixed, 2).expect("nothing but bits is left");
        let mut bytes = word.to_le_bytes().to_vec();
        bytes.extend([0x80; 16]);
        (form.name.replace(' ', "-"), bytes)
    })
}
