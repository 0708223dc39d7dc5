//! A guest that its owner stops and starts again, beside another that answers all the while.

use crate::{Session, Vm};

/// The VM beside: second in the configuration.
const BESIDE: &str = "beside";
/// Keys that move the focus to the guest that is stopped, to the one beside it, and to the monitor.
const GUEST_KEY: char = '1';
const BESIDE_KEY: char = '2';
const MONITOR_KEY: char = 'm';

/// The VM beside. It answers what is typed to it.
pub fn beside() -> Vm {
    Vm::new(BESIDE, "echo")
}

/// A board whose first VM lives again and again.
pub struct Lives<'s> {
    session: &'s mut Session,
    vm: &'static str,
    /// Lives that are over.
    over: u64,
    /// Times that the guest beside answered.
    answers: u64,
    /// The machine's memory in the first life, as the monitor says it.
    memory: String,
}

impl<'s> Lives<'s> {
    /// Waits until both VMs run.
    ///
    /// # Panics
    /// As [`Session::expect`].
    #[track_caller]
    pub fn begin(session: &'s mut Session, vm: &'static str) -> Self {
        session.port("hypervisor").expect_all(&[&format!("{vm}: running, "), &format!("{BESIDE}: running, ")]);
        session.port(BESIDE).expect("echo: ready");
        let mut lives = Self { session, vm, over: 0, answers: 0, memory: String::new() };
        lives.memory = lives.memory();
        lives
    }

    /// Lives that are over.
    pub fn over(&self) -> u64 {
        self.over
    }

    /// The board, whose focus the guest has.
    pub fn session(&mut self) -> &mut Session {
        self.session.focus(GUEST_KEY)
    }

    /// Everything that the guest printed.
    pub fn text(&mut self) -> String {
        self.session.port(self.vm).text()
    }

    /// Ends this life and begins the next. The guest beside answers while there is none, and while the next begins, and
    /// memory is where it was.
    ///
    /// # Panics
    /// If something of that does not hold.
    #[track_caller]
    pub fn next(&mut self) {
        self.command(&format!("vm stop {}", self.vm));
        self.session.port("hypervisor").expect(&format!("{}: off, ", self.vm));
        self.over += 1;
        self.others_go_on();
        assert_eq!(self.memory(), self.memory, "after {} lives", self.over);
        self.command(&format!("vm start {}", self.vm));
        self.others_go_on();
        self.session.port("hypervisor").expect(&format!("{}: running, ", self.vm));
        assert_eq!(self.memory(), self.memory, "after {} lives", self.over);
        let list = self.command("vm list");
        let row = list.lines().find(|row| row.starts_with(&format!("vm={} ", self.vm))).unwrap_or_default();
        assert!(row.contains("state=running ") && row.ends_with(&format!(" restarts={}", self.over)), "{list}");
    }

    /// Switches the machine off.
    ///
    /// # Panics
    /// As [`Session::end`].
    #[track_caller]
    pub fn end(self) {
        self.session.focus(MONITOR_KEY).send("poweroff\r");
        self.session.end();
    }

    /// The guest beside answers now, and has lived but once.
    #[track_caller]
    fn others_go_on(&mut self) {
        self.answers += 1;
        let nonce = format!("{:x}.{}", self.session.seed(), self.answers);
        self.session.focus(BESIDE_KEY).send(&format!("{nonce}\r"));
        self.session.port(BESIDE).expect(&format!("echo: {nonce} ticks="));
        let lives = self.session.port(BESIDE).text().matches("echo: ready").count();
        assert_eq!(lives, 1, "the guest beside began again");
    }

    /// What the monitor says of the machine's memory: the pieces that are the VM's, and what the hypervisor keeps.
    #[track_caller]
    fn memory(&mut self) -> String {
        let info = self.command(&format!("vm info {}", self.vm));
        let pieces: String =
            info.lines().filter(|row| row.contains(" physical=")).map(|row| format!("{row}\n")).collect();
        let stats = self.command("stats");
        let kept = stats.split_whitespace().find(|cell| cell.starts_with("kept=")).unwrap_or_default();
        assert!(!pieces.is_empty() && !kept.is_empty(), "{info}{stats}");
        pieces + kept
    }

    #[track_caller]
    fn command(&mut self, line: &str) -> String {
        self.session.focus(MONITOR_KEY).port("monitor").ask(line, "> ")
    }
}
