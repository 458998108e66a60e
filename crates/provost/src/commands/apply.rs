//! `provost apply`: exactly a saved plan, or the rest of an interrupted one.

use provost_ops::close::{self, ClosePlan, Policy, Site};

use super::close::receipt_page;
use crate::{
    cli::{Apply, Arguments},
    confirm::LastStep,
    output::{Page, Stop, Teller},
    secrets,
};

pub(crate) fn run(arguments: &Arguments, options: &Apply) -> Result<Page, Stop> {
    let policy = Policy::load(options.policy.as_deref())?;
    let plan = options.plan.as_deref().map(ClosePlan::load).transpose()?;
    super::on_chip(arguments, |bench| {
        let site = Site {
            chip: super::chip_name(arguments, bench),
            out: (&options.out).into(),
            policy,
            temporary: close::temporary_folders(),
            samples: close::known_sample,
            credential: options.credential.clone(),
            keys: secrets::keys(arguments, &options.access, &options.sign_in),
            this_is: options.this_is.clone(),
            escrow: None,
        };
        let (session, mut consent, mut teller) = (&mut bench.session, LastStep(arguments), Teller::new(arguments));
        let ended = match &plan {
            Some(plan) => close::apply(session, plan, &site, &mut consent, &mut teller)?,
            None => close::resume(session, &site, &mut consent, &mut teller)?,
        };
        receipt_page(&ended)
    })
}
