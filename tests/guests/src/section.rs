//! Sections of specifications. A check is made by a method of the section that it rests on, so that none goes without.

use core::fmt::{self, Debug, Display};

use crate::check;

/// A section, as its document and the number there.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    document: &'static str,
    number: &'static str,
}

/// A document's function: the section of that number there.
macro_rules! document {
    ($name:ident, $document:literal, $title:literal) => {
        #[doc = concat!("A section of ", $title, " (", $document, ").")]
        pub const fn $name(number: &'static str) -> Section {
            Section { document: $document, number }
        }
    };
}

document!(arm, "DDI 0487", "the Arm Architecture Reference Manual for A-profile");
document!(gic_v2, "IHI 0048B", "the GICv2 architecture specification");
document!(gic_v3, "IHI 0069H", "the GICv3 and GICv4 architecture specification");
document!(psci, "DEN0022", "the Power State Coordination Interface");
document!(smccc, "DEN0028", "the SMC Calling Convention");
document!(pl011, "DDI 0183", "the PL011 technical reference manual");

impl Section {
    /// Reports whether `seen` is what the section wants; if not, both are shown in hexadecimal.
    pub fn equal<T: PartialEq<U> + Debug, U: Debug>(self, name: impl Display, seen: T, expected: U) {
        check::equal(Cited(self, name), seen, expected);
    }

    /// Reports whether what the section wants holds.
    pub fn holds(self, name: impl Display, condition: bool) {
        check::equal(Cited(self, name), condition, true);
    }

    /// Reports a failure; `what` reads `expected .. got ..`.
    pub fn failed(self, name: impl Display, what: impl Display) {
        check::failed(Cited(self, name), what);
    }
}

/// A check's name behind its section.
struct Cited<N>(Section, N);

impl<N: Display> Display for Cited<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.0.document, self.0.number, self.1)
    }
}
