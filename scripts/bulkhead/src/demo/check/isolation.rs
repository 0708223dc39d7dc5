//! Linux can touch neither FreeRTOS's memory, nor our image, nor the board's devices.

use super::config::cells;
use super::periods::none_missed_of;
use super::{Check, Driver, Evidence, Mismatch, expect};
use crate::demo::cells::{Subject, number, table};
use crate::demo::samples::frames;
use crate::demo::session::{Port, Stopped};
use crate::pack::parse_address;
use bulkhead_abi::property;

pub const CHECK: Check = Check {
    name: "isolation",
    claim: "Linux gets SIGBUS for FreeRTOS's RAM, our image and a device of the board; FreeRTOS is untouched",
    sabotage: "Linux is configured with memory at the addresses of the board's RAM",
    changes: || {
        vec![cells("linux", property::GUEST_BASE, &[0, 0x4000_0000]), cells("linux", property::MEMORY, &[0, 700 << 10])]
    },
    drive,
    judge,
};

const PORTS: [Port; 3] = [Port::Linux, Port::FreeRtos, Port::Monitor];
const INFORMATION: &str = "vm info freertos";
const STATS: &str = "stats linux";
/// The board's PL061, which no guest has (QEMU hw/arm/virt.c, `base_memmap`).
const DEVICE: u64 = 0x903_0000;
/// FreeRTOS's periods that are watched at least.
const PERIODS: u64 = 100;
/// The exit status that a shell gives a command that SIGBUS ended.
const BUS_ERROR: &str = "status 135";

/// How Linux touches `address`.
fn touch(address: u64) -> String {
    format!("devmem {address:#x}; echo status $?")
}

fn drive(driver: &mut Driver) -> Result<(), Stopped> {
    driver.begin(CHECK.name, &PORTS)?;
    let information = driver.session.command(Port::Monitor, INFORMATION)?;
    let banner = String::from_utf8_lossy(&driver.session.output().foreign).into_owned();
    let addresses = addresses(&information, &banner);
    let addresses = addresses.map_err(|error| Stopped { awaited: error.expected, seen: error.seen })?;
    driver.session.command(Port::FreeRtos, "check")?;
    driver.session.command(Port::FreeRtos, "log start")?;
    driver.session.command(Port::Monitor, STATS)?;
    for address in addresses {
        driver.session.command(Port::Linux, &touch(address))?;
    }
    driver.session.command(Port::Monitor, STATS)?;
    driver.await_periods(PERIODS)?;
    driver.session.command(Port::FreeRtos, "log stop")?;
    driver.session.command(Port::FreeRtos, "check")?;
    driver.end(CHECK.name, &PORTS)
}

/// Physical addresses of FreeRTOS's RAM, our image and a device, from what the hypervisor says of itself.
fn addresses(information: &str, banner: &str) -> Result<[u64; 3], Mismatch> {
    let ram = number(&table(information), &Subject::Vm("freertos".into()), "physical");
    let ram = ram.ok_or_else(|| Mismatch::new("FreeRTOS's physical address", information))?;
    let image = banner.lines().find_map(|line| {
        let value = line.trim_start().strip_prefix("image ")?.trim_start();
        parse_address(value.split(',').next()?).ok()
    });
    let image = image.ok_or_else(|| Mismatch::new("a banner that says where our image is", banner))?;
    Ok([ram, image, DEVICE])
}

fn judge(evidence: &Evidence) -> Result<String, Mismatch> {
    let monitor = evidence.section(Port::Monitor, CHECK.name)?;
    let addresses = addresses(monitor.one(INFORMATION)?.answer, &evidence.banner)?;
    let linux = evidence.section(Port::Linux, CHECK.name)?;
    for address in addresses {
        let exchange = linux.one(&touch(address))?;
        expect(exchange.has_line(BUS_ERROR), format!("SIGBUS ({BUS_ERROR}) at {address:#x}"), exchange.answer)?;
    }
    let faults = |answer: &str| number(&table(answer), &Subject::Vm("linux".into()), "stage2-faults");
    let readings: Vec<Option<u64>> = monitor.all(STATS).iter().map(|exchange| faults(exchange.answer)).collect();
    let three_more = matches!(readings.as_slice(), [Some(before), Some(after)] if *after == before + 3);
    expect(three_more, "exactly 3 more stage-2 faults", format!("{readings:?}"))?;
    let untouched = untouched(evidence)?;
    let addresses = addresses.map(|address| format!("{address:#x}")).join(", ");
    Ok(format!("SIGBUS at {addresses}; three more stage-2 faults; {untouched}"))
}

/// FreeRTOS's periods and the checksum of its memory.
fn untouched(evidence: &Evidence) -> Result<String, Mismatch> {
    let freertos = evidence.section(Port::FreeRtos, CHECK.name)?;
    let answers: Vec<&str> = freertos.all("check").iter().map(|exchange| memory(exchange.answer)).collect();
    let same = matches!(answers.as_slice(), [before, after] if before == after && before.contains(" ok "));
    expect(same, "the same checksum of FreeRTOS's memory twice", format!("{answers:?}"))?;
    let frames = frames(freertos.lines())?;
    let [frame] = frames.as_slice() else {
        return Err(Mismatch::new("one run of samples", format!("{}", frames.len())));
    };
    none_missed_of(frame, PERIODS)
}

/// The line that `check` answers with.
fn memory(answer: &str) -> &str {
    answer.lines().find(|line| line.starts_with("memory checksum=")).unwrap_or(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_the_hypervisor_says() {
        let information = "vm=freertos  state=running\nvm=freertos ram=0x40000000 physical=0x52000000 size=0x1000000\n";
        let banner = "Bulkhead 0.1.0 at EL2\n  image    0x40200000, 1116 KiB in memory\n";
        assert_eq!(addresses(information, banner), Ok([0x5200_0000, 0x4020_0000, DEVICE]));
        assert!(addresses("vm=freertos  state=running\n", banner).is_err());
        assert!(addresses(information, "").is_err());
    }
}
