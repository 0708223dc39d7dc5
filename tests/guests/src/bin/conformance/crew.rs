//! The other vCPUs: each does what the boot vCPU asks of it, and otherwise sleeps with IRQs masked: what becomes pending
//! for it stays so.

use core::sync::atomic::{AtomicUsize, Ordering};

use bulkhead_guests::smp::{self, MAXIMUM};
use bulkhead_guests::timer::Timer;
use bulkhead_guests::{Machine, cpu, interrupt, machine, psci};

use crate::gic::interface::{self, Register};

/// What a vCPU is asked to do, with its index; IRQs are masked.
pub type Job = fn(index: usize);

/// The SGI that wakes a vCPU for a job. Checks use others.
pub const WAKE: u32 = 15;
/// No job, or it is done.
const NONE: usize = 0;
/// The job after which a vCPU switches itself off.
const LEAVE: usize = 1;

/// How often each vCPU began.
static LIVES: [AtomicUsize; MAXIMUM] = [const { AtomicUsize::new(0) }; MAXIMUM];
static JOBS: [AtomicUsize; MAXIMUM] = [const { AtomicUsize::new(NONE) }; MAXIMUM];

/// Starts every other vCPU, and waits until all are ready.
pub fn start(machine: &Machine) {
    for (index, job) in JOBS.iter().enumerate().take(machine.cpus.len()).skip(1) {
        job.store(usize::MAX, Ordering::SeqCst);
        assert!(smp::start(machine, index, work) == psci::status::SUCCESS, "vCPU {index} does not start");
    }
    (1..machine.cpus.len()).for_each(wait);
}

/// How often vCPU `index` began to work.
pub fn lives(index: usize) -> usize {
    LIVES[index].load(Ordering::SeqCst)
}

fn work(index: usize) {
    Timer::Virtual.stop();
    LIVES[index].fetch_add(1, Ordering::SeqCst);
    interrupt::controller().initialise_cpu();
    interrupt::controller().set_priority(WAKE, 0);
    JOBS[index].store(NONE, Ordering::SeqCst);
    cpu::send_event();
    loop {
        let job = next(index);
        if job == LEAVE {
            return;
        }
        // SAFETY: only `ask` stores anything else here, and it stores a `Job`.
        let job = unsafe { core::mem::transmute::<usize, Job>(job) };
        job(index);
        // What was acknowledged and ended is observed by this vCPU's redistributor (IHI 0069H 12.1).
        cpu::data_barrier();
        JOBS[index].store(NONE, Ordering::SeqCst);
        cpu::send_event();
    }
}

/// The next job of vCPU `index`. It begins once the SGI has come that wakes for it: a job that sleeps is not to be woken by
/// that.
fn next(index: usize) -> usize {
    let gic = interrupt::controller();
    // None is more urgent, so that nothing else can be acknowledged.
    while interface::read(gic, Register::HighestPending) & 0x3ff != WAKE {
        cpu::wait_for_interrupt();
    }
    interface::end(gic, interface::acknowledge(gic));
    cpu::data_barrier();
    JOBS[index].load(Ordering::SeqCst)
}

fn post(index: usize, job: usize) {
    JOBS[index].store(job, Ordering::SeqCst);
    interrupt::controller().send_sgi(WAKE, machine().cpus[index], index);
}

/// Has vCPU `index` do `job`; [`wait`] waits for its end.
pub fn ask(index: usize, job: Job) {
    post(index, job as usize);
}

/// Waits until vCPU `index` has done its job.
pub fn wait(index: usize) {
    while JOBS[index].load(Ordering::SeqCst) != NONE {
        cpu::wait_for_event();
    }
}

/// Has vCPU `index` do `job`, and waits for its end.
pub fn run(index: usize, job: Job) {
    ask(index, job);
    wait(index);
}

/// Has all of them switch themselves off, and waits until PSCI says so.
pub fn dismiss(machine: &Machine) {
    (1..machine.cpus.len()).for_each(|index| leave(machine, index));
}

/// Has vCPU `index` switch itself off, and waits until PSCI says so. To [`wait`] for it is to wait until it began again.
pub fn leave(machine: &Machine, index: usize) {
    post(index, LEAVE);
    while psci::psci(psci::function::AFFINITY_INFO_64, [machine.cpus[index], 0, 0]) != 1 {
        cpu::send_event();
    }
}
