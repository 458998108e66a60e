//! `provost rescue`: back to Open.

use std::{fmt::Write as _, path::PathBuf};

use provost_bench::Bench;
use provost_ops::{
    Narrator as _,
    credential::CredentialSet,
    drive::{
        bootloader::{Bootloader, BootloaderError, BothWires, ByBootloader},
        target::Target,
    },
    error::Exit,
    identify::parts_text,
    job::Step,
    rescue::{Ended, Plan, Wish, carry_out, plan, rescue},
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
    let credential = credential(arguments, options)?;
    super::on_chip(arguments, |bench| on_bench(arguments, options, credential, bench, None))
}

/// The user's own credential, checked before the chip is touched.
pub(super) fn credential(arguments: &Arguments, options: &Rescue) -> Result<Option<CredentialSet>, Stop> {
    let open = |folder: &PathBuf| {
        secrets::with_access(arguments, &options.access, |access| CredentialSet::open(folder, &access))
    };
    Ok(options.credential.as_ref().map(open).transpose()?)
}

/// Over a probe, and over the chip's bootloader as far as that goes where there is a line to it.
pub(super) fn on_bench(
    arguments: &Arguments,
    options: &Rescue,
    credential: Option<CredentialSet>,
    bench: &mut Bench,
    line: Option<&mut Bootloader>,
) -> Result<Page, Stop> {
    let confirm = confirm::asked(bench, arguments, WHAT);
    let name = line.as_ref().map(|boot| boot.line().to_owned());
    let wish = wish(arguments, options, credential, super::chip_name(arguments, bench));
    let mut both;
    let target: &mut dyn Target = match line {
        Some(boot) => {
            both = BothWires::new(&mut bench.session, boot);
            &mut both
        }
        None => &mut bench.session,
    };
    let mut teller = Teller::new(arguments);
    if options.dry_run || name.is_some() {
        let before = target.identify()?;
        let plan = plan(&before, &before.narrowed_to(arguments.order_code)?, wish.means())?;
        let wires = name.map(|line| wires(&plan, &line)).unwrap_or_default();
        if options.dry_run {
            let text = plan_text(&plan, confirm.as_deref(), &wires);
            let page = Page::new(&RescuePlan { plan: &plan, confirm }, text)?;
            return Ok(if plan.is_refusal() { page.ending(Exit::Refused) } else { page });
        }
        wires.iter().for_each(|wire| teller.note(wire));
    }
    confirm::with(arguments, confirm)?;
    let ended = rescue(target, wish, &mut teller)?;
    let mut text = receipt_text(&ended);
    if let Some(preset) = bench.board.as_ref().and_then(|b| presets::find(b.name())) {
        let _ = writeln!(
            text,
            "This virtual chip lived in memory only; `provost twin new FILE --preset {}` makes one that stays.",
            preset.name
        );
    }
    Ok(Page::new(&ended.receipt, text)?)
}

/// Over the bootloader alone: an Open chip is found Open, and what takes a probe is said.
pub(super) fn on_line(
    arguments: &Arguments,
    options: &Rescue,
    credential: Option<CredentialSet>,
    (boot, virtual_chip): (&mut Bootloader, bool),
    chip: String,
) -> Result<Page, Stop> {
    let wish = wish(arguments, options, credential, chip);
    let line = boot.line().to_owned();
    let mut target = ByBootloader::new(boot, virtual_chip);
    let before = target.identify()?;
    let plan = plan(&before, &before.narrowed_to(arguments.order_code)?, wish.means())?;
    if options.dry_run {
        let text = plan_text(&plan, None, &wires(&plan, &line));
        let page = Page::new(&RescuePlan { plan: &plan, confirm: None }, text)?;
        return Ok(if plan.list().is_empty() { page } else { page.ending(Exit::PersonMustAct) });
    }
    let steps = names(&plan, takes_a_probe);
    if !steps.is_empty() {
        return Err(BootloaderError::ProbeNeeded { line, steps }.into());
    }
    let ended = carry_out(&mut target, wish, before, plan, &mut Teller::new(arguments))?;
    Ok(Page::new(&ended.receipt, receipt_text(&ended))?)
}

fn wish(arguments: &Arguments, options: &Rescue, credential: Option<CredentialSet>, chip: String) -> Wish {
    Wish {
        chip,
        part: arguments.order_code,
        credential,
        inside: false,
        encrypt_word: options.encrypt_word,
        out: (&options.out).into(),
        one_shot: options.one_shot,
        once_for_life: options.once_for_life,
        this_is: options.this_is.clone(),
    }
}

/// Whether a step is a matter of SWD and NRST.
const fn takes_a_probe(step: Step) -> bool {
    !goes_over_the_line(step) && !matches!(step, Step::MakeCredential { .. } | Step::NotePending { .. })
}

/// Whether a bootloader does it.
const fn goes_over_the_line(step: Step) -> bool {
    matches!(step, Step::Provision { .. })
}

fn names(plan: &Plan, which: fn(Step) -> bool) -> String {
    plan.list().iter().filter(|step| which(**step)).map(|step| step.name()).collect::<Vec<_>>().join(", ")
}

/// Which steps go over which wire, a line each.
fn wires(plan: &Plan, line: &str) -> Vec<String> {
    let of = |wire: &str, steps: String| (!steps.is_empty()).then(|| format!("over {wire}: {steps}"));
    let by_line = of(line, names(plan, goes_over_the_line));
    [by_line, of("SWD and NRST", names(plan, takes_a_probe))].into_iter().flatten().collect()
}

fn plan_text(plan: &Plan, confirm: Option<&str>, wires: &[String]) -> String {
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
    for wire in wires {
        text.push_str(&wrap(wire, 0));
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
