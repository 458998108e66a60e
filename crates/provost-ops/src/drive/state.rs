//! PRODUCT_STATE and TZEN: the two option fields that move a chip through its life.

use provost_chip::{
    option_bytes::OptionField,
    parts::PartId,
    registers::flash,
    side::Side,
    states::{ProductState, TrustZone},
};
use provost_link::LinkError;

use super::{
    identify::{Options, read_options},
    launch, reset,
    session::Session,
};
use crate::fault::Result;

/// Writes PRODUCT_STATE from the side that may. It takes effect with the next reset, which the caller gives.
///
/// # Errors
/// The link breaks before the write was launched. What happens to the link afterwards is no error: a chip that closes shuts
/// it, as every tool reports (STM32CubeH5 ROT_Provisioning scripts leave the result unchecked).
pub fn write_product_state(session: &mut Session, to: ProductState, side: Side) -> Result<()> {
    let optsr = session.ap1_as(side).read32(launch::register(side, flash::OPTSR_CUR))?;
    let word = with_field(optsr, "PRODUCT_STATE", to.code());
    launch::program(session, side, &[(flash::OPTSR_PRG, word)])?;
    launch::trigger(session, side)?;
    match launch::wait_until_idle(session, side).and_then(|_| launch::lock(session, side)) {
        Err(error @ LinkError::ProbeLost { .. }) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes TZEN from the non-secure side, resets, and reads back; the words after the reset, whatever the chip made of the write.
/// `None` if AP1 did not open again.
///
/// # Errors
/// The link breaks.
pub fn write_trustzone(session: &mut Session, to: TrustZone) -> Result<Option<Options>> {
    write_trustzone_as(session, to, Side::NonSecure)
}

/// The same from the side that may: in Open with TrustZone on that is the secure one.
///
/// # Errors
/// The link breaks.
pub fn write_trustzone_as(session: &mut Session, to: TrustZone, side: Side) -> Result<Option<Options>> {
    let optsr2 = session.ap1_as(side).read32(launch::register(side, flash::OPTSR2_CUR))?;
    // A refusal (OPTCHANGEERR) is left for the read-back to show.
    launch::change(session, side, &[(flash::OPTSR2_PRG, with_field(optsr2, "TZEN", to.code()))])?;
    if !reset::pulse(session)? {
        return Ok(None);
    }
    Ok(read_options(session)?)
}

/// A word with one field of its register set: the fields of these two lie in one place on every part that has them.
fn with_field(word: u32, name: &str, value: u8) -> u32 {
    PartId::all().find_map(|part| OptionField::find(part, name)).map_or(word, |field| field.set(word, u32::from(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_fields_lie_in_one_place_on_every_part() {
        for (name, register) in [("PRODUCT_STATE", flash::OPTSR_CUR), ("TZEN", flash::OPTSR2_CUR)] {
            let places: std::collections::BTreeSet<_> = PartId::all()
                .filter_map(|part| OptionField::find(part, name))
                .map(|f| (f.offset_cur, f.high, f.low))
                .collect();
            assert_eq!(places.len(), 1, "{name}");
            assert!(places.iter().all(|(offset, high, low)| *offset == register && high - low == 7), "{name}");
        }
        assert_eq!(with_field(0xFFFF_FFFF, "PRODUCT_STATE", 0x17), 0xFFFF_17FF);
    }
}
