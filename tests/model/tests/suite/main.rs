//! Every model, in one program: it is linked once, and its tests share the cores.

mod config;
mod config_boards;
mod config_devices;
mod config_guest;
mod config_headers;
mod config_schema;
mod fdt;
mod fuzz;
mod identity;
mod kernels;
mod pl011;
mod run;
mod run_answers;
mod run_careless;
mod run_console;
mod run_hostile;
mod run_monitor;
mod run_move;
mod run_packed;
mod run_policy;
mod run_psci;
mod run_restart;
mod run_timer;
mod vgic;
