//! FreeRTOS stopped and started again, many times: each life is like the first.

use bulkhead_qemu::board::GICS;
use bulkhead_qemu::lives::{Lives, beside};
use bulkhead_qemu::{Board, Boot, Configuration, Session, Suite, Vm};

/// The VM's name.
const VM: &str = "freertos";
/// What it prints first, and what it prints when it waits for a line.
const BANNER: &str = "FreeRTOS V11";
const PROMPT: &str = "rtos> ";
/// Times that it is stopped and started again.
const CYCLES: u64 = 100;
/// What it does by itself before it reads keys.
const BOOTARGS: &str = "await 20; stat; check; health";
/// Values that depend on when it was asked, and what its periods had come to by then.
const CHANGING: [&str; 8] = ["periods", "min", "mean", "max", "received", "floating", "timer", "ticks"];

pub fn register(suite: &mut Suite) {
    for gic in GICS {
        let guest = Vm::new(VM, &format!("freertos-gicv{}", gic.version())).bootargs(BOOTARGS);
        let boot = Boot::packed(Configuration::new().vm(guest).vm(beside()));
        suite.on_each("second_life", &boot, [Board::virt(gic).cores(3).instruction_count()], lives);
    }
}

fn lives(session: &mut Session) {
    let mut lives = Lives::begin(session, VM);
    let first = life(&mut lives);
    for good in
        [" missed=0 ", "memory checksum=0x", " ok ", " errors=0 ", " mismatches=0 ", " overruns=0\n", "\ntyped\n"]
    {
        assert!(first.contains(good), "{good:?} is not in the first life\n{first}");
    }
    while lives.over() < CYCLES {
        lives.next();
        assert_eq!(life(&mut lives), first, "life {}", lives.over());
    }
    lives.end();
}

/// From its banner to its answer to a line. Every other life ends while it prints.
fn life(lives: &mut Lives<'_>) -> String {
    lives.session().port(VM).expect(BANNER).expect(PROMPT).ask("echo typed", PROMPT);
    let text = lives.text();
    if lives.over().is_multiple_of(2) {
        lives.session().send("log start\r").port(VM).expect("log start k=").expect("\nsamples ");
    }
    let (_, life) = text.rsplit_once(BANNER).expect("it was waited for");
    let count = |key: &str| life.split_whitespace().find_map(|word| word.strip_prefix(key)).map(str::to_owned);
    assert!(
        count("timer=").is_some() && count("timer=") == count("ticks="),
        "a timer interrupt too many, or few\n{life}"
    );
    life.lines().map(without_changing).collect()
}

/// `line` without the values that differ from life to life.
fn without_changing(line: &str) -> String {
    let is_stat = line.starts_with("periods=");
    let word = |word: &str| match word.split_once('=') {
        Some((key, _)) if CHANGING.contains(&key) || is_stat && key == "checksum" => format!("{key}="),
        _ => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n"
}
