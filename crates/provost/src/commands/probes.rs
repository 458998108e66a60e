//! `provost probes`: what there is to connect to.

use std::fmt::Write as _;

use provost_bench::list;

use crate::{
    documents::Probes,
    output::{Page, Stop},
};

pub(crate) fn run() -> Result<Page, Stop> {
    let probes = list();
    let mut text = String::new();
    if probes.iter().all(|p| p.kind == "virtual") {
        text.push_str("no debug probe is attached\n");
    }
    let width = probes.iter().map(|p| p.selector.len()).max().unwrap_or(0);
    for probe in &probes {
        let access = if probe.accessible { "" } else { "  (not accessible)" };
        let _ = writeln!(text, "{:width$}  {} [{}]{access}", probe.selector, probe.name, probe.kind);
    }
    Ok(Page::new(&Probes { probes }, text)?)
}
