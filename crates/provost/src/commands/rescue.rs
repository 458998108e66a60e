//! `provost rescue`: back to Open.

use std::fmt::Write as _;

use provost_chip::parts::PartId;
use provost_ops::{
    credential::CredentialSet,
    error::Exit,
    identify::{identify, parts_text},
    rescue::{Ended, Means, Plan, Wish, plan, rescue},
};
use provost_twin::presets;

use crate::{
    cli::{Arguments, Rescue},
    confirm,
    documents::RescuePlan,
    given::quoted,
    output::{Page, Stop, Teller, wrap},
    secrets,
};

/// What is confirmed.
pub(super) const WHAT: &str = "erase the chip";

pub(crate) fn run(arguments: &Arguments, options: &Rescue) -> Result<Page, Stop> {
    // The credential is checked before the chip is touched.
    let credential = match &options.credential {
        Some(folder) => {
            Some(secrets::with_access(arguments, &options.access, |access| CredentialSet::open(folder, &access))?)
        }
        None => None,
    };
    super::on_chip(arguments, |bench| {
        if options.dry_run {
            let identity = identify(&mut bench.session)?;
            let parts: Vec<PartId> = identity.narrowed_to(arguments.order_code)?;
            let plan = plan(
                &identity,
                &parts,
                Means { credential: credential.is_some(), inside: false, once_for_life: options.once_for_life },
            )?;
            let confirm = confirm::asked(bench, arguments, WHAT);
            let text = plan_text(&plan, confirm.as_deref());
            let page = Page::new(&RescuePlan { plan: &plan, confirm }, text)?;
            return Ok(if plan.is_refusal() { page.ending(Exit::Refused) } else { page });
        }
        confirm::write_to(bench, arguments, WHAT)?;
        let wish = Wish {
            chip: super::chip_name(arguments, bench),
            part: arguments.order_code,
            credential,
            inside: false,
            encrypt_word: options.encrypt_word,
            out: (&options.out).into(),
            one_shot: options.one_shot,
            once_for_life: options.once_for_life,
            this_is: options.this_is.clone(),
        };
        let ended = rescue(&mut bench.session, wish, &mut Teller::new(arguments))?;
        let mut text = receipt_text(&ended);
        if let Some(preset) = bench.board.as_ref().and_then(|b| presets::find(b.name())) {
            let _ = writeln!(
                text,
                "This virtual chip lived in memory only; `provost twin new FILE --preset {}` makes one that stays.",
                preset.name
            );
        }
        Ok(Page::new(&ended.receipt, text)?)
    })
}

fn plan_text(plan: &Plan, confirm: Option<&str>) -> String {
    if plan.steps.is_empty() {
        return "the chip is Open: nothing to do\n".to_owned();
    }
    let mut text = format!("plan {} for {}\n", &plan.hash[..12], parts_text(&plan.parts));
    for (n, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(text, "{:>2}. {}", n + 1, step.step);
        text.push_str(&wrap(&step.what, 6));
        // What a step leaves alone is not worth a line.
        for (name, says) in [("erases", step.erases), ("undo", step.undo), ("measured", step.measured)] {
            if !says.starts_with("nothing") {
                let _ = writeln!(text, "      {name}: {says}");
            }
        }
        let _ = writeln!(text, "      why: {}", step.why.join(", "));
    }
    if let Some(phrase) = confirm {
        let _ = writeln!(text, "to be confirmed with --confirm {}", quoted(phrase));
    }
    text.push_str(if plan.is_refusal() {
        "nothing was written, and without more nothing would be\n  \
         if a password was written into this chip: `provost rescue --credential DIR`\n  \
         if none ever was: `provost rescue --once-for-life` writes one, to be kept as long as the chip is used\n"
    } else {
        "nothing was written; the same command without --dry-run carries it out\n"
    });
    text
}

pub(super) fn receipt_text(ended: &Ended) -> String {
    let receipt = &ended.receipt;
    let mut text = String::new();
    let after = &receipt.after;
    if let Some(options) = after.options {
        let state = options.state().map_or("unknown".to_owned(), |s| s.to_string());
        let _ = writeln!(text, "the chip is {state}, TrustZone {}", options.trustzone());
    }
    if receipt.discovered.is_none() {
        text.push_str("it was so before: nothing was written\n");
        return text;
    }
    if let Some(id) = after.uid {
        let _ = writeln!(text, "  unique id   {id}");
    }
    if let Some(credential) = &receipt.credential {
        let fate = if receipt.credential_for_life {
            "stays in this chip's OTP for its life: keep it as long as the chip is used"
        } else {
            "the regression erased it from the chip"
        };
        let _ = writeln!(text, "  credential  {credential} ({fate})");
    }
    if let Some(folder) = &ended.folder {
        let _ = writeln!(text, "  receipt     {}", folder.join("receipt.json").display());
    }
    text.push_str("Option bytes, keys and firmware must be programmed again: the regression erased them.\n");
    text
}
