//! `provost status`: who the chip is, what is open, what can be done from here. Reads only.

use std::fmt::Write as _;

use provost_bench::Bench;
use provost_chip::rules::Rule;
use provost_ops::{identify::identify, prospects::prospects};

use crate::{
    cli::Arguments,
    documents::{AccessPort, Status},
    output::{Page, Stop, wrap},
};

pub(crate) fn run(arguments: &Arguments) -> Result<Page, Stop> {
    super::on_chip(arguments, |bench| {
        let identity = identify(&mut bench.session)?;
        let parts = identity.narrowed_to(arguments.part)?;
        let state = identity.state()?;
        let options = identity.options;
        let prospects = state.zip(options).map(|(state, o)| prospects(state, o.trustzone(), &parts));
        let status = Status {
            probe: bench.session.probe().to_string(),
            virtual_chip: bench.session.probe().virtual_chip,
            product_state: state,
            pending_state: options.and_then(|o| o.pending_state()),
            trustzone: options.map(|o| o.trustzone()),
            access_ports: [
                AccessPort { ap: 0, open: identity.ap0_open() },
                AccessPort { ap: 1, open: identity.ap1_open() },
            ],
            prospects,
            identity,
        };
        let text = text(&status, bench);
        Ok(Page::new(&status, text)?)
    })
}

fn text(status: &Status, bench: &Bench) -> String {
    let identity = &status.identity;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<14}{value}");
    };
    line("probe", status.probe.clone());
    line(
        "chip",
        format!("{} (DEV_ID {:#05x}, revision {:#06x})", identity.parts_text(), identity.dev_id, identity.rev_id),
    );
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
    if let Some(p) = &status.prospects {
        text.push('\n');
        let _ = writeln!(text, "{}: {}", p.verdict, p.says);
        if p.verdict != "open" && (p.worlds_with_a_way != 0 || p.verdict == "recoverable") {
            let _ = writeln!(
                text,
                "  a way back to Open exists in {} of the {} worlds that the open questions allow (a count, not odds)",
                p.worlds_with_a_way, p.worlds
            );
        }
        for never in &p.never {
            let _ = writeln!(text, "  danger: {} [{}]", never.says, never.rule);
        }
        let _ = writeln!(text, "  next:   {}", p.next);
        text.push_str("\nwhy\n");
        for rule in p.rules.iter().filter_map(|id| id.parse::<&Rule>().ok()) {
            let _ = writeln!(text, "  {} ({}; {})", rule.id, rule.confidence, rule.source.join(", "));
            text.push_str(&wrap(rule.says, 4));
        }
    }
    if status.prospects.is_none() {
        text.push_str(
            "\nnext: provost auth discover, which resets the chip, tells the state and whether it holds a credential\n",
        );
    }
    if !bench.session.probe().virtual_chip {
        text.push_str("\nprovost has never met a real chip: what it says comes from public documents and reports.\n");
    }
    text
}
