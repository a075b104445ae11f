//! What it was measured on, as far as figures depend on it.

use std::fs;

/// Processors, kernel and load; no name of a machine.
pub(super) fn describe() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // What follows the version is the machine's own.
    let kernel: String = kernel.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let kernel = kernel.trim_end_matches('.');
    format!("{processors} processors, Linux {kernel}; the load of other work was {} when it began", average())
}

/// How busy the machine is, for whoever looks on: others' work makes figures worse.
pub(super) fn load() -> String {
    format!("[load {}]", average())
}

fn average() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
