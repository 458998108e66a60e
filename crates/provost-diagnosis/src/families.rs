//! Other families than the STM32H5: their names, and the road for those whose owners lock themselves out.

use provost_chip::sources::Confidence;

use crate::tables::FAMILIES;

/// A family of STM32 that is not the STM32H5.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// `STM32U5`.
    pub name: &'static str,
    /// `DBGMCU_IDCODE.DEV_ID` of its dies.
    pub dev_ids: &'static [u16],
    /// The way back, where a page is written about it.
    pub road: Option<Road>,
}

/// What the owner of a chip of another family can do.
#[derive(Debug, PartialEq, Eq)]
pub struct Road {
    /// The page in `docs/families/`, without `.md`.
    pub page: &'static str,
    /// The page in a few sentences: what decides, the way back in its order, what never to do.
    pub short: &'static str,
    /// How sure its weakest part is.
    pub confidence: Confidence,
    /// Keys of the sources.
    pub source: &'static [&'static str],
}

impl Family {
    /// All families.
    pub fn all() -> &'static [Self] {
        FAMILIES
    }

    /// The family with a `DEV_ID`; `None` for those of the STM32H5 and for unknown ones.
    pub fn of(dev_id: u16) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.dev_ids.contains(&dev_id))
    }

    /// The family in a name such as `STM32U585xx`, `stm32l5x.cpu` or `STM32H7S78-DK`, if it is not the STM32H5.
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = name.trim().to_ascii_uppercase();
        let line: String = name.strip_prefix("STM32")?.chars().take_while(char::is_ascii_alphanumeric).collect();
        if line.starts_with("H5") {
            return None;
        }
        // H7R and H7S are one family, written in two ways.
        if line.starts_with("H7R") || line.starts_with("H7S") {
            return FAMILIES.iter().find(|family| family.name == "STM32H7RS");
        }
        let known =
            FAMILIES.iter().filter(|family| family.name.strip_prefix("STM32").is_some_and(|f| line.starts_with(f)));
        known.max_by_key(|family| family.name.len())
    }

    /// The address of its page in provost's documentation.
    pub fn page(&self) -> Option<String> {
        self.road.as_ref().map(|road| format!("docs/families/{}.md", road.page))
    }
}

#[cfg(test)]
mod tests {
    use provost_chip::parts::PartId;

    use super::*;

    #[test]
    fn no_identifier_belongs_to_two_families_or_to_the_h5() {
        let ids: Vec<u16> = FAMILIES.iter().flat_map(|family| family.dev_ids).copied().collect();
        for (i, id) in ids.iter().enumerate() {
            assert!(!ids[i + 1..].contains(id), "{id:#x}");
            assert_eq!(PartId::with_dev_id(*id).count(), 0, "{id:#x}");
        }
    }

    #[test]
    fn names_tell_the_family() {
        for (name, family) in [
            ("STM32F40x/F41x", Some("STM32F4")),
            ("stm32h7x.cpu", Some("STM32H7")),
            ("STM32H7S7L8", Some("STM32H7RS")),
            ("STM32WBA52", Some("STM32WBA")),
            ("STM32WB55", Some("STM32WB")),
            ("STM32WL55JC", Some("STM32WL")),
            ("STM32N657X0", Some("STM32N6")),
            ("STM32C562", Some("STM32C5")),
            ("STM32U385RG", Some("STM32U3")),
            ("STM32U585", Some("STM32U5")),
            ("STM32L552", Some("STM32L5")),
            ("STM32H533/523", None),
            ("Cortex-M33", None),
        ] {
            assert_eq!(Family::named(name).map(|f| f.name), family, "{name}");
        }
    }
}
