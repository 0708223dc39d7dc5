//! Says what machine it runs on and switches it off.
#![no_std]
#![no_main]

use bulkhead_guests::{Machine, cpu, entry, expect_eq, println, read_register};

entry!(main, mmu off);

fn main(machine: &'static Machine) {
    println!("hello: model \"{}\"", machine.model);
    println!("hello: midr={:#x} mpidr={:#x}", read_register!("midr_el1"), read_register!("mpidr_el1"));
    let ram = machine.memory[0];
    println!("hello: {} vCPUs, RAM {:#x} + {:#x}", machine.cpus.len(), ram.start, ram.length);
    println!("hello: bootargs \"{}\"", machine.arguments.0);
    let [kaslr, rng] = machine.seeds;
    println!("hello: seeds {kaslr:02x?} {rng:02x?}");
    expect_eq!("exception level", cpu::exception_level(), 1);
}
