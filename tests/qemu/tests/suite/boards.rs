//! Boards other than `virt`: the same image, their own tree, cores, interrupt controller and memory map.

use bulkhead_abi::property;
use bulkhead_qemu::configuration::Value;
use bulkhead_qemu::model::{IMX8MP, Model, RASPI4B, VERSAL, ZCU102};
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm};

/// What runs on every board, and what says most about it.
const GUESTS: [&str; 3] = ["hello", "conformance", "smp"];

pub fn register(suite: &mut Suite) {
    for model in [&RASPI4B, &VERSAL, &ZCU102] {
        GUESTS.into_iter().for_each(|guest| boots(suite, model, guest));
    }
    boots(suite, &IMX8MP, "hello");
}

/// The guest has all cores. Broken, it begins again for ever, so that where it cannot be heard the machine's end says that
/// it came to its own with no check failed.
fn boots(suite: &mut Suite, model: &'static Model, guest: &str) {
    let vm = Vm::new(GUEST, guest).cpus(model.cores).bootargs("stay-if-failed");
    let vm = vm.property(property::ON_FAULT, Value::Text(property::RESTART.into()));
    let configuration = Configuration::new().vm(vm);
    let configuration = match model.uart {
        Some(base) => configuration.early_uart(base),
        None => configuration,
    };
    suite.on_each(guest, &Boot::packed(configuration), [Board::real(model)], move |session| judge(session, model));
}

/// The VM's name.
const GUEST: &str = "first";

fn judge(session: &mut Session, model: &Model) {
    if model.uart.is_some() {
        session.expect(concat!("Bulkhead ", env!("CARGO_PKG_VERSION"), " at EL2"));
        session.expect(&format!("cores    {0} of {0}", model.cores));
        session.port(GUEST).verdict();
        session.port("hypervisor").expect(&format!("{GUEST}: off"));
    }
    if model.switches_off {
        session.end();
    }
}
