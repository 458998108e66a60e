//! What people tell in sentences, put among what tools print: an attempt that is told is closed by the messages and the words after it.

use super::{Kind, OpenStep, Session};
use crate::{
    case::{Act, OptionValue, Outcome, Step},
    claim::{About, Claim, Place, Sure},
    log::command::Command,
    prose::{Said, What},
};

/// Words about an outcome reach back over so many lines.
const REACH: u64 = 4;

impl Session {
    /// Takes what one line says; `false` if it says nothing.
    pub(super) fn told(&mut self, number: u64, raw: &str) -> bool {
        self.told_from(number, raw, 0)
    }

    /// Takes what the rest of a line says, from byte `from` on.
    pub(super) fn told_from(&mut self, number: u64, raw: &str, from: usize) -> bool {
        let (said, known) = self.prose.line(raw.get(from..).unwrap_or_default());
        // Of a credential that is spoken of, a line alone says nothing.
        let any = said.iter().any(|s| !matches!(s.what, What::Credential(_)));
        for said in said {
            self.place = Place::new(number, raw, said.span.start + from..said.span.end + from);
            self.tell(said);
        }
        any || known
    }

    fn tell(&mut self, said: Said) {
        let sure = said.sure;
        match said.what {
            What::Attempt => {
                self.end_run();
                self.attempts.push(self.steps.len());
            }
            What::Act(act, outcome) => self.told_act(act, outcome, sure),
            What::Outcome(outcome) => self.told_outcome(outcome),
            What::Remark(signs, text) => {
                self.close();
                let mut step = Step::new(Act::Observe(text), None);
                step.signs = signs;
                self.steps.push(step, &self.place, sure);
            }
            What::Family(family) => {
                self.other_family.get_or_insert(family.name.to_owned());
            }
            What::Part { name, acted } => {
                self.h5 = true;
                let known = self.chip.part.as_deref().unwrap_or_default();
                // Of several parts it is the one that somebody goes on with.
                let another = acted && !known.starts_with(&name);
                if name != known && (name.starts_with(known) || another) {
                    self.fact(About::Part, name.clone(), sure);
                    self.chip.part = Some(name);
                }
            }
            What::TrustZone(tz) => {
                self.chip.tz = Some(tz);
                self.fact(About::TrustZone, format!("TrustZone {tz}"), sure);
            }
            What::BootEntry(ube) => {
                self.chip.boot_ube = Some(ube);
                self.fact(About::BootEntry, format!("BOOT_UBE = {:#04x}", ube.code()), sure);
            }
            What::Probe(text) => {
                if self.told_probe.is_none() {
                    self.fact(About::Probe, format!("the probe: {text}"), sure);
                    self.told_probe = Some(text);
                }
            }
            What::Nrst(wired) => {
                self.bench.nrst = Some(wired);
                self.fact(About::Nrst, format!("NRST is {}wired", if wired { "" } else { "not " }), sure);
            }
            What::Boot0(level) => {
                self.bench.boot0 = Some(level);
                self.fact(About::Boot0, format!("BOOT0 is {}", level.as_str()), sure);
            }
            What::Host(host) => {
                self.bench.host = Some(host);
                self.fact(About::Host, format!("the host is {}", host.as_str()), sure);
            }
            What::Goal(goal) => {
                self.goal = Some(goal);
                self.fact(About::Goal, format!("wanted: {}", goal.as_str()), sure);
            }
            What::Credential(spoken) => self.credentials.push(spoken),
            What::Tool(tool) => {
                self.fact(About::Tool, tool.clone(), sure);
                self.tool(&tool);
            }
        }
    }

    fn fact(&mut self, about: About, says: String, sure: Sure) {
        self.claims.retain(|c| c.about != about);
        self.claims.push(Claim { place: self.place.clone(), says, sure, about });
    }

    /// Something that was done begins a run of its own; a message or a word after it may tell how it ended.
    fn told_act(&mut self, act: Act, outcome: Option<Outcome>, sure: Sure) {
        if self.told_again(&act, outcome) {
            return;
        }
        let kind = match &act {
            Act::ReadOption(_) | Act::PowerCycle | Act::Reset | Act::CloseDebug => {
                self.close();
                if !self.steps.ends_with(&act) {
                    self.steps.push(Step::new(act, outcome), &self.place, sure);
                }
                return;
            }
            Act::WriteOption(_) => Kind::Options,
            Act::Provision { .. } => Kind::Provision,
            Act::Discover(_) | Act::Authenticate { .. } => Kind::Debug,
            Act::Erase => Kind::Erase,
            Act::Flash => Kind::Flash,
            Act::Dfu => Kind::Dfu,
            Act::Uart => Kind::Uart,
            _ => Kind::Connect,
        };
        self.end_run();
        self.command = Command::default();
        let mut open = OpenStep::new(kind, self.place.clone());
        match act {
            Act::WriteOption(option) => self.command.writes = vec![option],
            Act::Connect { mode, ap } => (self.command.mode, self.command.ap) = (mode, ap),
            Act::Provision { object, .. } => self.command.provision = Some(object),
            Act::Discover(discovery) => {
                self.command.debug_authentication = Some(2);
                open.discovery = discovery;
            }
            Act::Authenticate { with, permission } => {
                self.command.debug_authentication = Some(1);
                (self.command.with, self.command.permission) = (with, Some(permission));
            }
            _ => {}
        }
        (open.outcome, open.sure) = (outcome, sure);
        self.open = Some(open);
    }

    /// Whether an act is one that was told a moment ago and has no end yet, or the same end.
    fn told_again(&mut self, act: &Act, outcome: Option<Outcome>) -> bool {
        if let (Act::WriteOption(option), Some(outcome)) = (act, outcome)
            && self.open.is_none()
            && self.amend_write(option, outcome)
        {
            return true;
        }
        if let Some(open) = &mut self.open {
            let same = match (act, open.kind) {
                (Act::WriteOption(option), Kind::Options) => self.command.writes.first() == Some(option),
                (Act::Erase, Kind::Erase)
                | (Act::Flash, Kind::Flash)
                | (Act::Dfu, Kind::Dfu)
                | (Act::Uart, Kind::Uart) => true,
                (Act::Connect { mode, ap }, Kind::Connect) => {
                    *mode == self.command.mode && ap.is_none_or(|ap| self.command.ap == Some(ap))
                }
                (Act::Authenticate { .. }, Kind::Debug) => self.command.debug_authentication == Some(1),
                _ => false,
            };
            if same && (outcome.is_none() || open.outcome.is_none() || open.outcome == outcome) {
                open.outcome = open.outcome.or(outcome);
                return true;
            }
            return false;
        }
        false
    }

    /// A command line after words that announce it says the same once more.
    pub(super) fn forget_told(&mut self, command: &Command) {
        let announced = |open: &OpenStep| {
            let same = match open.kind {
                Kind::Options => self.command.writes.first().is_some_and(|w| command.writes.contains(w)),
                Kind::Provision => command.provision.is_some(),
                Kind::Debug => command.debug_authentication == self.command.debug_authentication,
                Kind::Flash => command.flash,
                Kind::Erase => command.erase,
                _ => false,
            };
            same && open.sure != Sure::Printed && self.place.line - open.line() <= REACH
        };
        if self.open.as_ref().is_some_and(announced) {
            self.open = None;
            self.command = Command::default();
        }
    }

    fn told_outcome(&mut self, outcome: Outcome) {
        let line = self.place.line;
        if let Some(open) = self.open.as_mut().filter(|open| open.outcome.is_none() && line - open.line() <= REACH) {
            open.outcome = Some(outcome);
        }
    }

    /// A write that is told once more, with its end.
    fn amend_write(&mut self, option: &OptionValue, outcome: Outcome) -> bool {
        self.steps.amend(|step| {
            let same = matches!(&step.act, Act::WriteOption(o) if o == option) && step.outcome.is_none();
            if same {
                step.outcome = Some(outcome);
            }
            same
        })
    }
}
