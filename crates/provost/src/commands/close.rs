//! `provost close`: forward, with the way back proven first.

use std::{collections::BTreeMap, fmt::Write as _, io};

use provost_chip::{sources::Source, states::TrustZone};
use provost_ops::{
    close::{
        self, CloseError, ClosePlan, Ended, Expected, Image, Policy, Site, Survey, Wish,
        escrow::Escrow,
        preflight::{Check, Finding, Verdict, pass},
    },
    credential::{Access, CredentialSet},
    error::{Exit, OpError},
    identify::parts_text,
    option_bytes::OptionFile,
};

use crate::{
    cli::{Arguments, Close},
    confirm::LastStep,
    documents::CloseSurvey,
    given::quoted,
    output::{Page, Stop, Teller, wrap},
    secrets,
};

pub(crate) fn run(arguments: &Arguments, options: &Close) -> Result<Page, Stop> {
    if let Some(path) = options.credential.as_ref().filter(|path| !path.exists()) {
        return Err(OpError::CredentialFile { path: path.clone(), source: io::ErrorKind::NotFound.into() }.into());
    }
    let Some(target) = options.to.filter(|_| !options.check) else { return checked(arguments, options) };
    let policy = Policy::load(options.policy.as_deref())?;
    let images: Vec<_> = options.images.iter().map(|i| (i.path.as_path(), i.at)).collect();
    let images = Image::load(&images)?;
    let wanted = options.options.as_deref().map(|file| OptionFile::load(file, arguments.part())).transpose();
    let wanted = wanted?.map_or_else(BTreeMap::new, |file| file.values);
    let recipients: Vec<String> = policy.escrow.recipients.iter().chain(&options.recipients).cloned().collect();
    let escrow = options.escrow.as_ref().map(|to| Escrow::new(to, &recipients, options.force)).transpose()?;
    super::on_chip(arguments, |bench| {
        let wish = Wish {
            part: arguments.order_code,
            target,
            credential: options.credential.clone(),
            objects: options.objects.clone(),
            images: images.iter().map(Image::digest).collect(),
            options: wanted,
            encrypt_word: options.encrypt_word,
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
            keys: secrets::keys(arguments, &options.access, &options.sign_in),
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

/// Is it closed as it was to be?
fn checked(arguments: &Arguments, options: &Close) -> Result<Page, Stop> {
    let open = |folder| {
        let signer = secrets::keys(arguments, &options.access, &options.sign_in).of(folder)?;
        CredentialSet::open(folder, &Access { passphrase: None, signer })
    };
    let credential = options.credential.as_deref().map(open).transpose()?;
    super::on_chip(arguments, |bench| {
        let expected = Expected { target: options.to, credential: credential.as_ref(), receipts: &options.out };
        let checked = close::check(&mut bench.session, &expected, &mut Teller::new(arguments))?;
        let mut text = findings_text(&checked.checks).replacen("preflight\n", "", 1);
        text.push_str(if checked.as_planned { "closed as planned\n" } else { "NOT closed as planned\n" });
        if !checked.left_rom {
            text.push_str("The chip may still sit in its Debug Authentication ROM: remove power before you go on with anything else.\n");
        }
        let failed =
            checked.checks.iter().filter(|c| c.verdict == Verdict::Failed).filter_map(|c| Check::find(&c.rule));
        for next in failed.flat_map(|check| check.next) {
            text.push_str(&wrap(&format!("next: {next}"), 0));
        }
        let page = Page::new(&checked, text)?;
        Ok(if checked.as_planned { page } else { page.ending(Exit::Refused) })
    })
}

fn planned(survey: &Survey, options: &Close) -> Result<Page, Stop> {
    let mut text = String::new();
    if let Some(path) = &options.save {
        pass(&survey.findings)?;
        let plan = survey.plan.as_ref().ok_or_else(|| CloseError::NoPlanHere {
            found: survey.facts.state().map_or_else(|| "a later state".to_owned(), |s| s.to_string()),
        })?;
        plan.save(path, options.force)?;
    }
    text.push_str(&findings_text(&survey.findings));
    let refused = pass(&survey.findings).err();
    if let (Some(plan), None) = (&survey.plan, &refused) {
        text.push('\n');
        text.push_str(&plan_text(plan));
    }
    let phrase = survey.plan.as_ref().map(|plan| plan.bound.phrase());
    if let (Some(phrase), None) = (&phrase, &refused) {
        let _ = writeln!(text, "to be confirmed with --confirm {}", quoted(phrase));
    }
    match (&options.save, &refused) {
        (Some(path), _) => {
            let _ = writeln!(
                text,
                "the plan was saved; nothing was written to the chip; `provost apply {}` carries it out",
                quoted(&path.display().to_string())
            );
        }
        (None, None) => text.push_str("nothing was written; the same command without --dry-run carries it out\n"),
        (None, Some(error)) => {
            text.push_str("\nnothing was written; as things are, the preflight refuses\n  next:\n");
            for (n, next) in error.remedy().next.iter().enumerate() {
                let _ = write!(text, "    {}. {}", n + 1, wrap(next, 7).trim_start());
            }
        }
    }
    let document = CloseSurvey {
        ready: refused.is_none(),
        unique_id: survey.facts.identity.uid,
        confirm: phrase,
        plan: survey.plan.as_ref(),
        checks: &survey.findings,
        next: refused.as_ref().map_or_else(Vec::new, |error| error.remedy().next),
    };
    let page = Page::new(&document, text)?;
    Ok(if refused.is_some() { page.ending(Exit::Refused) } else { page })
}

pub(super) fn findings_text(findings: &[Finding]) -> String {
    let mut text = "preflight\n".to_owned();
    // What holds first: what does not is read last, and stays on the screen.
    let rank = |finding: &&Finding| match finding.verdict {
        Verdict::Failed => 3,
        Verdict::Warning | Verdict::Overridden => 2,
        Verdict::NotMeasured => 1,
        Verdict::Passed => 0,
    };
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(rank);
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Passed => "ok",
            Verdict::Failed => "FAILED",
            Verdict::NotMeasured => "-",
            let_pass => let_pass.as_str(),
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
    for finding in receipt.checks.iter().filter(|c| c.verdict.is_let_pass()) {
        let _ = writeln!(text, "  {:<11} {}: {}", finding.verdict, finding.rule, finding.found);
    }
    if !bound.rehearse_only {
        let credential = quoted(&bound.credential.display().to_string());
        if bound.trustzone == TrustZone::Enabled {
            let _ = writeln!(
                text,
                "debugged as it is: `provost auth open --permission level-1-intrusive-debug --credential {credential}`"
            );
        }
        let _ = writeln!(text, "back to Open, erased: `provost auth regress --credential {credential}`");
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
    text.push_str("  where it does not hold:\n");
    check.next.iter().for_each(|next| text.push_str(&wrap(next, 4)));
    text
}
