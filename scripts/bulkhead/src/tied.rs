//! Programs that end when this one does, however it ends.
//!
//! A board that outlives who started it keeps a core of the host busy for ever. What is dropped is killed, but who is
//! killed drops nothing, and QEMU does not mind that nobody is at the other end of its pipes any more. The kernel can tell
//! it (prctl(2), PR_SET_PDEATHSIG); `setpriv` of util-linux asks for that, and becomes the program.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The program that ties, and how.
const TIE: [&str; 4] = ["setpriv", "--pdeathsig", "KILL", "--"];

/// A command that runs `program`, which is killed when the thread that starts it ends, from the moment on at which it is
/// `program`. Where there is no `setpriv` that can do so, an ordinary command.
pub fn tied(program: &Path) -> Command {
    static WORKS: OnceLock<bool> = OnceLock::new();
    let [tool, options @ ..] = TIE;
    let tying = |program: &OsStr| {
        let mut command = Command::new(tool);
        command.args(options).arg(program);
        command
    };
    let tries = || {
        let mut command = tying(OsStr::new("true"));
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if *WORKS.get_or_init(tries) { tying(program.as_os_str()) } else { Command::new(program) }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;

    /// SIGKILL.
    const KILLED: i32 = 9;

    #[test]
    fn a_program_ends_with_who_started_it() {
        // It speaks when it is tied: before that its starter must not end.
        let start = || {
            let mut command = tied(Path::new("sh"));
            command.args(["-c", "echo; exec sleep 20"]).stdout(Stdio::piped());
            let mut child = command.spawn().expect("a shell starts");
            let mut word = [0];
            child.stdout.as_mut().expect("piped").read_exact(&mut word).expect("its word");
            child
        };
        let mut child = std::thread::spawn(start).join().expect("the thread ends");
        let status = child.wait().expect("it is our child");
        assert_eq!(status.signal(), Some(KILLED), "{status}");
    }
}
