//! What the owner can ask of the monitor.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A command, well formed: whether there is such a guest or core, only the run loop knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Say what there is; of one command if named.
    Help(Option<String>),
    /// Name every guest, with its state.
    VmList,
    /// Stop a guest.
    VmStop(String),
    /// Start a guest that is stopped.
    VmStart(String),
    /// Stop a guest and start it from its modules.
    VmRestart(String),
    /// Tell about a guest and its vCPUs.
    VmInfo(String),
    /// Carry a guest, with all its state, to another core.
    VmMove {
        /// The guest.
        name: String,
        /// The core that its first vCPU is to run on.
        core: u32,
    },
    /// Let what is typed go to a guest.
    Focus(String),
    /// Count exits, wake-ups and time asleep; of one guest if named.
    Stats(Option<String>),
    /// Show the newest records of the log, all of them if no number is given.
    Log(Option<usize>),
    /// Stop every guest and switch the machine off.
    PowerOff,
}

/// A command's form and how it is read.
struct Form {
    words: &'static [&'static str],
    arguments: &'static str,
    summary: &'static str,
    /// From the arguments alone; `None` if there are too few or too many, or one is not what it should be.
    read: fn(&[&str]) -> Option<Command>,
}

const FORMS: [Form; 11] = [
    Form {
        words: &["help"],
        arguments: "[COMMAND]",
        summary: "what there is",
        read: |arguments| Some(Command::Help(at_most_one(arguments)?.map(String::from))),
    },
    Form {
        words: &["vm", "list"],
        arguments: "",
        summary: "every guest with its state, cores and memory",
        read: |arguments| arguments.is_empty().then_some(Command::VmList),
    },
    Form {
        words: &["vm", "info"],
        arguments: "NAME",
        summary: "a guest and its vCPUs",
        read: |arguments| one(arguments).map(Command::VmInfo),
    },
    Form {
        words: &["vm", "start"],
        arguments: "NAME",
        summary: "start a guest that is stopped",
        read: |arguments| one(arguments).map(Command::VmStart),
    },
    Form {
        words: &["vm", "stop"],
        arguments: "NAME",
        summary: "stop a guest",
        read: |arguments| one(arguments).map(Command::VmStop),
    },
    Form {
        words: &["vm", "restart"],
        arguments: "NAME",
        summary: "stop a guest and start it afresh",
        read: |arguments| one(arguments).map(Command::VmRestart),
    },
    Form {
        words: &["vm", "move"],
        arguments: "NAME CORE",
        summary: "carry a guest, as it runs, to another core",
        read: |arguments| match arguments {
            [name, core] => Some(Command::VmMove { name: String::from(*name), core: core.parse().ok()? }),
            _ => None,
        },
    },
    Form {
        words: &["focus"],
        arguments: "NAME",
        summary: "let the keys go to a guest",
        read: |arguments| one(arguments).map(Command::Focus),
    },
    Form {
        words: &["stats"],
        arguments: "[NAME]",
        summary: "exits by cause, wake-ups and time asleep",
        read: |arguments| Some(Command::Stats(at_most_one(arguments)?.map(String::from))),
    },
    Form {
        words: &["log"],
        arguments: "[N]",
        summary: "the newest N records of the hypervisor's log",
        read: |arguments| match at_most_one(arguments)? {
            None => Some(Command::Log(None)),
            Some(count) => Some(Command::Log(Some(count.parse().ok()?))),
        },
    },
    Form {
        words: &["poweroff"],
        arguments: "",
        summary: "stop every guest and switch the machine off",
        read: |arguments| arguments.is_empty().then_some(Command::PowerOff),
    },
];

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// What is wrong with the line, and what there is instead.
    pub fn parse(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let Some((form, arguments)) = FORMS.iter().find_map(|form| Some((form, form.arguments_of(&words)?))) else {
            return Err(unknown(&words));
        };
        (form.read)(arguments).ok_or_else(|| format!("usage: {}", form.usage()))
    }
}

/// The forms of the command called `command`, or of all, one a line.
///
/// # Errors
///
/// There is no such command; the message says which there are.
pub fn help(command: Option<&str>) -> Result<String, String> {
    let forms: Vec<&Form> = FORMS.iter().filter(|form| command.is_none_or(|name| form.is_called(name))).collect();
    if forms.is_empty() {
        return Err(unknown(&[command.unwrap_or_default()]));
    }
    let width = forms.iter().map(|form| form.usage().len()).max().unwrap_or(0);
    Ok(forms.iter().map(|form| format!("{:width$}  {}\n", form.usage(), form.summary)).collect())
}

impl Form {
    fn usage(&self) -> String {
        let mut usage = self.words.join(" ");
        if !self.arguments.is_empty() {
            usage.push(' ');
            usage.push_str(self.arguments);
        }
        usage
    }

    fn arguments_of<'a, 'b>(&self, words: &'a [&'b str]) -> Option<&'a [&'b str]> {
        let (name, arguments) = words.split_at_checked(self.words.len())?;
        (name == self.words).then_some(arguments)
    }

    fn is_called(&self, name: &str) -> bool {
        self.words.first() == Some(&name)
    }
}

/// Says what there is in place of `words`.
fn unknown(words: &[&str]) -> String {
    let Some(first) = words.first() else { return String::from("type a command, such as help") };
    let seconds: Vec<&str> =
        FORMS.iter().filter(|form| form.is_called(first)).filter_map(|form| form.words.get(1).copied()).collect();
    if !seconds.is_empty() {
        return format!("{first} needs one of: {}", seconds.join(", "));
    }
    let mut firsts: Vec<&str> = FORMS.iter().filter_map(|form| form.words.first().copied()).collect();
    firsts.dedup();
    format!("no command \"{first}\"; there are: {}", firsts.join(", "))
}

fn one(arguments: &[&str]) -> Option<String> {
    match arguments {
        [argument] => Some(String::from(*argument)),
        _ => None,
    }
}

fn at_most_one<'a>(arguments: &[&'a str]) -> Option<Option<&'a str>> {
    match arguments {
        [] => Some(None),
        [argument] => Some(Some(argument)),
        _ => None,
    }
}
