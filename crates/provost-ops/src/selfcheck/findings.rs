//! What is known of each switch so far: the values that this chip may still have, and by what.

use std::collections::BTreeMap;

use provost_chip::assumptions::{Assumptions, Switch};
use schemars::JsonSchema;
use serde::Serialize;

use super::Level;

/// What it takes to measure a switch over a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// This level.
    From(Level),
    /// No level does.
    Never(&'static str),
}

const CLOSED: Reach = Reach::Never("it takes a chip in a later state than Provisioning");
const USB: Reach = Reach::Never("it takes the USB of the ROM bootloader");
const SERIAL: Reach = Reach::Never("it takes the serial line of the ROM bootloader");

/// What it takes, switch by switch.
const REACH: [(&str, Reach); 28] = [
    ("reply-word", Reach::From(Level::Provisioning)),
    ("ack-roles", Reach::From(Level::Resets)),
    ("tlv-padding", Reach::From(Level::Provisioning)),
    ("lifecycle-word", Reach::From(Level::Provisioning)),
    ("vendor-order", Reach::From(Level::Provisioning)),
    ("soc-id", Reach::From(Level::Provisioning)),
    ("leave-rss-da", Reach::From(Level::Provisioning)),
    ("leave-rss-da-closed", CLOSED),
    ("tzen-in-provisioning", Reach::From(Level::Provisioning)),
    ("rss-return", Reach::From(Level::Provisioning)),
    ("rss-checksum", Reach::From(Level::Provisioning)),
    ("rss-encrypt-word", Reach::From(Level::Provisioning)),
    ("rss-tz-off", Reach::From(Level::Provisioning)),
    ("plain-object", Reach::From(Level::Provisioning)),
    ("otp-blank-read", Reach::From(Level::Reading)),
    ("open-discovery", Reach::From(Level::Resets)),
    ("dbgmcu-address", Reach::From(Level::Reading)),
    ("boot-final-ack", SERIAL),
    ("boot-version", SERIAL),
    ("boot-readout-opcodes", SERIAL),
    ("boot-usb-special", USB),
    ("boot-usb-options", USB),
    ("boot-usb-device-id", USB),
    ("boot-usb-poll", USB),
    ("forward-from-closed", CLOSED),
    ("debug-grant", CLOSED),
    ("debug-hdpl", CLOSED),
    ("debug-waiting", CLOSED),
];

/// What was found of one switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Answer {
    /// Its name.
    pub switch: &'static str,
    /// The open question.
    pub question: &'static str,
    /// The value of this chip, if it is known.
    pub value: Option<&'static str>,
    /// The values that it may have, the default first.
    #[schemars(length(min = 1))]
    pub possible: Vec<&'static str>,
    /// What was measured, or why nothing was.
    pub because: String,
}

/// What was found so far.
#[derive(Debug, Clone)]
pub struct Findings {
    level: Level,
    found: BTreeMap<&'static str, (Vec<&'static str>, String)>,
}

impl Findings {
    /// Nothing yet.
    pub(super) const fn new(level: Level) -> Self {
        Self { level, found: BTreeMap::new() }
    }

    /// The chip has this value of a switch.
    pub(super) fn settle(&mut self, switch: &'static str, value: &'static str, because: impl Into<String>) {
        self.narrow(switch, &[value], because);
    }

    /// The chip has one of these values of a switch. What was found before stays, unless this says more.
    pub(super) fn narrow(&mut self, switch: &'static str, values: &[&'static str], because: impl Into<String>) {
        let known = self.found.get(switch).map_or(usize::MAX, |(values, _)| values.len());
        if values.len() < known {
            self.found.insert(switch, (values.to_vec(), because.into()));
        }
    }

    /// Nothing can be found of a switch on this chip.
    pub(super) fn unseen(&mut self, switch: &'static str, because: impl Into<String>) {
        let values = all().find(|s| s.name == switch).map_or(&[][..], |s| s.values);
        self.found.entry(switch).or_insert_with(|| (values.to_vec(), because.into()));
    }

    /// What was found of each switch, in their order.
    pub(super) fn answers(self) -> Vec<Answer> {
        all().map(|switch| self.answer(switch)).collect()
    }

    fn answer(&self, switch: &Switch) -> Answer {
        let (possible, because) = match self.found.get(switch.name) {
            Some((values, because)) => (values.clone(), because.clone()),
            None => (switch.values.to_vec(), self.why_not(switch.name)),
        };
        let value = match possible[..] {
            [one] => Some(one),
            _ => None,
        };
        Answer { switch: switch.name, question: switch.question, value, possible, because }
    }

    fn why_not(&self, name: &str) -> String {
        match REACH.iter().find(|(known, _)| *known == name) {
            Some((_, Reach::From(level))) if *level > self.level => format!("level {} measures it", level.number()),
            Some((_, Reach::Never(why))) => format!("no level measures it: {why}"),
            _ => "it did not show itself on this chip".to_owned(),
        }
    }
}

fn all() -> impl Iterator<Item = &'static Switch> {
    Assumptions::switches().iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_has_its_reach() {
        let reach: Vec<&str> = REACH.iter().map(|(name, _)| *name).collect();
        let mut switches: Vec<&str> = all().map(|s| s.name).collect();
        assert_eq!(reach.len(), switches.len());
        switches.retain(|name| !reach.contains(name));
        assert!(switches.is_empty(), "{switches:?}");
    }

    #[test]
    fn what_says_more_counts() {
        let mut findings = Findings::new(Level::Reading);
        findings.narrow("soc-id", &["unique-id", "zero-in-closed"], "two");
        findings.narrow("soc-id", &["unique-id", "zero-in-closed", "zero"], "three");
        findings.unseen("soc-id", "none");
        let answers = findings.answers();
        let soc_id = answers.iter().find(|a| a.switch == "soc-id").unwrap();
        assert_eq!((soc_id.value, soc_id.possible.len(), soc_id.because.as_str()), (None, 2, "two"));
        let padding = answers.iter().find(|a| a.switch == "tlv-padding").unwrap();
        assert_eq!(padding.because, "level 3 measures it");
    }
}
