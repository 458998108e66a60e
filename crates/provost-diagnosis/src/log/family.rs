//! Which STM32 family a `DEV_ID` belongs to (AN2606, device identifiers of the reference manuals).

/// The families of other `DEV_ID`s than those of the STM32H5.
const FAMILIES: &[(&str, &[u16])] = &[
    ("STM32F0", &[0x440, 0x442, 0x444, 0x445, 0x448]),
    ("STM32F1", &[0x410, 0x412, 0x414, 0x418, 0x420, 0x428, 0x430]),
    ("STM32F2", &[0x411]),
    ("STM32F3", &[0x422, 0x432, 0x438, 0x439, 0x446]),
    ("STM32F4", &[0x413, 0x419, 0x421, 0x423, 0x431, 0x433, 0x434, 0x441, 0x458, 0x463]),
    ("STM32F7", &[0x449, 0x451, 0x452]),
    ("STM32C0", &[0x443, 0x44C, 0x44D, 0x453, 0x493]),
    ("STM32G0", &[0x456, 0x460, 0x466, 0x467]),
    ("STM32G4", &[0x468, 0x469, 0x479]),
    ("STM32H7", &[0x450, 0x480, 0x483]),
    ("STM32H7RS", &[0x485]),
    ("STM32L0", &[0x417, 0x425, 0x447, 0x457]),
    ("STM32L1", &[0x416, 0x427, 0x429, 0x436, 0x437]),
    ("STM32L4", &[0x415, 0x435, 0x461, 0x462, 0x464, 0x470, 0x471]),
    ("STM32L5", &[0x472]),
    ("STM32N6", &[0x486]),
    ("STM32U0", &[0x459, 0x489]),
    ("STM32U3", &[0x454]),
    ("STM32U5", &[0x455, 0x476, 0x481, 0x482]),
    ("STM32WB", &[0x494, 0x495, 0x496]),
    ("STM32WBA", &[0x492, 0x4B0, 0x4B2]),
    ("STM32WL", &[0x497]),
];

/// The name of another family, or of an identifier that is none of the STM32H5's.
pub(super) fn by_id(id: u16) -> String {
    let known = FAMILIES.iter().find(|(_, ids)| ids.contains(&id)).map(|(name, _)| (*name).to_owned());
    known.unwrap_or_else(|| format!("an unknown part with DEV_ID {id:#05x}"))
}

/// The family in a name such as `STM32F407xx` or `stm32f4x.cpu`, if it is not the STM32H5.
pub(crate) fn by_name(name: &str) -> Option<String> {
    let name = name.trim().to_ascii_uppercase();
    let line: String = name.strip_prefix("STM32")?.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
    let two = |n: usize| line.get(..n).filter(|_| !line.starts_with("H5"));
    let known = FAMILIES.iter().map(|(name, _)| *name).filter(|f| two(f.len() - 5) == f.strip_prefix("STM32"));
    known.max_by_key(|f| f.len()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_chip::parts::PartId;

    #[test]
    fn no_identifier_belongs_to_two_families_or_to_the_h5() {
        let ids: Vec<u16> = FAMILIES.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        for (i, id) in ids.iter().enumerate() {
            assert!(!ids[i + 1..].contains(id), "{id:#x}");
            assert_eq!(PartId::with_dev_id(*id).count(), 0, "{id:#x}");
        }
    }

    #[test]
    fn names_tell_the_family() {
        assert_eq!(by_name("STM32F40x/F41x").as_deref(), Some("STM32F4"));
        assert_eq!(by_name("stm32h7x.cpu").as_deref(), Some("STM32H7"));
        assert_eq!(by_name("STM32WBA52").as_deref(), Some("STM32WBA"));
        assert_eq!(by_name("STM32H533/523"), None);
        assert_eq!(by_name("Cortex-M33"), None);
    }
}
