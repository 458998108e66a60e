//! `provost probes`: what there is to connect to.

use std::fmt::Write as _;

use provost_bench::{Listed, list};

use crate::{
    documents::Probes,
    output::{Page, Stop, wrap},
};

pub(crate) fn run() -> Result<Page, Stop> {
    let probes = list();
    let mut text = String::new();
    let real = |option: &str| probes.iter().any(|p| p.option == option && p.kind != "virtual");
    if !real("--probe") {
        text.push_str("no debug probe is attached\n");
    }
    if !real("--dfu") && !real("--uart") {
        text.push_str("no serial port and no USB bootloader of ST's either\n");
    }
    let taken = |p: &Listed| format!("{} {}", p.option, p.selector);
    let width = probes.iter().map(|p| taken(p).len()).max().unwrap_or(0);
    for probe in &probes {
        let access = if probe.accessible { "" } else { "  (not accessible)" };
        let _ = writeln!(text, "{:width$}  {} [{}]{access}", taken(probe), probe.name, probe.kind);
        if let Some(advice) = &probe.advice {
            text.push_str(&wrap(advice, 4));
        }
    }
    Ok(Page::new(&Probes { probes }, text)?)
}
