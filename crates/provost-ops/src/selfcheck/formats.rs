//! What a discovery shows of the open questions, whatever state it was made in.

use provost_adac::{
    discovery::Discovery,
    lifecycle::{Lifecycle, LifecycleForm},
};

use super::Findings;
use crate::drive::debug_auth::{AckRoles, Conversation};

/// Notes what this answer settles.
pub(super) fn note(conversation: &Conversation, state: Lifecycle, findings: &mut Findings) {
    for (switch, value) in conversation.report().settles {
        for (known, values) in
            [("reply-word", ["stda", "daok"]), ("ack-roles", ["code", "svd"]), ("tlv-padding", ["unpadded", "padded"])]
        {
            if let Some(value) = values.iter().find(|v| switch == known && value == **v) {
                findings.settle(known, value, "a discovery");
            }
        }
    }
    let Discovery { psa_lifecycle, vendor_id, soc_id, .. } = &conversation.discovery;
    if let Some(word) = psa_lifecycle {
        let because = format!("the life-cycle word is {word:#06x}");
        match *word {
            word if word == state.encode(LifecycleForm::NibbleSwapped) => {
                findings.settle("lifecycle-word", "swapped", because);
            }
            word if word == state.encode(LifecycleForm::Raw) => findings.settle("lifecycle-word", "plain", because),
            _ => findings.unseen("lifecycle-word", format!("{because}, which is neither")),
        }
    }
    match vendor_id {
        Some([0x20, 0]) => findings.settle("vendor-order", "little", "the vendor id is sent as 20 00"),
        Some([0, 0x20]) => findings.settle("vendor-order", "big", "the vendor id is sent as 00 20"),
        _ => findings.unseen("vendor-order", "the vendor id is neither 20 00 nor 00 20, or was not sent"),
    }
    match soc_id {
        Some(id) if id.iter().all(|byte| *byte == 0) => findings.settle("soc-id", "zero", "the SoC id is zero"),
        Some(_) => findings.narrow(
            "soc-id",
            &["unique-id", "zero-in-closed"],
            "the SoC id is not zero here; what it is in Closed was not seen",
        ),
        None => findings.unseen("soc-id", "no SoC id was sent"),
    }
}

/// Notes how the acknowledge bits were seen to work.
pub(super) fn note_roles(roles: Option<AckRoles>, findings: &mut Findings) {
    let because = "the bit that a word of the host raises while NRST is low";
    match roles {
        Some(AckRoles::Code) => findings.settle("ack-roles", "code", because),
        Some(AckRoles::Svd) => findings.settle("ack-roles", "svd", because),
        None => {}
    }
}
