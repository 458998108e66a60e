//! What came of it, counted.

use std::{collections::BTreeMap, fmt};

use provost_chip::{
    model::World,
    states::{BootUbe, ProductState},
};
use provost_diagnosis::{
    Diagnosis,
    case::{Act, Case, Goal, Step},
    verdict::Verdict,
};

use super::{
    chip::{Situation, Stored},
    truth::Truth,
};

/// Per cent of the recoverable chips that the plans bring to Open: owners leave out too much to open all of them.
const AT_LEAST_OPENED: usize = 85;
/// Per cent of the lost chips that are called lost.
const AT_LEAST_CALLED_LOST: usize = 75;
/// Per cent of the promises of a way back that may turn out false, whatever their excuse: a promise is worth its certainty.
const AT_MOST_FALSE: usize = 5;

/// A flaw of a report: the owner takes a file for their own that is not.
pub const STRANGERS_FILE: &str = "the file was somebody else's, and is told as the owner's";

/// Where one chip differs from another that has the same history.
#[derive(Debug, Clone, Copy)]
pub enum Sibling {
    Stored(Stored),
    BootUbe(BootUbe),
}

/// One chip's story.
#[derive(Debug)]
pub struct Outcome {
    pub seed: u64,
    pub situation: Situation,
    /// As the chip was when the last answer was given.
    pub world: World,
    pub truth: Truth,
    /// As it was when the plan had been followed.
    pub after: Truth,
    pub at_first: Verdict,
    pub asked: Vec<String>,
    /// Tests and steps that made it worse.
    pub worse: Vec<String>,
    /// The plan erases a product that works, and whose owner wants something else.
    pub erased_without_need: bool,
    pub stranger_helps: bool,
    pub stopped: Vec<&'static str>,
    pub by_st_tool: bool,
    pub flaws: Vec<&'static str>,
    /// The verdict from a report with nothing left out and nothing wrong, where the one given was wrong.
    pub told_all: Option<Verdict>,
    /// The report, the tests that were asked for included.
    pub told: Case,
    /// Another chip that shows the same all along and can be saved.
    pub double: Option<Sibling>,
    pub diagnosis: Diagnosis,
    pub slowest: f64,
    pub worlds: usize,
}

/// How an answer compares with the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Brought to Open, or rightly called open, lost or conditional.
    Right,
    /// A way back was promised, and the plan did not lead there.
    PlanFailed,
    /// Nothing was said although there is something to be said.
    Undetermined,
    /// A chip that can be opened was called lost.
    FalseDespair,
    /// A chip that is not open was called not locked.
    Overlooked,
    /// A lost chip was called recoverable.
    FalsePromise,
}

impl Outcome {
    pub fn grade(&self) -> Grade {
        use Truth as T;
        match (self.diagnosis.verdict, self.truth) {
            (Verdict::Undetermined, _) => Grade::Undetermined,
            (Verdict::Recoverable | Verdict::RecoverableIf, T::Lost) => Grade::FalsePromise,
            (Verdict::Recoverable | Verdict::RecoverableIf, _) if self.after == T::Open => Grade::Right,
            (Verdict::RecoverableIf, T::If) if !self.stranger_helps => Grade::Right,
            (Verdict::Recoverable | Verdict::RecoverableIf, _) => Grade::PlanFailed,
            (Verdict::Lost, T::Lost) => Grade::Right,
            (Verdict::Lost, _) => Grade::FalseDespair,
            (Verdict::NotLocked, T::Open) => Grade::Right,
            // A closed chip from which nobody wants that it opens is well.
            (Verdict::NotLocked, T::Recoverable | T::If) if self.diagnosis.goal != "open" => Grade::Right,
            (Verdict::NotLocked, _) => Grade::Overlooked,
        }
    }

    /// A lost chip is called not locked. Whoever told that it shall only boot asked another question, and got its answer.
    pub fn is_falsely_well(&self) -> bool {
        let boots = self.situation.goal == (Goal::Boot, true) && self.world.chip.firmware.boots;
        self.diagnosis.verdict == Verdict::NotLocked && self.truth == Truth::Lost && !boots
    }

    /// The report is wrong in what matters, or leaves it out: from one that is not, the answer would be another.
    pub fn was_misled(&self) -> bool {
        // There are no words for somebody else's file that is taken for one's own.
        self.told_all.is_some_and(|v| v != self.diagnosis.verdict) || self.flaws.contains(&STRANGERS_FILE)
    }

    /// A promise that nothing on the bench could have kept anybody from: the report was wrong, or it fits a chip that can be
    /// saved just as well.
    fn is_excused(&self) -> bool {
        self.was_misled() || self.double.is_some()
    }

    fn promises(&self) -> bool {
        matches!(self.diagnosis.verdict, Verdict::Recoverable | Verdict::RecoverableIf)
    }

    /// What the chip was like, in a line.
    fn likeness(&self) -> String {
        let chip = &self.world.chip;
        let whose =
            if chip.da.is_none() { "nothing stored".to_owned() } else { format!("da {:?}", self.situation.stored) };
        format!(
            "{} {} tz {} {}{}{}",
            chip.part,
            chip.state.as_str(),
            chip.tz,
            whose,
            if self.world.bench.nrst_wired { "" } else { ", NRST not wired" },
            if self.world.bench.powered { "" } else { ", no power" },
        )
    }

    /// A line of the list.
    fn line(&self) -> String {
        let plan: Vec<&str> = self.diagnosis.plan.iter().map(|s| s.step.as_str()).collect();
        let w = &self.diagnosis.weighed;
        format!(
            "seed {} goal {:?} {} [{}] truth {:?} -> {:?}, said {} ({:.2}; rec {:.2} if {:.2} lost {:.2} open {:.2} out {:.2}) believed {} tz {} da {}; asked {:?} plan {:?} stopped {:?} flaws {:?} told all: {:?} double: {:?}",
            self.seed,
            self.situation.goal,
            self.likeness(),
            self.world.assumptions,
            self.truth,
            self.after,
            self.diagnosis.verdict.as_str(),
            self.diagnosis.certainty,
            w.recoverable,
            w.recoverable_if,
            w.lost,
            w.not_locked,
            w.out_of_reach,
            self.diagnosis.believed.product_state,
            self.diagnosis.believed.tzen,
            self.diagnosis.believed.debug_authentication,
            self.asked,
            plan,
            self.stopped,
            self.flaws,
            self.told_all.map(Verdict::as_str),
            self.double,
        )
    }

    /// Everything about it.
    pub fn tell(&self) -> String {
        let mut text =
            format!("{:#?}\n{}\n  {:?}\n  {:?}\n", self.situation, self.line(), self.told.chip, self.told.bench);
        text.push_str(&format!("  slowest diagnosis {:.0} ms of {} worlds\n", self.slowest * 1000.0, self.worlds));
        for step in &self.told.steps {
            text.push_str(&format!("  {}\n", short(step)));
        }
        for question in &self.diagnosis.ask {
            let outcomes: Vec<String> = question.outcomes.iter().map(|o| format!("{} = {}", o.saw, o.means)).collect();
            text.push_str(&format!("  asks {} ({:.3} bit): {outcomes:?}\n", question.step, question.gain));
        }
        text.push_str(&format!("{:#?}", self.diagnosis.story));
        text
    }
}

/// `1,234`.
fn thousands(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

fn short(step: &Step) -> String {
    let act = match &step.act {
        Act::WriteOption(o) => format!("write {}={:#04X}", o.field, o.value.unwrap_or(0)),
        Act::ReadOption(o) => format!("read {} -> {:?}", o.field, o.value.map(|v| format!("{v:#04X}"))),
        other => format!("{other:?}"),
    };
    format!("{act}: {:?} {:?}", step.outcome, step.signs)
}

/// All stories.
#[derive(Debug)]
pub struct Tally {
    outcomes: Vec<Outcome>,
}

impl Tally {
    pub fn of(mut outcomes: Vec<Outcome>) -> Self {
        outcomes.sort_by_key(|o| o.seed);
        Self { outcomes }
    }

    fn count(&self, holds: impl Fn(&Outcome) -> bool) -> usize {
        self.outcomes.iter().filter(|o| holds(o)).count()
    }

    /// Per cent of the chips of this kind that something holds for.
    fn share(&self, kind: impl Fn(&Outcome) -> bool, holds: impl Fn(&Outcome) -> bool) -> usize {
        let here = self.count(&kind);
        100 * self.count(|o| kind(o) && holds(o)) / here.max(1)
    }

    /// The figures as a document states them.
    pub fn stated(&self) -> Vec<String> {
        let verdicts =
            [Verdict::Recoverable, Verdict::RecoverableIf, Verdict::Lost, Verdict::NotLocked, Verdict::Undetermined];
        let rows = [
            (Truth::Recoverable, "recoverable"),
            (Truth::If, "recoverable if a credential or a firmware is found"),
            (Truth::Open, "Open"),
            (Truth::Lost, "lost"),
        ];
        let row = |(truth, name): (Truth, &str)| {
            let cells = verdicts.map(|v| thousands(self.count(|o| o.truth == truth && o.diagnosis.verdict == v)));
            let open = thousands(self.count(|o| o.truth == truth && o.after == Truth::Open));
            format!("| {name} | {} | {} | {open}", thousands(self.count(|o| o.truth == truth)), cells.join(" | "))
        };
        let made = thousands(self.count(Outcome::promises));
        let broken = thousands(self.count(|o| o.grade() == Grade::FalsePromise));
        let mut stated: Vec<String> = rows.into_iter().map(row).collect();
        stated.push(format!("Of {made} promises of a way back {broken} ("));
        stated
    }

    /// What must hold.
    pub fn hold(&self) {
        let worse: Vec<String> = self
            .outcomes
            .iter()
            .filter(|o| !o.worse.is_empty())
            .map(|o| format!("{:?} {}", o.worse, o.line()))
            .collect();
        assert!(worse.is_empty(), "advice made chips worse:\n{}", worse.join("\n"));
        let well: Vec<String> = self.outcomes.iter().filter(|o| o.is_falsely_well()).map(Outcome::line).collect();
        assert!(well.is_empty(), "lost chips were called not locked:\n{}", well.join("\n"));
        let erased: Vec<String> = self.outcomes.iter().filter(|o| o.erased_without_need).map(Outcome::line).collect();
        assert!(erased.is_empty(), "products were erased without need:\n{}", erased.join("\n"));
        let promises: Vec<String> = self
            .outcomes
            .iter()
            .filter(|o| o.grade() == Grade::FalsePromise && !o.is_excused())
            .map(Outcome::line)
            .collect();
        assert!(promises.is_empty(), "lost chips were called recoverable:\n{}", promises.join("\n"));
        let (made, broken) = (self.count(Outcome::promises), self.count(|o| o.grade() == Grade::FalsePromise));
        assert!(100 * broken <= AT_MOST_FALSE * made, "{broken} of {made} promises were false");
        // Who wants something else than Open is not led there.
        let wanted = |o: &Outcome| o.truth == Truth::Recoverable && o.diagnosis.goal == "open";
        let opened = self.share(wanted, |o| o.after == Truth::Open);
        assert!(opened >= AT_LEAST_OPENED, "only {opened} % of the recoverable chips that were to be opened were");
        let told = self.share(|o| o.truth == Truth::Lost, |o| o.diagnosis.verdict == Verdict::Lost);
        assert!(told >= AT_LEAST_CALLED_LOST, "only {told} % of the lost chips were called lost");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.outcomes.len();
        writeln!(f, "{all} chips; truth against verdict:")?;
        writeln!(
            f,
            "{:14}{:>12}{:>15}{:>8}{:>12}{:>14}{:>8}{:>14}",
            "", "recoverable", "recoverable-if", "lost", "not-locked", "undetermined", "all", "now Open"
        )?;
        let verdicts =
            [Verdict::Recoverable, Verdict::RecoverableIf, Verdict::Lost, Verdict::NotLocked, Verdict::Undetermined];
        for truth in [Truth::Recoverable, Truth::If, Truth::Open, Truth::Lost] {
            let [a, b, c, d, e] = verdicts.map(|v| self.count(|o| o.truth == truth && o.diagnosis.verdict == v));
            let here = self.count(|o| o.truth == truth);
            let open = self.count(|o| o.truth == truth && o.after == Truth::Open);
            let share = 100.0 * open as f64 / here.max(1) as f64;
            let name = format!("{truth:?}");
            writeln!(f, "{name:14}{a:>12}{b:>15}{c:>8}{d:>12}{e:>14}{here:>8}{open:>7} {share:>4.1} %")?;
        }
        let wanted = |o: &Outcome| o.truth == Truth::Recoverable && o.diagnosis.goal == "open";
        writeln!(
            f,
            "recoverable and to be opened: {}, now Open: {}",
            self.count(wanted),
            self.count(|o| wanted(o) && o.after == Truth::Open)
        )?;
        let dead = self.count(|o| !o.world.bench.powered);
        writeln!(
            f,
            "no power at the end: {dead}; determined at once: {}",
            self.count(|o| o.at_first != Verdict::Undetermined)
        )?;
        let again = self.count(|o| o.asked.windows(2).any(|w| w[0] == w[1]));
        writeln!(f, "asked for the same test twice running: {again}")?;
        writeln!(
            f,
            "erased without need: {}; lost chips called not locked: {}",
            self.count(|o| o.erased_without_need),
            self.count(Outcome::is_falsely_well)
        )?;
        writeln!(f, "made worse: {}", self.count(|o| !o.worse.is_empty()))?;
        writeln!(f, "brought on by ST's tool where provost cannot provision: {}", self.count(|o| o.by_st_tool))?;
        let promises = self.count(|o| o.grade() == Grade::FalsePromise);
        let made = self.count(Outcome::promises);
        let misled = self.count(|o| o.grade() == Grade::FalsePromise && o.was_misled());
        let doubles = self.count(|o| o.grade() == Grade::FalsePromise && !o.was_misled() && o.double.is_some());
        writeln!(
            f,
            "promises of a way back: {made}; lost chips called recoverable: {promises}, of them {misled} by a report that was wrong or left out what matters, {doubles} that show nothing else than a chip that can be saved"
        )?;
        let slowest = self.outcomes.iter().max_by(|a, b| a.slowest.total_cmp(&b.slowest));
        let (slowest, seed) = slowest.map_or((0.0, 0), |o| (o.slowest, o.seed));
        let worlds = self.outcomes.iter().map(|o| o.worlds).max().unwrap_or(0);
        writeln!(f, "slowest diagnosis {:.0} ms (seed {seed}), most worlds {worlds}", slowest * 1000.0)?;
        self.list(f)
    }
}

impl Tally {
    /// Everything that is not right, the worst first.
    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: BTreeMap<(std::cmp::Reverse<Grade>, String), Vec<&Outcome>> = BTreeMap::new();
        for outcome in self.outcomes.iter().filter(|o| o.grade() != Grade::Right) {
            let chip = &outcome.world.chip;
            let state = if chip.state > ProductState::Provisioning && chip.state < ProductState::Locked {
                "closed"
            } else {
                chip.state.as_str()
            };
            let key = format!(
                "{:?}: {:?} {state} said {}",
                outcome.grade(),
                outcome.truth,
                outcome.diagnosis.verdict.as_str()
            );
            groups.entry((std::cmp::Reverse(outcome.grade()), key)).or_default().push(outcome);
        }
        let each = std::env::var("LIST").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
        for ((_, name), outcomes) in groups {
            writeln!(f, "{name}: {}", outcomes.len())?;
            for outcome in outcomes.iter().take(each) {
                writeln!(f, "    {}", outcome.line())?;
            }
        }
        Ok(())
    }
}
