//! The answers to the monitor's commands, from plain views.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::log_ring::LogRing;
use super::table::{Row, table};
use super::view::{CoreView, VcpuView, VmView};

/// The answer to `vm list`.
pub fn vm_list(vms: &[VmView]) -> String {
    if vms.is_empty() {
        return String::from("no guests\n");
    }
    let row = |vm: &VmView| {
        Row::about("vm", &vm.name)
            .cell("state", vm.state)
            .cell("vcpus", vm.vcpus.len())
            .cell("cores", cores(vm))
            .cell("memory", size(vm.memory))
            .cell("restarts", vm.restarts)
    };
    table(&vms.iter().map(row).collect::<Vec<_>>())
}

/// The answer to `vm info`.
pub fn vm_info(vm: &VmView) -> String {
    let head = Row::about("vm", &vm.name)
        .cell("state", vm.state)
        .cell("vcpus", vm.vcpus.len())
        .cell("cores", cores(vm))
        .cell("memory", size(vm.memory))
        .cell("restarts", vm.restarts)
        .cell("stage2-faults", vm.stage2_faults);
    let vcpu = |(index, vcpu): (usize, &VcpuView)| {
        Row::about("vm", &vm.name)
            .and_about("vcpu", index)
            .cell("state", vcpu.state)
            .cell("core", core(vcpu.core))
            .cell("exits", vcpu.exit_count())
            .cell("asleep", share(vcpu.asleep_ticks, vcpu.total_ticks))
    };
    table(&[head]) + &table(&vm.vcpus.iter().enumerate().map(vcpu).collect::<Vec<_>>())
}

/// The answer to `stats`: about the cores and `vms`, or with no cores about these guests alone.
pub fn stats(cores: &[CoreView], vms: &[VmView]) -> String {
    let causes = vms.iter().flat_map(causes).collect::<Vec<_>>();
    table(&cores.iter().map(core_row).collect::<Vec<_>>())
        + &table(&vms.iter().map(vm_row).collect::<Vec<_>>())
        + &table(&causes)
}

/// The answer to `log`: the newest `count` records, or all.
pub fn log(log: &LogRing, count: Option<usize>) -> String {
    let count = count.unwrap_or(usize::MAX).min(log.len());
    let head = Row::about("records", log.len()).cell("shown", count).cell("dropped", log.dropped());
    let mut text = table(&[head]);
    for record in log.last(count) {
        text.push_str(&format!("{record}\n"));
    }
    text
}

/// The answer to a command about a guest that is not there.
pub fn no_such_vm(name: &str, vms: &[VmView]) -> String {
    let names: Vec<&str> = vms.iter().map(|vm| vm.name.as_str()).collect();
    format!("no guest \"{name}\"; there are: {}\n", names.join(", "))
}

fn core_row(core: &CoreView) -> Row {
    Row::about("core", core.index)
        .cell("vm", core.vm.as_deref().unwrap_or("none"))
        .cell("wake-ups", core.wake_ups)
        .cell("asleep", share(core.asleep_ticks, core.total_ticks))
        .cell("asleep-ticks", core.asleep_ticks)
        .cell("total-ticks", core.total_ticks)
}

/// `other-exits` is what a quiet guest has none of: exits that are neither a timer's expiry nor an SGI.
fn vm_row(vm: &VmView) -> Row {
    let expected = vm.timer_expiries.saturating_add(vm.sgis);
    Row::about("vm", &vm.name)
        .cell("exits", vm.exits())
        .cell("timer-expiries", vm.timer_expiries)
        .cell("sgis", vm.sgis)
        .cell("other-exits", vm.exits().saturating_sub(expected))
        .cell("stage2-faults", vm.stage2_faults)
        .cell("restarts", vm.restarts)
}

fn causes(vm: &VmView) -> impl Iterator<Item = Row> {
    vm.vcpus.iter().enumerate().map(|(index, vcpu)| {
        let row = Row::about("vm", &vm.name)
            .and_about("vcpu", index)
            .cell("core", core(vcpu.core))
            .cell("asleep", share(vcpu.asleep_ticks, vcpu.total_ticks))
            .cell("asleep-ticks", vcpu.asleep_ticks);
        vcpu.exits.iter().fold(row, |row, (cause, count)| row.cell(cause, count))
    })
}

fn core(core: Option<u32>) -> String {
    core.map_or(String::from("none"), |core| core.to_string())
}

/// The cores of a VM's vCPUs, in the vCPUs' order.
fn cores(vm: &VmView) -> String {
    vm.vcpus.iter().map(|vcpu| core(vcpu.core)).collect::<Vec<_>>().join(",")
}

/// `bytes` in the largest unit in which it is whole.
fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB"];
    let power = if bytes == 0 { 0 } else { (bytes.trailing_zeros() / 10).min(3) };
    let unit = usize::try_from(power).ok().and_then(|power| units.get(power)).unwrap_or(&"B");
    format!("{}{unit}", bytes >> (10 * power))
}

/// What share `part` is of `whole`, in percent with one decimal place, rounded down.
fn share(part: u64, whole: u64) -> String {
    // A thousand times the ticks of 200 days at 1 GHz fills 64 bits; of more, the last bits make no difference.
    let (part, whole) = if whole < 1 << 54 { (part, whole) } else { (part >> 10, whole >> 10) };
    let permille = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
    format!("{}.{}%", permille / 10, permille % 10)
}
