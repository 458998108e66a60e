//! The step that a log is in the middle of, and what it becomes.

use super::{command::Command, steps::Steps};
use crate::{
    case::{Act, AskedPermission, Credential, Discovery, Object, OptionValue, Outcome, ProvisionedBy, Step},
    claim::{Place, Sure},
    messages::{Message, Subject},
    signs::Sign,
};

/// Messages kept of one step.
const MAX_MESSAGES: usize = 24;

/// The kind of a step that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Connect,
    Options,
    Provision,
    Debug,
    CloseDebug,
    Erase,
    Flash,
    Dfu,
    Uart,
    Reset,
    Boot,
    Firmware,
    Tool,
}

/// A step in the making.
#[derive(Debug)]
pub(super) struct OpenStep {
    pub(super) kind: Kind,
    pub(super) outcome: Option<Outcome>,
    messages: Vec<&'static Message>,
    /// Fields of a discovery.
    pub(super) discovery: Discovery,
    /// A field of a discovery was printed.
    pub(super) fields: bool,
    /// An authentication rather than a discovery.
    pub(super) authenticates: bool,
    pub(super) with: Option<Credential>,
    pub(super) object: Option<Object>,
    /// Fields that kept their value: what was wanted, and what was found.
    pub(super) refused: Vec<(OptionValue, OptionValue)>,
    /// Fields that had the value already.
    pub(super) same: Vec<OptionValue>,
    /// The tool found nothing to write.
    pub(super) nothing_written: bool,
    /// Options that were read in the meantime.
    pub(super) reads: Vec<OptionValue>,
    /// The words that began it.
    place: Place,
    /// How plainly they say it.
    pub(super) sure: Sure,
}

impl OpenStep {
    pub(super) const fn new(kind: Kind, place: Place) -> Self {
        Self {
            kind,
            outcome: None,
            messages: Vec::new(),
            discovery: Discovery {
                lifecycle: None,
                integrity: None,
                hdpl1: None,
                permissions: None,
                password: None,
                empty_answer: false,
            },
            fields: false,
            authenticates: false,
            with: None,
            object: None,
            refused: Vec::new(),
            same: Vec::new(),
            nothing_written: false,
            reads: Vec::new(),
            place,
            sure: Sure::Printed,
        }
    }

    /// Takes a message: the first trouble names the outcome, a success after it cancels it, and trouble after a success holds.
    pub(super) fn take(&mut self, message: &'static Message) {
        if self.messages.len() < MAX_MESSAGES && !self.messages.contains(&message) {
            self.messages.push(message);
        }
        self.authenticates |= message.subject == Subject::Authenticate;
        match (self.outcome, message.outcome) {
            (None | Some(Outcome::Ok), Some(outcome)) | (_, Some(outcome @ Outcome::Ok)) => {
                self.outcome = Some(outcome)
            }
            _ => {}
        }
    }

    /// The line that began it.
    pub(super) const fn line(&self) -> u64 {
        self.place.line
    }

    /// Whether the exchange has begun.
    pub(super) fn has_spoken(&self) -> bool {
        self.fields || self.outcome.is_some() || self.messages.iter().any(|m| m.id == "M-DA-START")
    }

    /// Whether another message of the same kind belongs to this step.
    pub(super) fn goes_on(&self, kind: Kind, outcome: Option<Outcome>) -> bool {
        self.kind == kind
            && (outcome.is_none()
                || self.outcome != Some(Outcome::Ok)
                || outcome == Some(Outcome::Ok)
                || kind != Kind::Connect)
    }

    /// Ends the step.
    pub(super) fn close(self, command: &mut Command, ap: Option<u8>, steps: &mut Steps) {
        match self.kind {
            Kind::Connect => {
                let act = Act::Connect { mode: command.mode, ap: ap.or(command.ap) };
                self.push(act, steps);
            }
            Kind::Options => self.options(command, steps),
            Kind::Provision => {
                let object = self.object.or(command.provision).unwrap_or(Object::Other);
                command.provision = None;
                let act = Act::Provision { object, encrypted: None, size: None, by: ProvisionedBy::Tool };
                self.push(act, steps);
            }
            Kind::Debug => self.debug_authentication(command, steps),
            Kind::CloseDebug => {
                command.debug_authentication = None;
                self.push(Act::CloseDebug, steps);
            }
            Kind::Erase => {
                command.erase = false;
                self.push(Act::Erase, steps);
            }
            Kind::Flash => {
                command.flash = false;
                self.push(Act::Flash, steps);
            }
            Kind::Dfu => self.push(Act::Dfu, steps),
            Kind::Uart => self.push(Act::Uart, steps),
            Kind::Reset => {
                command.reset = false;
                self.push(Act::Reset, steps);
            }
            Kind::Boot => self.push(Act::Observe("the boot code speaks on the chip's console".to_owned()), steps),
            Kind::Firmware => self.push(Act::Firmware("the chip's own code reports an error".to_owned()), steps),
            Kind::Tool if self.outcome.is_none() => self.push(Act::Observe("a remark of the tool".to_owned()), steps),
            Kind::Tool => self.push(Act::Observe("the tool failed by itself".to_owned()), steps),
        }
    }

    fn push(self, act: Act, steps: &mut Steps) {
        let step = Step { act, outcome: self.outcome, messages: self.messages, signs: Vec::new(), measured: false };
        steps.push(step, &self.place, self.sure);
        for read in self.reads {
            steps.push(Step::new(Act::ReadOption(read), Some(Outcome::Ok)), &self.place, self.sure);
        }
    }

    /// Writes of option bytes: what was wanted is known from the command line or from the complaint of the tool.
    fn options(mut self, command: &mut Command, steps: &mut Steps) {
        let mut writes = std::mem::take(&mut command.writes);
        for (wanted, _) in &self.refused {
            if !writes.iter().any(|w| w.field == wanted.field) {
                writes.push(wanted.clone());
            }
        }
        let same = std::mem::take(&mut self.same);
        writes.retain(|w| !same.iter().any(|s| s.field == w.field));
        let reads: Vec<OptionValue> = same
            .into_iter()
            .chain(self.refused.iter().map(|(_, found)| found.clone()))
            .chain(std::mem::take(&mut self.reads))
            .collect();
        if writes.is_empty() && !self.nothing_written && reads.is_empty() {
            let act = Act::Observe("option bytes were written; the log does not say which".to_owned());
            let (outcome, messages) = (self.outcome, self.messages);
            let step = Step { act, outcome, messages, signs: vec![Sign::UnrecordedWrites], measured: false };
            steps.push(step, &self.place, self.sure);
            return;
        }
        // The messages go with the field that decides the chip's life, if it is among them.
        let spokesman = writes.iter().position(|w| w.field == "PRODUCT_STATE").unwrap_or(0);
        let refusals = !self.refused.is_empty();
        for (i, write) in writes.into_iter().enumerate() {
            let refused = self.refused.iter().any(|(wanted, _)| wanted.field == write.field);
            let outcome = match self.outcome {
                _ if refused => Some(Outcome::Refused),
                Some(Outcome::Refused) if refusals => Some(Outcome::Ok),
                outcome => outcome,
            };
            let messages = if i == spokesman { std::mem::take(&mut self.messages) } else { Vec::new() };
            let step = Step { act: Act::WriteOption(write), outcome, messages, signs: Vec::new(), measured: false };
            steps.push(step, &self.place, self.sure);
        }
        for read in reads {
            steps.push(Step::new(Act::ReadOption(read), Some(Outcome::Ok)), &self.place, self.sure);
        }
    }

    /// A discovery, or an authentication with the discovery that the tool makes before it.
    fn debug_authentication(mut self, command: &mut Command, steps: &mut Steps) {
        let answered = self.discovery.answered();
        let authenticates = match command.debug_authentication.take() {
            Some(1) => true,
            Some(2) => false,
            _ => self.authenticates,
        };
        if authenticates {
            let (own, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.messages)
                .into_iter()
                .partition(|m| !self.fields || m.subject == Subject::Authenticate || m.outcome.is_some());
            if self.fields {
                let outcome = if answered { Some(Outcome::Ok) } else { self.outcome.filter(|o| *o != Outcome::Ok) };
                let act = Act::Discover(std::mem::take(&mut self.discovery));
                let step = Step { act, outcome, messages: rest, signs: Vec::new(), measured: false };
                steps.push(step, &self.place, self.sure);
            }
            let permission = command.permission.unwrap_or(AskedPermission::FullRegression);
            let act = Act::Authenticate { with: command.with.or(self.with), permission };
            self.messages = own;
            self.push(act, steps);
            return;
        }
        if self.outcome.is_none() && (self.fields || !self.messages.is_empty()) {
            // A log that ends in the middle of the exchange is the log of a tool that stood still.
            self.outcome = Some(if answered { Outcome::Ok } else { Outcome::Hang });
        }
        let act = Act::Discover(std::mem::take(&mut self.discovery));
        self.push(act, steps);
    }
}
