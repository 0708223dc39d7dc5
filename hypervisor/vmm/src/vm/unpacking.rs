//! Unpacks a VM's kernel into its RAM, piece by piece.

use super::build::read;
use super::lifecycle::Piece;
use super::{After, Lifecycle, Memory, Part, Vm, memory};
use crate::address::{Pa, Range};
use crate::kernel_image::{Inflater, Segments};
use crate::platform::Platform;
use crate::tell::{Level, tell, text};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

/// The right to unpack, which one VM has at a time.
#[derive(Debug)]
struct Permit(Arc<AtomicBool>);

impl Permit {
    /// `None` while another VM has it.
    fn take(is_unpacking: &Arc<AtomicBool>) -> Option<Self> {
        (!is_unpacking.swap(true, Ordering::Acquire)).then(|| Self(is_unpacking.clone()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A kernel's file that is half unpacked, with all that is needed to go on without its VM.
#[derive(Debug)]
pub(crate) struct Unpacking {
    /// `None` before the first piece.
    inflater: Option<Inflater>,
    /// What is wrong with the file.
    damage: Option<&'static str>,
    file: Range<Pa>,
    /// Where in the file it stands packed.
    packed: (u64, u64),
    segments: Segments,
    memory: Memory,
    /// The last, and so dropped when there is room for another.
    _permit: Permit,
}

impl PartialEq for Unpacking {
    /// There is one of each VM, and where it is tells two states of it apart.
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }
}

impl Eq for Unpacking {}

impl Unpacking {
    /// Unpacks some more, and writes to RAM what of it belongs there. Returns how many bytes came out.
    pub(crate) fn carry_out<P: Platform>(&mut self, platform: &mut P) -> u64 {
        self.step(platform).unwrap_or_else(|damage| {
            self.damage = Some(damage);
            0
        })
    }

    fn step<P: Platform>(&mut self, platform: &mut P) -> Result<u64, &'static str> {
        let file = self.file;
        let mut source = |offset, bytes: &mut [u8]| read(platform, file, offset, bytes);
        let inflater = match &mut self.inflater {
            Some(inflater) => inflater,
            none => none.insert(Inflater::open(self.packed, &mut source)?),
        };
        let (at, bytes) = inflater.step(&mut source)?;
        for segment in &self.segments {
            let (skip, from) = (segment.offset.saturating_sub(at), at.saturating_sub(segment.offset));
            let most = usize::try_from(segment.size.saturating_sub(from)).unwrap_or(bytes.len());
            let part = usize::try_from(skip).ok().and_then(|skip| bytes.get(skip..)).unwrap_or_default();
            let part = part.get(..most).unwrap_or(part);
            if let Some(destination) = segment.memory.start().checked_add(from) {
                memory::write(platform, &self.memory, destination, part);
            }
        }
        Ok(bytes.len() as u64)
    }

    fn is_done(&self) -> bool {
        self.inflater.as_ref().is_some_and(Inflater::is_done)
    }
}

impl Vm {
    /// The next piece of the kernel, which is `packed` at that place of its file, and of which so many bytes are `done`.
    pub(super) fn next_unpacking(&mut self, packed: (u64, u64), done: u64) -> Option<Piece> {
        if let Some(unpacking) = self.unpacking.take() {
            return Some(Piece::Unpack(unpacking));
        }
        if done != 0 {
            return None;
        }
        let Some(permit) = Permit::take(&self.blueprint.hardware.is_unpacking) else { return Some(Piece::Wait) };
        Some(Piece::Unpack(Box::new(Unpacking {
            inflater: None,
            damage: None,
            packed,
            file: self.config().kernel.range,
            segments: self.load.kernel.clone(),
            memory: self.memory.clone(),
            _permit: permit,
        })))
    }

    /// So many `bytes` more of the kernel came out. If the VM was stopped meanwhile it will be unpacked anew.
    pub(super) fn unpacked(&mut self, unpacking: Box<Unpacking>, bytes: u64) {
        if !matches!(self.lifecycle, Lifecycle::Loading(Part::Kernel, _)) {
            return;
        }
        if let Some(damage) = unpacking.damage {
            tell(Level::Error, format_args!("{}: its kernel is {damage}", self.name()));
            return self.stop(After::Off, Some(text(format_args!("its kernel is {damage}"))));
        }
        self.note_done(bytes);
        self.unpacking = (!unpacking.is_done()).then_some(unpacking);
    }
}
