//! What there is to choose from.

use provost_twin::presets::Preset;
use schemars::JsonSchema;
use serde::Serialize;

/// A line of the list of probes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Listed {
    /// What `--probe` takes.
    pub selector: String,
    /// What it is.
    pub name: String,
    /// Kind of probe, or `virtual`.
    pub kind: String,
    /// Whether this user may open it.
    pub accessible: bool,
}

/// The probes attached, and the virtual chips that are always there.
pub fn list() -> Vec<Listed> {
    let virtual_chips = Preset::all().iter().map(|p| Listed {
        selector: format!("twin:{}", p.name),
        name: p.summary.to_owned(),
        kind: "virtual".to_owned(),
        accessible: true,
    });
    attached().into_iter().chain(virtual_chips).collect()
}

#[cfg(feature = "probe-rs")]
fn attached() -> Vec<Listed> {
    let listed = |p: provost_link::AttachedProbe| Listed {
        selector: p.selector,
        name: p.info.name,
        kind: p.kind,
        accessible: p.accessible,
    };
    provost_link::list().into_iter().map(listed).collect()
}

#[cfg(not(feature = "probe-rs"))]
const fn attached() -> Vec<Listed> {
    Vec::new()
}
