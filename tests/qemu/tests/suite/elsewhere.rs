//! Guests whose machine is described by their nodes: its devices are elsewhere, or are not there.

use bulkhead_abi::property;
use bulkhead_qemu::board::GICS;
use bulkhead_qemu::configuration::Value;
use bulkhead_qemu::elsewhere::elsewhere;
use bulkhead_qemu::{Board, Boot, Configuration, Suite, Vm};

/// Where the devices are.
const DEVICES: u64 = 0x2f00_0000;
/// Guests that use all of them, and numbers of vCPUs.
const GUESTS: [(&str, u32); 4] = [("hello", 1), ("conformance", 1), ("conformance", 2), ("smp", 3)];

pub fn register(suite: &mut Suite) {
    for gic in GICS {
        for (guest, cpus) in GUESTS {
            let vm = elsewhere(Vm::new("guest", guest).cpus(cpus), gic, DEVICES);
            let boot = Boot::packed(Configuration::new().vm(vm));
            let board = Board::virt(gic).cores(cpus + 1);
            suite.on_each(&format!("elsewhere_{guest}"), &boot, [board], |session| {
                session.port("guest").verdict();
                session.end();
            });
        }
    }
    let disabled = [("status", Value::Text("disabled".into()))];
    let mute = Vm::new("mute", "hello").device(property::PL011, &disabled);
    let boot = Boot::packed(Configuration::new().vm(mute).vm(Vm::new("other", "hello")));
    let boards = GICS.into_iter().map(|gic| Board::virt(gic).cores(3));
    suite.on_each("elsewhere_without_uart", &boot, boards, |session| {
        session.port("hypervisor").expect("mute vcpu0: read from an address that is not its own, 0x9000018");
        session.port("other").verdict();
        assert_eq!(session.port("mute").text(), "", "it has no UART");
    });
}
