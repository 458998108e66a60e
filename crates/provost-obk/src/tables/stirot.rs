//! Objects of ST's immutable root of trust.

use provost_chip::sources::Confidence;

use super::{CLOCK, CUBE, INTEGRITY, STATE, YES_NO, field, zeros};
use crate::layout::Encoding::{Bytes, Choice, Number, PrivateKey, PublicKey, Rest, Switch};
use crate::layout::{Layout, ObjectKind};

/// Settings and keys of ST's immutable root of trust.
pub static STIROT_CONFIG: Layout = Layout {
    kind: ObjectKind::StirotConfig,
    title: "STiRoT_Config",
    destination: Some(0x0FFD_0200),
    size: Some(0x100),
    max_size: 0x100,
    reader: "ST-iRoT in ROM",
    fields: &[
        INTEGRITY,
        field(
            "images",
            "Number of images managed",
            32,
            1,
            Choice(&[(1, "firmware"), (2, "firmware-and-data")]),
            "firmware only, or a data image for HDPL 2 too",
        )
        .or(1),
        field("clock", "Clock selection", 33, 1, CLOCK, "clock while ST-iRoT runs").or(1),
        field(
            "full_secure",
            "Is the firmware full secure",
            34,
            1,
            YES_NO,
            "whether the firmware has no non-secure part",
        )
        .or(1),
        field(
            "bootloader_fallback",
            "Jump into ST bootloader when no valid image(s)",
            35,
            1,
            YES_NO,
            "whether to start the bootloader when no image is valid",
        )
        .or(1),
        field(
            "execution_offset",
            "Firmware execution area offset",
            36,
            4,
            Number,
            "from the start of the flash, whole sectors of 8 KB",
        ),
        field(
            "download_offset",
            "Firmware download area offset",
            40,
            4,
            Number,
            "from the start of the flash, whole sectors of 8 KB",
        ),
        field("firmware_size", "Firmware area size", 44, 4, Number, "of both areas, whole sectors of 8 KB"),
        field("data_offset", "Data area offset in HDPL2 OBkeys", 48, 4, Number, "from 0x0FFD0900").or(0),
        field("data_size", "Data slot size in HDPL2 OBKeys", 52, 4, Number, "at most 0x2f0").or(0x2F0),
        field(
            "data_download_offset",
            "Data download area offset",
            56,
            4,
            Number,
            "from the start of the flash, whole sectors of 8 KB; unused with one image",
        )
        .or(0),
        field(
            "data_download_size",
            "Data download slot size",
            60,
            4,
            Number,
            "whole sectors of 8 KB; unused with one image",
        )
        .or(0x2000),
        field(
            "secure_size",
            "Size of the secure area inside the firmware execution area",
            64,
            4,
            Number,
            "whole sectors of 8 KB, at least one; the firmware size if it is full secure",
        ),
        field(
            "sram2_erase",
            "SRAM2 erasing in case of reset",
            68,
            4,
            Switch { yes: 0, no: 8 },
            "what option bit SRAM2_RST must say",
        )
        .or(0),
        field(
            "sram2_ecc",
            "SRAM2 ECC management activation",
            72,
            4,
            Switch { yes: 0, no: 0x40 },
            "what option bit SRAM2_ECC must say",
        )
        .or(0),
        field(
            "minimal_state",
            "Product state minimal allowed",
            76,
            4,
            STATE,
            "in an earlier product state the firmware is not started",
        ),
        field("encryption_key", "Encryption key", 80, 70, PrivateKey, "decrypts images"),
        zeros("padding_1", 150, 2),
        field("authentication_key", "Authentication key", 152, 91, PublicKey, "verifies images"),
        zeros("padding_2", 243, 1),
        field(
            "internal_tampers",
            "Internal tampers activation",
            244,
            1,
            Switch { yes: 0, no: 0xC3 },
            "whether tampers 9 and 15 are active",
        )
        .or(0),
        zeros("padding_3", 245, 11),
    ],
    source: "STM32CubeH5 STiRoT_Config.xml of NUCLEO-H533RE, NUCLEO-H553ZG, STM32H573I-DK, STM32H5F5J-DK",
    confidence: Confidence::Documented,
};

/// What ST's immutable root of trust keeps; zeros when provisioned.
pub static STIROT_DATA: Layout = Layout {
    kind: ObjectKind::StirotData,
    title: "STiRoT_Data",
    destination: Some(0x0FFD_0400),
    size: Some(0x60),
    max_size: 0x60,
    reader: "ST-iRoT in ROM, which also writes it",
    fields: &[
        INTEGRITY,
        field("state", "State", 32, 64, Bytes, "zeros when provisioned; its structure is not public").or(0),
    ],
    source: CUBE,
    confidence: Confidence::Documented,
};

/// A data image for an application behind ST's immutable root of trust.
pub static STIROT_USER_DATA: Layout = Layout {
    kind: ObjectKind::StirotUserData,
    title: "STiRoT data image",
    destination: Some(0x0FFD_0900),
    size: None,
    max_size: 0x2F0,
    reader: "ST-iRoT in ROM, then the application at HDPL 2",
    fields: &[field(
        "image",
        "data init image",
        0,
        0,
        Rest,
        "mcuboot image with magic 0x55F7394E, as made from STiRoT_Data_Init_Image.xml",
    )],
    source: "STM32CubeH5 STiROT/ST/STiRoT_ST_Settings.xml",
    confidence: Confidence::Documented,
};
