//! A virtual machine on KVM with the map of QEMU's `virt` board: one guest without a disk, its vCPUs, a GIC and a PL011.
//!
//! Runs as the first process of a Linux that has nothing else, `/init GIC VCPUS` with the files `/guest.img` and
//! `/guest.dtb`. What the guest prints goes to the console; when it switches its machine off, so does the host.

mod machine;
mod vcpu;

use machine::Machine;
use std::error::Error;
use std::thread;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() {
    if let Err(error) = run() {
        println!("monitor: {error}");
    }
    power_off();
}

/// Runs the guest until it switches itself off.
fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |name: &str| -> Result<u64> {
        Ok(arguments.next().ok_or(format!("{name} is missing"))?.parse().map_err(|error| format!("{name}: {error}"))?)
    };
    let (gic, vcpus) = (number("version of the GIC")?, number("number of vCPUs")?);
    let machine = Machine::new(gic, vcpus, &std::fs::read("/guest.img")?, &std::fs::read("/guest.dtb")?)?;
    let threads = machine.vcpus.into_iter().enumerate().map(|(index, vcpu)| {
        thread::spawn(move || {
            stay_on(index)?;
            vcpu::run(vcpu)
        })
    });
    let threads: Vec<_> = threads.collect();
    // A vCPU that switches the machine off ends the process; only a failure comes back.
    for thread in threads {
        thread.join().map_err(|_| "a vCPU's thread panicked")??;
    }
    Ok(())
}

/// Keeps this thread on the host's core number `core`: a vCPU that moved would cost more, and not always the same.
fn stay_on(core: usize) -> Result<()> {
    // SAFETY: a set of cores is a bitmap, valid when zeroed; the call reads it.
    let status = unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut cores);
        libc::sched_setaffinity(0, size_of_val(&cores), &raw const cores)
    };
    if status == 0 { Ok(()) } else { Err(format!("core {core}: {}", std::io::Error::last_os_error()).into()) }
}

/// Switches the host off, once its console has sent everything.
pub fn power_off() -> ! {
    use std::io::Write;
    let _ = std::io::stdout().flush();
    // SAFETY: system calls without memory of ours.
    unsafe {
        libc::tcdrain(libc::STDOUT_FILENO);
        libc::reboot(libc::LINUX_REBOOT_CMD_POWER_OFF);
    }
    std::process::abort()
}
