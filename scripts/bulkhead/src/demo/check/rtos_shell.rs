//! FreeRTOS answers at its console.

use super::config::unchanged;
use super::{Check, Driver, Evidence, Mismatch, expect};
use crate::demo::session::{Port, Stopped};

pub const CHECK: Check = Check {
    name: "rtos-shell",
    claim: "the nonce comes back",
    sabotage: "one character of the nonce is disturbed on the wire",
    changes: unchanged,
    drive,
    judge,
};

fn drive(driver: &mut Driver) -> Result<(), Stopped> {
    driver.begin(CHECK.name, &[Port::FreeRtos])?;
    let typed = if driver.broken { driver.nonce.replacen(char::is_alphanumeric, "-", 1) } else { driver.nonce.clone() };
    driver.session.command(Port::FreeRtos, &format!("echo {typed}"))?;
    driver.end(CHECK.name, &[Port::FreeRtos])
}

fn judge(evidence: &Evidence) -> Result<String, Mismatch> {
    let section = evidence.section(Port::FreeRtos, CHECK.name)?;
    let returned = section.lines().any(|line| line == evidence.nonce);
    let seen: Vec<&str> = section.lines().collect();
    expect(returned, format!("a line {:?}", evidence.nonce), format!("{seen:?}"))?;
    Ok(format!("{} came back", evidence.nonce))
}
