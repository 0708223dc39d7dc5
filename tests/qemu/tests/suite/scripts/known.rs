//! The differences that are known, each with who is right.

use bulkhead_script::{Access, Act, Frame, Place, System, Version};

use super::transcript::Answer;

/// A difference.
pub struct Known {
    /// Its name, as `hypervisor/docs/interrupt-controller.md` has it.
    pub what: &'static str,
    /// Where in a script it may be.
    when: When,
    /// What is accessed, as far as that tells.
    at: fn(Place) -> bool,
    /// Whether the two values, the native one first, differ by it and nothing else.
    differ: fn(u64, u64) -> bool,
}

/// Where in a script a difference may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Anywhere: what follows is the same again.
    Any,
    /// At its last access, which was made for it.
    Last,
}

impl Known {
    /// Whether a load's two answers differ by this.
    pub fn explains(&self, access: &Access, is_last: bool, native: Answer, ours: Answer) -> bool {
        let place = match access.act {
            Act::Load(place) | Act::StoreIfIdle(place, _) => place,
            _ => return false,
        };
        let (Answer::Value(native), Answer::Value(ours)) = (native, ours) else { return false };
        (self.when == When::Any || is_last) && (self.at)(place) && (self.differ)(native, ours)
    }
}

/// The list for an architecture, with what only two vCPUs show.
pub fn of(version: Version, vcpus: u8) -> Vec<&'static Known> {
    let (of_any, of_two): (&[Known], &[Known]) = match version {
        Version::V2 => (&V2, &V2_OF_TWO),
        Version::V3 => (&V3, &V3_OF_TWO),
    };
    of_any.iter().chain(of_two.iter().filter(|_| vcpus == 2)).collect()
}

/// A difference anywhere.
const fn any(what: &'static str, at: fn(Place) -> bool, differ: fn(u64, u64) -> bool) -> Known {
    Known { what, when: When::Any, at, differ }
}

/// A difference at a script's end.
const fn last(what: &'static str, at: fn(Place) -> bool, differ: fn(u64, u64) -> bool) -> Known {
    Known { what, when: When::Last, at, differ }
}

/// Whether the word at `offset` of a frame is read.
fn word(place: Place, frame: Frame, offset: u32) -> bool {
    place == Place::word(frame, offset)
}

fn gicd(place: Place, offset: u32) -> bool {
    word(place, Frame::Distributor, offset)
}

fn gicr(place: Place, offset: u32) -> bool {
    word(place, Frame::Redistributor, offset)
}

fn gicc(place: Place, offset: u32) -> bool {
    word(place, Frame::CpuInterface, offset)
}

/// GICC_APR0 of a CPU interface with 128 priorities (IHI 0048B 4.4.12), as one with 32 has it.
fn coarse(word: u64) -> u64 {
    (0..32).filter(|bit| word >> bit & 1 != 0).fold(0, |coarse, bit| coarse | 1 << (bit / 4))
}

/// Whether an access has a size that GICD's words do not have, or is misaligned.
fn is_odd(place: Place) -> bool {
    matches!(place, Place::Memory { frame: Frame::Distributor, offset, size } if size != 4 || offset % 4 != 0)
}

fn is_misaligned(place: Place) -> bool {
    matches!(place, Place::Memory { offset, size, .. } if offset % u32::from(size) != 0)
}

const IIDR: (u64, u64) = (0x43b, 0x4200_043b);
/// All PPIs edge-triggered, and none.
const EDGES: (u64, u64) = (0xaaaa_aaaa, 0);
/// GICD_IROUTER's affinity fields.
const AFFINITY: u64 = 0xff_00ff_ffff;

const V2: [Known; 10] = [
    any("GICD_IIDR", |at| gicd(at, 8), |native, ours| (native, ours) == IIDR),
    any("GICC_BPR", |at| gicc(at, 0x8), |native, ours| native < ours && ours == 2),
    any("GICC_APR", |at| gicc(at, 0xd0), |native, ours| coarse(native) & !ours == 0),
    any("GICC_NSAPR", |at| gicc(at, 0xe0), |_, ours| ours == 0),
    any("GICD accesses of other sizes", is_odd, |_, ours| ours == 0),
    last("GICD_CTLR with one group", |at| gicc(at, 0x18), |native, ours| (native, ours) == (0, 1)),
    last("equal priorities", |at| gicc(at, 0x18), |native, ours| (native, ours) == (7, 18)),
    last(
        "GICD_SPENDSGIR of no vCPU",
        |at| matches!(at, Place::Memory { offset: 0xf25, .. }),
        |native, ours| native == 0xff && matches!(ours, 1 | 3),
    ),
    last("GICD_ICFGR of PPIs", |at| gicd(at, 0xc04), |native, ours| (native, ours) == EDGES),
    last("GICD_ISPENDR by a byte", |at| gicd(at, 0x208), |native, ours| (native, ours) == (0xff00, 0)),
];

const V3: [Known; 14] = [
    any("GICD_IIDR", |at| gicd(at, 8), |native, ours| (native, ours) == IIDR),
    any("GICR_IIDR", |at| gicr(at, 4), |native, ours| (native, ours) == IIDR),
    any("GICD_TYPER", |at| gicd(at, 4), |native, ours| (native, ours) == (0x037a_0008, 0x0348_0008)),
    any(
        "GICR_TYPER",
        |at| matches!(at, Place::Memory { frame: Frame::Redistributor, offset: 8, .. }),
        |native, ours| native ^ ours == 0x0100_0001,
    ),
    any("GICR_CTLR", |at| gicr(at, 0), |native, ours| (native, ours) == (2, 0)),
    any("GICR_PIDR0", |at| gicr(at, 0xffe0), |native, ours| (native, ours) == (0x93, 0x92)),
    any(
        "GICD_PIDR4, GICR_PIDR4",
        |at| gicd(at, 0xffd0) || gicr(at, 0xffd0),
        |native, ours| (native, ours) == (0x44, 0x04),
    ),
    any("misaligned accesses", is_misaligned, |_, ours| ours == 0),
    last(
        "ICC_IGRPEN0_EL1 with one group",
        |at| at == Place::System(System::Hppir1),
        |native, ours| (native, ours) == (1023, 1),
    ),
    last("equal priorities", |at| at == Place::System(System::Hppir0), |native, ours| (native, ours) == (7, 18)),
    last(
        "ICC_SGI1R_EL1 for Group 0",
        |at| word(at, Frame::Private, 0x200),
        |native, ours| (native, ours) == (0, 1 << 5),
    ),
    last("GICR_ICFGR1", |at| word(at, Frame::Private, 0xc04), |native, ours| (native, ours) == EDGES),
    last(
        "GICD_IPRIORITYR",
        |at| matches!(at, Place::Memory { offset: 0x428, .. }),
        |native, ours| (native, ours) == (0x47, 0x40),
    ),
    last(
        "GICD_IROUTER",
        |at| matches!(at, Place::Memory { offset: 0x6140, .. }),
        |native, ours| (native, ours) == (u64::MAX, AFFINITY),
    ),
];

const V2_OF_TWO: [Known; 4] = [
    last("GICD_ICPENDR of PPIs", |at| gicd(at, 0x200), |native, ours| ours & !native == 1 << 20),
    last("GICD_ITARGETSR of both vCPUs", |at| gicc(at, 0x18), |native, ours| (native, ours) == (40, 1023)),
    last("GICD_ITARGETSR of no vCPU", |at| gicd(at, 0x204), |native, ours| native ^ ours == ours & 1 << 8),
    last("active on another vCPU", |at| gicc(at, 0x18), |native, ours| (native, ours) == (44, 1023)),
];

const V3_OF_TWO: [Known; 0] = [];
