//! FreeRTOS is carried to another core as it runs, and back, and does not notice.

use super::config::unchanged;
use super::{Check, Driver, Evidence, Mismatch, expect};
use crate::demo::samples::frames;
use crate::demo::session::{LOG, Port, Stopped, find};

pub const CHECK: Check = Check {
    name: "movable",
    claim: "FreeRTOS's sequence has no gap when it is moved to another core and back",
    sabotage: "FreeRTOS is restarted in place of the second move",
    changes: unchanged,
    drive,
    judge,
};

const PORTS: [Port; 2] = [Port::FreeRtos, Port::Monitor];
/// A core that runs no vCPU, and FreeRTOS's own.
const CORES: [u32; 2] = [4, 2];
/// Lines of the sequence that are awaited on each core.
const LINES: usize = 5;

/// What the hypervisor says when the move is done.
fn moved(core: u32) -> String {
    format!("freertos: goes on on core {core}")
}

fn drive(driver: &mut Driver) -> Result<(), Stopped> {
    driver.begin(CHECK.name, &PORTS)?;
    driver.session.command(Port::FreeRtos, "log start")?;
    driver.session.type_line(Port::FreeRtos, "sequence")?;
    await_lines(driver)?;
    move_to(driver, CORES[0])?;
    await_lines(driver)?;
    if driver.broken {
        return restart(driver);
    }
    move_to(driver, CORES[1])?;
    await_lines(driver)?;
    let from = driver.session.length(Port::FreeRtos.name());
    driver.session.send(Port::FreeRtos, b" ")?;
    driver.session.wait_text(Port::FreeRtos.name(), from, Port::FreeRtos.prompt())?;
    driver.session.command(Port::FreeRtos, "log stop")?;
    driver.end(CHECK.name, &PORTS)
}

fn move_to(driver: &mut Driver, core: u32) -> Result<(), Stopped> {
    let from = driver.session.length(LOG);
    let answer = driver.session.command(Port::Monitor, &format!("vm move freertos {core}"))?;
    if !answer.contains(&format!("core={core}")) {
        return Err(Stopped { awaited: format!("FreeRTOS to move to core {core}"), seen: answer });
    }
    driver.session.wait_text(LOG, from, &moved(core)).map(|_| ())
}

/// The sabotage: what was carried is lost.
fn restart(driver: &mut Driver) -> Result<(), Stopped> {
    let from = driver.session.length(Port::FreeRtos.name());
    driver.session.command(Port::Monitor, "vm restart freertos")?;
    driver.session.wait_text(Port::FreeRtos.name(), from, "FreeRTOS V")?;
    driver.session.wait_text(Port::FreeRtos.name(), from, Port::FreeRtos.prompt())?;
    driver.session.type_line(Port::FreeRtos, "sequence")?;
    await_lines(driver)?;
    let from = driver.session.length(Port::FreeRtos.name());
    driver.session.send(Port::FreeRtos, b" ")?;
    driver.session.wait_text(Port::FreeRtos.name(), from, Port::FreeRtos.prompt())?;
    driver.end(CHECK.name, &PORTS)
}

fn await_lines(driver: &Driver) -> Result<(), Stopped> {
    let name = Port::FreeRtos.name();
    let counted = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        (text.lines().filter(|line| line.starts_with("sequence ")).count() > LINES).then_some(())
    };
    driver.session.wait(name, driver.session.length(name), "numbers of the sequence", counted)
}

fn judge(evidence: &Evidence) -> Result<String, Mismatch> {
    let moves: Vec<Option<usize>> =
        CORES.iter().map(|core| find(evidence.log.as_bytes(), moved(*core).as_bytes())).collect();
    let there_and_back = matches!(moves.as_slice(), [Some(there), Some(back)] if there < back);
    let freertos = evidence.section(Port::FreeRtos, CHECK.name)?;
    let numbers: Vec<u64> = freertos.lines().filter_map(sequence_number).collect();
    let whole = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
    expect(whole && numbers.len() > 3 * LINES, "a sequence without a gap", format!("{numbers:?}"))?;
    expect(there_and_back, format!("{:?} and back", moved(CORES[0])), evidence.log.clone())?;
    let frames = frames(freertos.lines())?;
    let [frame] = frames.as_slice() else {
        return Err(Mismatch::new("one run of samples across both moves", format!("{}", frames.len())));
    };
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    Ok(format!("numbers {first} to {last} and {} samples, none left out; {:?} missed", frame.count(), frame.missed()))
}

fn sequence_number(line: &str) -> Option<u64> {
    line.strip_prefix("sequence ")?.split(' ').next()?.parse().ok()
}
