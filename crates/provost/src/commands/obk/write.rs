//! `provost obk write`.

use std::fmt::Write as _;

use provost_ops::{
    drive::target::Target,
    objects::{Plan, Request, Site, Source, Written, plan, write},
    show::says,
};

use crate::{
    cli::{Arguments, ObkWrite},
    confirm,
    documents::ObjectWrite,
    output::{Page, Stop, Teller, wrap},
};

pub(super) fn run(arguments: &Arguments, options: &ObkWrite) -> Result<Page, Stop> {
    let request = request(arguments, options)?;
    super::super::on_chip(arguments, |bench| {
        let place = confirm::place(bench, arguments);
        let chip = super::super::chip_name(arguments, bench);
        on_target(arguments, options, &request, &mut bench.session, (chip, place))
    })
}

/// What is asked for. The files are read before the chip is touched.
pub(crate) fn request(arguments: &Arguments, options: &ObkWrite) -> Result<Request, Stop> {
    let sources = options.files.iter().map(|f| Source::load(f)).collect::<Result<Vec<_>, _>>()?;
    Ok(Request {
        sources,
        part: arguments.order_code,
        method: options.method.map(Into::into),
        replace: options.force,
        encrypting_word: options.encrypt_word,
        allowed: options.allow.clone(),
        once_for_life: options.once_for_life,
    })
}

/// Over any wire; of the chip, its name in journals, and what a phrase that confirms ends with.
pub(crate) fn on_target(
    arguments: &Arguments,
    options: &ObkWrite,
    request: &Request,
    target: &mut dyn Target,
    (chip, place): (String, Option<String>),
) -> Result<Page, Stop> {
    let mut teller = Teller::new(arguments);
    let plan = plan(target, request, &mut teller)?;
    if options.dry_run || plan.is_empty() {
        return planned(&plan, request);
    }
    confirm::with(arguments, place.map(|place| format!("{} on {place}", plan.asks())))?;
    let site = Site { chip, out: (&options.out).into() };
    let written = write(target, &plan, request, &site, &mut teller)?;
    page(&plan, &written)
}

fn findings(plan: &Plan) -> String {
    plan.findings.iter().map(|f| wrap(&format!("{}: {}", f.severity(), says(f)), 0)).collect()
}

fn planned(plan: &Plan, request: &Request) -> Result<Page, Stop> {
    let mut text = findings(plan);
    let names: Vec<String> = request.sources.iter().map(Source::name).collect();
    let says = if plan.is_empty() {
        format!("the {} holds this password already, and its OTP block is locked: nothing to write\n", plan.part)
    } else {
        format!("nothing speaks against writing {} into this {}; nothing was written\n", names.join(", "), plan.part)
    };
    text.push_str(&says);
    document(plan, None, text)
}

fn page(plan: &Plan, written: &Written) -> Result<Page, Stop> {
    let mut text = findings(plan);
    for object in &written.objects {
        let form = if object.encrypted { ", encrypted by the chip" } else { "" };
        let _ = writeln!(text, "wrote {} ({} bytes) to {:#010x}{form}", object.file, object.bytes, object.destination);
    }
    if let Some(discovered) = &written.discovered {
        let integrity = discovered.integrity.unwrap_or_default();
        let _ = writeln!(
            text,
            "discovery: integrity {integrity:#010x}, the chip asks for a {}",
            discovered.method.map_or("credential", |m| m.as_str())
        );
    }
    if let Some(word) = &written.encrypting_word {
        let _ = writeln!(
            text,
            "seen: {word} asks this ROM for encryption (--encrypt-word {word} for the next chip of this kind)"
        );
    }
    for unproven in &written.unproven {
        text.push_str(&wrap(&format!("not proven: {unproven}"), 0));
    }
    if !written.left_rom {
        text.push_str("The chip may still sit in its Debug Authentication ROM: remove power before you go on with anything else.\n");
    }
    text.push_str(
        "next: `provost close --to STATE --credential DIR --override P-START-OPEN --dry-run`, and without --dry-run on from here\n",
    );
    document(plan, Some(written), text)
}

fn document(plan: &Plan, written: Option<&Written>, text: String) -> Result<Page, Stop> {
    let Plan { identity, part, findings, .. } = plan;
    Ok(Page::new(&ObjectWrite { identity, part: *part, findings, written }, text)?)
}
