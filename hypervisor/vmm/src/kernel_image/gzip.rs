//! Files packed by gzip (RFC 1952), unpacked a little at a time.

use super::file::Source;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress_with_limit};

/// ID1, ID2 and CM of a member: a gzip file, packed by deflate.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
/// Bytes before what is optional in the header.
const FIXED_HEADER: u64 = 10;
/// Bytes behind the packed ones: CRC32 and ISIZE.
const TRAILER: usize = 8;
/// A header with more bytes than this, by its names and comments, is refused.
const LONGEST_HEADER: u64 = 4096;
/// Bits of FLG.
mod flag {
    pub const HEADER_CRC: u8 = 1 << 1;
    pub const EXTRA: u8 = 1 << 2;
    pub const NAME: u8 = 1 << 3;
    pub const COMMENT: u8 = 1 << 4;
    pub const RESERVED: u8 = 0xe0;
}
/// How far back a packed byte may refer (RFC 1951, 2).
const WINDOW: usize = 32 << 10;
/// Bytes that are read at once, and written at most: nobody waits longer for an interrupt than for these.
const CHUNK: usize = 4096;

static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

const DAMAGED: &str = "a damaged gzip file";
const CUT_SHORT: &str = "a gzip file that ends early";
const HEADER_TOO_LONG: &str = "a gzip file whose header takes more than 4096 bytes";
const WRONG_SIZE: &str = "a gzip file with another size than it says, or with something behind it";
const WRONG_CHECKSUM: &str = "a gzip file whose checksum is wrong";

/// A file that is being unpacked.
pub struct Inflater {
    decompressor: Box<DecompressorOxide>,
    /// The last bytes that came out, around and around.
    window: Vec<u8>,
    input: Vec<u8>,
    /// What of `input` is not yet unpacked.
    unread: Range<usize>,
    /// Offset in the file behind `input`.
    next: u64,
    /// Offset in the file of the trailer.
    trailer: u64,
    checksum: Digest<'static, u32, Table<1>>,
    /// CRC32 and ISIZE, as the trailer has them.
    claimed: (u32, u64),
    /// Bytes that came out.
    produced: u64,
    /// Where the next goes in `window`.
    position: usize,
    is_done: bool,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Inflater({} of {} bytes)", self.produced, self.claimed.1)
    }
}

impl Inflater {
    /// Whether a file that begins with `head` is packed by gzip.
    pub fn is_packed(head: &[u8]) -> bool {
        head.starts_with(&MAGIC)
    }

    /// Begins with what is packed at an offset of a file, which ends behind so many bytes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open((offset, size): (u64, u64), source: &mut Source<'_>) -> Result<Self, &'static str> {
        let trailer = size.checked_sub(TRAILER as u64).and_then(|size| offset.checked_add(size)).ok_or(CUT_SHORT)?;
        let start = data_offset(offset, trailer, source)?;
        let mut bytes = [0; TRAILER];
        source(trailer, &mut bytes);
        let [crc, size] =
            [0, 4].map(|at| bytes.iter().skip(at).take(4).rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
        Ok(Self {
            decompressor: Box::default(),
            window: alloc::vec![0; WINDOW],
            input: alloc::vec![0; CHUNK],
            unread: 0..0,
            next: start,
            trailer,
            checksum: CRC.digest(),
            claimed: (crc, size.into()),
            produced: 0,
            position: 0,
            is_done: false,
        })
    }

    /// Bytes that come out of it.
    pub fn unpacked_size(&self) -> u64 {
        self.claimed.1
    }

    /// Whether everything has come out, and is what had been put in.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Unpacks some more: at most 4 KiB, and maybe nothing yet. Gives their offset in the unpacked file, and the bytes.
    ///
    /// # Errors
    /// What is wrong with the file. More bytes than it says never come out.
    pub fn step(&mut self, source: &mut Source<'_>) -> Result<(u64, &[u8]), &'static str> {
        self.fill(source);
        let has_more = self.next < self.trailer;
        let from = self.position;
        let most = CHUNK.min(WINDOW - from);
        let input = self.input.get(self.unread.clone()).unwrap_or_default();
        let flags = if has_more { TINFL_FLAG_HAS_MORE_INPUT } else { 0 };
        let (status, read, written) =
            decompress_with_limit(&mut self.decompressor, input, &mut self.window, from, most, flags);
        self.unread.start += read;
        let bytes = self.window.get(from..from + written).ok_or(DAMAGED)?;
        self.checksum.update(bytes);
        let at = self.produced;
        self.produced += written as u64;
        self.position = (from + written) % WINDOW;
        if self.produced > self.claimed.1 {
            return Err(WRONG_SIZE);
        }
        match status {
            TINFLStatus::Done => self.is_done = true,
            TINFLStatus::HasMoreOutput => {}
            TINFLStatus::NeedsMoreInput if has_more => {}
            TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => return Err(CUT_SHORT),
            _ => return Err(DAMAGED),
        }
        if self.is_done {
            self.check_end()?;
        }
        Ok((at, bytes))
    }

    /// Reads more of the file when all that was read is unpacked.
    fn fill(&mut self, source: &mut Source<'_>) {
        let left = usize::try_from(self.trailer.saturating_sub(self.next)).unwrap_or(CHUNK).min(CHUNK);
        if self.unread.is_empty()
            && let Some(input) = self.input.get_mut(..left)
        {
            source(self.next, input);
            self.next += left as u64;
            self.unread = 0..left;
        }
    }

    fn check_end(&self) -> Result<(), &'static str> {
        let (crc, size) = self.claimed;
        if self.produced != size || !self.unread.is_empty() || self.next != self.trailer {
            return Err(WRONG_SIZE);
        }
        if self.checksum.clone().finalize() == crc { Ok(()) } else { Err(WRONG_CHECKSUM) }
    }
}

/// Where the packed bytes begin of what begins at `start` and has its trailer at `trailer`.
fn data_offset(start: u64, trailer: u64, source: &mut Source<'_>) -> Result<u64, &'static str> {
    let end = trailer.min(start.saturating_add(LONGEST_HEADER));
    let mut byte = |at: u64| {
        let mut byte = [0];
        if at >= end {
            return Err(if end == trailer { CUT_SHORT } else { HEADER_TOO_LONG });
        }
        source(at, &mut byte);
        Ok(byte[0])
    };
    let flags = byte(start + 3)?;
    let mut at = start + FIXED_HEADER;
    if flags & flag::RESERVED != 0 {
        return Err(DAMAGED);
    }
    if flags & flag::EXTRA != 0 {
        at += 2 + u64::from(u16::from_le_bytes([byte(at)?, byte(at + 1)?]));
    }
    for _ in 0..(flags & (flag::NAME | flag::COMMENT)).count_ones() {
        while byte(at)? != 0 {
            at += 1;
        }
        at += 1;
    }
    if flags & flag::HEADER_CRC != 0 {
        at += 2;
    }
    if at < trailer { Ok(at) } else { Err(CUT_SHORT) }
}
