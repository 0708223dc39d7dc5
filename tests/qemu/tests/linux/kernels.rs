//! Kernels of two generations, as packaged: that of the release and that of its backports.

use crate::shell::Shell;
use crate::ticking::{self, ticking};
use bulkhead_abi::property;
use bulkhead_qemu::board::{GICS, Gic};
use bulkhead_qemu::configuration::Value;
use bulkhead_qemu::elsewhere::elsewhere;
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm, artifacts};
use std::path::Path;

/// The VM's name: that which loose modules make.
const VM: &str = "guest";
const BOOTARGS: &str = "console=ttyAMA0 quiet";
/// Numbers of vCPUs.
const CPUS: [u32; 3] = [1, 2, 4];
/// Where devices are that are not where QEMU's `virt` has them.
const DEVICES: u64 = 0x7f_0000_0000;
/// With so many Linux is reset once.
const RESET: u32 = 2;

pub fn register(suite: &mut Suite) {
    packed(suite);
    ram_elsewhere(suite);
    for (generation, kernel) in [("release", artifacts::linux_kernel()), ("backports", artifacts::backports_kernel())] {
        for cpus in CPUS {
            let group = format!("{generation}_{cpus}_vcpus");
            let board = Board::virt(Gic::V3).cores(cpus);
            suite.on_each(&group, &Boot::hypervisor().linux(kernel.clone(), BOOTARGS), [board], move |session| {
                lives(session, cpus);
                session.end();
            });
            let board = Board::virt(Gic::V2).cores(cpus + ticking::CORES);
            suite.on_each(&group, &beside_ticking(&kernel, cpus), [board], move |session| {
                lives(session, cpus);
                ticking::end(session);
            });
        }
    }
}

/// The release's kernel, packed by gzip, which is unpacked each time it is started.
fn packed(suite: &mut Suite) {
    let linux = linux(&artifacts::linux_kernel(), RESET).packed();
    for gic in GICS {
        let boot = Boot::packed(Configuration::new().vm(linux.clone()).vm(ticking()));
        let board = Board::virt(gic).cores(RESET + ticking::CORES);
        suite.on_each("release_packed", &boot, [board], move |session| {
            lives(session, RESET);
            ticking::end(session);
        });
    }
}

/// Linux with its RAM below the devices, and elsewhere above them.
fn ram_elsewhere(suite: &mut Suite) {
    for (name, base) in [("ram_at_0", 0_u64), ("ram_at_50000000", 0x5000_0000)] {
        let linux = linux(&artifacts::linux_kernel(), 1).memory_mib(96);
        let linux = linux.property(property::GUEST_BASE, Value::U64(base));
        for gic in GICS {
            // At 0 it has more RAM than is below the devices of QEMU's `virt`.
            let linux = if base == 0 { elsewhere(linux.clone(), gic, DEVICES).memory_mib(192) } else { linux.clone() };
            let boot = Boot::packed(Configuration::new().vm(linux).vm(ticking()));
            suite.on_each(name, &boot, [Board::virt(gic).cores(1 + ticking::CORES).memory_mib(1024)], move |session| {
                let mut shell = life(session, 1);
                let ram = shell.ask("grep 'System RAM' /proc/iomem | head -1");
                assert!(ram.starts_with(&format!("{base:08x}-")), "{ram}");
                shell.end_by("poweroff", "it switched itself off");
                ticking::end(session);
            });
        }
    }
}

fn linux(kernel: &Path, cpus: u32) -> Vm {
    let linux = Vm::of_file(VM, kernel.into()).ram_disk(artifacts::linux_ram_disk());
    linux.cpus(cpus).memory_mib(128).bootargs(BOOTARGS)
}

fn beside_ticking(kernel: &Path, cpus: u32) -> Boot {
    Boot::packed(Configuration::new().vm(linux(kernel, cpus)).vm(ticking()))
}

/// Linux works, is reset once with so many vCPUs and works again, and switches itself off.
fn lives(session: &mut Session, cpus: u32) {
    if cpus == RESET {
        life(session, cpus).end_by("reboot", "it reset itself");
    }
    life(session, cpus).end_by("poweroff", "it switched itself off");
}

/// From the boot to a Linux that has done what it can do with its CPUs.
fn life(session: &mut Session, cpus: u32) -> Shell<'_> {
    session.port("hypervisor").expect(&format!("{VM}: running, "));
    let mut shell = Shell::await_prompt(session, VM);
    assert_eq!(shell.ask("nproc"), format!("{cpus}\n"));
    assert_eq!(shell.ask("grep -c ^processor /proc/cpuinfo"), format!("{cpus}\n"));
    shell.works_on_each(cpus);
    if cpus > 1 {
        (0..cpus).for_each(|cpu| goes_and_comes(&mut shell, cpu, cpus));
        shell.works_on_each(cpus);
    }
    shell.log();
    shell
}

/// Linux switches one of its CPUs off and on again by PSCI, CPU_OFF and CPU_ON (DEN0022).
fn goes_and_comes(shell: &mut Shell<'_>, cpu: u32, cpus: u32) {
    let mut switch = |to, online: u32, state| {
        let said = shell.ask(&format!("echo {to} > /sys/devices/system/cpu/cpu{cpu}/online; nproc"));
        assert_eq!(said, format!("{online}\n"), "CPU {cpu}");
        let info = shell.ask_monitor(&format!("vm info {VM}"));
        let row = info.lines().find(|line| line.contains(&format!(" vcpu={cpu} "))).unwrap_or_default();
        assert!(row.contains(state), "CPU {cpu}: expected {state}\n{info}");
    };
    switch(0, cpus - 1, " state=off ");
    switch(1, cpus, " state=running ");
}
