//! What is typed reaches the console in focus, and no other.

use super::config::unchanged;
use super::{Check, Driver, Evidence, Mismatch, expect};
use crate::demo::session::{Port, Stopped};

pub const CHECK: Check = Check {
    name: "focus",
    claim: "each console answers alone",
    sabotage: "what is typed to Linux is typed to FreeRTOS as well",
    changes: unchanged,
    drive,
    judge,
};

const PORTS: [Port; 3] = [Port::Linux, Port::FreeRtos, Port::Monitor];

/// A word that is typed to `port` alone.
fn word(port: Port, nonce: &str) -> String {
    format!("only-{}-{nonce}", port.name())
}

fn drive(driver: &mut Driver) -> Result<(), Stopped> {
    driver.begin(CHECK.name, &PORTS)?;
    for port in PORTS {
        let line = format!("echo {}", word(port, &driver.nonce));
        driver.session.command(port, &line)?;
    }
    if driver.broken {
        let line = format!("echo {}", word(Port::Linux, &driver.nonce));
        driver.session.command(Port::FreeRtos, &line)?;
    }
    driver.end(CHECK.name, &PORTS)
}

fn judge(evidence: &Evidence) -> Result<String, Mismatch> {
    for port in PORTS {
        let word = word(port, &evidence.nonce);
        let exchange = evidence.section(port, CHECK.name)?.one(&format!("echo {word}"))?;
        // The monitor has no such command, and says so in one line.
        let lines = exchange.answer.lines().count();
        let answered = if port == Port::Monitor { lines == 1 } else { exchange.has_line(&word) && lines == 1 };
        expect(answered, format!("{} to answer {word}", port.name()), exchange.answer)?;
        let others = PORTS.into_iter().filter(|other| *other != port);
        if let Some(other) = others.into_iter().find(|other| evidence.output(*other).contains(&word)) {
            return Err(Mismatch::new(
                format!("{word} on {} alone", port.name()),
                format!("it on {} too", other.name()),
            ));
        }
    }
    Ok("three words came back, each on its own console".into())
}
