//! The developers' door: `cargo xtask build | run | test | demo | image | size | bench | profile | tidy | ci`.
//!
//! Every command stands in a file of its own. Set-up is not done here: `scripts/setup` writes what it
//! found or installed to the file that [`toolchain`] reads.

mod bench;
mod build;
mod ci;
mod code;
mod errata;
mod flat;
mod guests;
mod image;
mod initramfs;
mod pack;
mod process;
mod profile;
mod run;
mod size;
mod sources;
mod steps;
mod suite;
mod tidy;
mod toolchain;
mod workspace;

use clap::{Parser, Subcommand};

/// What a command returns; the message of an error is a whole sentence for the developer.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
#[command(name = "cargo xtask", about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Build, run and judge Bulkhead.
#[derive(Subcommand)]
enum Command {
    /// Build the hypervisor into target/bulkhead.img and the test guests into target/guests/
    Build(build::Arguments),
    /// Boot target/bulkhead.img in QEMU, by default with one test guest and no configuration
    Run(run::Arguments),
    /// Run scripts/test
    Test(process::Forwarded),
    /// Run scripts/demo
    Demo(process::Forwarded),
    /// Show the header and the segments of target/bulkhead.img
    Image,
    /// Measure text by room, lines and unsafe blocks of el2, use of stacks and heap, and hold them against their limits
    Size(size::Arguments),
    /// Count what each operation costs in instructions, into target/bench/
    Bench(bench::Arguments),
    /// Show which functions an operation's instructions belong to, into target/profile/
    Profile(profile::Arguments),
    /// Check formatting, lints, documentation, links, file lengths and words
    Tidy(tidy::Arguments),
    /// Everything that .ci/run checks: the test suites with every stage of tidy
    Ci(ci::Arguments),
    /// Run the test suites; scripts/test calls this after set-up
    Suite(suite::Arguments),
    /// Pack a BusyBox into the Linux guest's initramfs; scripts/setup calls this
    Initramfs(initramfs::Arguments),
}

fn main() -> std::process::ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Build(arguments) => build::main(&arguments),
        Command::Run(arguments) => run::main(&arguments),
        Command::Test(forwarded) => process::script("test", &forwarded),
        Command::Demo(forwarded) => process::script("demo", &forwarded),
        Command::Image => image::main(),
        Command::Size(arguments) => size::main(&arguments),
        Command::Bench(arguments) => bench::main(&arguments),
        Command::Profile(arguments) => profile::main(&arguments),
        Command::Tidy(arguments) => tidy::main(&arguments),
        Command::Ci(arguments) => ci::main(&arguments),
        Command::Suite(arguments) => suite::main(&arguments),
        Command::Initramfs(arguments) => initramfs::main(&arguments),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
