//! The tables themselves: every byte of every kind of object.
//!
//! Confirmed by rebuilding each of ST's sample objects byte for byte from ST's XML (STM32CubeH5 v1.7.0, ROT_Provisioning, and the
//! Secure Manager kit for STM32H573I-DK), except where a meaning says that it is open.

mod secure_manager;
mod stirot;

use provost_chip::sources::Confidence;

pub use secure_manager::{SM_CONFIG_GENERAL, SM_CONFIG_KEYS, SM_CONFIG_OTHER};
pub use stirot::{STIROT_CONFIG, STIROT_DATA, STIROT_USER_DATA};

use crate::layout::Encoding::{
    Bytes, Choice, Digest, Fixed, Number, PasswordHash, Permissions, PrivateKey, PublicKey, Rest, RootKeyHash, Switch,
    Zero,
};
use crate::layout::{Encoding, Field, Layout, ObjectKind};

const fn field(
    name: &'static str,
    title: &'static str,
    offset: usize,
    length: usize,
    encoding: Encoding,
    meaning: &'static str,
) -> Field {
    Field { name, title, offset, length, encoding, default: None, meaning }
}

impl Field {
    const fn or(mut self, default: u64) -> Self {
        self.default = Some(default);
        self
    }
}

const fn zeros(name: &'static str, offset: usize, length: usize) -> Field {
    field(name, "Padding", offset, length, Zero, "zeros")
}

const INTEGRITY: Field = field(
    "integrity",
    "Integrity",
    0,
    32,
    Digest { from: 32, to: None },
    "a reader that finds another value treats the object as absent",
);

const ONE: u64 = 1;
const YES_NO: Encoding = Switch { yes: ONE, no: 0 };
const CLOCK: Encoding = Choice(&[(0, "64MHz"), (1, "200MHz"), (2, "250MHz")]);
/// PRODUCT_STATE where FLASH_OPTSR has it, in bits 15 to 8.
const STATE: Encoding = Choice(&[
    (0xED00, "open"),
    (0x1700, "provisioning"),
    (0x2E00, "irot-provisioned"),
    (0xC600, "tz-closed"),
    (0x7200, "closed"),
    (0x5C00, "locked"),
]);

const DA_SOURCE: &str = "RM0481, Debug Authentication object; STM32CubeH5 DA_Config.xml, DA_ConfigWithPassword.xml";
const CUBE: &str = "STM32CubeH5 ROT_Provisioning";

/// Debug Authentication by certificate.
pub static DA_CERTIFICATE: Layout = Layout {
    kind: ObjectKind::DaCertificate,
    title: "DA_Config",
    destination: Some(0x0FFD_0100),
    size: Some(0x60),
    max_size: 0x60,
    reader: "the Debug Authentication code in ROM",
    fields: &[
        INTEGRITY,
        field(
            "root_key",
            "Debug Authentication root key",
            32,
            32,
            RootKeyHash,
            "certificate chains must start with this key",
        ),
        field(
            "permissions",
            "Permission",
            64,
            16,
            Permissions,
            "what the object allows; every certificate allows less",
        )
        .or(0x5077),
        zeros("padding", 80, 16),
    ],
    source: DA_SOURCE,
    confidence: Confidence::Documented,
};

/// Debug Authentication by password.
pub static DA_PASSWORD: Layout = Layout {
    kind: ObjectKind::DaPassword,
    title: "DA_ConfigWithPassword",
    destination: Some(0x0FFD_0100),
    size: Some(0x60),
    max_size: 0x60,
    reader: "the Debug Authentication code in ROM",
    fields: &[
        INTEGRITY,
        field("password", "Password", 32, 32, PasswordHash, "the password that allows full regression"),
        field("reserved", "Reserved", 64, 4, Number, "zero since STM32CubeH5 v1.2.0; 0x5077 in older sample objects")
            .or(0),
        zeros("padding", 68, 28),
    ],
    source: DA_SOURCE,
    confidence: Confidence::Documented,
};

/// Keys of the OEM's immutable root of trust.
pub static OEMIROT_CONFIG: Layout = Layout {
    kind: ObjectKind::OemirotConfig,
    title: "OEMiRoT_Config",
    destination: Some(0x0FFD_0160),
    size: Some(0x120),
    max_size: 0x120,
    reader: "OEMiROT_Boot at HDPL 1",
    fields: &[
        INTEGRITY,
        field("secure_key", "Authentication secure key", 32, 91, PublicKey, "verifies secure firmware and data"),
        zeros("padding_1", 123, 1),
        field(
            "non_secure_key",
            "Authentication non secure key",
            124,
            91,
            PublicKey,
            "verifies non-secure firmware and data",
        ),
        zeros("padding_2", 215, 1),
        field("encryption_key", "Encryption key", 216, 70, PrivateKey, "decrypts images"),
        zeros("padding_3", 286, 2),
    ],
    source: "STM32CubeH5 OEMiROT_Boot low_level_obkeys.h OBK_Hdpl1Config; OEMiRoT_Config.xml",
    confidence: Confidence::Documented,
};

/// The frame of [`OEMIROT_DATA`] and [`OEMUROT_DATA`], which differ in their address only.
macro_rules! image_records {
    () => {
        &[
            INTEGRITY,
            field("image_0_version", "Image0CurVersion", 32, 4, Number, "version of image 0 that runs").or(0),
            field("image_0_previous_version", "Image0PrevVersion", 36, 4, Number, "the one before").or(0),
            field("image_1_version", "Image1CurVersion", 40, 4, Number, "version of image 1 that runs").or(0),
            field("image_1_previous_version", "Image1PrevVersion", 44, 4, Number, "the one before").or(0),
            field("image_2_version", "Image2CurVersion", 48, 4, Number, "version of image 2 that runs").or(0),
            field("image_2_previous_version", "Image2PrevVersion", 52, 4, Number, "the one before").or(0),
            field("image_3_version", "Image3CurVersion", 56, 4, Number, "version of image 3 that runs").or(0),
            field("image_3_previous_version", "Image3PrevVersion", 60, 4, Number, "the one before").or(0),
            field("image_0_hash", "Image0SHA256", 64, 32, Bytes, "SHA-256 of image 0, once accepted").or(0),
            field("image_1_hash", "Image1SHA256", 96, 32, Bytes, "SHA-256 of image 1, once accepted").or(0),
            field("image_2_hash", "Image2SHA256", 128, 32, Bytes, "SHA-256 of image 2, once accepted").or(0),
            field("image_3_hash", "Image3SHA256", 160, 32, Bytes, "SHA-256 of image 3, once accepted").or(0),
        ]
    };
}

/// What the OEM's immutable root of trust keeps; zeros when provisioned.
pub static OEMIROT_DATA: Layout = Layout {
    kind: ObjectKind::OemirotData,
    title: "OEMiRoT_Data",
    destination: Some(0x0FFD_0280),
    size: Some(0xC0),
    max_size: 0xC0,
    reader: "OEMiROT_Boot at HDPL 1, which also writes it",
    fields: image_records!(),
    source: "STM32CubeH5 OEMiROT_Boot low_level_obkeys.h OBK_Hdpl1Data",
    confidence: Confidence::Documented,
};

/// What the OEM's updatable root of trust keeps; zeros when provisioned.
pub static OEMUROT_DATA: Layout = Layout {
    kind: ObjectKind::OemurotData,
    title: "OEMuRoT_Data",
    destination: Some(0x0FFD_0A50),
    size: Some(0xC0),
    max_size: 0xC0,
    reader: "OEMuROT_Boot at HDPL 2, which also writes it",
    fields: image_records!(),
    source: "STM32CubeH5 OEMiROT_Boot low_level_obkeys.h OBK_Hdpl2Data",
    confidence: Confidence::Documented,
};

const MAGIC_DATA: Field = field(
    "magic",
    "ih_magic",
    0,
    4,
    Fixed(&0x55F7_394E_u32.to_le_bytes()),
    "mcuboot header of a data image behind ST-iRoT",
);
const TLV_COUNTER: Encoding = Fixed(&[0x08, 0x69, 0x0C, 0x00, 0x50, 0x00, 0x04, 0x00]);
const TLV_HASH: Encoding = Fixed(&[0x07, 0x69, 0x28, 0x00, 0x10, 0x00, 0x20, 0x00]);
const TLV_COUNTER_MEANING: &str = "protected TLV area (0x6908) of 12 bytes: TLV 0x50, 4 bytes";
const TLV_HASH_MEANING: &str = "TLV area (0x6907) of 40 bytes: TLV 0x10, 32 bytes";

/// Keys of the OEM's updatable root of trust, as an mcuboot image.
pub static OEMUROT_CONFIG: Layout = Layout {
    kind: ObjectKind::OemurotConfig,
    title: "OEMuRoT_Config",
    destination: Some(0x0FFD_0900),
    size: Some(0x150),
    max_size: 0x150,
    reader: "ST-iRoT in ROM, then OEMuROT_Boot at HDPL 2",
    fields: &[
        MAGIC_DATA,
        field("load_address", "ih_load_addr", 4, 4, Number, "not used").or(0),
        field("header_size", "ih_hdr_size", 8, 2, Fixed(&[0x20, 0]), "bytes of this header"),
        field("protected_size", "ih_protect_tlv_size", 10, 2, Fixed(&[0x0C, 0]), "bytes of the protected TLV area"),
        field("image_size", "ih_img_size", 12, 4, Fixed(&[0xFC, 0, 0, 0]), "bytes between header and TLV areas"),
        field("flags", "ih_flags", 16, 4, Number, "zero: neither encrypted nor at a fixed address").or(0),
        field("version_major", "iv_major", 20, 1, Number, "major version").or(1),
        field("version_minor", "iv_minor", 21, 1, Number, "minor version").or(0),
        field("version_revision", "iv_revision", 22, 2, Number, "revision").or(0),
        field("version_build", "iv_build_num", 24, 4, Number, "build number").or(0),
        zeros("padding", 28, 4),
        field("secure_key", "Authentication secure key", 32, 91, PublicKey, "verifies secure firmware and data"),
        field(
            "non_secure_key",
            "Authentication non secure key",
            123,
            91,
            PublicKey,
            "verifies non-secure firmware and data",
        ),
        field("encryption_key", "Encryption key", 214, 70, PrivateKey, "decrypts images"),
        field("protected_tlv", "Protected TLV area", 284, 8, TLV_COUNTER, TLV_COUNTER_MEANING),
        field(
            "security_counter",
            "Security counter",
            292,
            4,
            Number,
            "the chip refuses a lower one later; by default major << 24 | minor << 16 | revision",
        )
        .or(0x0100_0000),
        field("tlv", "TLV area", 296, 8, TLV_HASH, TLV_HASH_MEANING),
        field(
            "image_hash",
            "Image hash",
            304,
            32,
            Digest { from: 0, to: Some(296) },
            "of header, keys and protected TLV area",
        ),
    ],
    source: "STM32CubeH5 STiROT_OEMuROT: OEMuRoT_Config_Keys.xml, OEMuRoT_ST_Settings_2.xml; low_level_obkeys.h OBK_Hdpl2Config; \
             mcuboot image format",
    confidence: Confidence::Documented,
};

const USER_SOURCE: &str = "CMSIS stm32h573xx.h (OBK HDPL offsets)";

/// An object of one's own, with SHA-256 of itself in front.
pub static HASHED_DATA: Layout = Layout {
    kind: ObjectKind::HashedData,
    title: "Data with hash",
    destination: None,
    size: None,
    max_size: 0xC00,
    reader: "firmware at the HDPL of its address",
    fields: &[INTEGRITY, field("data", "Data", 32, 0, Rest, "the data")],
    source: USER_SOURCE,
    confidence: Confidence::Documented,
};

/// An object of one's own.
pub static DATA: Layout = Layout {
    kind: ObjectKind::Data,
    title: "Data",
    destination: None,
    size: None,
    max_size: 0xC00,
    reader: "firmware at the HDPL of its address",
    fields: &[field("data", "Data", 0, 0, Rest, "the data")],
    source: USER_SOURCE,
    confidence: Confidence::Documented,
};
