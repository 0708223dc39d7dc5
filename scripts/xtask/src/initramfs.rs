//! `cargo xtask initramfs`: one BusyBox and a few scripts, packed the same way every time.
//!
//! The archive is in the "newc" format (Linux Documentation/driver-api/early-userspace/buffer-format.rst). Its
//! entries are sorted, belong to root and carry no time, so equal input gives equal bytes. Nothing here needs
//! root: /dev/console is only an entry of the archive, and devtmpfs provides the other nodes at boot.

use crate::{Result, workspace};
use cpio::newc::{self, Builder, ModeFileType};
use std::path::{Path, PathBuf};

/// Options of `cargo xtask initramfs`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A statically linked BusyBox for arm64
    #[arg(long)]
    busybox: PathBuf,
    /// The archive to write
    #[arg(long)]
    output: PathBuf,
}

const FILES: [(&str, &[u8]); 5] = [
    ("etc/shell", include_bytes!("../initramfs/shell")),
    ("init", include_bytes!("../initramfs/init")),
    ("sbin/load", include_bytes!("../initramfs/load")),
    ("sbin/load-cpu", include_bytes!("../initramfs/load-cpu")),
    ("sbin/load-memory", include_bytes!("../initramfs/load-memory")),
];

/// The first process of a measured Linux.
#[derive(Clone, Copy)]
pub enum Measured {
    /// Of `cargo xtask bench --linux`.
    Work,
    /// Of `cargo xtask bench --whole`.
    Load,
}

impl Measured {
    fn init(self) -> &'static [u8] {
        match self {
            Self::Work => include_bytes!("../initramfs/bench"),
            Self::Load => include_bytes!("../initramfs/whole"),
        }
    }
}

/// What an entry is.
pub enum Body<'a> {
    /// A folder.
    Folder,
    /// A file, which may be run.
    Program(&'a [u8]),
    /// A symbolic link to a name.
    Link(&'a str),
    /// A character device by major and minor number.
    Device(u32, u32),
}

pub fn main(arguments: &Arguments) -> Result<()> {
    let named = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let busybox = std::fs::read(&arguments.busybox).map_err(|error| named(&arguments.busybox, &error))?;
    expect_static_arm64(&busybox).map_err(|error| named(&arguments.busybox, &error))?;
    let unfinished = arguments.output.with_extension("part");
    std::fs::write(&unfinished, archive(&busybox, &FILES)?).map_err(|error| named(&unfinished, &error))?;
    std::fs::rename(&unfinished, &arguments.output).map_err(|error| named(&arguments.output, &error).into())
}

/// Packs the one with the first process `measured`, with the BusyBox that set-up fetched, into `output`.
pub fn for_bench(measured: Measured, output: &Path) -> Result<()> {
    let busybox = workspace::cache()?.join("busybox");
    let bytes = std::fs::read(&busybox)
        .map_err(|error| format!("{}: {error} (scripts/setup fetches it)", busybox.display()))?;
    Ok(std::fs::write(output, archive(&bytes, &[("init", measured.init())])?)?)
}

/// The archive of `files` with `busybox` as its only binary.
fn archive(busybox: &[u8], files: &[(&'static str, &'static [u8])]) -> Result<Vec<u8>> {
    let mut entries = vec![
        ("bin", Body::Folder),
        ("bin/busybox", Body::Program(busybox)),
        // Scripts name /bin/sh; the other applets are linked by BusyBox itself at boot.
        ("bin/sh", Body::Link("busybox")),
        ("dev", Body::Folder),
        ("dev/console", Body::Device(5, 1)),
        ("etc", Body::Folder),
        ("sbin", Body::Folder),
    ];
    entries.extend(files.iter().map(|&(name, text)| (name, Body::Program(text))));
    pack(entries)
}

/// The archive of `entries`, by their paths.
pub fn pack(mut entries: Vec<(&str, Body<'_>)>) -> Result<Vec<u8>> {
    entries.sort_by_key(|&(name, _)| name);
    let mut bytes = Vec::new();
    for (index, (name, body)) in entries.iter().enumerate() {
        append(&mut bytes, u32::try_from(index)? + 1, name, body)?;
    }
    Ok(newc::trailer(bytes)?)
}

fn append(bytes: &mut Vec<u8>, inode: u32, name: &str, body: &Body<'_>) -> Result<()> {
    let entry = Builder::new(name).ino(inode).uid(0).gid(0).mtime(0).nlink(1);
    let (entry, data) = match *body {
        Body::Folder => (entry.mode(0o755).set_mode_file_type(ModeFileType::Directory), &[][..]),
        Body::Program(data) => (entry.mode(0o755).set_mode_file_type(ModeFileType::Regular), data),
        Body::Link(target) => (entry.mode(0o777).set_mode_file_type(ModeFileType::Symlink), target.as_bytes()),
        Body::Device(major, minor) => {
            let entry = entry.mode(0o600).set_mode_file_type(ModeFileType::Char);
            (entry.rdev_major(major).rdev_minor(minor), &[][..])
        }
    };
    let mut writer = entry.write(bytes, u32::try_from(data.len())?);
    std::io::Write::write_all(&mut writer, data)?;
    writer.finish()?;
    Ok(())
}

fn expect_static_arm64(elf: &[u8]) -> Result<()> {
    use object::read::elf::{FileHeader, ProgramHeader};
    let header = object::elf::FileHeader64::<object::LittleEndian>::parse(elf)?;
    let endian = header.endian()?;
    if header.e_machine(endian) != object::elf::EM_AARCH64 {
        return Err("not a program for arm64".into());
    }
    let mut programs = header.program_headers(endian, elf)?.iter();
    if programs.any(|program| program.p_type(endian) == object::elf::PT_INTERP) {
        return Err("not statically linked: it names an interpreter".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an independent reading of the archive finds: name, mode, size, rdev.
    fn listed(mut bytes: &[u8]) -> Vec<(String, u32, u32, (u32, u32))> {
        let mut found = Vec::new();
        loop {
            let reader = newc::Reader::new(bytes).unwrap();
            let entry = reader.entry();
            if entry.is_trailer() {
                return found;
            }
            assert_eq!((entry.uid(), entry.gid(), entry.mtime()), (0, 0, 0));
            let device = (entry.rdev_major(), entry.rdev_minor());
            found.push((entry.name().to_owned(), entry.mode(), entry.file_size(), device));
            bytes = reader.finish().unwrap();
        }
    }

    #[test]
    fn the_archive_is_sorted_and_holds_what_a_boot_needs() {
        let entries = listed(&archive(b"abcde", &FILES).unwrap());
        assert!(entries.is_sorted());
        assert!(entries.contains(&("bin/busybox".to_owned(), 0o100_755, 5, (0, 0))));
        assert!(entries.contains(&("bin/sh".to_owned(), 0o120_777, 7, (0, 0))));
        assert!(entries.contains(&("dev/console".to_owned(), 0o020_600, 0, (5, 1))));
        assert!(entries.iter().any(|(name, mode, ..)| name == "init" && *mode == 0o100_755));
    }

    #[test]
    fn equal_input_gives_equal_bytes() {
        assert_eq!(archive(b"busybox", &FILES).unwrap(), archive(b"busybox", &FILES).unwrap());
        assert_ne!(archive(b"busybox", &FILES).unwrap(), archive(b"busyb0x", &FILES).unwrap());
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(expect_static_arm64(b"#!/bin/sh\n").is_err());
    }
}
