//! What is typed to Linux's shell, and how its answers are read.

use bulkhead_qemu::Session;

/// What the shell prints when it waits for a line.
pub const PROMPT: &str = "linux# ";
/// What the kernel's log says of a kernel in trouble.
const TROUBLE: [&str; 6] = ["BUG", "Oops", "rcu: INFO", "soft lockup", "WARNING", " stall"];
/// How far the shell counts on each CPU.
const TURNS: u32 = 999;

/// The shell of the guest `vm`, which has the focus.
pub struct Shell<'s> {
    session: &'s mut Session,
    vm: &'static str,
}

impl<'s> Shell<'s> {
    /// Waits for the shell.
    pub fn await_prompt(session: &'s mut Session, vm: &'static str) -> Self {
        session.port(vm).expect(&format!("\n{PROMPT}"));
        Self { session, vm }
    }

    /// The answer to `line`.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        self.session.port(self.vm).ask(line, PROMPT)
    }

    /// Counts on each of `cpus` CPUs, one after the other: a timer interrupts each of them, and where there are several they
    /// have interrupted each other.
    #[track_caller]
    pub fn works_on_each(&mut self, cpus: u32) {
        let before = self.interrupts("arch_timer", cpus);
        // Field 39 of /proc/PID/stat is the CPU of a process (proc(5)).
        let said = self.ask(&format!(
            "for c in $(seq 0 {}); do taskset -c $c sh -c 'i=0; while [ $i -lt {TURNS} ]; do i=$((i+1)); done; \
             echo $i on $(cut -d \" \" -f 39 /proc/self/stat)'; done",
            cpus - 1
        ));
        assert_eq!(said, (0..cpus).map(|cpu| format!("{TURNS} on {cpu}\n")).collect::<String>());
        let after = self.interrupts("arch_timer", cpus);
        assert!(before.iter().zip(&after).all(|(before, after)| before < after), "{before:?}, then {after:?}");
        if cpus > 1 {
            let (woken, called) = (self.interrupts("Rescheduling", cpus), self.interrupts("Function call", cpus));
            assert!(woken.iter().zip(&called).all(|(woken, called)| woken + called > 0), "{woken:?} and {called:?}");
        }
    }

    /// Interrupts by CPU in the line of /proc/interrupts that has `name`.
    #[track_caller]
    fn interrupts(&mut self, name: &str, cpus: u32) -> Vec<u64> {
        let line = self.ask(&format!("grep '{name}' /proc/interrupts"));
        let counts: Vec<u64> = line.split_whitespace().skip(1).map_while(|word| word.parse().ok()).collect();
        assert!(counts.len() == cpus as usize && line.lines().count() == 1, "{line}");
        counts
    }

    /// The kernel's log, which is whole, from its version to the first process, and tells of no trouble.
    #[track_caller]
    pub fn log(&mut self) -> String {
        let log = self.ask("dmesg");
        for text in ["Linux version ", "Run /init as init process"] {
            assert!(log.contains(text), "{text:?} is not in the log\n{log}");
        }
        let trouble: Vec<&str> = log.lines().filter(|line| TROUBLE.iter().any(|word| line.contains(word))).collect();
        assert!(trouble.is_empty(), "{}\nin\n{log}", trouble.join("\n"));
        log
    }

    /// The answer of the hypervisor's monitor to `line`. The focus comes back.
    #[track_caller]
    pub fn ask_monitor(&mut self, line: &str) -> String {
        let answer = self.session.focus('m').port("monitor").ask(line, "> ");
        self.session.focus('1');
        answer
    }

    /// Types `line`, which ends Linux, and waits for what the hypervisor says of that.
    #[track_caller]
    pub fn end_by(self, line: &str, told: &str) {
        self.session.send(&format!("{line}\r"));
        self.session.port("hypervisor").expect(&format!("info: {}: {told}", self.vm));
    }
}
