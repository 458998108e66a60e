//! What reads an image, and what it wants of it: a table.
//!
//! The format is mcuboot's everywhere. Magics, header sizes, alignment and the kinds of trailer are those of the image XML in
//! STM32CubeH5 v1.7.0 (`ROT_Provisioning/*/Image*/*.xml`, options `-ma`, `-H`, `--align`, `-M`, `--overwrite-only`, `--confirm`,
//! `--primary-only`); how ST's imgtool carries them out is read in stm32-mw-mcuboot v1.7.2.39, `scripts/imgtool/image.py` and `main.py`.
//! The slots are those of ST's sample projects: a project with another flash layout has others.

use provost_chip::sources::Confidence;

use crate::signature::SignatureForm;
use crate::trailer::TrailerKind;

/// The part a key plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRole {
    /// Signs the one firmware there is, and its data.
    Authentication,
    /// Signs secure firmware and data.
    SecureAuthentication,
    /// Signs non-secure firmware and data.
    NonSecureAuthentication,
    /// Its public half encrypts, its private half is in the chip.
    Encryption,
}

impl KeyRole {
    /// A short stable name, for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::SecureAuthentication => "secure-authentication",
            Self::NonSecureAuthentication => "non-secure-authentication",
            Self::Encryption => "encryption",
        }
    }
}

/// Whether images are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signing {
    /// Always, with this key.
    Required(KeyRole),
    /// As one likes.
    Optional,
    /// Never: the image is part of a provisioning object, which is protected itself.
    Never,
}

/// A slot of one of ST's sample projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slot {
    /// The part, such as `STM32H533`.
    pub part: &'static str,
    /// Where the image runs from.
    pub execution: Option<u32>,
    /// Where updates are put.
    pub download: Option<u32>,
    /// Its size, bytes.
    pub size: u32,
}

/// A kind of image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Short stable name.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// The magic of the header.
    pub magic: u32,
    /// Bytes in front of the body: such that a vector table behind them is aligned.
    pub header_size: u16,
    /// How many bytes the flash writes at a time.
    pub align: u8,
    /// The image's number in dependencies.
    pub image: Option<u8>,
    /// Whether images are signed, and with which key.
    pub signing: Signing,
    /// The key that encrypts; `None` if there is no encryption.
    pub encryption: Option<KeyRole>,
    /// The object that holds the keys in the chip.
    pub keys_in: &'static str,
    /// How signatures are written.
    pub signature_form: SignatureForm,
    /// The trailer of the slot it runs from.
    pub install_trailer: TrailerKind,
    /// The trailer of the slot for updates.
    pub update_trailer: TrailerKind,
    /// Whether it goes to a slot in flash, and not into a provisioning object.
    pub in_flash: bool,
    /// Whether images that can be encrypted are zero-extended until they fill the slot.
    pub fills_slot: bool,
    /// Whether there is one slot only, with ST's way of encrypting in it.
    pub primary_only: bool,
    /// Whether the trailer's magic names alignments above 8, as today's mcuboot has it and ST's has not.
    pub magic_names_alignment: bool,
    /// Whether the boot loader wants the header size, a security counter, and no TLV it does not know.
    pub strict: bool,
    /// Slots of ST's sample projects.
    pub slots: &'static [Slot],
    /// Where this is written.
    pub source: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is open.
    pub remark: &'static str,
}

impl Profile {
    /// The profile with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|profile| profile.name == name)
    }

    /// The profiles whose images have this magic and header size.
    pub fn matching(magic: u32, header_size: u16) -> impl Iterator<Item = &'static Self> {
        ALL.iter()
            .filter(move |profile| profile.magic == magic && (!profile.strict || profile.header_size == header_size))
    }

    /// The slot of ST's sample project for a part.
    pub fn slot(&self, part: &str) -> Option<&'static Slot> {
        self.slots.iter().find(|slot| slot.part == part)
    }
}

/// The magic of mcuboot, and of OEMiRoT and OEMuRoT.
pub const MCUBOOT_MAGIC: u32 = 0x96F3_B83D;
/// The magic of STiRoT firmware.
pub const STIROT_CODE_MAGIC: u32 = 0x73AB_1024;
/// The magic of STiRoT data, also within provisioning objects.
pub const STIROT_DATA_MAGIC: u32 = 0x55F7_394E;

/// Every profile.
pub const fn all() -> &'static [Profile] {
    ALL
}

const CODE_HEADER: u16 = 0x400;
const DATA_HEADER: u16 = 0x20;
const OEM_TOOLS: &str = "STM32CubeH5 v1.7.0 image XML; stm32-mw-mcuboot v1.7.2.39 imgtool and bootutil";
const STI_TOOLS: &str = "STM32CubeH5 v1.7.0 image XML; stm32-mw-mcuboot v1.7.2.39 imgtool";
const OEM_REMARK: &str = "the boot loader is built from source: slots and update mode are those of the project";
const STI_REMARK: &str = "STiRoT is ROM code: what it refuses beyond what ST's tool never makes is not published";

/// What all slots in flash of ST's own builds of mcuboot have in common.
const OEM: Profile = Profile {
    name: "",
    title: "",
    magic: MCUBOOT_MAGIC,
    header_size: CODE_HEADER,
    align: 16,
    image: None,
    signing: Signing::Required(KeyRole::Authentication),
    encryption: Some(KeyRole::Encryption),
    keys_in: "OEMiRoT_Config",
    signature_form: SignatureForm::Der,
    install_trailer: TrailerKind::Swap { sectors: 0 },
    update_trailer: TrailerKind::Overwrite,
    in_flash: true,
    fills_slot: false,
    primary_only: false,
    magic_names_alignment: false,
    strict: true,
    slots: &[],
    source: OEM_TOOLS,
    confidence: Confidence::Documented,
    remark: OEM_REMARK,
};

const S: Signing = Signing::Required(KeyRole::SecureAuthentication);
const NS: Signing = Signing::Required(KeyRole::NonSecureAuthentication);

/// A slot with both addresses.
const fn slot(part: &'static str, execution: u32, download: u32, size: u32) -> Slot {
    Slot { part, execution: Some(execution), download: Some(download), size }
}

static ALL: &[Profile] = &[
    Profile {
        name: "stirot-code",
        title: "STiRoT firmware (also an OEMuRoT boot loader that STiRoT starts)",
        magic: STIROT_CODE_MAGIC,
        image: Some(0),
        keys_in: "STiRoT_Config",
        signature_form: SignatureForm::Numbers33,
        install_trailer: TrailerKind::StirotOverwrite,
        update_trailer: TrailerKind::StirotOverwrite,
        fills_slot: true,
        // Offsets and sizes of STiRoT_Config.xml.
        slots: &[
            slot("STM32H533", 0x0800_0000, 0x0806_0000, 0x2_0000),
            slot("STM32H553", 0x0800_0000, 0x080D_0000, 0x2_0000),
            slot("STM32H573", 0x0800_0000, 0x081E_0000, 0x2_0000),
            slot("STM32H5F5", 0x0800_0000, 0x081E_0000, 0x2_0000),
        ],
        source: STI_TOOLS,
        remark: STI_REMARK,
        ..OEM
    },
    Profile {
        name: "stirot-data",
        title: "STiRoT data, as an update in flash",
        magic: STIROT_DATA_MAGIC,
        header_size: DATA_HEADER,
        image: Some(1),
        keys_in: "STiRoT_Config",
        install_trailer: TrailerKind::Overwrite,
        slots: &[
            Slot { part: "STM32H533", execution: None, download: Some(0x0805_E000), size: 0x2000 },
            Slot { part: "STM32H573", execution: None, download: Some(0x081D_E000), size: 0x2000 },
            Slot { part: "STM32H5F5", execution: None, download: Some(0x081D_E000), size: 0x2000 },
        ],
        source: STI_TOOLS,
        remark: STI_REMARK,
        ..OEM
    },
    Profile {
        name: "stirot-data-object",
        title: "STiRoT data or OEMuRoT keys, the payload of the object at 0x0FFD0900",
        magic: STIROT_DATA_MAGIC,
        header_size: DATA_HEADER,
        image: Some(1),
        signing: Signing::Never,
        encryption: None,
        keys_in: "none",
        install_trailer: TrailerKind::Overwrite,
        in_flash: false,
        source: STI_TOOLS,
        remark: "the size of the slot is STiRoT_Config's: 0x2f0 in ST's projects",
        ..OEM
    },
    Profile {
        name: "oemirot-secure-code",
        title: "OEMiRoT secure firmware",
        image: Some(0),
        signing: S,
        // Of ST's projects those of STM32H563 alone overwrite here.
        update_trailer: TrailerKind::Swap { sectors: 0 },
        slots: &[
            slot("STM32H533", 0x0801_A000, 0x0802_E000, 0x6000),
            slot("STM32H553", 0x0801_8000, 0x0806_E000, 0x6000),
            slot("STM32H563", 0x0801_8000, 0x080B_E000, 0x6000),
            slot("STM32H573", 0x0801_8000, 0x080B_E000, 0x6000),
            slot("STM32H5F5", 0x0801_8000, 0x0802_0000, 0x8000),
        ],
        ..OEM
    },
    Profile {
        name: "oemirot-non-secure-code",
        title: "OEMiRoT non-secure firmware",
        image: Some(1),
        signing: NS,
        slots: &[
            slot("STM32H533", 0x0802_0000, 0x0803_4000, 0x1_0000),
            slot("STM32H553", 0x0801_E000, 0x0807_4000, 0x5_0000),
            slot("STM32H563", 0x0801_E000, 0x080C_4000, 0xA_0000),
            slot("STM32H573", 0x0801_E000, 0x080C_4000, 0xA_0000),
            slot("STM32H5F5", 0x0801_E000, 0x080C_4000, 0xA_0000),
        ],
        ..OEM
    },
    // The slots for data have no bytes in ST's projects, unless the project is changed.
    Profile {
        name: "oemirot-secure-data",
        title: "OEMiRoT secure data",
        header_size: DATA_HEADER,
        image: Some(2),
        signing: S,
        ..OEM
    },
    Profile {
        name: "oemirot-non-secure-data",
        title: "OEMiRoT non-secure data",
        header_size: DATA_HEADER,
        image: Some(3),
        signing: NS,
        ..OEM
    },
    Profile {
        name: "oemurot-secure-code",
        title: "OEMuRoT secure firmware, behind STiRoT",
        image: Some(0),
        signing: S,
        keys_in: "OEMuRoT_Config",
        update_trailer: TrailerKind::Swap { sectors: 0 },
        slots: &[
            slot("STM32H533", 0x0801_8000, 0x0802_E000, 0x6000),
            slot("STM32H573", 0x0801_8000, 0x080B_E000, 0x6000),
            slot("STM32H5F5", 0x0801_8000, 0x080B_E000, 0x6000),
        ],
        ..OEM
    },
    Profile {
        name: "oemurot-non-secure-code",
        title: "OEMuRoT non-secure firmware, behind STiRoT",
        image: Some(1),
        signing: NS,
        keys_in: "OEMuRoT_Config",
        slots: &[
            slot("STM32H533", 0x0801_E000, 0x0803_4000, 0x1_0000),
            slot("STM32H573", 0x0801_E000, 0x080C_4000, 0xA_0000),
            slot("STM32H5F5", 0x0801_E000, 0x080C_4000, 0xA_0000),
        ],
        ..OEM
    },
    Profile {
        name: "oemurot-secure-data",
        title: "OEMuRoT secure data, behind STiRoT",
        header_size: DATA_HEADER,
        image: Some(2),
        signing: S,
        keys_in: "OEMuRoT_Config",
        slots: &[
            slot("STM32H573", 0x0801_8000, 0x0816_0000, 0x2000),
            slot("STM32H5F5", 0x0801_8000, 0x0816_0000, 0x2000),
        ],
        ..OEM
    },
    Profile {
        name: "oemurot-non-secure-data",
        title: "OEMuRoT non-secure data, behind STiRoT",
        header_size: DATA_HEADER,
        image: Some(3),
        signing: NS,
        keys_in: "OEMuRoT_Config",
        slots: &[
            slot("STM32H573", 0x080C_0000, 0x0816_2000, 0x2000),
            slot("STM32H5F5", 0x080C_0000, 0x0816_2000, 0x2000),
        ],
        ..OEM
    },
    Profile {
        name: "oemirot-h503-code",
        title: "OEMiRoT firmware on STM32H503, which has one slot",
        image: Some(0),
        keys_in: "the boot loader",
        install_trailer: TrailerKind::PrimaryOnly,
        update_trailer: TrailerKind::PrimaryOnly,
        primary_only: true,
        slots: &[Slot { part: "STM32H503", execution: Some(0x0801_2000), download: Some(0x0801_2000), size: 0xE000 }],
        ..OEM
    },
    Profile {
        name: "oemirot-h503-data",
        title: "OEMiRoT data on STM32H503, which has one slot",
        header_size: DATA_HEADER,
        image: Some(1),
        keys_in: "the boot loader",
        install_trailer: TrailerKind::PrimaryOnly,
        update_trailer: TrailerKind::PrimaryOnly,
        primary_only: true,
        ..OEM
    },
    Profile {
        name: "mcuboot",
        title: "plain mcuboot, as imgtool makes it by default",
        header_size: DATA_HEADER,
        align: 1,
        signing: Signing::Optional,
        keys_in: "the boot loader",
        install_trailer: TrailerKind::Swap { sectors: 128 },
        update_trailer: TrailerKind::Swap { sectors: 128 },
        magic_names_alignment: true,
        strict: false,
        source: "mcuboot docs/design.md and docs/encrypted_images.md; imgtool 2.5.0",
        remark: "",
        ..OEM
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_slots_are_whole_sectors() {
        for profile in all() {
            assert_eq!(all().iter().filter(|other| other.name == profile.name).count(), 1, "{}", profile.name);
            assert_eq!(Profile::named(profile.name), Some(profile));
            assert!(Profile::matching(profile.magic, profile.header_size).any(|found| found == profile));
            for slot in profile.slots {
                for number in [slot.size, slot.execution.unwrap_or(0), slot.download.unwrap_or(0)] {
                    assert!(number.is_multiple_of(0x2000), "{} {number:#x}", profile.name);
                }
                assert!(slot.part.parse::<provost_chip::parts::PartId>().is_ok(), "{}", slot.part);
            }
        }
    }

    #[test]
    fn a_code_header_keeps_the_vector_table_aligned() {
        // Arm v8-M: VTOR holds multiples of 128 at least, more for the 147 vectors of STM32H573: 1024.
        for profile in all().iter().filter(|profile| profile.name.ends_with("code")) {
            assert!(profile.header_size.is_multiple_of(0x400), "{}", profile.name);
        }
    }
}
