//! What the compiler calls to move, fill and compare memory. Its own library's are five times as large, for machines that
//! cannot access unaligned words. The guest `bytes` of tests/guests tries them.

core::arch::global_asm!(include_str!("bytes.s"));
