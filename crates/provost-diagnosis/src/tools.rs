//! What tools can do on an STM32H5, by version, and what goes wrong with them: "use another tool" says which.

use provost_chip::{parts::PartId, sources::Confidence};

use crate::{
    tables::{DEFECTS, TOOLS},
    words::words,
};

words! {
    /// What one wants of a tool.
    Task {
        /// Attach to the core.
        Attach = "attach",
        /// Program the flash.
        Flash = "flash",
        /// Read and write option bytes.
        Options = "options",
        /// Change the product state.
        State = "state",
        /// Provision an object.
        Provision = "provision",
        /// Discover and authenticate.
        Authenticate = "authenticate",
        /// Speak to the ROM bootloader.
        Bootloader = "bootloader",
    }
}

/// A range of versions, both ends included; `None` is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// From this version.
    pub from: Option<&'static [u16]>,
    /// The first bound does not belong to it.
    pub above: bool,
    /// Up to this version.
    pub to: Option<&'static [u16]>,
    /// The second bound does not belong to it.
    pub below: bool,
}

impl Versions {
    /// Whether a version, `2.19.0`, is in the range. A version that is not told is in every range that has no bounds.
    pub fn hold(&self, version: Option<&[u16]>) -> bool {
        let Some(version) = version else { return self.from.is_none() && self.to.is_none() };
        // 2.16.1 is a 2.16: only as many places as the bound has count.
        let at = |bound: &[u16]| (0..bound.len()).map(|i| version.get(i).copied().unwrap_or(0)).collect::<Vec<_>>();
        let above = self.from.is_none_or(|from| if self.above { version > from } else { at(from).as_slice() >= from });
        let below = self.to.is_none_or(|to| if self.below { at(to).as_slice() < to } else { at(to).as_slice() <= to });
        above && below
    }
}

/// A tool in a range of versions.
#[derive(Debug)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// The versions that this is about.
    pub versions: Versions,
    /// Parts that it knows; `None` for all of them.
    pub knows: Option<&'static [&'static str]>,
    /// What it can do on them.
    pub can: &'static [Task],
    /// The same in plain words.
    pub says: &'static str,
    /// How sure that is.
    pub confidence: Confidence,
    /// Keys of the sources.
    pub source: &'static [&'static str],
}

/// Something that goes wrong with a tool.
#[derive(Debug)]
pub struct Defect {
    /// The tool.
    pub tool: &'static str,
    /// The versions that have it.
    pub versions: Versions,
    /// What it bites: option bytes, tasks, hosts.
    pub about: &'static [&'static str],
    /// In plain words.
    pub says: &'static str,
    /// How sure that is.
    pub confidence: Confidence,
    /// Keys of the sources.
    pub source: &'static [&'static str],
}

impl Tool {
    /// All rows.
    pub fn all() -> &'static [Self] {
        TOOLS
    }

    /// What is known of a tool as people and logs name it, `OpenOCD 0.12.0`; without a version, or with one that no row has, the row
    /// without bounds.
    pub fn named(text: &str) -> Option<&'static Self> {
        let (name, version) = split(text);
        let rows = || TOOLS.iter().filter(|tool| same(tool.name, &name));
        rows().find(|tool| tool.versions.hold(version.as_deref()))
    }

    /// Whether it knows a part.
    pub fn knows(&self, part: PartId) -> bool {
        self.knows.is_none_or(|names| names.iter().any(|name| name.parse() == Ok(part)))
    }

    /// Whether it can do something on a part.
    pub fn can(&self, task: Task, part: PartId) -> bool {
        self.can.contains(&task) && self.knows(part)
    }

    /// Tools that can do something on a part, the newest row of each.
    pub fn that_can(task: Task, part: PartId) -> Vec<&'static Self> {
        let mut found: Vec<&Self> = Vec::new();
        for tool in TOOLS.iter().filter(|tool| tool.can(task, part)) {
            found.retain(|known| known.name != tool.name);
            found.push(tool);
        }
        found
    }

    /// What is known to go wrong with a tool of this name and version.
    pub fn defects(text: &str) -> Vec<&'static Defect> {
        let (name, version) = split(text);
        let all = |d: &Defect| d.versions.from.is_none() && d.versions.to.is_none();
        DEFECTS.iter().filter(|d| same(d.tool, &name) && (d.versions.hold(version.as_deref()) || all(d))).collect()
    }
}

/// The name and the version: `STM32CubeProgrammer v2.19.0` or `STM32CubeProgrammer 2.22.0, option-byte tab`.
fn split(text: &str) -> (String, Option<Vec<u16>>) {
    let number = |w: &str| {
        let w = w.trim_start_matches(['v', 'V']).trim_end_matches([',', ';', ':', '.']);
        let w = w.split(['-', '+']).next().unwrap_or(w);
        (w.contains('.') || w.len() < 4)
            .then(|| w.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<u16>>>())
            .flatten()
    };
    let words: Vec<&str> = text.split_whitespace().take(12).collect();
    let at = words.iter().position(|w| number(w).is_some());
    let name = words[..at.unwrap_or(words.len())].join(" ");
    (name.trim_end_matches([',', ';', ':']).to_owned(), at.and_then(|at| number(words[at])))
}

fn same(name: &str, told: &str) -> bool {
    let plain = |s: &str| s.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
    plain(name) == plain(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_chip::sources::Source;

    fn part(name: &str) -> PartId {
        name.parse().unwrap()
    }

    #[test]
    fn rows_name_their_sources_and_parts() {
        for (source, what) in TOOLS.iter().map(|t| (t.source, t.name)).chain(DEFECTS.iter().map(|d| (d.source, d.tool)))
        {
            assert!(!source.is_empty() && source.iter().all(|key| Source::find(key).is_some()), "{what} {source:?}");
        }
        for name in TOOLS.iter().filter_map(|t| t.knows).flatten() {
            assert!(name.parse::<PartId>().is_ok(), "{name}");
        }
        assert!(DEFECTS.iter().all(|d| TOOLS.iter().any(|t| t.name == d.tool)));
    }

    #[test]
    fn versions_decide_what_a_tool_knows() {
        let f5 = PartId::all().find(|p| p.to_string().starts_with("STM32H5F")).unwrap();
        let knows = |text: &str, part: PartId| Tool::named(text).is_some_and(|t| t.knows(part));
        assert!(knows("STM32CubeProgrammer v2.19.0", part("STM32H563")));
        assert!(!knows("STM32CubeProgrammer 2.19.0", f5) && knows("STM32CubeProgrammer 2.22.0, option-byte tab", f5));
        assert!(!knows("STM32CubeProgrammer 2.10.0", part("STM32H503")));
        assert!(!knows("stlink 1.8.0", part("STM32H563")) && knows("stlink 1.8.1", part("STM32H563")));
        assert!(!knows("OpenOCD 0.12.0-00024-g34afaa939", part("STM32H563")));
        assert!(Tool::named("a screwdriver").is_none());
    }

    #[test]
    fn another_tool_is_named() {
        let names = |task, p: &str| Tool::that_can(task, part(p)).iter().map(|t| t.name).collect::<Vec<_>>();
        assert_eq!(names(Task::Authenticate, "STM32H533"), ["STM32CubeProgrammer", "SEGGER Device Provisioner"]);
        assert!(names(Task::Flash, "STM32H533").contains(&"probe-rs"));
        assert!(!names(Task::Flash, "STM32H533").contains(&"OpenOCD of ST"));
    }

    #[test]
    fn defects_belong_to_versions() {
        let about = |text| Tool::defects(text).iter().flat_map(|d| d.about).copied().collect::<Vec<_>>();
        assert!(about("STM32CubeProgrammer 2.16.0").contains(&"SWAP_BANK"));
        assert!(!about("STM32CubeProgrammer 2.17.0").contains(&"SWAP_BANK"));
        assert!(about("STM32CubeProgrammer 2.19.0").contains(&"EDATA1_EN"));
        assert!(about("STM32CubeProgrammer").contains(&"provision"));
    }
}
