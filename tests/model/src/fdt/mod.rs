//! Device trees for tests, and what must hold for every one of them. `dts` compiles tree sources without `dtc`,
//! `corpus` gathers trees, `mutate` damages them, `check` says what must hold; fuzz targets call the same checks.

pub mod check;
pub mod corpus;
pub mod dts;
pub mod mutate;
