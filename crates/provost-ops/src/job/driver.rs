//! One driver for every job: it tells a step, announces it in the journal if it writes, and keeps the order of the plan.

use super::{Progress, Record, Step};
use crate::{
    Narrator,
    fault::{Result, fail, faults},
    store::Job,
};

faults! {
    /// What a job refuses of itself.
    pub enum JobError {
        /// A step that the plan does not hold.
        #[error("the step {step} is not in the plan: nothing of it was done")]
        NotPlanned {
            /// The step.
            step: &'static str,
        } = "step-not-planned", Refused {
            causes: ["a fault in provost"],
            next: ["please report it with the journal; the chip is as the step before left it"],
        }
        /// A step that writes, before there is a journal to announce it in.
        #[error("the step {step} writes, and no journal is open: nothing of it was done")]
        NoJournal {
            /// The step.
            step: &'static str,
        } = "step-without-journal", Refused {
            causes: ["a fault in provost"],
            next: ["please report it; the chip is as the step before left it"],
        }
        /// A document that does not serialize.
        #[error("a plan cannot be written down: {source}")]
        Unwritable {
            /// Why.
            source: serde_json::Error,
        } = "plan-unwritable", Failed {
            causes: ["a fault in provost"],
            next: ["please report it; nothing was written"],
        }
    }
}

/// Drives the steps of one plan.
pub struct Driver<'a> {
    narrator: &'a mut dyn Narrator,
    plan: Vec<Step>,
    performed: Vec<Step>,
    job: Option<Job<Record>>,
}

impl std::fmt::Debug for Driver<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("plan", &self.plan).field("performed", &self.performed).finish_non_exhaustive()
    }
}

impl<'a> Driver<'a> {
    /// For these steps; a journal is opened before the first of them that writes.
    pub fn new(narrator: &'a mut dyn Narrator, plan: Vec<Step>) -> Self {
        Self { narrator, plan, performed: Vec::new(), job: None }
    }

    /// The same plan with other steps, where a measurement has shown that the chip stands elsewhere.
    pub fn replan(&mut self, plan: Vec<Step>) {
        self.plan = plan;
    }

    /// A step that was done before there was a plan: the measurements that it is made of.
    pub fn already(&mut self, step: Step) {
        self.performed.push(step);
    }

    /// A step that turned out to be needed before the others.
    pub fn also(&mut self, step: Step) {
        self.plan.insert(0, step);
    }

    /// The journal and folder of the job from now on.
    pub fn open(&mut self, job: Job<Record>) {
        self.job = Some(job);
    }

    /// The journal and folder of the job, once it is open.
    pub const fn job(&self) -> Option<&Job<Record>> {
        self.job.as_ref()
    }

    /// How far the job has come.
    pub fn progress(&self) -> Progress {
        Progress::of(self.job.as_ref().map_or(&[], Job::records))
    }

    /// Begins a step: it must be planned; it is told; if it writes, it is announced.
    ///
    /// # Errors
    /// [`JobError`]; the journal cannot be written: then the step must not be done.
    pub fn begin(&mut self, step: Step) -> Result<()> {
        if !self.plan.iter().any(|planned| planned.allows(step)) {
            return fail(JobError::NotPlanned { step: step.name() });
        }
        self.narrator.step(&step.doing(), step.rules());
        if step.writes() {
            if self.job.is_none() {
                return fail(JobError::NoJournal { step: step.name() });
            }
            self.record(Record::Doing(step))?;
        }
        self.performed.push(step);
        Ok(())
    }

    /// Writes a record, if a journal is open.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn record(&mut self, record: Record) -> Result<()> {
        match &mut self.job {
            Some(job) => Ok(job.record(record)?),
            None => Ok(()),
        }
    }

    /// Says what was measured or what happened within the step.
    pub fn note(&mut self, what: &str) {
        self.narrator.note(what);
    }

    /// Who listens.
    pub fn narrator(&mut self) -> &mut dyn Narrator {
        self.narrator
    }

    /// Narrator and a function that announces calls of the provisioning service, to be used at once.
    pub fn narrator_and_journal(&mut self) -> (&mut dyn Narrator, Option<&mut Job<Record>>) {
        (self.narrator, self.job.as_mut())
    }

    /// The steps that were begun, in order.
    pub fn performed(&self) -> &[Step] {
        &self.performed
    }

    /// The steps of the plan.
    pub fn plan(&self) -> &[Step] {
        &self.plan
    }
}
