//! SGIs that come again: sent to a loaded vCPU without its VM's lock, and shown by its core without that.
//!
//! An SGI that the controller has lent to a list register that is out in the hardware may be made pending there once
//! more by the core that has the vCPU. Who sends it again says so in the vCPU's mailbox, if that is open for it, and wakes
//! the core. The controller opens a mailbox as list registers go out, and closes it, under the VM's lock, before anything
//! that would make the difference: when they come back, or are to.

use super::Version;
use crate::bits::bits;
use crate::platform::Doorbell;
use crate::vcpu::{VcpuId, VcpuSet};
use core::sync::atomic::{AtomicU64, Ordering};

/// Bits of a mailbox for each SGI.
const WIDTH: u32 = 4;
/// Of these, the lower three: who may send it again; 0 if nobody.
const SENDER: u64 = 0b111;
/// And the highest: it was sent again. For all SGIs.
const AGAIN: u64 = 0x8888_8888_8888_8888;

/// Times that one tries to put mail into a box that others change meanwhile. The way with the lock is always open.
const TRIES: u32 = 32;

/// One vCPU's mailbox.
#[derive(Debug)]
struct Mailbox {
    /// [`WIDTH`] bits for each SGI, the first in the lowest.
    sgis: AtomicU64,
    /// That of the core that has the vCPU loaded, if one has.
    doorbell: AtomicU64,
}

impl Mailbox {
    const fn closed() -> Self {
        Self { sgis: AtomicU64::new(0), doorbell: AtomicU64::new(0) }
    }
}

/// The mailboxes of all vCPUs of a VM.
#[derive(Debug)]
pub struct Mailboxes {
    version: Version,
    all: VcpuSet,
    boxes: [Mailbox; VcpuId::MAXIMUM as usize],
}

/// SGIs that were sent again, with their senders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mail(u64);

impl Mailboxes {
    /// Closed ones.
    pub(super) const fn new(version: Version, vcpus: usize) -> Self {
        Self { version, all: VcpuSet::first(vcpus), boxes: [const { Mailbox::closed() }; VcpuId::MAXIMUM as usize] }
    }

    #[inline(always)]
    fn of(&self, vcpu: VcpuId) -> &Mailbox {
        let [first, ..] = &self.boxes;
        self.boxes.get(vcpu.index() % self.boxes.len()).unwrap_or(first)
    }

    /// The architecture of the controller.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// All vCPUs.
    pub const fn all(&self) -> VcpuSet {
        self.all
    }

    /// The vCPUs that `source` sends an SGI to by writing `value` to ICC_SGI1R_EL1 or another of its kind (GICv3 IHI 0069
    /// 12.2.18), and perhaps some that there are not.
    #[inline(always)]
    pub const fn targets(&self, source: VcpuId, value: u64) -> VcpuSet {
        const ALL_OTHERS: u64 = 1 << 40;
        if value & ALL_OTHERS != 0 { self.all().without(VcpuSet::only(source)) } else { VcpuSet::of_sgi(value) }
    }

    /// `vcpu` is being loaded into the core with the `doorbell`.
    pub fn set_doorbell(&self, vcpu: VcpuId, doorbell: Doorbell) {
        self.of(vcpu).doorbell.store(doorbell.0, Ordering::Relaxed);
    }

    /// `source` sends `target` the SGI `intid` (below 16). `None` if the VM must be asked; else it is on its way, and the
    /// doorbell is to be rung, if there is one.
    #[inline(always)]
    pub fn post(&self, source: VcpuId, target: VcpuId, intid: u32) -> Option<Option<Doorbell>> {
        let mailbox = self.of(target);
        let (sender, shift) = (self.sender(source, target), intid % 16 * WIDTH);
        let mut word = mailbox.sgis.load(Ordering::Relaxed);
        for _ in 0..TRIES {
            if word >> shift & SENDER != sender || sender == 0 {
                return None;
            }
            let again = word | (SENDER + 1) << shift;
            match mailbox.sgis.compare_exchange(word, again, Ordering::AcqRel, Ordering::Relaxed) {
                // Who was before it has rung, or is about to.
                Ok(_) if word & AGAIN != 0 => return Some(None),
                Ok(_) => return Some(Some(Doorbell(mailbox.doorbell.load(Ordering::Relaxed)))),
                Err(now) => word = now,
            }
        }
        None
    }

    /// Whether `vcpu` may send itself the SGI `intid` once more, on GICv3: it has not been closed since the list register
    /// was written.
    #[inline(always)]
    pub fn is_open(&self, vcpu: VcpuId, intid: u32) -> bool {
        self.of(vcpu).sgis.load(Ordering::Acquire) >> (intid % 16 * WIDTH) & SENDER != 0
    }

    /// Whom `source` is to the mailbox of `target`. On GICv3 an SGI does not tell who sent it. On GICv2, which has at most
    /// eight vCPUs, it does: a list register shows it from one of them. 0 for `target` itself.
    #[inline(always)]
    const fn sender(&self, source: VcpuId, target: VcpuId) -> u64 {
        match self.version {
            Version::V3 => 1,
            Version::V2 => source.number().wrapping_sub(target.number()) as u64 & SENDER,
        }
    }

    /// Takes what came for `vcpu` since this was last asked. Only for its own core.
    #[inline(always)]
    pub fn take(&self, vcpu: VcpuId) -> Mail {
        Mail(self.of(vcpu).sgis.fetch_and(!AGAIN, Ordering::AcqRel) & AGAIN)
    }

    /// Opens the mailbox of `vcpu`, which is closed, for the SGIs `lent` (a bit each), each from the vCPU that `source`
    /// gives.
    pub(super) fn open(&self, vcpu: VcpuId, lent: u32, source: impl Fn(u32) -> Option<VcpuId>) {
        let sender = |intid| source(intid).map_or(0, |source| self.sender(source, vcpu));
        let word = bits(lent).fold(0, |word, intid| word | sender(intid) << (intid % 16 * WIDTH));
        self.of(vcpu).sgis.store(word, Ordering::Release);
    }

    /// Closes the mailbox of `vcpu`. What came and was not taken.
    #[inline(always)]
    pub(super) fn close(&self, vcpu: VcpuId) -> Mail {
        let mailbox = self.of(vcpu);
        // Only who holds the VM's lock, as the caller does, opens it.
        if mailbox.sgis.load(Ordering::Relaxed) == 0 {
            return Mail::default();
        }
        Mail(mailbox.sgis.swap(0, Ordering::AcqRel))
    }
}

impl Mail {
    /// Whether there is nothing.
    #[inline(always)]
    pub const fn is_empty(self) -> bool {
        self.0 & AGAIN == 0
    }

    /// The SGI that comes first, if there is one, and what comes after it.
    #[inline(always)]
    pub const fn next(self) -> Option<(u32, Self)> {
        let again = self.0 & AGAIN;
        if again == 0 {
            None
        } else {
            Some((again.trailing_zeros() / WIDTH, Self(self.0 & !(again & again.wrapping_neg()))))
        }
    }

    /// The vCPU that sent SGI `intid` to `target`, on GICv2.
    pub(super) fn source(self, target: VcpuId, intid: u32) -> u8 {
        let sender = (self.0 >> (intid % 16 * WIDTH) & SENDER).to_le_bytes()[0];
        target.number().wrapping_add(sender) & 7
    }
}
