//! Requests for Debug Authentication: discovery, authentication, and the end of a session.

use provost_chip::{
    model::{
        Action, Execution, Observation,
        authentication::{Permission, Presented},
    },
    states::{DaMethod, ProductState},
};

use super::{FALSE_READING, FLAKY, Replay, WRONG_FILE};
use crate::{
    case::{AskedPermission, Credential, Discovery},
    hypothesis::{DaPath, Hypothesis, hash},
    noise,
    signs::Sign,
};

impl Replay<'_> {
    /// Takes the chip through the request; what is left of the path is returned.
    fn request(h: &mut Hypothesis) -> DaPath {
        let path = h.da_path();
        if h.link && h.host && h.world.step(Action::RequestDebugAuthentication) != Observation::Answers {
            return if path == DaPath::Answers { DaPath::NoReset } else { path };
        }
        path
    }

    /// How likely the step's messages are when a request went this way.
    fn told(&self, path: DaPath) -> f64 {
        let share = |sign| match (sign, path) {
            (Sign::OpenOrNoRssDa, DaPath::Open | DaPath::Locked) => 0.5,
            (Sign::OpenOrNoRssDa, DaPath::Answers) => 0.02,
            (Sign::OpenOrNoRssDa, _) => 0.15,
            (Sign::NoMailbox, DaPath::Answers) => 0.02,
            (Sign::NoMailbox, DaPath::NoHost) => 0.05,
            (Sign::NoMailbox, _) => 0.2,
            (Sign::HostSideFailure, DaPath::NoHost) => 0.8,
            (Sign::HostSideFailure, _) => 0.02,
            (Sign::Established, DaPath::Answers) => 0.7,
            (Sign::Established, DaPath::Open) => 0.3,
            (Sign::Established, DaPath::NoReset) => 0.05,
            (Sign::Established, _) => 0.005,
            _ => 1.0,
        };
        self.step.all_signs().map(share).product()
    }

    pub(super) fn discover(&mut self, mut h: Hypothesis, seen: &Discovery) {
        let path = Self::request(&mut h);
        let told = self.told(path);
        let shown = h.world.step(Action::Discover);
        let Observation::Discovered { state, valid, method } = shown else {
            // A whole answer is not made up by mistake.
            let weight = if seen.answered() { 0.1 * FALSE_READING } else { noise::NO_ANSWER.of(self.step.outcome) };
            // Nobody was there, yet the exchange began: what an Open chip does.
            let empty = if seen.empty_answer && path != DaPath::Open { 0.1 } else { 1.0 };
            return self.emit(h, weight * empty * told);
        };
        if !seen.answered() {
            let outcome = self.step.outcome;
            let empty = if seen.empty_answer { 0.02 } else { 1.0 };
            let weight = FLAKY * noise::NO_ANSWER.of(outcome) + (1.0 - FLAKY) * noise::ANSWERS.of(outcome);
            return self.emit(h, weight * empty * told);
        }
        let agrees = |same: Option<bool>, wrong: f64| match same {
            Some(false) => wrong,
            _ => 1.0,
        };
        let weight = agrees(seen.lifecycle.map(|l| l == state), FALSE_READING)
            * agrees(seen.integrity.map(|i| i == valid), 0.002)
            * agrees(seen.password.map(|p| p == (method == DaMethod::Password)), 0.02);
        self.emit(h, weight * told);
    }

    pub(super) fn authenticate(&mut self, mut h: Hypothesis, with: Option<Credential>, permission: AskedPermission) {
        let outcome = self.step.outcome;
        let path = Self::request(&mut h);
        let told = self.told(path);
        if path != DaPath::Answers {
            return self.emit(h, told * noise::NOBODY_GRANTS.of(outcome));
        }
        // The chip answered, but the exchange broke off for no reason of its own.
        self.emit(h, told * FLAKY * noise::NOBODY_GRANTS.of(outcome));
        let method = DaMethod::for_trustzone(h.world.chip.tz);
        let sample =
            self.evidence.has(Sign::SampleCredential) || self.step.all_signs().any(|s| s == Sign::SampleCredential);
        let id = match (with, sample) {
            (Some(Credential::Certificate), false) => hash::OWN_CERTIFICATE,
            (Some(Credential::Password), false) => hash::OWN_PASSWORD,
            (Some(Credential::Certificate), true) => hash::SAMPLE_CERTIFICATE,
            (Some(Credential::Password), true) => hash::SAMPLE_PASSWORD,
            (_, false) if method == DaMethod::Certificate => hash::OWN_CERTIFICATE,
            (_, false) => hash::OWN_PASSWORD,
            (_, true) if method == DaMethod::Certificate => hash::SAMPLE_CERTIFICATE,
            (_, true) => hash::SAMPLE_PASSWORD,
        };
        let presents = match with {
            Some(Credential::Certificate) => DaMethod::Certificate,
            Some(Credential::Password) => DaMethod::Password,
            _ => method,
        };
        let asks = match permission {
            AskedPermission::TzRegression => Permission::TzRegression,
            AskedPermission::FullRegression | AskedPermission::Debug => Permission::FullRegression,
        };
        let presented = |id| Presented { method: presents, id, mask: u32::MAX };
        let before = h;
        let mut wrong = before;
        wrong.world.step(Action::Authenticate(presented(hash::BROKEN - 1), asks));
        let granted = h.world.step(Action::Authenticate(presented(id), asks)) == Observation::Granted;
        if granted {
            if permission == AskedPermission::Debug {
                h = before;
            }
            self.emit(wrong, told * WRONG_FILE * noise::DENIED.of(outcome));
            self.emit(h, told * (1.0 - FLAKY - WRONG_FILE) * noise::GRANTED.of(outcome));
        } else {
            self.emit(h, told * (1.0 - FLAKY) * noise::DENIED.of(outcome));
        }
    }

    /// Ending a session leaves the port shut until a reset, as seen on one board.
    pub(super) fn close_debug(&mut self, mut h: Hypothesis) {
        self.emit(h, 0.4);
        if h.world.chip.state > ProductState::Open && h.link {
            h.world.chip.runs = Execution::RssDa { open: false };
        }
        self.emit(h, 0.6);
    }
}
