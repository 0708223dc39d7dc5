//! The hypervisor's run loop on simulated hardware, with scripted guests.
//!
//! ```text
//! test ── World ──┬─ Machine, CoreLoop::step      the real policy, one thread for each core
//!                 ├─ platform::Core               the seam: bulkhead_vmm::platform::Platform
//!                 ├─ hardware                     memory, tables, TLBs, interrupts, timers, UART
//!                 └─ cpu, program                 guests: instructions fetched from their own RAM
//! ```
//! Only the thread that holds the [`baton`] runs, and it passes it on where no lock is held; a seeded choice says
//! to whom. So a seed names one interleaving of all cores for ever, and a sleeping core that nobody wakes is seen.
//!
//! A guest's whole state is architectural. Its registers are the vCPU's; its instructions are words in its RAM,
//! which the hypervisor copied there; what a word does is looked up in its [`program`].

pub mod baton;
pub mod beginning;
mod boot;
mod closed;
mod cpu;
mod execute;
pub mod guests;
pub mod hardware;
mod interface;
pub mod library;
mod logger;
pub mod machine;
mod memory;
pub mod physical_timer;
pub mod platform;
pub mod program;
pub mod register;
mod system;
mod tables;
mod translate;
mod uart;
pub mod world;
