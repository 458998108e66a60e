//! `provost twin new`: a virtual chip, ready-made, as it is described, or like the one that a report is about.

use std::time::{SystemTime, UNIX_EPOCH};

use provost_bench::BenchError;
use provost_chip::{
    assumptions::Assumptions,
    order_code::OrderCode,
    parts::PartId,
    states::{ProductState, TrustZone},
};
use provost_twin::{
    chipfile::ChipFile,
    error::TwinError,
    presets::{self, Maker, Preset},
    silicon::FirmwareBehaviour,
};

use super::like;
use crate::{
    cli::{Arguments, OnOff, TwinNew},
    documents::TwinMade,
    error::FaceError,
    given::quoted,
    output::{Page, Stop},
};

pub(super) fn new(arguments: &Arguments, options: &TwinNew) -> Result<Page, Stop> {
    let mut assumptions = presets::practice_world();
    let like = options.like.as_deref().map(like::of).transpose()?;
    if let Some(like) = &like {
        like.switches(&mut assumptions)?;
    }
    switched(&mut assumptions, &options.switches)?;
    let (silicon, like) = match (&options.preset, like) {
        (Some(name), _) => {
            let preset = presets::find(name).ok_or_else(|| BenchError::from(not_found(name)))?;
            (preset.make().map_err(|e| BenchError::from(TwinError::from(e)))?.in_world(assumptions), None)
        }
        (None, like) => {
            let code = match &like {
                Some(like) => like.part(arguments.order_code)?,
                None => part_or_default(arguments).map_err(BenchError::from)?,
            };
            let mut maker = Maker::of(code, serial());
            maker.assumptions = assumptions;
            if let Some(kb) = options.flash {
                let made = maker.part.info();
                maker.flash = made.flash_from_register(kb).ok_or_else(|| {
                    BenchError::from(TwinError::FlashSize { kb, part: maker.part, sizes: made.flash_sizes })
                })?;
            }
            maker.firmware =
                (!options.empty).then(|| FirmwareBehaviour { hdpl: options.hdpl, ..FirmwareBehaviour::default() });
            let like = match like {
                Some(like) => Some(like.make(&mut maker, options)?),
                None => {
                    maker.state = options.state;
                    maker.tz = match options.tzen {
                        OnOff::On => TrustZone::Enabled,
                        OnOff::Off => TrustZone::Disabled,
                    };
                    None
                }
            };
            if maker.tz == TrustZone::Enabled && !maker.part.info().trustzone {
                return Err(FaceError::NoSuchChip { says: format!("the {} has no TrustZone", maker.part) }.into());
            }
            if (maker.state, maker.tz) == (ProductState::TzClosed, TrustZone::Disabled) {
                return Err(FaceError::NoSuchChip {
                    says: "TZ-Closed is a state of chips with TrustZone on".to_owned(),
                }
                .into());
            }
            (maker.make(), like)
        }
    };
    ChipFile::create(&options.file, &silicon).map_err(BenchError::from)?;
    let chip = silicon.chip();
    let mut text = format!(
        "made {}: {} with {} of flash, {}, TrustZone {}\n",
        options.file.display(),
        chip.part,
        silicon.identity().flash,
        chip.state,
        chip.tz
    );
    let probe = like.as_ref().map_or_else(|| format!("twin:{}", options.file.display()), |like| like.probe.clone());
    if let Some(like) = &like {
        text.push_str(&like::text(like));
    }
    text.push_str(&format!("use it as --probe {}\n", quoted(&probe)));
    let made = TwinMade {
        file: options.file.as_path().into(),
        part: chip.part,
        flash_kb: silicon.identity().flash,
        product_state: chip.state,
        trustzone: chip.tz,
        assumptions,
        like,
    };
    Ok(Page::new(&made, text)?)
}

fn switched(assumptions: &mut Assumptions, switches: &[String]) -> Result<(), Stop> {
    for switch in switches {
        let (name, value) = switch
            .split_once('=')
            .ok_or_else(|| FaceError::SwitchValue { switch: switch.chars().take(60).collect() })?;
        assumptions.set(name, value).map_err(|e| BenchError::from(TwinError::from(e)))?;
    }
    Ok(())
}

fn part_or_default(arguments: &Arguments) -> Result<OrderCode, TwinError> {
    match arguments.order_code {
        Some(code) => Ok(code),
        None => Ok("STM32H533".parse::<PartId>()?.into()),
    }
}

/// Chips differ in their unique id; what it is does not matter.
fn serial() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |d| d.as_nanos() as u32)
}

fn not_found(name: &str) -> TwinError {
    let presets = Preset::all().iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
    TwinError::NotFound { name: name.chars().take(80).collect(), presets }
}
