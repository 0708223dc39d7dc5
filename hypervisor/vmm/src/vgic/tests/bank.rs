//! Interrupts of a bank on their way into list registers and back: SGIs by their sources, and whose shared ones are.

use super::*;
use crate::vgic::bank::Terms;

/// The SGI that is tried, and a shared interrupt at the same position.
const POSITION: u32 = 3;
const BIT: u32 = 1 << POSITION;

/// Everything is forwarded, here, and GICv2's SGIs if `by_source`.
const fn terms(by_source: bool) -> Terms {
    Terms { forwarded: u32::MAX, here: u32::MAX, together: u32::MAX, by_source: if by_source { SGIS } else { 0 } }
}

/// Private interrupts of the boot vCPU, with the SGI pending from `sources`.
fn pending_from(sources: u8) -> Bank {
    let mut bank = Bank::new(0);
    bank.change_sources(POSITION, sources, 0);
    bank
}

fn shown(bank: &mut Bank) -> (ListRegisterState, u8, bool) {
    let register = bank.lend(POSITION, 0, &terms(true));
    (register.state(), register.source(), register.eoi_maintenance())
}

#[test]
fn sources_come_and_go_one_by_one() {
    let mut bank = pending_from(0b101);
    assert_eq!((bank.sources(POSITION), bank.sources(POSITION - 1), bank.lives.pending()), (0b101, 0, BIT));
    assert!(!bank.change_sources(POSITION, 0b100, 0b010), "it is so already");
    assert!(bank.change_sources(POSITION, 0b010, 0b100));
    assert_eq!((bank.sources(POSITION), bank.lives.pending(), bank.lives.lent()), (0b011, BIT, 0));
    assert!(bank.change_sources(POSITION, 0, 0b011));
    assert_eq!((bank.sources(POSITION), bank.lives.pending()), (0, 0));
}

#[test]
fn a_list_register_gets_the_lowest_source_and_the_others_wait() {
    let mut bank = pending_from(0b110);
    assert_eq!(shown(&mut bank), (ListRegisterState::Pending, 1, true));
    assert_eq!((bank.lent_source(POSITION), bank.sources(POSITION)), (0b010, 0b110));
    assert_eq!((bank.lives.lent(), bank.lives.only_lent()), (BIT, 0));
    assert!(bank.change_sources(POSITION, 0, 0b100), "what waited does no longer");
    assert_eq!((bank.sources(POSITION), bank.lives.only_lent()), (0b010, BIT));
    assert!(bank.change_sources(POSITION, 0b010, 0), "it may have been acknowledged there: it is pending once more");
    assert_eq!((bank.sources(POSITION), bank.lives.only_lent()), (0b010, 0));
    assert!(bank.change_sources(POSITION, 0, 0b010), "neither here nor there");
    assert_eq!((bank.sources(POSITION), bank.lives.pending()), (0, 0));
}

#[test]
fn what_a_list_register_held_comes_back() {
    let mut bank = pending_from(0b110);
    shown(&mut bank);
    bank.take_out(POSITION);
    assert_eq!((bank.lent_source(POSITION), bank.sources(POSITION)), (0, 0b110));
    assert_eq!((bank.lives.lent(), bank.lives.listed(), bank.lives.pending()), (0, 0, BIT));
    shown(&mut bank);
    bank.change_sources(POSITION, 0b001, 0);
    assert_eq!(shown(&mut bank), (ListRegisterState::Pending, 0, true), "what was lent is chosen anew");
    assert_eq!((bank.lent_source(POSITION), bank.sources(POSITION)), (0b001, 0b111));
}

#[test]
fn while_an_sgi_is_active_its_own_source_alone_is_shown_beside_it() {
    let mut bank = pending_from(0b100);
    let register = bank.lend(POSITION, 0, &terms(true));
    bank.take_back(POSITION, register, ListRegisterState::Active);
    assert_eq!((bank.detail(POSITION).active_source, bank.sources(POSITION), bank.lives.active()), (2, 0, BIT));
    assert_eq!(shown(&mut bank), (ListRegisterState::Active, 2, false));
    bank.change_sources(POSITION, 0b001, 0);
    assert_eq!(shown(&mut bank), (ListRegisterState::Active, 2, true), "another source waits for the end");
    assert_eq!(bank.lent_source(POSITION), 0);
    bank.change_sources(POSITION, 0b100, 0);
    assert_eq!(shown(&mut bank), (ListRegisterState::PendingAndActive, 2, true));
    assert_eq!((bank.lent_source(POSITION), bank.sources(POSITION)), (0b100, 0b101));
}

#[test]
fn a_shared_interrupt_stays_where_it_is_and_else_goes_where_it_is_routed() {
    let mut bank = Bank::new(FIRST_SHARED);
    let (listed, active, pending) = (1 << 1, 1 << 2, 1 << 4);
    bank.lives.pend(listed | pending);
    bank.lend(1, 1, &terms(false));
    bank.lives.set_active(active, true);
    bank.details[2].owner = 0;
    let wanted = listed | active | pending;
    assert_eq!(bank.destined_for(0, wanted, wanted), active | pending);
    assert_eq!(bank.destined_for(1, wanted, wanted), listed | pending);
    assert_eq!(bank.destined_for(1, wanted, 0), listed);
    assert_eq!(bank.destined_for(0, pending, listed), 0, "neither wanted nor here");
}

#[test]
fn an_interrupt_with_another_priority_is_not_shown_pending_beside_active() {
    for (priority, state, more) in
        [(0x40, ListRegisterState::PendingAndActive, false), (0x48, ListRegisterState::Active, true)]
    {
        let mut bank = Bank::new(FIRST_SHARED);
        bank.details[3].priority = 0x40;
        bank.lives.pend(BIT);
        let register = bank.lend(POSITION, 0, &terms(false));
        assert_eq!((register.intid(), register.priority(), register.state()), (35, 0x40, ListRegisterState::Pending));
        bank.take_back(POSITION, register, ListRegisterState::Active);
        bank.details[3].priority = priority;
        bank.lives.pend(BIT);
        let register = bank.lend(POSITION, 0, &terms(false));
        assert_eq!((register.priority(), register.state(), register.eoi_maintenance()), (0x40, state, more));
    }
}

#[test]
fn a_written_state_holds_over_what_the_list_register_shows() {
    for now in [ListRegisterState::Empty, ListRegisterState::Active] {
        let mut bank = Bank::new(FIRST_SHARED);
        bank.lives.pend(BIT);
        let register = bank.lend(POSITION, 0, &terms(false));
        bank.lives.set_active(BIT, true);
        bank.take_back(POSITION, register, now);
        assert_eq!((bank.lives.active(), bank.lives.pending()), (BIT, 0), "{now:?}");
        assert_eq!(bank.lives.listed() != 0, now == ListRegisterState::Active, "{now:?}");
        bank.take_out(POSITION);
        assert_eq!(bank.lives.listed(), 0);
    }
}

#[test]
fn what_is_not_forwarded_any_more_is_no_longer_lent() {
    let mut bank = Bank::new(0);
    bank.lives.pend(BIT);
    bank.lend(POSITION, 0, &terms(false));
    assert_eq!(bank.lives.lent(), BIT);
    let register = bank.lend(POSITION, 0, &Terms { forwarded: 0, ..terms(false) });
    assert_eq!((register.state(), bank.lives.lent(), bank.lives.pending()), (ListRegisterState::Empty, 0, BIT));
}

#[test]
fn a_list_register_has_the_group_of_its_interrupt() {
    for (group, shown) in [(BIT, Group::One), (!BIT, Group::Zero)] {
        let mut bank = Bank::new(FIRST_SHARED);
        bank.group = group;
        bank.lives.pend(u32::MAX);
        assert_eq!(bank.lend(POSITION, 0, &terms(false)).group(), shown);
    }
}

/// One that is pending both by its line, which lasts, and beside active with another priority is waited for once.
#[test]
fn a_line_that_waits_for_the_end_is_waited_for() {
    let mut bank = Bank::new(FIRST_SHARED);
    bank.lives.drive(BIT, true);
    let register = bank.lend(POSITION, 0, &terms(false));
    bank.take_back(POSITION, register, ListRegisterState::Active);
    bank.details[3].priority = 0x48;
    let register = bank.lend(POSITION, 0, &terms(false));
    assert_eq!((register.state(), register.eoi_maintenance()), (ListRegisterState::Active, true));
}

/// GICv3 IHI 0069 12.4.7, ICH_LR<n>_EL2.State: pending and active is not for those with hardware.
#[test]
fn what_is_pending_beside_active_has_no_hardware_in_its_list_register() {
    let mut bank = Bank::new(FIRST_SHARED);
    bank.lives.link(BIT);
    bank.lives.hold(BIT);
    let register = bank.lend(POSITION, 0, &terms(false));
    assert_eq!((register.hardware(), register.eoi_maintenance()), (Some(0), false));
    bank.take_back(POSITION, register, ListRegisterState::Active);
    bank.lives.pend(BIT);
    let register = bank.lend(POSITION, 0, &terms(false));
    assert_eq!((register.state(), register.hardware()), (ListRegisterState::PendingAndActive, None));
    assert!(register.eoi_maintenance());
}
