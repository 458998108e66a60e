//! What an option change makes of the words a host wants: the model decides, field by field.

use provost_chip::{model::option_change::OptionChange, option_bytes::OptionField};

use super::{flash::Context, nvm::OptionWords};

/// The option words that a change leads to, or `None` if the chip refuses it. Bits outside the known fields stay as they are.
pub(super) fn merge(wanted: &OptionWords, context: &Context<'_>) -> Option<OptionWords> {
    let old = &context.nvm.options;
    let (loaded, stored) = (|offset| context.loaded.get(offset), |offset| old.get(offset));
    let change = OptionChange {
        chip: context.chip,
        view: context.view,
        loaded: &loaded,
        stored: &stored,
        assumptions: context.assumptions,
    };
    let mut new = old.clone();
    for field in OptionField::of(context.chip.part) {
        let (before, after) = (field.get(old.get(field.offset_cur)), field.get(wanted.get(field.offset_cur)));
        if before != after {
            let accepted = change.field(field, after).outcome?;
            new.set(field.offset_cur, field.set(new.get(field.offset_cur), accepted));
        }
    }
    Some(new)
}
