//! Empty on purpose: cargo wants a target in every package, and this one only pins where the FreeRTOS
//! kernel's C sources come from (see `build`).
