//! Objects of the Secure Manager.

use provost_chip::sources::Confidence;

use super::{
    CLOCK, INTEGRITY, STATE, TLV_COUNTER, TLV_COUNTER_MEANING, TLV_HASH, TLV_HASH_MEANING, YES_NO, field, zeros,
};
use crate::layout::Encoding::{Bytes, Choice, Digest, Fixed, Number, PrivateScalar, PublicKeyHash};
use crate::layout::{Field, Layout, ObjectKind};

const SM_SOURCE: &str = "X-CUBE-SEC-M-H5 for STM32H573I-DK, ROT_Provisioning/SM";

/// Settings of ST's updatable root of trust for the Secure Manager: the frame of [`STIROT_CONFIG`](super::STIROT_CONFIG), mostly blank.
pub static SM_CONFIG_OTHER: Layout = Layout {
    kind: ObjectKind::SmConfigOther,
    title: "SM_Config_Other",
    destination: Some(0x0FFD_0200),
    size: Some(0x100),
    max_size: 0x100,
    reader: "the Secure Manager's root of trust",
    fields: &[
        INTEGRITY,
        zeros("padding_1", 32, 1),
        field("clock", "Clock configuration", 33, 1, CLOCK, "clock while the Secure Manager starts").or(1),
        zeros("padding_2", 34, 1),
        field(
            "bootloader_fallback",
            "Jump into ST bootloader when no valid STuROT",
            35,
            1,
            YES_NO,
            "whether to start the bootloader when no STuROT is valid",
        )
        .or(1),
        zeros("padding_3", 36, 40),
        field(
            "minimal_state",
            "Minimal Product state allowed",
            76,
            4,
            STATE,
            "in an earlier product state the Secure Manager is not started",
        ),
        zeros("padding_4", 80, 176),
    ],
    source: SM_SOURCE,
    confidence: Confidence::Documented,
};

/// Keys of the Secure Manager, as an mcuboot image.
pub static SM_CONFIG_KEYS: Layout = Layout {
    kind: ObjectKind::SmConfigKeys,
    title: "SM_Config_Keys",
    destination: Some(0x0FFD_09D0),
    size: Some(0xB0),
    max_size: 0xB0,
    reader: "the Secure Manager",
    fields: &[
        field("magic", "ih_magic", 0, 4, Fixed(&0x96F3_B83D_u32.to_le_bytes()), "mcuboot header"),
        field("load_address", "ih_load_addr", 4, 4, Fixed(&0x0FFD_09D0_u32.to_le_bytes()), "where the object lies"),
        field("header_size", "ih_hdr_size", 8, 2, Fixed(&[0x20, 0]), "bytes of this header"),
        field("protected_size", "ih_protect_tlv_size", 10, 2, Fixed(&[0x0C, 0]), "bytes of the protected TLV area"),
        field("image_size", "ih_img_size", 12, 4, Fixed(&[0x50, 0, 0, 0]), "bytes between header and TLV areas"),
        field("flags", "ih_flags", 16, 4, Number, "0x100: at a fixed address").or(0x100),
        field("version_major", "iv_major", 20, 1, Number, "major version").or(1),
        field("version_minor", "iv_minor", 21, 1, Number, "minor version").or(0),
        field("version_revision", "iv_revision", 22, 2, Number, "revision").or(0),
        field("version_build", "iv_build_num", 24, 4, Number, "build number").or(0),
        zeros("padding_1", 28, 4),
        field("encryption_key", "Encryption key", 32, 32, PrivateScalar, "decrypts modules"),
        field("authentication_key", "Authentication key", 64, 32, PublicKeyHash, "verifies modules"),
        zeros("padding_2", 96, 16),
        field("protected_tlv", "Protected TLV area", 112, 8, TLV_COUNTER, TLV_COUNTER_MEANING),
        field(
            "security_counter",
            "Security counter",
            120,
            4,
            Number,
            "the chip refuses a lower one later; by default major << 24 | minor << 16 | revision",
        )
        .or(0x0100_0000),
        field("tlv", "TLV area", 124, 8, TLV_HASH, TLV_HASH_MEANING),
        field(
            "image_hash",
            "Image hash",
            132,
            32,
            Digest { from: 0, to: Some(124) },
            "of header, keys and protected TLV area",
        ),
        zeros("padding_3", 164, 12),
    ],
    source: SM_SOURCE,
    confidence: Confidence::Documented,
};

const fn byte(name: &'static str, title: &'static str, offset: usize, default: u64, meaning: &'static str) -> Field {
    field(name, title, offset, 1, Number, meaning).or(default)
}

/// Settings of the Secure Manager. Defaults are those of ST's kit.
pub static SM_CONFIG_GENERAL: Layout = Layout {
    kind: ObjectKind::SmConfigGeneral,
    title: "SM_Config_General",
    destination: Some(0x0FFD_0A80),
    size: Some(0x60),
    max_size: 0x60,
    reader: "the Secure Manager",
    fields: &[
        INTEGRITY,
        field(
            "module_licence",
            "Authentication of Modules with license",
            32,
            1,
            Choice(&[(0xBD, "unsigned"), (0xCE, "signed")]),
            "whether the OEM signs modules that come with a licence",
        )
        .or(0xCE),
        byte("flash_layout", "Flash Layout configuration index", 33, 0, "index of ST's flash layouts"),
        byte("structure_version", "Configuration structure version", 34, 0, "version of this structure"),
        byte("uart", "UART instance index for logs", 35, 1, "UART of the log"),
        byte(
            "uart_alternate_function",
            "UART GPIO alternate function for logs",
            36,
            7,
            "alternate function of its pins",
        ),
        byte("uart_tx_port", "UART TX GPIO port for logs", 37, 0x41, "letter of the port, ASCII"),
        byte("uart_tx_pin", "UART TX pin number for logs", 38, 9, "pin"),
        byte("uart_rx_port", "UART RX GPIO port for logs", 39, 0x41, "letter of the port, ASCII"),
        byte("uart_rx_pin", "UART RX pin number for logs", 40, 10, "pin"),
        field(
            "uart_baud",
            "UART baud rate for logs",
            41,
            1,
            Choice(&[(0, "9600"), (1, "38400"), (2, "115200"), (3, "230400"), (4, "460800")]),
            "baud rate of the log",
        )
        .or(2),
        byte("interface_sram_kb", "SRAM Secure/NonSecure interface area size", 42, 0x10, "shared SRAM in KB"),
        zeros("padding_1", 43, 3),
        field("secure_sram_start", "Secure SRAM Start address", 46, 4, Number, "first byte").or(0x3005_0000),
        field("secure_sram_end", "Secure SRAM End address", 50, 4, Number, "last byte"),
        byte("modules", "Nb Secure Modules", 54, 0, "how many secure modules"),
        zeros("padding_2", 55, 3),
        field(
            "module_areas",
            "S Module 0 to 7",
            58,
            24,
            Bytes,
            "8 × primary offset, secondary offset, size, in sectors of 8 KB",
        )
        .or(0),
        byte("application_primary", "NS appli primary offset", 82, 0, "in sectors of 8 KB"),
        byte("application_secondary", "NS appli secondary offset", 83, 0, "in sectors of 8 KB"),
        byte("application_size", "NS appli size", 84, 0, "in sectors of 8 KB"),
        byte("reserved_offset", "NS reserved area offset", 85, 0, "in sectors of 8 KB"),
        byte("reserved_size", "NS reserved area size", 86, 0, "in sectors of 8 KB"),
        byte("its_factory_offset", "ITS Factory offset", 87, 0, "in sectors of 8 KB"),
        byte("its_factory_size", "ITS Factory size", 88, 0, "in sectors of 8 KB"),
        byte("its_offset", "ITS offset", 89, 0, "in sectors of 8 KB"),
        byte("its_size", "ITS size", 90, 0, "in sectors of 8 KB"),
        zeros("padding_3", 91, 1),
        field(
            "bootloader_fallback",
            "Jump into ST bootloader when no valid SecureManager / Module / NS application",
            92,
            1,
            YES_NO,
            "whether to start the bootloader when something is not valid",
        )
        .or(1),
        zeros("padding_4", 93, 3),
    ],
    source: SM_SOURCE,
    confidence: Confidence::Documented,
};
