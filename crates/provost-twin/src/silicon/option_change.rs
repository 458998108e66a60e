//! What an option change makes of the words a host wants: the model decides, field by field.

use provost_chip::{
    model::options,
    option_bytes::OptionField,
    states::{NS_REGRESSION, ProductState, REGRESSION, TrustZone},
    transitions::Writer,
};

use super::{flash::Context, nvm::OptionWords};

const LOCKED: u32 = 0xB4;

/// The option words that a change leads to, or `None` if the chip refuses it. Bits outside the known fields stay as they are.
pub(super) fn merge(wanted: &OptionWords, context: &Context<'_>) -> Option<OptionWords> {
    let old = &context.nvm.options;
    let mut new = old.clone();
    for field in OptionField::of(context.chip.part) {
        let (before, after) = (field.get(old.get(field.offset_cur)), field.get(wanted.get(field.offset_cur)));
        if before == after {
            continue;
        }
        let accepted = change_field(field, before, after, context)?;
        new.set(field.offset_cur, field.set(new.get(field.offset_cur), accepted));
    }
    Some(new)
}

/// What a field becomes; `None` if it may not be changed to this value now.
fn change_field(field: &OptionField, before: u32, after: u32, context: &Context<'_>) -> Option<u32> {
    let chip = context.chip;
    let locked =
        |name| OptionField::find(chip.part, name).is_some_and(|f| f.get(context.loaded.get(f.offset_cur)) == LOCKED);
    let writable = options::register_writable(chip, field.offset_cur, context.view).outcome;
    let accepted = match field.name {
        "PRODUCT_STATE" => return product_state(before, after, context),
        "TZEN" => {
            // Asked for the other value: back to the one in force is no change of its own, yet as allowed as the way there.
            let writable = options::write_trustzone(chip, chip.tz.flipped(), context.assumptions).outcome.is_some();
            writable && [TrustZone::Enabled, TrustZone::Disabled].iter().any(|tz| u32::from(tz.code()) == after)
        }
        "BOOT_UBE" => boot_ube(after, context) && !locked("SECBOOT_LOCK"),
        "SECBOOTADD" => writable && !locked("SECBOOT_LOCK"),
        "NSBOOTADD" => writable && !locked("NSBOOT_LOCK"),
        // A lock freezes the banks too, on parts with TrustZone only while it is on (SVD).
        "SWAP_BANK" => {
            let frozen = chip.tz == TrustZone::Enabled || !chip.part.info().trustzone;
            writable && !(frozen && (locked("NSBOOT_LOCK") || locked("SECBOOT_LOCK")))
        }
        // ST's scripts take the locks back in Open only.
        "NSBOOT_LOCK" | "SECBOOT_LOCK" if before == LOCKED => writable && chip.state == ProductState::Open,
        "LOCKBL" => writable && before & !after == 0,
        _ => writable,
    };
    accepted.then_some(after)
}

fn product_state(before: u32, after: u32, context: &Context<'_>) -> Option<u32> {
    let code = u8::try_from(after).ok()?;
    // A debugger's request for a regression is no forward step (rule R-FIRMWARE-REGRESSION: firmware only).
    if code == REGRESSION || code == NS_REGRESSION {
        return None;
    }
    let to = ProductState::from_code(code)?;
    let reached = options::write_product_state(context.chip, to, Writer::Debugger, context.assumptions).outcome?;
    // A later state that waits for its reset cannot be taken back either (rule R-BACKWARD-IGNORED).
    let stored = u8::try_from(before).ok().and_then(ProductState::from_code);
    stored.is_none_or(|stored| reached >= stored).then_some(u32::from(reached.code()))
}

fn boot_ube(after: u32, context: &Context<'_>) -> bool {
    use provost_chip::states::BootUbe;
    let known = u8::try_from(after).ok().and_then(BootUbe::from_code);
    let other = match context.chip.boot_ube {
        BootUbe::OemIrot => BootUbe::StIrot,
        BootUbe::StIrot => BootUbe::OemIrot,
    };
    known.is_some() && options::write_boot_ube(context.chip, other).outcome.is_some()
}
