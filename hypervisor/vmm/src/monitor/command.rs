//! What the owner can ask of the monitor.

use core::fmt::Write;

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Say what there is; of one command if named.
    Help,
    /// Name every guest, with its state.
    VmList,
    /// Tell about a guest and its vCPUs.
    VmInfo,
    /// Start a guest that is stopped.
    VmStart,
    /// Stop a guest.
    VmStop,
    /// Stop a guest and start it from its modules.
    VmRestart,
    /// Carry a guest, with all its state, to another core.
    VmMove,
    /// Let what is typed go to a guest.
    Focus,
    /// Count exits, wake-ups and time asleep; of one guest if named.
    Stats,
    /// Time the guests' own sleep from now on.
    WatchOn,
    /// Do so no longer.
    WatchOff,
    /// Show the newest records of the log, all of them if no number is given.
    Log,
    /// Stop every guest and switch the machine off.
    PowerOff,
}

/// A line as a command: whether there is such a guest or core, only the run loop knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'line> {
    /// What to do.
    pub verb: Verb,
    /// With what; empty where it was left out.
    pub arguments: [&'line str; 2],
}

/// A command's form. Words in lower case are its name, those in brackets may be left out.
struct Form {
    verb: Verb,
    usage: &'static str,
    summary: &'static str,
}

const fn form(verb: Verb, usage: &'static str, summary: &'static str) -> Form {
    Form { verb, usage, summary }
}

static FORMS: [Form; 13] = [
    form(Verb::Help, "help [COMMAND]", "what there is"),
    form(Verb::VmList, "vm list", "every guest with its state, cores and memory"),
    form(Verb::VmInfo, "vm info NAME", "a guest and its vCPUs"),
    form(Verb::VmStart, "vm start NAME", "start a guest that is stopped"),
    form(Verb::VmStop, "vm stop NAME", "stop a guest"),
    form(Verb::VmRestart, "vm restart NAME", "stop a guest and start it afresh"),
    form(Verb::VmMove, "vm move NAME CORE", "carry a guest, as it runs, to another core"),
    form(Verb::Focus, "focus NAME", "let the keys go to a guest"),
    form(Verb::Stats, "stats [NAME]", "exits by cause, wake-ups and time asleep"),
    form(Verb::WatchOn, "watch on", "time the guests' sleep, an exit for each WFI"),
    form(Verb::WatchOff, "watch off", "let the guests sleep without an exit"),
    form(Verb::Log, "log [N]", "the newest N records of the hypervisor's log"),
    form(Verb::PowerOff, "poweroff", "stop every guest and switch the machine off"),
];

impl<'line> Command<'line> {
    /// Reads a line. If it is no command, says to `answer` what there is instead.
    pub fn parse(line: &'line str, answer: &mut dyn Write) -> Option<Self> {
        let command = FORMS.iter().find_map(|form| form.read(line));
        if command.is_none()
            && let Some(first) = line.split_ascii_whitespace().next()
        {
            help(first, answer);
        }
        command
    }
}

/// Says to `answer` which forms the command called `name` has, or if it is empty all of them; if there is no such
/// command, says so.
pub fn help(name: &str, answer: &mut dyn Write) {
    let mut found = false;
    for form in &FORMS {
        if name.is_empty() || form.usage.split_ascii_whitespace().next() == Some(name) {
            found = true;
            let _ = writeln!(answer, "{:18} {}", form.usage, form.summary);
        }
    }
    if !found {
        let _ = writeln!(answer, "no command \"{name}\": see help");
    }
}

impl Form {
    fn read<'line>(&self, line: &'line str) -> Option<Command<'line>> {
        let mut command = Command { verb: self.verb, arguments: [""; 2] };
        let mut places = command.arguments.iter_mut();
        let mut words = line.split_ascii_whitespace();
        for expected in self.usage.split_ascii_whitespace() {
            let word = words.next().unwrap_or_default();
            match expected.as_bytes() {
                [b'a'..=b'z', ..] if word != expected => return None,
                [b'a'..=b'z', ..] => {}
                [b'A'..=b'Z', ..] if word.is_empty() => return None,
                _ => *places.next()? = word,
            }
        }
        words.next().is_none().then_some(command)
    }
}
