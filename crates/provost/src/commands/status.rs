//! `provost status`: who the chip is, what is open, what can be done from here. Reads only.

use std::fmt::Write as _;

use provost_bench::Bench;
use provost_chip::{parts::PartId, sources::Confidence, states::ProductState};
use provost_diagnosis::{Diagnosis, answer::Oddity};
use provost_ops::{
    diagnose::{opened_by_authentication, outlook, triage},
    identify::{identify, parts_text},
};

use crate::{
    cli::Arguments,
    documents::{AccessPort, Outlook, Status},
    output::{Page, Stop},
    term,
};

pub(crate) fn run(arguments: &Arguments) -> Result<Page, Stop> {
    super::on_chip(arguments, |bench| {
        let identity = identify(&mut bench.session)?;
        let parts = identity.narrowed_to(arguments.order_code)?;
        let state = identity.state()?;
        let options = identity.options;
        let unusual = match state {
            Some(ProductState::Open) => Some(triage(&mut bench.session, &identity)?),
            _ => None,
        };
        let found = outlook(&identity, &parts, &super::diagnose::given(arguments))?;
        let status = Status {
            probe: bench.session.probe().to_string(),
            virtual_chip: bench.session.probe().virtual_chip,
            unique_id: identity.uid,
            product_state: state,
            pending_state: options.and_then(|o| o.pending_state()),
            trustzone: options.map(|o| o.trustzone()),
            access_ports: [
                AccessPort { ap: 0, open: identity.ap0_open() },
                AccessPort { ap: 1, open: identity.ap1_open() },
            ],
            unusual,
            outlook: Outlook::of(&found),
            identity,
        };
        let text = text(&status, &found, bench, &parts);
        Ok(Page::new(&status, text)?)
    })
}

impl Outlook {
    /// The answer of `diagnose`, in short.
    pub(super) fn of(found: &Diagnosis) -> Self {
        let commands = found.plan.iter().map(|s| &s.commands).chain(found.ask.iter().map(|q| &q.commands));
        let next = commands.map(|c| &c.provost).find(|c| !c.is_empty()).cloned().unwrap_or_default();
        Self {
            verdict: found.verdict,
            certainty: found.certainty,
            plan: found.plan.iter().map(|s| s.step.clone()).collect(),
            never: found.never.clone(),
            // What it would do comes before it is done.
            next: if next.is_empty() {
                next
            } else {
                term::command_line(&next.replacen("provost rescue", "provost rescue --dry-run", 1))
            },
            reasons: found.reasons.iter().map(|r| r.id).collect(),
        }
    }
}

fn text(status: &Status, found: &Diagnosis, bench: &Bench, parts: &[PartId]) -> String {
    let identity = &status.identity;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<14}{value}");
    };
    line("probe", status.probe.clone());
    let revision = identity.rev_id().map(|id| format!(", revision {id:#06x}")).unwrap_or_default();
    line("chip", format!("{} (DEV_ID {:#05x}{revision})", parts_text(parts), identity.dev_id));
    if parts.iter().any(|part| part.info().confidence == Confidence::Inferred) {
        line("", "what is known of this part is inferred from others of its family".to_owned());
    }
    if let Some(id) = identity.uid {
        line("unique id", id.to_string());
    }
    match identity.options {
        Some(options) => {
            let state = options.state().map_or("unknown".to_owned(), |s| s.to_string());
            line("state", format!("{state}, TrustZone {}", options.trustzone()));
            if let Some(pending) = options.pending_state() {
                line(
                    "pending",
                    format!(
                        "{pending} WAITS FOR THE NEXT RESET: do not reset or power-cycle before you know what it does"
                    ),
                );
            }
        }
        None => {
            line("state", "not visible while AP1 is shut: a closed state, or a chip that sits in its ROM".to_owned());
        }
    }
    let open = |ap: &AccessPort| if ap.open { "open" } else { "shut" };
    let [ap0, ap1] = &status.access_ports;
    line("access ports", format!("AP0 (DBGMCU) {}, AP1 (core and memories) {}", open(ap0), open(ap1)));
    if opened_by_authentication(identity).is_some() {
        line(
            "debug",
            "opened by Debug Authentication, until power is removed or `provost auth close-debug`".to_owned(),
        );
    }
    if let Some(unusual) = &status.unusual {
        line("unusual", oddities(unusual));
    }
    text.push('\n');
    text.push_str(&super::diagnose::in_short(found));
    if !status.outlook.next.is_empty() {
        let resets = if status.outlook.next.starts_with("provost auth discover") { " (resets the chip)" } else { "" };
        let _ = writeln!(text, "\nnext: `{}`{resets}", status.outlook.next);
    }
    if !bench.session.probe().virtual_chip {
        text.push_str("\nprovost has never met a real chip: what it says comes from public documents and reports.\n");
    }
    text
}

/// What is unusual on a chip that is Open, in one line.
fn oddities(unusual: &[Oddity]) -> String {
    if unusual.is_empty() {
        return "nothing: it boots where a vector table stands; no area, swap, lock or watchdog is set".to_owned();
    }
    let names: Vec<String> = unusual.iter().map(|odd| format!("{} {}", odd.what, odd.found)).collect();
    format!("{}: `provost diagnose` says what that bites", names.join("; "))
}
