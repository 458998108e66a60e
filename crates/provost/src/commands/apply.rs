//! `provost apply`: exactly a saved plan, or the rest of an interrupted one.

use std::collections::BTreeMap;

use provost_chip::states::ProductState;
use provost_ops::close::{self, ClosePlan, Policy, Request};

use super::close::receipt_page;
use crate::{
    cli::{Apply, Arguments},
    confirm::LastStep,
    output::{Page, Stop, Teller},
};

pub(crate) fn run(arguments: &Arguments, options: &Apply) -> Result<Page, Stop> {
    let policy = Policy::load(options.policy.as_deref())?;
    let plan = options.plan.as_deref().map(ClosePlan::load).transpose()?;
    super::on_chip(arguments, |bench| {
        // What is asked for, the plan says.
        let request = Request {
            chip: super::chip_name(arguments, bench),
            part: arguments.part,
            target: ProductState::Closed,
            credential: options.credential.clone(),
            images: Vec::new(),
            options: BTreeMap::new(),
            rehearse: false,
            rehearse_only: false,
            overrides: Vec::new(),
            forever: false,
            out: options.out.clone(),
            policy,
            temporary: close::temporary_folders(),
            samples: close::known_sample,
        };
        let (session, mut consent, mut teller) = (&mut bench.session, LastStep(arguments), Teller::new(arguments));
        let receipt = match &plan {
            Some(plan) => close::apply(session, plan, &request, &mut consent, &mut teller)?,
            None => close::resume(session, &request, &mut consent, &mut teller)?,
        };
        Ok(receipt_page(&receipt, &request))
    })
}
