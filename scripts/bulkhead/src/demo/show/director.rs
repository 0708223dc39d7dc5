//! What is typed: what the screen needs, the acts, and the tour.

use super::facts::grouped;
use super::model::{Model, Status};
use crate::demo::session::{Port, Session, Stopped};
use std::collections::VecDeque;

/// What is typed to the monitor first, in this order: the banner waits for what `stats` tells, and the guests' sleep is
/// shown.
const FIRST: [&str; 3] = ["stats", "vm info freertos", "watch on"];
/// Milliseconds between two questions to the monitor after that.
const POLL: u64 = 1_000;
/// Where FreeRTOS's RAM is if the monitor does not say: an address that is not Linux's either.
const SOMEWHERE: u64 = 0x4200_0000;

/// Something to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Linux crashes and comes back.
    Crash,
    /// Linux reads FreeRTOS's memory.
    Read,
    /// Linux floods its console.
    Flood,
    /// FreeRTOS answers at its console.
    Answer,
}

impl Act {
    /// The act of a key.
    pub fn of_key(key: char) -> Option<Self> {
        match key {
            '1' => Some(Self::Crash),
            '2' => Some(Self::Read),
            '3' => Some(Self::Flood),
            _ => None,
        }
    }

    /// To whom it is typed.
    fn port(self) -> Port {
        if self == Self::Answer { Port::FreeRtos } else { Port::Linux }
    }

    /// What is typed.
    fn line(self, model: &Model) -> String {
        match self {
            // A panic that waits a second first would take a minute under -icount.
            Self::Crash => "echo -1 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger".into(),
            Self::Read => format!("devmem {:#x}", model.neighbour.unwrap_or(SOMEWHERE)),
            Self::Flood => "yes 'Linux floods its console, and nobody waits for it.' | head -n 1500".into(),
            Self::Answer => "stat".into(),
        }
    }

    /// Whether whom it is typed to waits for a command.
    fn is_possible(self, model: &Model) -> bool {
        if self == Self::Answer { model.freertos_waits() } else { model.linux_waits() }
    }

    /// What it shows, in a line.
    pub fn caption(self) -> &'static str {
        match self {
            Self::Crash => "1  Linux crashes. FreeRTOS's counter goes on, and Linux comes back by itself.",
            Self::Read => "2  Linux reads FreeRTOS's memory: it gets a bus error, and the log gets one clear line.",
            Self::Flood => "3  Linux floods its console. FreeRTOS misses nothing, and the hypervisor still answers.",
            Self::Answer => "   FreeRTOS is asked for its numbers meanwhile, and answers.",
        }
    }
}

/// A scene of the tour.
struct Scene {
    /// When it begins at the earliest, in milliseconds after the start.
    at: u64,
    caption: &'static str,
    act: Option<Act>,
}

const TOUR: [Scene; 7] = [
    Scene {
        at: 3_000,
        caption: "An EL2 image has booted; it starts Debian's own Linux kernel on two cores, and FreeRTOS on a third.",
        act: None,
    },
    Scene {
        at: 8_000,
        caption: "Each has its own memory and console. FreeRTOS runs a control loop a thousand times a second.",
        act: None,
    },
    Scene { at: 14_000, caption: "", act: Some(Act::Crash) },
    Scene { at: 30_000, caption: "", act: Some(Act::Read) },
    Scene { at: 42_000, caption: "", act: Some(Act::Flood) },
    Scene { at: 43_500, caption: "", act: Some(Act::Answer) },
    Scene {
        at: 54_000,
        caption: "That was Bulkhead: one hypervisor, two systems, and a wall between them.",
        act: None,
    },
];
/// When the tour ends, in milliseconds after the start, and how long its last scene is shown at least.
const TOUR_END: (u64, u64) = (60_000, 5_000);

/// Types for the user.
pub struct Director {
    scenes: Option<VecDeque<&'static Scene>>,
    ends_at: Option<u64>,
    status_asked: bool,
    polled: u64,
    /// Answers of the monitor that there will be when it has answered.
    awaited: Option<usize>,
    /// Where the keys of the user go.
    pub keys_to: Port,
}

impl Director {
    /// A director, of the tour if there is one.
    pub fn new(tour: bool) -> Self {
        let scenes = tour.then(|| TOUR.iter().collect());
        Self { scenes, ends_at: None, status_asked: false, polled: 0, awaited: None, keys_to: Port::Linux }
    }

    /// Does what is due. True when the tour is over.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn tick(&mut self, model: &mut Model, session: &mut Session) -> Result<bool, Stopped> {
        if !self.status_asked && model.freertos_waits() {
            session.type_line(Port::FreeRtos, "status on")?;
            session.send(self.keys_to, b"")?;
            self.status_asked = true;
        }
        self.poll(model, session)?;
        self.play(model, session)
    }

    /// Asks the monitor, and gives the focus back when it has answered.
    fn poll(&mut self, model: &Model, session: &mut Session) -> Result<(), Stopped> {
        if self.awaited.is_some_and(|awaited| model.answers >= awaited) {
            self.awaited = None;
            return session.send(self.keys_to, b"");
        }
        let is_first = model.answers < FIRST.len();
        if self.awaited.is_none() && model.monitor_waits() && (is_first || model.now >= self.polled + POLL) {
            let question = FIRST.get(model.answers).unwrap_or(&"stats");
            self.polled = model.now;
            self.awaited = Some(model.answers + 1);
            session.type_line(Port::Monitor, question)?;
        }
        Ok(())
    }

    /// The next scene of the tour, when its time has come and Linux waits for what it types.
    fn play(&mut self, model: &mut Model, session: &mut Session) -> Result<bool, Stopped> {
        let Some(scenes) = &mut self.scenes else { return Ok(false) };
        let Some(scene) = scenes.front() else {
            return Ok(self.ends_at.is_some_and(|end| model.now >= end));
        };
        if model.now < scene.at || scene.act.is_some_and(|act| !act.is_possible(model)) {
            return Ok(false);
        }
        let scene = *scene;
        scenes.pop_front();
        let scenes_left = scenes.len();
        if scenes_left == 0 {
            self.ends_at = Some(TOUR_END.0.max(model.now + TOUR_END.1));
        }
        match scene.act {
            Some(act) => self.act(act, model, session)?,
            None => model.say(model.now, &format!("{}{}", scene.caption, numbers(model, scenes_left))),
        }
        Ok(false)
    }

    /// Plays `act`, if Linux can be typed to.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn act(&mut self, act: Act, model: &mut Model, session: &mut Session) -> Result<(), Stopped> {
        if !act.is_possible(model) {
            model.say(model.now, "Linux does not wait for a command: wait for its # and try again.");
            return Ok(());
        }
        model.say(model.now, act.caption());
        session.type_line(act.port(), &act.line(model))
    }
}

/// What has been proved, behind the last caption.
fn numbers(model: &Model, scenes_left: usize) -> String {
    let status = model.status.filter(|_| scenes_left == 0);
    let told = |status: Status| format!(" {} periods, {} missed.", grouped(status.periods), grouped(status.missed));
    status.map(told).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tour_takes_a_minute_and_shows_every_act() {
        assert!(TOUR.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(TOUR[TOUR.len() - 1].at + TOUR_END.1 <= TOUR_END.0);
        let acts: Vec<Act> = TOUR.iter().filter_map(|scene| scene.act).collect();
        assert_eq!(acts[..3], ['1', '2', '3'].map(|key| Act::of_key(key).unwrap()));
        assert!(TOUR.iter().all(|scene| scene.caption.is_empty() == scene.act.is_some()));
    }
}
