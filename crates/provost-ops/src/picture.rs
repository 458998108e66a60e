//! The product states as a picture and as a table for the documents, drawn from the model: if the model changes, they do.

use std::fmt::Write as _;

use provost_chip::{
    assumptions::Assumptions,
    model::boot::serves_debug_authentication,
    parts::PartId,
    states::{ProductState, TrustZone},
    transitions::{Writer, product_state_write},
};

use crate::prospects::{Setting, state_sheet};

/// Width of a box, the gap between two, and where boxes begin, in pixels.
const BOX: (i32, i32) = (148, 92);
const GAP: i32 = 34;
const LEFT: i32 = 16;
const TOP: i32 = 250;

/// Colours that are told apart without seeing red and green: open, waiting, closed, final.
const fn colour(state: ProductState) -> &'static str {
    match state {
        ProductState::Open => "#d9ecff",
        ProductState::Provisioning => "#fff1cc",
        ProductState::Locked => "#d5d5d5",
        _ => "#ece4f7",
    }
}

/// How a way is drawn.
struct Way {
    from: ProductState,
    to: ProductState,
    /// Stroke: option byte, Debug Authentication.
    class: &'static str,
}

/// The ways of a debugger with TrustZone on, which has every state.
fn ways() -> Vec<Way> {
    let assumptions = Assumptions::default();
    let mut ways = Vec::new();
    for from in ProductState::ALL {
        for to in ProductState::ALL {
            let reached = product_state_write(from, to, TrustZone::Enabled, Writer::Debugger, &assumptions).outcome;
            if reached == Some(to) {
                ways.push(Way { from, to, class: "write" });
            }
        }
        if from != ProductState::Open && serves_debug_authentication(from, &assumptions).outcome {
            ways.push(Way { from, to: ProductState::Open, class: "regression" });
        }
    }
    ways.push(Way { from: ProductState::Closed, to: ProductState::TzClosed, class: "partial" });
    ways
}

fn place(state: ProductState) -> i32 {
    LEFT + state as i32 * (BOX.0 + GAP)
}

/// The picture as SVG: boxes from Open to Locked, option-byte writes above, Debug Authentication below.
pub fn product_states() -> String {
    let width = LEFT * 2 + BOX.0 * 6 + GAP * 5;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 490" font-family="sans-serif" font-size="13" role="img" aria-labelledby="title">
<title id="title">Product states of the STM32H5, and the ways between them</title>
<defs>
<marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="context-stroke"/></marker>
</defs>
<style>
.write{{stroke:#30475e;fill:none;stroke-width:1.6}}
.regression{{stroke:#0b6e4f;fill:none;stroke-width:2}}
.partial{{stroke:#0b6e4f;fill:none;stroke-width:2;stroke-dasharray:5 4}}
.name{{font-weight:bold}}
</style>
<rect width="100%" height="100%" fill="white"/>
"##
    );
    for way in ways() {
        arrow(&mut svg, &way);
    }
    for state in ProductState::ALL {
        state_box(&mut svg, state);
    }
    let legend = [
        ("write", "option-byte write by a debugger: forward only; 0xED is ignored"),
        ("regression", "full regression by Debug Authentication: needs the provisioned credential and NRST, erases"),
        ("partial", "partial regression (certificate, TrustZone on)"),
    ];
    for (row, (class, words)) in legend.iter().enumerate() {
        let y = 22 + row * 20;
        let _ = writeln!(
            svg,
            r##"<path class="{class}" marker-end="url(#end)" d="M16 {y}h36"/><text x="60" y="{}">{words}</text>"##,
            y + 4
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// An arc: writes leave and arrive at the top, regressions at the bottom; the further, the higher.
fn arrow(svg: &mut String, way: &Way) {
    let distance = (way.to as i32 - way.from as i32).abs();
    let (from, to) = (place(way.from), place(way.to));
    let (start, end, edge, bow) = if way.class == "write" {
        (from + 84 + distance * 8, to + 50 - distance * 7, TOP, TOP - 14 - distance * 34)
    } else {
        let bottom = TOP + BOX.1;
        (from + 64 - distance * 4, to + 84 + distance * 9, bottom, bottom + 14 + distance * 36)
    };
    let _ = writeln!(
        svg,
        r##"<path class="{}" marker-end="url(#end)" d="M{start} {edge}C{start} {bow} {end} {bow} {end} {edge}"/>"##,
        way.class
    );
}

fn state_box(svg: &mut String, state: ProductState) {
    let (x, y) = (place(state), TOP);
    let _ = writeln!(
        svg,
        r##"<rect x="{x}" y="{y}" width="{}" height="{}" rx="8" fill="{}" stroke="#555"/>"##,
        BOX.0,
        BOX.1,
        colour(state)
    );
    let lines = [
        format!(r##"class="name">{}"##, state.title()),
        format!(">0x{:02X}", state.code()),
        format!(">{}", short_access(state)),
        format!(">{}", short_boot(state)),
    ];
    for (row, line) in lines.iter().enumerate() {
        let _ = writeln!(
            svg,
            r##"<text x="{}" y="{}" text-anchor="middle" {line}</text>"##,
            x + BOX.0 / 2,
            y + 22 + row as i32 * 19
        );
    }
}

/// The sheet of a state with TrustZone on, for the part that has everything.
fn setting(state: ProductState) -> Option<Setting> {
    let part = PartId::all().find(|p| p.info().trustzone && p.info().crypto)?;
    state_sheet(state, part).settings.into_iter().find(|s| s.trustzone == TrustZone::Enabled.as_str())
}

fn short_access(state: ProductState) -> &'static str {
    match setting(state).map(|s| s.ap1.says) {
        Some(says) if says.starts_with("open for non-secure") => "AP1: non-secure",
        Some(says) if says.starts_with("open") => "AP1: open",
        _ => "AP1: shut",
    }
}

fn short_boot(state: ProductState) -> &'static str {
    match setting(state).map(|s| s.boots[0].says.clone()) {
        Some(says) if says.contains("bootloader") => "ROM runs",
        _ => "your firmware runs",
    }
}

/// The states as a table in Markdown: what each opens, what runs, the way back.
pub fn state_table() -> String {
    let mut table = String::from(
        "| State | Code | AP1 by hot plug | runs after a reset (BOOT0 low / high) | Debug Authentication | the way back |\n|---|---|---|---|---|---|\n",
    );
    for state in ProductState::ALL {
        for (index, tz) in [TrustZone::Disabled, TrustZone::Enabled].into_iter().enumerate() {
            let Some(part) = PartId::all().find(|p| p.info().trustzone && p.info().crypto) else { continue };
            let sheet = state_sheet(state, part);
            let Some(s) = sheet.settings.into_iter().find(|s| s.trustzone == tz.as_str()).filter(|s| s.exists) else {
                continue;
            };
            let name = if index == 0 || state == ProductState::TzClosed { state.title() } else { "" };
            let _ = writeln!(
                table,
                "| {} TrustZone {} | `0x{:02X}` | {} [{}] | {} / {} [{}] | {} [{}] | {} |",
                if name.is_empty() { String::new() } else { format!("**{name}**,") },
                tz.as_str(),
                state.code(),
                s.ap1.says,
                s.ap1.rule,
                s.boots[0].says,
                s.boots[1].says,
                s.boots[0].rule,
                s.debug_authentication.says,
                s.debug_authentication.rule,
                way_back(state, &s),
            );
        }
    }
    table
}

fn way_back(state: ProductState, setting: &Setting) -> String {
    match state {
        ProductState::Open => "nothing is locked".to_owned(),
        ProductState::Provisioning => {
            format!(
                "provision a {} object, use it for a full regression [R-BARE-PROVISIONING-IS-RESCUABLE]",
                setting.method
            )
        }
        ProductState::Locked => "none [R-LOCKED-IS-FINAL]".to_owned(),
        _ => format!(
            "the {} that was provisioned before; without one, none [R-CLOSING-WITHOUT-DA-LOSES]",
            setting.method
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_every_state_and_every_way() {
        let svg = product_states();
        for state in ProductState::ALL {
            assert!(svg.contains(&format!(">{}<", state.title())), "{state}");
        }
        // Open -> Provisioning, Provisioning -> four states; four regressions and a partial one. Three more in the legend.
        assert_eq!(svg.matches(r#"class="write" marker"#).count(), 5 + 1);
        assert_eq!(svg.matches(r#"class="regression" marker"#).count(), 4 + 1);
        assert_eq!(svg.matches(r#"class="partial" marker"#).count(), 1 + 1);
    }

    #[test]
    fn the_table_leaves_out_what_does_not_exist() {
        let table = state_table();
        assert_eq!(table.lines().count(), 2 + 11, "six states, twice each, but TZ-Closed only with TrustZone");
    }
}
