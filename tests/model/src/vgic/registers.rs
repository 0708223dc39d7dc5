//! The oracle's registers: what each byte offset reads and does (GICv2 IHI 0048 4.1.2; GICv3 IHI 0069 12.8,
//! 12.10), as a guest with a single Security state sees it.

use super::oracle::{Interrupt, Oracle};

/// Whose registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// GICD.
    Distributor,
    /// GICR of this vCPU, both frames.
    Redistributor(usize),
}

/// Bits per interrupt of the register array that begins at `start`, and where it ends.
fn array(v3: bool, start: u64) -> Option<(u64, u64)> {
    match start {
        0x080..=0x380 if start.is_multiple_of(0x80) => Some((1, start + 0x80)),
        0x400 => Some((8, 0x800)),
        0x800 if !v3 => Some((8, 0xC00)),
        0xC00 => Some((2, 0xD00)),
        0xF10 | 0xF20 if !v3 => Some((8, start + 0x10)),
        _ => None,
    }
}

/// The register array that `offset` lies in: its start, and bits per interrupt.
fn array_of(v3: bool, offset: u64) -> Option<(u64, u64)> {
    let starts = [0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0x800, 0xC00, 0xF10, 0xF20];
    let start = starts.into_iter().rfind(|start| *start <= offset)?;
    let (bits, end) = array(v3, start)?;
    (offset < end).then_some((start, bits))
}

impl Oracle {
    /// Whether the per-interrupt registers of `frame`, which GICv2 may not have, show `intid`, and to whom it is private.
    fn shown(&self, vcpu: usize, frame: Frame, intid: u32) -> Option<usize> {
        match frame {
            Frame::Distributor if self.v3 => (intid >= 32).then_some(vcpu),
            Frame::Distributor => Some(vcpu),
            Frame::Redistributor(owner) => (self.v3 && intid < 32).then_some(owner),
        }
    }

    /// The offset within GICD that the same per-interrupt registers have there; `None` in RD_base.
    fn like_distributor(frame: Frame, offset: u64) -> Option<u64> {
        match frame {
            Frame::Distributor => Some(offset),
            Frame::Redistributor(_) => offset.checked_sub(0x1_0000),
        }
    }

    /// What a read gives; `None` if it is an external abort, or nothing is said of the register here.
    pub fn read(&self, vcpu: usize, frame: Frame, offset: u64, size: u8) -> Option<u64> {
        if !offset.is_multiple_of(u64::from(size)) {
            return Some(0);
        }
        let in_distributor = Self::like_distributor(frame, offset);
        if let Some((start, bits)) = in_distributor.and_then(|offset| array_of(self.v3, offset)) {
            let legal = size == 4 || (bits == 8 && size == 1);
            let first = (in_distributor? - start) * 8 / bits;
            return Some(if legal { self.read_array(vcpu, frame, start, bits, first, size) } else { 0 });
        }
        let word = |value: u64| if size == 4 { value } else { 0 };
        Some(match (frame, offset) {
            (Frame::Distributor, 0x000) if self.v3 => word(0x50 | self.enables()),
            (Frame::Distributor, 0x000) => word(self.enables()),
            (Frame::Distributor, 0x004) => word(self.type_register()),
            (Frame::Distributor, 0x008) | (Frame::Redistributor(_), 0x004) => return None,
            (Frame::Distributor, 0xFE8) if !self.v3 => word(0x2B),
            (_, 0xFFE8) if self.v3 => word(0x3B),
            (Frame::Distributor, 0xFD0..0x1000) if !self.v3 => return None,
            (_, 0xFFD0..=0xFFFF) if self.v3 => return None,
            (Frame::Distributor, 0x6100..0x8000) if self.v3 => {
                let route = self.shared.get((offset as usize - 0x6100) / 8).map_or(0, |interrupt| interrupt.route);
                half(route, offset, size)
            }
            (Frame::Redistributor(owner), 0x008 | 0x00C) => {
                let last = u64::from(owner + 1 == self.vcpus()) << 4;
                half((owner as u64) << 32 | (owner as u64) << 8 | last, offset, size)
            }
            (Frame::Redistributor(owner), 0x014) => word(if self.asleep[owner] { 6 } else { 0 }),
            _ => 0,
        })
    }

    fn enables(&self) -> u64 {
        u64::from(self.forward[0]) | u64::from(self.forward[1]) << 1
    }

    fn type_register(&self) -> u64 {
        let lines = self.shared.len() as u64 / 32;
        // GICv3: IDbits = 10 - 1, A3V, No1N. GICv2: CPUNumber.
        lines | if self.v3 { 0x0348_0000 } else { (self.vcpus() as u64 - 1) << 5 }
    }

    fn read_array(&self, vcpu: usize, frame: Frame, start: u64, bits: u64, first: u64, size: u8) -> u64 {
        let mut value = 0;
        for index in 0..u64::from(size) * 8 / bits {
            let intid = (first + index) as u32;
            let interrupt = self.shown(vcpu, frame, intid).and_then(|owner| self.get(owner, intid));
            if let Some(interrupt) = interrupt {
                value |= self.read_field(vcpu, start, intid, interrupt) << (index * bits);
            }
        }
        value
    }

    fn read_field(&self, vcpu: usize, start: u64, intid: u32, interrupt: &Interrupt) -> u64 {
        match start {
            0x080 => interrupt.group_1.into(),
            0x100 | 0x180 => interrupt.enabled.into(),
            0x200 | 0x280 => interrupt.pending().into(),
            0x300 | 0x380 => interrupt.active.into(),
            0x400 => interrupt.priority.into(),
            0x800 if self.vcpus() == 1 => 0,
            0x800 if intid < 32 => 1 << vcpu,
            0x800 => interrupt.route,
            0xC00 => u64::from(interrupt.edge) << 1,
            _ => interrupt.sources.into(),
        }
    }

    /// What a write does; nothing to a register that is reserved, read-only or not accessible in this size.
    pub fn write(&mut self, vcpu: usize, frame: Frame, offset: u64, size: u8, value: u64) {
        if !offset.is_multiple_of(u64::from(size)) {
            return;
        }
        let in_distributor = Self::like_distributor(frame, offset);
        if let Some((start, bits)) = in_distributor.and_then(|offset| array_of(self.v3, offset)) {
            if size == 4 || (bits == 8 && size == 1) {
                let first = (in_distributor.unwrap_or(0) - start) * 8 / bits;
                self.write_array(vcpu, frame, start, bits, first, size, value);
            }
            return;
        }
        match (frame, offset) {
            (Frame::Distributor, 0x000) if size == 4 => self.forward = [value & 1 == 1, value >> 1 & 1 == 1],
            (Frame::Distributor, 0x6100..0x8000) if self.v3 && size >= 4 => self.write_route(offset, size, value),
            (Frame::Distributor, 0xF00) if !self.v3 && size == 4 => self.generate_v2(vcpu, value),
            (Frame::Redistributor(owner), 0x014) if size == 4 => self.asleep[owner] = value >> 1 & 1 == 1,
            _ => {}
        }
    }

    fn write_route(&mut self, offset: u64, size: u8, value: u64) {
        let Some(interrupt) = self.shared.get_mut((offset as usize - 0x6100) / 8) else { return };
        let whole = match (size, offset % 8) {
            (8, _) => value,
            (_, 0) => interrupt.route & !0xFFFF_FFFF | value & 0xFFFF_FFFF,
            _ => interrupt.route & 0xFFFF_FFFF | value << 32,
        };
        interrupt.route = whole & 0x0000_00FF_00FF_FFFF;
    }

    fn generate_v2(&mut self, vcpu: usize, value: u64) {
        for target in 0..self.vcpus() {
            let hit = match value >> 24 & 3 {
                0 => value >> 16 >> target & 1 == 1,
                1 => target != vcpu,
                2 => target == vcpu,
                _ => false,
            };
            if hit {
                self.private[target][value as usize & 15].sources |= 1 << vcpu;
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "an access is what it is")]
    fn write_array(&mut self, vcpu: usize, frame: Frame, start: u64, bits: u64, first: u64, size: u8, value: u64) {
        for index in 0..u64::from(size) * 8 / bits {
            let intid = (first + index) as u32;
            if let Some(owner) = self.shown(vcpu, frame, intid) {
                let field = value >> (index * bits) & ((1 << bits) - 1);
                self.write_field(owner, start, intid, field);
            }
        }
    }

    fn write_field(&mut self, owner: usize, start: u64, intid: u32, field: u64) {
        let (sgi, v3, vcpus) = (intid < 16, self.v3, self.vcpus());
        let every = (1_u64 << vcpus) - 1;
        let active_on = match self.targets(owner, intid)[..] {
            [] => owner,
            [target] => target,
            _ => super::oracle::SOMEWHERE,
        };
        let Some(interrupt) = self.get_mut(owner, intid) else { return };
        let set = field == 1;
        match start {
            0x080 => interrupt.group_1 = set,
            0x100 if set => interrupt.enabled = true,
            0x180 if set && (v3 || !sgi) => interrupt.enabled = false,
            0x200 if set && (v3 || !sgi) => interrupt.latch = true,
            0x280 if set && (v3 || !sgi) => interrupt.latch = false,
            0x300 if set && !interrupt.active => {
                interrupt.active = true;
                interrupt.active_on = active_on;
            }
            0x380 if set => interrupt.active = false,
            0x400 => interrupt.priority = field as u8 & 0xF8,
            0x800 if intid >= 32 && vcpus > 1 => interrupt.route = field & every,
            0xC00 if intid >= 32 => interrupt.edge = field & 2 != 0,
            0xF10 if sgi => interrupt.sources &= !(field as u8),
            0xF20 if sgi => interrupt.sources |= (field & every) as u8,
            _ => {}
        }
    }
}

fn half(whole: u64, offset: u64, size: u8) -> u64 {
    match (size, offset % 8) {
        (8, 0) => whole,
        (4, 0) => whole & 0xFFFF_FFFF,
        (4, 4) => whole >> 32,
        _ => 0,
    }
}
