//! Who may run: one thread at a time.

use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a core's thread unwinds with when the world ends. No message is printed for it.
#[derive(Debug)]
pub struct Quit;

/// The right to run, held by one of several threads.
#[derive(Debug)]
pub struct Baton {
    turn: Mutex<Turn>,
    waiting: Vec<Condvar>,
}

#[derive(Debug)]
struct Turn {
    holder: usize,
    quit: bool,
}

impl Baton {
    /// For `count` threads, numbered from 0; `holder` has it first.
    pub fn new(count: usize, holder: usize) -> Self {
        let waiting = (0..count).map(|_| Condvar::new()).collect();
        Self { turn: Mutex::new(Turn { holder, quit: false }), waiting }
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the baton to the thread `next`, without waiting to get it back.
    pub fn give(&self, next: usize) {
        self.turn().holder = next;
        self.waiting[next].notify_one();
    }

    /// Waits until the thread `me` has the baton. Unwinds with [`Quit`] if the world has ended.
    pub fn wait(&self, me: usize) {
        let mut turn = self.turn();
        while turn.holder != me && !turn.quit {
            turn = self.waiting[me].wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        if turn.quit {
            drop(turn);
            resume_unwind(Box::new(Quit));
        }
    }

    /// Gives the baton from `me` to `next`, and waits to get it back.
    pub fn pass(&self, me: usize, next: usize) {
        if me != next {
            self.give(next);
            self.wait(me);
        }
    }

    /// Ends the world: every other thread unwinds.
    pub fn quit(&self) {
        self.turn().quit = true;
        self.waiting.iter().for_each(Condvar::notify_all);
    }
}
