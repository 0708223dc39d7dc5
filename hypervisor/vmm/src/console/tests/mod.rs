//! The multiplexer as its users see it.

mod input;
mod output;
mod property;
mod text;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use spin::Mutex;

use super::*;

const SETTINGS: Settings = Settings { escape: Settings::DEFAULT_ESCAPE, flush_after: 50 };
const LINUX: usize = 0;
const RTOS: usize = 1;
const MONITOR: usize = 2;
const LOG: usize = 3;

fn ports(sizes: Sizes) -> Vec<Mutex<Port>> {
    let kinds =
        [("linux", Kind::Guest), ("freertos", Kind::Guest), ("monitor", Kind::Monitor), ("hypervisor", Kind::Log)];
    kinds.into_iter().map(|(name, kind)| Mutex::new(Port::new(name, kind, sizes))).collect()
}

/// A machine's consoles, and all that came over its wire.
struct Wire {
    ports: Vec<Mutex<Port>>,
    multiplexer: Multiplexer,
    now: u64,
    bytes: Vec<u8>,
}

impl Wire {
    fn new(sizes: Sizes) -> Self {
        let ports = ports(sizes);
        Self { multiplexer: Multiplexer::new(&ports, SETTINGS), ports, now: 0, bytes: Vec::new() }
    }

    fn print(&self, port: usize, text: &str) {
        assert!(text.bytes().all(|byte| self.ports[port].lock().push(byte)), "no room for {text:?}");
    }

    fn pull(&mut self, room: usize) -> usize {
        let mut out = vec![0; room];
        let count = self.multiplexer.pull(&self.ports, self.now, &mut out);
        self.bytes.extend_from_slice(&out[..count]);
        count
    }

    /// Pulls all there is, and returns it without colours.
    fn shown(&mut self) -> String {
        let start = self.bytes.len();
        while self.pull(7) == 7 {}
        plain(&self.bytes[start..])
    }

    fn type_keys(&mut self, keys: &[u8]) -> Vec<InputAction> {
        keys.iter().map(|key| self.multiplexer.input(&self.ports, *key)).collect()
    }

    /// Pulls until every port is empty, whatever has to rest.
    fn shown_to_the_end(&mut self) {
        loop {
            while self.pull(64) == 64 {}
            let Some(deadline) = self.multiplexer.deadline() else { break };
            self.now = deadline;
        }
        assert!(self.ports.iter().all(|port| port.lock().queued() == 0));
    }
}

/// `wire` as text, with the colours left out, `~` for the broken end of a line and `/` for each end.
fn plain(wire: &[u8]) -> String {
    let mut text = String::from_utf8(wire.to_vec()).unwrap();
    for colour in [36, 32, 97, 90] {
        text = text.replace(&alloc::format!("\x1b[0;{colour}m"), "");
    }
    text.replace("\x1b[0m", "").replace("\x1b[?z", "~").replace("\r\n", "/")
}
