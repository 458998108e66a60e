//! A list of steps that keeps its first and its last ones, each with the words it came from.

use std::collections::VecDeque;

use crate::{
    case::{Act, Object, Step},
    claim::{About, Claim, Place, Sure, describe},
};

/// So many steps are kept from the beginning, and as many from the end.
pub(super) const KEPT: usize = 100;

#[derive(Debug)]
struct Entry {
    step: Step,
    place: Place,
    sure: Sure,
}

#[derive(Debug, Default)]
pub(super) struct Steps {
    first: Vec<Entry>,
    last: VecDeque<Entry>,
    pub(super) left_out: u64,
}

impl Steps {
    pub(super) fn push(&mut self, step: Step, place: &Place, sure: Sure) {
        let entry = Entry { step, place: place.clone(), sure };
        if self.first.len() < KEPT {
            self.first.push(entry);
            return;
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(entry);
    }

    /// How many steps are kept so far.
    pub(super) fn len(&self) -> usize {
        self.first.len() + self.last.len()
    }

    /// Whether the last step is this one.
    pub(super) fn ends_with(&self, act: &Act) -> bool {
        self.last.back().or(self.first.last()).is_some_and(|entry| entry.step.act == *act)
    }

    /// Changes one of the last few steps, the last one that `change` takes.
    pub(super) fn amend(&mut self, change: impl FnMut(&mut Step) -> bool) -> bool {
        let recent = self.last.iter_mut().rev().chain(self.first.iter_mut().rev()).take(3);
        recent.map(|entry| &mut entry.step).any(change)
    }

    /// What people call "the object" is the one of the credential that they speak of.
    pub(super) fn name_objects(&mut self, named: Object) {
        for entry in self.first.iter_mut().chain(&mut self.last).filter(|entry| entry.sure < Sure::Printed) {
            if let Act::Provision { object, .. } = &mut entry.step.act
                && *object == Object::Other
            {
                *object = named;
            }
        }
    }

    /// The steps, and a claim for each of them and of their signs.
    pub(super) fn finish(self) -> (Vec<Step>, Vec<Claim>) {
        let (mut steps, mut claims) = (Vec::new(), Vec::new());
        for Entry { step, place, sure } in self.first.into_iter().chain(self.last) {
            let says = describe(&step.act, step.outcome);
            let remarks = step.signs.iter().map(|sign| Claim {
                place: place.clone(),
                says: format!("hints at {}", sign.as_str()),
                sure: Sure::Hint,
                about: About::Remark(*sign, steps.len()),
            });
            claims.push(Claim { place: place.clone(), says, sure, about: About::Step(steps.len()) });
            claims.extend(remarks);
            steps.push(step);
        }
        (steps, claims)
    }
}
