use alloc::vec::Vec;

use super::register::{DR, FR, PERIPH_ID0, RSR_ECR};
use super::*;

const ILPR: u64 = 0x020;
const IBRD: u64 = 0x024;
const LCR_H: u64 = 0x02c;
const CR: u64 = 0x030;
const IFLS: u64 = 0x034;
const IMSC: u64 = 0x038;
const RIS: u64 = 0x03c;
const MIS: u64 = 0x040;
const ICR: u64 = 0x044;

const RXIM: u64 = 1 << 4;
const TXIM: u64 = 1 << 5;
const RTIM: u64 = 1 << 6;
const OEIM: u64 = 1 << 10;
const TXFF: u64 = 1 << 5;
const RXFF: u64 = 1 << 6;
const RXFE: u64 = 1 << 4;
const BUSY: u64 = 1 << 3;
const FEN: u64 = 1 << 4;

fn with_fifos() -> Pl011 {
    let mut uart = Pl011::new();
    uart.set_transmit_space(4096);
    uart.write(LCR_H, 4, 0x60 | FEN);
    uart.write(CR, 4, 0x301);
    uart
}

#[test]
fn registers_have_their_reset_values() {
    let mut uart = Pl011::new();
    let expected = [(DR, 0), (RSR_ECR, 0), (FR, 0x97), (CR, 0x300), (IFLS, 0x12), (IMSC, 0), (RIS, 0), (MIS, 0)];
    for (offset, value) in expected {
        assert_eq!(uart.read(offset, 4), value, "{offset:#x}");
    }
    let identification: Vec<u64> = (0..8).map(|index| uart.read(PERIPH_ID0 + 4 * index, 4)).collect();
    assert_eq!(identification, [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
}

#[test]
fn registers_keep_their_implemented_bits_and_no_others() {
    let cases = [(ILPR, 0xff), (IBRD, 0xffff), (0x28, 0x3f), (LCR_H, 0xff), (CR, 0xff87), (IFLS, 0x3f), (IMSC, 0x7ff)];
    let mut uart = Pl011::new();
    for (offset, implemented) in cases.into_iter().chain([(0x48, 7), (FR, 0), (0x80, 0), (0xfe0, 0x11), (0x2000, 0)]) {
        uart.write(offset, 4, 0xffff_ffff);
        let value = uart.read(offset, 4);
        let value = if offset == FR { value & !0x1ff } else { value };
        assert_eq!(value, implemented, "{offset:#x}");
    }
}

#[test]
fn narrow_and_wide_accesses_see_the_same_registers() {
    let mut uart = with_fifos();
    assert_eq!(uart.write(DR, 1, 0xffff_ff41), Some(0x41));
    assert_eq!(uart.write(DR + 1, 1, 0x42), None);
    assert_eq!(uart.write(DR, 8, 0x43), Some(0x43));
    uart.write(IBRD, 8, 0x0000_0015_0000_1234);
    assert_eq!(uart.read(IBRD, 8), 0x0000_0015_0000_1234);
    assert_eq!(uart.read(IBRD + 1, 1), 0x12);
    assert_eq!(uart.read(IBRD, 2), 0x1234);
    uart.write(IBRD, 1, 0x1ff);
    assert_eq!(uart.read(IBRD, 4), 0xff);
    assert_eq!(uart.read(u64::MAX, 8), 0);
}

#[test]
fn a_writer_that_polls_for_room_loses_nothing() {
    for line_control in [0, FEN] {
        let mut uart = Pl011::new();
        uart.write(LCR_H, 4, line_control);
        let mut room = 5;
        let mut sent = Vec::new();
        for byte in 0..200_u8 {
            uart.set_transmit_space(room);
            while uart.read(FR, 4) & TXFF != 0 {
                room += 3;
                uart.set_transmit_space(room);
            }
            sent.push(uart.write(DR, 4, u64::from(byte)).unwrap());
            room -= 1;
        }
        assert_eq!(sent, (0..200).collect::<Vec<u8>>());
        assert_eq!(uart.lost(), 0);
    }
}

#[test]
fn what_is_written_to_a_full_fifo_is_lost_and_counted() {
    let mut uart = with_fifos();
    uart.set_transmit_space(2);
    let sent: Vec<_> = (0..5).map(|byte| uart.write(DR, 4, byte)).collect();
    assert_eq!(sent, [Some(0), Some(1), None, None, None]);
    assert_eq!(uart.lost(), 3);
    assert_eq!(uart.read(FR, 4) & (TXFF | BUSY), TXFF | BUSY);
}

/// Linux's interrupt handler writes half a FIFO without looking at TXFF (amba-pl011, `pl011_tx_chars`).
#[test]
fn a_transmit_interrupt_promises_half_a_fifo() {
    let mut uart = with_fifos();
    uart.set_transmit_space(40);
    let mut written = 0;
    while uart.read(FR, 4) & TXFF == 0 {
        written += u32::from(uart.write(DR, 4, 0x2e).is_some());
    }
    assert_eq!(written, 40);
    uart.write(IMSC, 4, TXIM);
    assert!(!uart.interrupt());
    assert_eq!(uart.awaited_transmit_space(), Some(16));
    uart.set_transmit_space(15);
    assert!(!uart.interrupt());
    uart.set_transmit_space(16);
    assert!(uart.interrupt());
    for _ in 0..16 {
        assert!(uart.write(DR, 4, 0x2e).is_some());
    }
    assert!(!uart.interrupt());
    assert_eq!((uart.read(FR, 4) & TXFF, uart.lost()), (TXFF, 0));
}

#[test]
fn a_cleared_transmit_interrupt_comes_back_with_the_next_character() {
    let mut uart = with_fifos();
    uart.write(IMSC, 4, TXIM);
    assert!(!uart.interrupt(), "nothing was transmitted yet");
    uart.write(DR, 4, 0x41);
    assert!(uart.interrupt());
    uart.write(ICR, 4, TXIM);
    assert!(!uart.interrupt());
    uart.set_transmit_space(4096);
    assert!(!uart.interrupt(), "no level was passed");
    uart.write(DR, 4, 0x41);
    assert!(uart.interrupt());
}

#[test]
fn the_receive_interrupt_follows_its_trigger_level() {
    for (selection, trigger) in [(0, 4), (1, 8), (2, 16), (3, 24), (4, 28), (7, 16)] {
        let mut uart = with_fifos();
        uart.write(IFLS, 4, selection << 3 | 2);
        uart.write(IMSC, 4, RXIM);
        for count in 1..=32 {
            assert!(uart.receive(count));
            assert_eq!(uart.interrupt(), count >= trigger, "level {selection}, {count} characters");
        }
        assert!(!uart.receive(33));
        assert_eq!(uart.read(FR, 4) & (RXFF | RXFE), RXFF);
        uart.write(ICR, 4, RXIM);
        assert!(!uart.interrupt());
        for count in 1..=32 {
            assert_eq!(uart.read(DR, 4), count);
            assert!(!uart.interrupt(), "the level was not passed upwards");
        }
        assert_eq!(uart.read(FR, 4) & RXFE, RXFE);
    }
}

#[test]
fn a_single_character_raises_the_timeout_until_it_is_read() {
    let mut uart = with_fifos();
    uart.write(IMSC, 4, RXIM | RTIM);
    assert!(uart.receive(0x61) && uart.interrupt());
    uart.write(DR, 4, 0x41);
    assert_eq!((uart.read(MIS, 4), uart.read(RIS, 4)), (RTIM, RTIM | TXIM));
    assert_eq!(uart.read(DR, 4), 0x61);
    assert!(!uart.interrupt());
    uart.write(ICR, 4, RTIM);
    assert!(!uart.interrupt(), "there is nothing to time out");
}

#[test]
fn a_timeout_survives_one_clear_per_arrival() {
    let mut uart = with_fifos();
    uart.write(IMSC, 4, RTIM);
    uart.receive(0x61);
    uart.write(ICR, 4, RTIM);
    assert!(uart.interrupt(), "the character may have come just before the clear");
    uart.write(ICR, 4, RTIM);
    assert!(!uart.interrupt(), "a driver that reads later is left in peace");
    uart.receive(0x62);
    assert!(uart.interrupt());
    uart.write(ICR, 4, RTIM);
    uart.write(ICR, 4, RTIM);
    uart.read(DR, 4);
    assert!(uart.interrupt(), "a driver that reads one character per interrupt is told of the rest");
}

#[test]
fn without_fifos_there_is_one_place() {
    let mut uart = Pl011::new();
    uart.write(IMSC, 4, RXIM);
    assert!(uart.receive(1) && uart.interrupt());
    assert!(!uart.receive(2));
    assert_eq!(uart.read(DR, 4), 1);
    assert!(!uart.interrupt() && uart.receive(2));
}

#[test]
fn disabling_the_fifos_empties_them() {
    let mut uart = with_fifos();
    uart.write(IMSC, 4, RTIM);
    uart.receive(1);
    uart.write(LCR_H, 4, 0x60);
    assert_eq!(uart.read(FR, 4) & RXFE, RXFE);
    assert!(!uart.interrupt());
}

#[test]
fn a_receiver_that_is_off_takes_nothing() {
    let mut uart = with_fifos();
    uart.write(CR, 4, 0x101);
    assert!(!uart.can_receive() && !uart.receive(1));
    uart.write(CR, 4, 0x301);
    assert!(uart.receive(1));
}

#[test]
fn loopback_receives_what_is_sent_and_can_overrun() {
    let mut uart = with_fifos();
    uart.write(CR, 4, 0x381);
    assert_eq!(uart.read(FR, 4) & 0x107, 0, "modem outputs are off and looped back");
    assert_eq!(uart.read(RIS, 4) & 0xf, 0b1110, "CTS, DCD and DSR changed");
    uart.write(CR, 4, 0x0f00 | 0x3081);
    assert_eq!(uart.read(FR, 4) & 0x107, 0x107);
    assert!(!uart.receive(9), "the line is cut off");
    uart.write(ICR, 4, TXIM);
    uart.write(IMSC, 4, OEIM);
    for byte in 0..33 {
        assert_eq!(uart.write(DR, 4, byte), None);
    }
    assert!(uart.interrupt());
    assert_eq!(uart.read(RIS, 4) & TXIM, TXIM);
    assert_eq!(uart.read(RSR_ECR, 4), 8);
    uart.write(RSR_ECR, 4, 0xff);
    assert_eq!(uart.read(RSR_ECR, 4), 0);
    assert_eq!(uart.read(DR, 4), 0);
    uart.write(DR, 4, 0x55);
    let rest: Vec<u64> = (0..32).map(|_| uart.read(DR, 4)).collect();
    assert_eq!(rest.first(), Some(&1));
    assert_eq!(rest.last(), Some(&0x855), "the next character carries the mark of the loss");
}

#[test]
fn a_restored_uart_goes_on_where_it_was() {
    let mut uart = with_fifos();
    uart.write(IMSC, 4, TXIM | RTIM);
    uart.receive(0x61);
    uart.set_transmit_space(3);
    uart.write(DR, 4, 0x41);
    let state = uart.state().clone();
    let mut restored = Pl011::restore(state.clone()).unwrap();
    assert_eq!(restored.state(), &state);
    assert_eq!(restored.read(DR, 4), 0x61);
    assert!(!restored.interrupt());
    restored.set_transmit_space(4096);
    assert!(restored.interrupt(), "the guest that waited for room is told of it");
}

#[test]
fn an_impossible_state_is_refused() {
    let possible = State::default();
    let with = |index: usize, value: u32| {
        let mut registers = State::default().registers;
        registers[index] = value;
        registers
    };
    assert!(Pl011::restore(possible.clone()).is_some());
    assert!(Pl011::restore(State { registers: with(register::CR, 1 << 3), ..possible.clone() }).is_none());
    assert!(Pl011::restore(State { registers: with(register::IMSC, 0x800), ..possible.clone() }).is_none());
    assert!(Pl011::restore(State { registers: with(register::MIS, 1), ..possible.clone() }).is_none());
    assert!(Pl011::restore(State { transmit_level: 2, ..possible.clone() }).is_none());
    assert!(Pl011::restore(State { received: [1, 2].into_iter().collect(), ..possible.clone() }).is_none());
    assert!(Pl011::restore(State { received: [0x100].into_iter().collect(), ..possible }).is_none());
}
