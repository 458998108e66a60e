//! `provost credential check`.

use std::fmt::Write as _;

use provost_ops::{
    credential::{CheckReport, Outcome, Question, check, check_on_chip},
    error::Exit,
};

use crate::{
    cli::{Arguments, CredentialCheck},
    output::{Page, Stop, wrap},
    secrets,
};

pub(super) fn run(arguments: &Arguments, options: &CredentialCheck) -> Result<Page, Stop> {
    // Only a chip that was named is reset: the one probe that happens to be plugged in is not meant.
    if arguments.named_probe().is_none() {
        let report =
            secrets::with_access(arguments, &options.access, |access| check(&question(arguments, options, access)))?;
        return page(&report);
    }
    crate::commands::on_chip(arguments, |bench| {
        let report = secrets::with_access(arguments, &options.access, |access| {
            check_on_chip(&mut bench.session, &question(arguments, options, access))
        })?;
        page(&report)
    })
}

fn question<'a>(
    arguments: &Arguments,
    options: &'a CredentialCheck,
    access: provost_ops::credential::Access<'a>,
) -> Question<'a> {
    Question { folder: &options.folder, part: arguments.part(), allow_samples: options.allow_sample_keys, access }
}

fn page(report: &CheckReport) -> Result<Page, Stop> {
    let mut text = String::new();
    for finding in &report.findings {
        let word = match finding.outcome {
            Outcome::Passed => "ok      ",
            Outcome::Failed => "FAILED  ",
            Outcome::Warning => "warning ",
            Outcome::Skipped => "not seen",
        };
        let rules = if finding.rules.is_empty() { String::new() } else { format!(" [{}]", finding.rules.join(", ")) };
        let body = wrap(&format!("{}: {}{rules}", finding.check, finding.says), 10);
        let _ = write!(text, "{word}  {}", body.trim_start());
    }
    let count = |outcome| report.findings.iter().filter(|f| f.outcome == outcome).count();
    let _ = writeln!(
        text,
        "\n{}: {} passed, {} failed, {} to look at, {} that could not be seen",
        if report.passed { "good" } else { "DO NOT USE" },
        count(Outcome::Passed),
        count(Outcome::Failed),
        count(Outcome::Warning),
        count(Outcome::Skipped)
    );
    let page = Page::new(report, text)?;
    Ok(if report.passed { page } else { page.ending(Exit::Refused) })
}
