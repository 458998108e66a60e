//! `provost close`: forward, with the way back proven first.

use std::{collections::BTreeMap, fmt::Write as _, io};

use provost_chip::sources::Source;
use provost_ops::{
    close::{
        self, ClosePlan, Ended, Image, Policy, Site, Survey, Wish,
        escrow::Escrow,
        preflight::{Check, Finding, pass},
    },
    error::OpError,
    identify::parts_text,
    option_bytes::OptionFile,
};

use crate::{
    cli::{Arguments, Close},
    confirm::LastStep,
    documents::CloseSurvey,
    output::{Page, Stop, Teller, wrap},
};

pub(crate) fn run(arguments: &Arguments, options: &Close) -> Result<Page, Stop> {
    if let Some(path) = options.credential.as_ref().filter(|path| !path.exists()) {
        return Err(OpError::CredentialFile { path: path.clone(), source: io::ErrorKind::NotFound.into() }.into());
    }
    let policy = Policy::load(options.policy.as_deref())?;
    let images: Vec<_> = options.images.iter().map(|i| (i.path.as_path(), i.at)).collect();
    let images = Image::load(&images)?;
    let wanted = options.options.as_deref().map(|file| OptionFile::load(file, arguments.part)).transpose();
    let wanted = wanted?.map_or_else(BTreeMap::new, |file| file.values);
    let recipients: Vec<String> = policy.escrow.recipients.iter().chain(&options.recipients).cloned().collect();
    let escrow = options.escrow.as_ref().map(|to| Escrow::new(to, &recipients, options.force)).transpose()?;
    super::on_chip(arguments, |bench| {
        let wish = Wish {
            part: arguments.part,
            target: options.to,
            credential: options.credential.clone(),
            images: images.iter().map(Image::digest).collect(),
            options: wanted,
            rehearse: options.rehearse || options.rehearse_only,
            rehearse_only: options.rehearse_only,
            overrides: options.overrides.clone(),
            forever: options.i_want_this_forever,
        };
        let site = Site {
            chip: super::chip_name(arguments, bench),
            out: (&options.out).into(),
            policy,
            temporary: close::temporary_folders(),
            samples: close::known_sample,
            credential: None,
            this_is: options.this_is.clone(),
            escrow,
        };
        let mut teller = Teller::new(arguments);
        if options.dry_run || options.save.is_some() {
            let survey = close::survey(&mut bench.session, &wish, &site, false, &mut teller)?;
            return planned(&survey, options);
        }
        let ended = close::close(&mut bench.session, &wish, &site, &mut LastStep(arguments), &mut teller)?;
        receipt_page(&ended)
    })
}

fn planned(survey: &Survey, options: &Close) -> Result<Page, Stop> {
    let mut text = String::new();
    if let (Some(path), Some(plan)) = (&options.save, &survey.plan) {
        pass(&survey.findings)?;
        plan.save(path, options.force)?;
    } else if options.save.is_some() {
        pass(&survey.findings)?;
    }
    text.push_str(&findings_text(&survey.findings));
    if let Some(plan) = &survey.plan {
        text.push('\n');
        text.push_str(&plan_text(plan));
    }
    let ready = pass(&survey.findings).is_ok();
    text.push_str(match (&options.save, ready) {
        (Some(_), _) => "the plan was saved; nothing was written to the chip; `provost apply` carries it out\n",
        (None, true) => "nothing was written; the same command without --dry-run carries it out\n",
        (None, false) => "nothing was written; as things are, the preflight refuses\n",
    });
    Ok(Page::new(&CloseSurvey { ready, plan: survey.plan.as_ref(), checks: &survey.findings }, text)?)
}

pub(super) fn findings_text(findings: &[Finding]) -> String {
    let mut text = "preflight\n".to_owned();
    for finding in findings {
        let mark = match finding.verdict.as_str() {
            "passed" => "ok",
            "failed" => "FAILED",
            "not-measured" => "-",
            other => other,
        };
        let line = format!("{:<11} {:<20} {}", mark, finding.rule, finding.found);
        text.push_str(&wrap_hanging(&line));
    }
    text
}

/// Columns of a finding, with what was measured wrapped below itself.
fn wrap_hanging(line: &str) -> String {
    const COLUMN: usize = 35;
    if line.chars().count() + 2 <= 100 {
        return format!("  {line}\n");
    }
    let (head, found) = line.split_at(line.char_indices().nth(COLUMN - 2).map_or(line.len(), |(at, _)| at));
    let wrapped = wrap(found, COLUMN);
    format!("  {head}{}", wrapped.trim_start())
}

fn plan_text(plan: &ClosePlan) -> String {
    let bound = &plan.bound;
    let end = if bound.rehearse_only { "rehearse".to_owned() } else { format!("close to {}", bound.target.as_str()) };
    let mut text = format!("plan {} for {} {}: {end}\n", &plan.hash[..12], parts_text(&bound.parts), bound.uid);
    for (n, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(text, "{:>2}. {}", n + 1, step.step);
        text.push_str(&wrap(&step.what, 6));
        let _ = writeln!(text, "      erases: {}", step.erases);
        let _ = writeln!(text, "      undo: {}", step.undo);
        let _ = writeln!(text, "      measured: {}", step.measured);
        if !step.why.is_empty() {
            text.push_str(&wrap(&format!("why: {}", step.why.join(", ")), 6));
        }
    }
    text
}

pub(super) fn receipt_page(ended: &Ended) -> Result<Page, Stop> {
    Ok(Page::new(&ended.receipt, receipt_text(ended))?)
}

fn receipt_text(ended: &Ended) -> String {
    let receipt = &ended.receipt;
    let bound = &receipt.bound;
    let mut text = String::new();
    if bound.rehearse_only {
        text.push_str(
            "the chip went to Provisioning and came back with its credential; it is Open, as it was before\n",
        );
    } else {
        let _ = writeln!(text, "the chip is {}, TrustZone {}", bound.target, bound.trustzone);
    }
    let _ = writeln!(text, "  unique id   {}", bound.uid);
    let (credential, key) = (&bound.credential, bound.binding.short());
    let _ = writeln!(text, "  credential  {credential}, {key} (the only way back: keep it)");
    let _ = writeln!(text, "  receipt     {}", ended.folder.join("receipt.json").display());
    for finding in receipt.checks.iter().filter(|c| c.verdict == "overridden" || c.verdict == "warning") {
        let _ = writeln!(text, "  {:<11} {}: {}", finding.verdict, finding.rule, finding.found);
    }
    if !bound.rehearse_only {
        let _ = writeln!(text, "back to Open, erased: provost auth regress --credential {}", &bound.credential);
    }
    text
}

/// A rule of the preflight as a paragraph.
pub(super) fn check_text(check: &Check) -> String {
    let mut text = format!("{} ({})\n", check.id, check.confidence);
    text.push_str(&wrap(check.says, 4));
    for key in check.source {
        if let Some(source) = Source::find(key) {
            let url = source.url.map(|u| format!(" <{u}>")).unwrap_or_default();
            let _ = writeln!(text, "    source: {}{url}", source.title);
        }
    }
    text.push_str(match (check.test.is_some(), check.weight) {
        (false, _) => "    looked at in Provisioning, right before the final state is written; cannot be overridden\n",
        (true, provost_ops::close::preflight::Weight::Firm) => {
            "    looked at before anything is written; cannot be overridden\n"
        }
        (true, provost_ops::close::preflight::Weight::Refuses) => {
            "    looked at before anything is written; --override passes over it\n"
        }
        (true, provost_ops::close::preflight::Weight::Warns) => {
            "    looked at before anything is written; a warning only\n"
        }
    });
    text
}
