//! Guests' kernels: what their files are.

use bulkhead_vmm::kernel_image::{Format, Inflater, KernelFile, UnknownFormat};

/// Opens the file with the contents `bytes`, all of which is unpacked if it is packed, so that damage is found.
///
/// # Errors
/// It is packed, and damaged.
pub fn open(bytes: &[u8]) -> Result<KernelFile, UnknownFormat> {
    let mut source = |offset: u64, into: &mut [u8]| into.copy_from_slice(&bytes[offset as usize..][..into.len()]);
    let file = KernelFile::open(bytes.len() as u64, &mut source)?;
    if let Some(packed) = file.packed {
        let whole = unpack(packed, &mut source);
        whole.map_err(|guess| UnknownFormat { guess, ..UnknownFormat::of(bytes) })?;
    }
    Ok(file)
}

fn unpack(packed: (u64, u64), source: &mut dyn FnMut(u64, &mut [u8])) -> Result<(), &'static str> {
    let mut inflater = Inflater::open(packed, source)?;
    while !inflater.is_done() {
        inflater.step(source)?;
    }
    Ok(())
}

/// What `bytes` are, if they are a kernel: a clause for a list.
pub fn describe(bytes: &[u8]) -> String {
    let Ok(file) = open(bytes) else { return String::new() };
    let packed = if file.packed.is_some() { format!("gzip of {:#x} bytes, ", file.size) } else { String::new() };
    match file.format(false) {
        Ok(Format::Image(kernel)) => format!(", {packed}arm64 kernel of {:#x} in memory", kernel.memory_size),
        Ok(Format::Elf) => format!(", {packed}ELF file"),
        _ => String::new(),
    }
}
