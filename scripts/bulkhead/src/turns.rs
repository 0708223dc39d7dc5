//! How long the cores of a board that counts instructions run before the next has its turn.

/// QEMU's arguments that bound each turn to about `microseconds`.
///
/// Under `-icount` the cores take turns, each as long as the time to the machine's next timer divided by the number of
/// cores (QEMU accel/tcg/tcg-accel-ops-icount.c, `icount_percpu_budget`). Between a timer's expiry and the next
/// setting of it the next timer may be seconds away, and another core's turn as long, which no real board does: FreeRTOS
/// was seen to wait for 11 ms. A timer that is always there bounds every turn. No device has one that guests cannot see
/// but this filter, of a network that nobody is in.
pub fn turns(microseconds: u32) -> [String; 4] {
    let filter = format!("filter-buffer,id=turns,netdev=nobody,interval={microseconds}");
    ["-netdev".into(), "hubport,id=nobody,hubid=0".into(), "-object".into(), filter]
}
