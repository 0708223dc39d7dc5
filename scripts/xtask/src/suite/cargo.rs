//! The stages that cargo runs.

use super::libtest::Parser;
use super::outcome::{Outcome, Verdict};
use super::stage::Plan;
use crate::toolchain::Toolchain;
use crate::{Result, process, workspace};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

/// Seconds after which a stage is ended: a net under a test that hangs.
const LIMIT: &str = "1500";
/// The same with campaigns.
const LONG_LIMIT: &str = "86400";

const HOST: [&str; 5] =
    ["test", "--workspace", "--exclude=bulkhead-qemu", "--exclude=bulkhead-model", "--no-fail-fast"];
/// Crates that do not build on the host.
const BARE_METAL: [&str; 4] =
    ["--exclude=bulkhead-el2", "--exclude=bulkhead", "--exclude=bulkhead-guests", "--exclude=bulkhead-bench"];
const MODEL: [&str; 4] = ["test", "--profile=model", "--package=bulkhead-model", "--no-fail-fast"];
/// The demo's checks boot boards too, so a plain `cargo test` leaves them out (`test = false` in the tool's manifest).
const DEMO: [&str; 5] = ["test", "--release", "--package=bulkhead-tool", "--test=demo", "--no-fail-fast"];
const QEMU: [&str; 5] = ["test", "--package=bulkhead-qemu", "--lib", "--test=suite", "--no-fail-fast"];
const LINUX: [&str; 4] = ["test", "--package=bulkhead-qemu", "--test=linux", "--no-fail-fast"];

/// Runs the crates' own tests.
pub fn host(plan: &Plan) -> Result<Vec<Outcome>> {
    run(&[&HOST[..], &BARE_METAL].concat(), plan)
}

/// Names them.
pub fn list_host(plan: &Plan) -> Result<Vec<String>> {
    list(&[&HOST[..], &BARE_METAL].concat(), plan)
}

/// Runs the models, compiled with optimisation.
pub fn model(plan: &Plan) -> Result<Vec<Outcome>> {
    run(&MODEL, plan)
}

/// Names them.
pub fn list_model(plan: &Plan) -> Result<Vec<String>> {
    list(&MODEL, plan)
}

/// Runs the boards. Here a missing QEMU is a failure.
pub fn qemu(plan: &Plan) -> Result<Vec<Outcome>> {
    run(&QEMU, plan)
}

/// Names them.
pub fn list_qemu(plan: &Plan) -> Result<Vec<String>> {
    list(&QEMU, plan)
}

/// Boots Linux. Here a missing QEMU is a failure.
pub fn linux(plan: &Plan) -> Result<Vec<Outcome>> {
    run(&LINUX, plan)
}

/// Names the boots.
pub fn list_linux(plan: &Plan) -> Result<Vec<String>> {
    list(&LINUX, plan)
}

/// Runs the demo's checks, and their sabotages.
pub fn demo(plan: &Plan) -> Result<Vec<Outcome>> {
    run(&DEMO, plan)
}

/// Names them.
pub fn list_demo(plan: &Plan) -> Result<Vec<String>> {
    list(&DEMO, plan)
}

fn command(arguments: &[&str], plan: &Plan) -> Result<Command> {
    let toolchain = Toolchain::load()?;
    let cargo = toolchain.host_cargo();
    // timeout gives its child a process group of its own, which an interrupt at the terminal does not reach: it is
    // told to end when this process does.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "timeout", "--kill-after=10", if plan.long { LONG_LIMIT } else { LIMIT }]);
    command.arg(cargo.get_program());
    command.args(arguments).args(["--", &plan.filter][..if plan.filter.is_empty() { 1 } else { 2 }].iter());
    command.envs(cargo.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(cargo.get_current_dir().unwrap_or(".".as_ref()));
    command.env("BULKHEAD_REQUIRE_QEMU", "1").env("CARGO_TERM_COLOR", "never");
    if let Some(qemu) = toolchain.named_qemu() {
        command.env("BULKHEAD_QEMU", qemu);
    }
    if plan.long {
        command.env("BULKHEAD_LONG", "1");
    }
    let trees = workspace::cache()?.join("boards");
    if std::env::var_os("BULKHEAD_TREES").is_none() && trees.is_dir() {
        command.env("BULKHEAD_TREES", trees);
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// Runs cargo, shows what it prints, and reads the outcomes from that.
fn run(arguments: &[&str], plan: &Plan) -> Result<Vec<Outcome>> {
    let mut command = command(arguments, plan)?;
    let mut parser = Parser::default();
    let status = each_line(&mut command, |line| {
        if parser.line(line) {
            println!("{line}");
        }
    })?;
    let (mut outcomes, complaint) = parser.finish();
    let has_failed = outcomes.iter().any(|outcome| outcome.verdict == Verdict::Failed);
    match complaint {
        Some(complaint) => outcomes.push(Outcome::failed(&process::line(&command), &complaint)),
        None if !status.success() && !has_failed => {
            outcomes.push(Outcome::failed(&process::line(&command), &format!("ended with {status}, see above")));
        }
        None => {}
    }
    Ok(outcomes)
}

fn list(arguments: &[&str], plan: &Plan) -> Result<Vec<String>> {
    let mut command = command(arguments, plan)?;
    command.arg("--list");
    let mut names = Vec::new();
    let mut text = String::new();
    let status = each_line(&mut command, |line| {
        names.extend(line.strip_suffix(": test").map(str::to_owned));
        text = format!("{text}{line}\n");
    })?;
    if status.success() {
        Ok(names)
    } else {
        Err(format!("{} ended with {status}\n{text}", process::line(&command)).into())
    }
}

/// Runs `command` and hands over each line of its output and errors, in the order in which they came.
fn each_line(command: &mut Command, mut handle: impl FnMut(&str)) -> Result<ExitStatus> {
    let (reader, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().map_err(|error| format!("{}: {error}", process::line(command)))?;
    // The command's own ends of the pipe must go, or reading would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for line in BufReader::new(reader).split(b'\n') {
        handle(&String::from_utf8_lossy(&line?));
    }
    Ok(child.wait()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_errors_come_in_order() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo a; echo b >&2; printf 'c\\377'; exit 3"]);
        let status = each_line(&mut command, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!((lines, status.code()), (vec!["a".to_owned(), "b".to_owned(), "c\u{fffd}".to_owned()], Some(3)));
    }
}
