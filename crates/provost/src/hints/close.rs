//! Hints about closing: refusals of the preflight, plans, journals and custody.

use super::{Hint, hint};

pub(super) const HINTS: &[Hint] = &[
    hint(
        "close-refused",
        &["a rule of the preflight does not hold: what was measured stands behind its id"],
        &[
            "`provost explain P-…` says what a rule is about, `provost close --dry-run` shows all of them",
            "mend it and run the same command again; nothing was written",
            "some rules can be passed over by name with --override; the receipt keeps it",
        ],
    ),
    hint(
        "close-override",
        &["a misspelt id, or a rule without which the close cannot work"],
        &["`provost close --dry-run` lists the rules; nothing was written"],
    ),
    hint(
        "close-gate",
        &[
            "the chip does not accept what was provisioned",
            "the credential does not fit the chip's TrustZone setting",
            "the chip on the wire was exchanged",
        ],
        &[
            "the final state was not written: `provost rescue` brings the chip back to Open, erased",
            "or mend it and go on: `provost apply --resume`",
        ],
    ),
    hint(
        "close-wrong-chip",
        &["another board is on the wire than the one that the plan or the journal tells of"],
        &["connect the right board, or give this one a plan and an --out of its own; nothing was written"],
    ),
    hint(
        "plan-differs",
        &["the chip, its firmware, its option bytes or the credential changed after the plan was made"],
        &[
            "look at the differences; if they are wanted, make a new plan with `provost close --save`; nothing was written",
        ],
    ),
    hint(
        "plan-file",
        &["the file is missing, is there already, is no plan, or was changed after it was made"],
        &["make it anew with `provost close --save`, --force overwrites; nothing was written"],
    ),
    hint(
        "close-not-confirmed",
        &["a close is confirmed by a phrase that names the chip and where it goes"],
        &["type the phrase when asked, or give it with --confirm; nothing was written"],
    ),
    hint(
        "close-stopped",
        &["the phrase was not given, or not letter by letter"],
        &[
            "`provost apply --resume` asks again",
            "or `provost rescue` brings the chip back to Open, erased: the final state was not written",
        ],
    ),
    hint(
        "close-unfinished",
        &["an earlier close of this chip was interrupted, and it had another end or another plan"],
        &[
            "`provost apply --resume` finishes it",
            "or `provost rescue` brings the chip back to Open, and a new close can begin",
        ],
    ),
    hint(
        "close-nothing-to-resume",
        &["no close of this chip was interrupted", "another --probe name or another --out than then"],
        &["use the same --probe and --out, or begin with `provost close`; nothing was written"],
    ),
    hint(
        "close-elsewhere",
        &["somebody wrote another product state meanwhile", "another board of the same name is on the wire"],
        &["`provost status` and `provost auth discover` show where it is; nothing was written"],
    ),
    hint(
        "close-not-taken",
        &["the chip ignored the write", "the supply sagged at the reset"],
        &[
            "`provost status` shows where it is; in Provisioning `provost apply --resume` writes it again",
            "`provost rescue --credential DIR` brings the chip back to Open, erased",
        ],
    ),
    hint(
        "close-options-not-restored",
        &["the regression left an option byte that this tool does not know how to set back", "noise on the wire"],
        &["`provost apply --resume` tries again; the values stand in plan.json of the close's folder"],
    ),
    hint(
        "otp-taken",
        &["another password was written into this chip, for its life"],
        &["use the credential that was written; the chip is in Provisioning, and nothing further was written"],
    ),
    hint(
        "policy-file",
        &["the file is missing, or a word in it is misspelt"],
        &["mend the policy; nothing was written"],
    ),
    hint(
        "escrow",
        &["no recipient, one that is no age recipient (age1…), or the file is there already"],
        &[
            "give --recipient or [escrow] recipients in provost.toml, --force overwrites; nothing was written to the chip",
        ],
    ),
];
