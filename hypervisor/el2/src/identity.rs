//! What the core is: the identification registers that EL1 may read (Arm ARM DDI 0487 D19.1, table D19-2).

use crate::sysreg;

/// Registers S3_0_C0_C1_0 to S3_0_C0_C7_7, by CRm and then op2.
pub const COUNT: usize = 56;

macro_rules! read_all {
    ($($name:literal,)*) => { [$(sysreg::read!($name),)*] };
}

/// This core's identification registers; those that are reserved read as zero.
pub fn registers() -> [u64; COUNT] {
    read_all![
        "S3_0_C0_C1_0",
        "S3_0_C0_C1_1",
        "S3_0_C0_C1_2",
        "S3_0_C0_C1_3",
        "S3_0_C0_C1_4",
        "S3_0_C0_C1_5",
        "S3_0_C0_C1_6",
        "S3_0_C0_C1_7",
        "S3_0_C0_C2_0",
        "S3_0_C0_C2_1",
        "S3_0_C0_C2_2",
        "S3_0_C0_C2_3",
        "S3_0_C0_C2_4",
        "S3_0_C0_C2_5",
        "S3_0_C0_C2_6",
        "S3_0_C0_C2_7",
        "S3_0_C0_C3_0",
        "S3_0_C0_C3_1",
        "S3_0_C0_C3_2",
        "S3_0_C0_C3_3",
        "S3_0_C0_C3_4",
        "S3_0_C0_C3_5",
        "S3_0_C0_C3_6",
        "S3_0_C0_C3_7",
        "S3_0_C0_C4_0",
        "S3_0_C0_C4_1",
        "S3_0_C0_C4_2",
        "S3_0_C0_C4_3",
        "S3_0_C0_C4_4",
        "S3_0_C0_C4_5",
        "S3_0_C0_C4_6",
        "S3_0_C0_C4_7",
        "S3_0_C0_C5_0",
        "S3_0_C0_C5_1",
        "S3_0_C0_C5_2",
        "S3_0_C0_C5_3",
        "S3_0_C0_C5_4",
        "S3_0_C0_C5_5",
        "S3_0_C0_C5_6",
        "S3_0_C0_C5_7",
        "S3_0_C0_C6_0",
        "S3_0_C0_C6_1",
        "S3_0_C0_C6_2",
        "S3_0_C0_C6_3",
        "S3_0_C0_C6_4",
        "S3_0_C0_C6_5",
        "S3_0_C0_C6_6",
        "S3_0_C0_C6_7",
        "S3_0_C0_C7_0",
        "S3_0_C0_C7_1",
        "S3_0_C0_C7_2",
        "S3_0_C0_C7_3",
        "S3_0_C0_C7_4",
        "S3_0_C0_C7_5",
        "S3_0_C0_C7_6",
        "S3_0_C0_C7_7",
    ]
}
