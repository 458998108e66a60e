//! The whole life cycle as a map: every state, every way between two of them, what each takes, and who can come back.
//!
//! Nothing here is decided: the arrows are the model's answers for every state, TrustZone setting and writer, and who comes back is
//! what the search finds.

use provost_chip::{
    assumptions::Assumptions,
    model::{
        Action, Bench, Chip, DaRecord, Firmware, World,
        search::{Means, host_actions, way_to_open},
    },
    parts::PartId,
    rules::RuleId,
    states::{ProductState, TrustZone},
    transitions::{Writer, product_state_write},
};
use schemars::JsonSchema;
use serde::Serialize;

/// The life cycle as states and arrows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LifeMap {
    /// The part that was asked: the richest there is.
    pub part: String,
    /// In the order of the life cycle.
    #[schemars(length(min = 1))]
    pub states: Vec<Place>,
    /// Ways forward, then ways back.
    #[schemars(length(min = 1))]
    pub arrows: Vec<Arrow>,
}

/// A state on the map.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Place {
    /// `tz-closed`.
    #[schemars(with = "ProductState")]
    pub id: &'static str,
    /// ST's name.
    pub title: &'static str,
    /// What PRODUCT_STATE reads: `0xC6`.
    pub code: String,
    /// How many writes of a debugger lie between it and the beginning, at least.
    pub depth: usize,
    /// Whether nothing leads out of it.
    pub is_final: bool,
    /// Who comes back to the beginning from here.
    #[schemars(length(min = 1))]
    pub back: Vec<Back>,
    /// A case file of somebody who knows this of a chip, and nothing else.
    pub case_file: String,
}

/// Whether somebody comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Back {
    /// What is in the chip, in words.
    pub who: &'static str,
    /// Whether there is a way to Open, with everything that a person at the bench can do.
    pub saved: bool,
    /// The way, in words; empty where there is none.
    pub way: Vec<String>,
}

/// A way from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Arrow {
    /// Where it begins.
    #[schemars(with = "ProductState")]
    pub from: &'static str,
    /// Where it ends.
    #[schemars(with = "ProductState")]
    pub to: &'static str,
    /// Whether it leads back.
    pub back: bool,
    /// What is done, in words.
    pub what: String,
    /// Who can do it: `debugger`, `firmware` or `owner`.
    pub by: Vec<&'static str>,
    /// What it takes, in words.
    pub needs: Vec<&'static str>,
    /// Whether a chip with nothing provisioned can be saved before, and not after.
    pub loses: bool,
    /// The rules that decided.
    #[schemars(with = "Vec<RuleId>")]
    pub rules: Vec<&'static str>,
}

/// The map of the richest part.
pub fn life_map() -> Option<LifeMap> {
    // TrustZone, a root of trust in the keys, and what everybody can call for: the most of what can be.
    let part = PartId::all().find(|p| p.info().trustzone && !p.info().crypto).or_else(|| PartId::all().next())?;
    let mut arrows = forward(part);
    let depths = depths(&arrows);
    let states = ProductState::ALL.into_iter().zip(depths).map(|(state, depth)| place(state, depth, part)).collect();
    arrows.extend(ProductState::ALL.into_iter().filter_map(|state| way_back(state, part)));
    Some(LifeMap { part: part.to_string(), states, arrows })
}

fn place(state: ProductState, depth: usize, part: PartId) -> Place {
    let back: Vec<Back> = WHO.iter().map(|(who, chip)| comes_back(who, chip(part, state))).collect();
    Place {
        id: state.as_str(),
        title: state.title(),
        code: format!("0x{:02X}", state.code()),
        depth,
        is_final: back.iter().all(|b| !b.saved),
        back,
        case_file: format!("[chip]\nstate = \"{}\"\n", state.as_str()),
    }
}

/// The owner's credential, as the model stands for it: that of [`Means::default`].
const OWN: DaRecord = DaRecord { id: 1, encrypted: true, mask: u32::MAX };

/// A chip in a state.
type Owned = fn(PartId, ProductState) -> Chip;

/// What may be in a chip, as far as the way back depends on it.
const WHO: [(&str, Owned); 3] = [
    ("your credential is inside", |part, state| Chip { da: Some(OWN), ..bare(part, state) }),
    ("nothing was provisioned", bare),
    ("nothing was provisioned, and your own firmware can ask for a regression", |part, state| Chip {
        firmware: Firmware { boots: true, non_secure: true, regresses: true, ..bare(part, state).firmware },
        ..bare(part, state)
    }),
];

fn bare(part: PartId, state: ProductState) -> Chip {
    Chip { state, tz: TrustZone::Enabled, ..Chip::factory(part) }
}

fn comes_back(who: &'static str, chip: Chip) -> Back {
    let way = way(chip);
    Back { who, saved: way.is_some(), way: way.unwrap_or_default().into_iter().map(words).collect() }
}

fn way(chip: Chip) -> Option<Vec<Action>> {
    let world = World::with(chip, Bench::default(), Assumptions::default());
    way_to_open(world, &host_actions(&Means { person: true, ..Means::default() }))
}

fn words(action: Action) -> String {
    match action {
        Action::Provision { .. } => "provision a credential".to_owned(),
        Action::RequestDebugAuthentication => "ask for Debug Authentication, NRST wired".to_owned(),
        Action::Authenticate(..) => "authenticate for a full regression".to_owned(),
        Action::AskFirmwareToRegress => "let the firmware ask for a regression".to_owned(),
        Action::PowerCycle => "remove power and give it back".to_owned(),
        Action::Reset => "reset".to_owned(),
        Action::HotPlug => "connect by hot plug".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Every state that a write leads to, each pair once, with who writes and under which TrustZone setting.
fn forward(part: PartId) -> Vec<Arrow> {
    let assumptions = Assumptions::default();
    let mut arrows: Vec<Arrow> = Vec::new();
    for from in ProductState::ALL {
        for to in ProductState::ALL {
            let (mut written, mut writers, mut settings, mut rules) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for asked in ProductState::ALL {
                for (writer, tz) in
                    [Writer::Debugger, Writer::Firmware].into_iter().flat_map(|w| TrustZone::ALL.map(|tz| (w, tz)))
                {
                    let decision = product_state_write(from, asked, tz, writer, &assumptions);
                    if decision.outcome == Some(to) {
                        insert(&mut written, asked);
                        insert(&mut writers, writer);
                        insert(&mut settings, tz);
                        insert(&mut rules, decision.rule.rule().id);
                    }
                }
            }
            if written.is_empty() {
                continue;
            }
            let codes: Vec<String> = written.iter().map(|s| format!("0x{:02X}", s.code())).collect();
            let by = writers.iter().map(|w| if *w == Writer::Debugger { "debugger" } else { "firmware" }).collect();
            let mut needs = Vec::new();
            if writers == [Writer::Firmware] {
                needs.push("the chip's own firmware: a debugger's write is ignored");
            }
            if settings == [TrustZone::Enabled] {
                needs.push("TrustZone on");
            }
            arrows.push(Arrow {
                from: from.as_str(),
                to: to.as_str(),
                back: false,
                what: format!("write PRODUCT_STATE = {}", codes.join(" or ")),
                by,
                needs,
                loses: way(bare(part, from)).is_some() && way(bare(part, to)).is_none(),
                rules,
            });
        }
    }
    arrows
}

fn insert<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// The way back to the beginning for its owner.
fn way_back(from: ProductState, part: PartId) -> Option<Arrow> {
    let owned = Chip { da: Some(OWN), ..bare(part, from) };
    let way = way(owned).filter(|way| !way.is_empty())?;
    let unprovisioned = self::way(bare(part, from)).is_some();
    Some(Arrow {
        from: from.as_str(),
        to: ProductState::Open.as_str(),
        back: true,
        what: way.into_iter().map(words).collect::<Vec<_>>().join(", then "),
        by: vec!["owner"],
        needs: vec![
            if unprovisioned {
                "a credential; one can still be provisioned"
            } else {
                "the credential that was provisioned"
            },
            "NRST wired",
            "it erases the chip",
        ],
        loses: false,
        rules: vec![RuleId::BackOnlyByDa.rule().id, RuleId::FullRegressionEffect.rule().id],
    })
}

/// For each state, the fewest arrows that lead there by a debugger's writes.
fn depths(arrows: &[Arrow]) -> Vec<usize> {
    let states = ProductState::ALL.map(ProductState::as_str);
    let mut depths = vec![usize::MAX; states.len()];
    depths[0] = 0;
    for _ in &states {
        for arrow in arrows {
            let at = |name: &str| states.iter().position(|s| *s == name);
            let (Some(from), Some(to)) = (at(arrow.from), at(arrow.to)) else { continue };
            // The map is drawn for what happens to people: their tools write, and what firmware can do besides is a side road.
            if arrow.by.contains(&"debugger") {
                depths[to] = depths[to].min(depths[from].saturating_add(1));
            }
        }
    }
    depths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> LifeMap {
        life_map().unwrap()
    }

    /// From the sources, by hand: who is lost, and from where.
    #[test]
    fn who_comes_back_is_as_the_sources_say() {
        for state in map().states {
            let saved: Vec<bool> = state.back.iter().map(|b| b.saved).collect();
            let expected: &[bool] = match state.id {
                "open" | "provisioning" => &[true, true, true],
                "irot-provisioned" | "tz-closed" | "closed" => &[true, false, true],
                _ => &[false, false, false],
            };
            assert_eq!(saved, expected, "{}", state.id);
            assert_eq!(state.is_final, state.id == "locked");
            assert!(state.back.iter().all(|b| b.way.iter().all(|w| !w.contains('{') && !w.contains('('))), "{state:?}");
        }
    }

    #[test]
    fn the_arrows_that_lose_a_bare_chip_are_those_out_of_provisioning() {
        let losing: Vec<(&str, &str)> = map().arrows.iter().filter(|a| a.loses).map(|a| (a.from, a.to)).collect();
        for to in ["irot-provisioned", "tz-closed", "closed", "locked"] {
            assert!(losing.contains(&("provisioning", to)), "{losing:?}");
        }
        assert!(losing.iter().all(|(_, to)| *to != "provisioning"), "{losing:?}");
    }

    #[test]
    fn every_state_but_the_last_has_a_way_back() {
        let back: Vec<&str> = map().arrows.iter().filter(|a| a.back).map(|a| a.from).collect();
        assert_eq!(back, ["provisioning", "irot-provisioned", "tz-closed", "closed"]);
    }

    #[test]
    fn the_map_is_as_deep_as_a_debugger_needs() {
        let depths: Vec<usize> = map().states.iter().map(|s| s.depth).collect();
        assert_eq!(depths, [0, 1, 2, 2, 2, 2]);
    }

    #[test]
    fn every_case_file_is_one() {
        for state in map().states {
            let case = provost_diagnosis::case_file::read(&state.case_file).unwrap();
            assert_eq!(case.chip.state.map(ProductState::as_str), Some(state.id));
        }
    }
}
