//! The kinds of objects as plain structs, for programs that make or read one kind. Fields are those of the tables in
//! [`tables`](crate::tables), where their meaning stands.
//!
//! `Object::from(&config)` writes one, `StirotConfig::try_from(&object)` reads one. The Debug Authentication objects have structs of
//! their own in [`da`](crate::da).

use provost_adac::key::{PrivateKey, PublicKey};
use provost_chip::states::ProductState;

use crate::layout::ObjectKind;
use crate::object::{FieldError, Object, Value};

/// Why an object does not read as a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KindError {
    /// The object is of another kind.
    #[error("the object is {found}, not {expected}")]
    Kind {
        /// What is wanted.
        expected: ObjectKind,
        /// The kind that the object is of.
        found: ObjectKind,
    },
    /// A field holds nothing of its type.
    #[error("payload byte {offset}: {field} holds no {expected}")]
    Value {
        /// Name of the field, as in the layout.
        field: &'static str,
        /// Where it starts in the payload.
        offset: usize,
        /// The type whose value should stand there.
        expected: &'static str,
    },
}

/// A Rust type for the value of a field.
trait Native: Sized {
    const NAME: &'static str;
    fn to_value(&self) -> Value;
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! native_numbers {
    ($($type:ty),*) => {$(
        impl Native for $type {
            const NAME: &'static str = stringify!($type);
            fn to_value(&self) -> Value {
                Value::Number(u64::from(*self))
            }
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Number(number) => Self::try_from(*number).ok(),
                    _ => None,
                }
            }
        }
    )*};
}
native_numbers!(u8, u16, u32);

impl Native for bool {
    const NAME: &'static str = "yes or no";
    fn to_value(&self) -> Value {
        Value::Number(u64::from(*self))
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Number(0) => Some(false),
            Value::Number(1) => Some(true),
            _ => None,
        }
    }
}

impl Native for PublicKey {
    const NAME: &'static str = "public key of P-256";
    fn to_value(&self) -> Value {
        Value::PublicKey(*self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::PublicKey(key) => Some(*key),
            _ => None,
        }
    }
}

impl Native for PrivateKey {
    const NAME: &'static str = "private key of P-256";
    fn to_value(&self) -> Value {
        Value::PrivateKey(self.clone())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::PrivateKey(key) => Some(key.clone()),
            _ => None,
        }
    }
}

impl<const N: usize> Native for [u8; N] {
    const NAME: &'static str = "string of bytes";
    fn to_value(&self) -> Value {
        Value::bytes(self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => bytes.expose().try_into().ok(),
            _ => None,
        }
    }
}

/// Where the value of a field is one of a few: the enum names them, the number is what stands in the object.
macro_rules! native_choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl Native for $name {
            const NAME: &'static str = stringify!($name);
            fn to_value(&self) -> Value {
                Value::Number(match self { $(Self::$variant => $number),* })
            }
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $(Value::Number($number) => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

native_choice! {
    /// The images that ST's immutable root of trust starts.
    Images {
        /// Firmware only.
        Firmware = 1,
        /// Firmware and a data image for HDPL 2.
        FirmwareAndData = 2,
    }
}
native_choice! {
    /// The clock of a root of trust.
    Clock {
        /// 64 MHz.
        Mhz64 = 0,
        /// 200 MHz.
        Mhz200 = 1,
        /// 250 MHz.
        Mhz250 = 2,
    }
}
native_choice! {
    /// What option bit SRAM2_RST must say.
    Sram2Erase {
        /// Erased at reset.
        Erased = 0,
        /// Kept.
        Kept = 8,
    }
}
native_choice! {
    /// What option bit SRAM2_ECC must say.
    Sram2Ecc {
        /// Checked.
        On = 0,
        /// Not checked.
        Off = 0x40,
    }
}
native_choice! {
    /// Internal tampers 9 and 15.
    InternalTampers {
        /// Active.
        On = 0,
        /// Not active.
        Off = 0xC3,
    }
}

impl Native for ProductState {
    const NAME: &'static str = "product state";
    fn to_value(&self) -> Value {
        // Where FLASH_OPTSR has it.
        Value::Number(u64::from(self.code()) << 8)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) if number & !0xFF00 == 0 => Self::from_code((number >> 8) as u8),
            _ => None,
        }
    }
}

/// A struct whose fields are fields of a table, by their names.
macro_rules! kind {
    ($(#[$doc:meta])* $name:ident = $kind:expr; { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }

        impl $name {
            /// Its kind.
            pub const KIND: ObjectKind = $kind;

            /// The object, with all digests computed.
            ///
            /// # Errors
            /// None: every type is that of its field.
            pub fn to_object(&self) -> Result<Object, FieldError> {
                let mut object = Object::new(Self::KIND);
                $(object.set(stringify!($field), &self.$field.to_value())?;)*
                object.seal();
                Ok(object)
            }
        }

        impl TryFrom<&Object> for $name {
            type Error = KindError;

            fn try_from(object: &Object) -> Result<Self, KindError> {
                if object.kind() != Self::KIND {
                    return Err(KindError::Kind { expected: Self::KIND, found: object.kind() });
                }
                Ok(Self { $($field: read(object, stringify!($field))?),* })
            }
        }
    };
}

fn read<T: Native>(object: &Object, name: &'static str) -> Result<T, KindError> {
    let field = object.layout().field(name);
    let value = field.and_then(|field| T::from_value(&object.get(field)));
    let offset = field.map_or(0, |field| field.offset);
    value.ok_or(KindError::Value { field: name, offset, expected: T::NAME })
}

kind! {
    /// `OEMiRoT_Config`: keys of the OEM's immutable root of trust.
    OemirotConfig = ObjectKind::OemirotConfig; {
        /// Verifies secure firmware and data.
        secure_key: PublicKey,
        /// Verifies non-secure firmware and data.
        non_secure_key: PublicKey,
        /// Decrypts images.
        encryption_key: PrivateKey,
    }
}

kind! {
    /// `OEMuRoT_Config`: keys of the OEM's updatable root of trust, in an mcuboot image.
    OemurotConfig = ObjectKind::OemurotConfig; {
        /// Major version of the image.
        version_major: u8,
        /// Minor version of the image.
        version_minor: u8,
        /// Revision of the image.
        version_revision: u16,
        /// The chip refuses a lower one later.
        security_counter: u32,
        /// Verifies secure firmware and data.
        secure_key: PublicKey,
        /// Verifies non-secure firmware and data.
        non_secure_key: PublicKey,
        /// Decrypts images.
        encryption_key: PrivateKey,
    }
}

kind! {
    /// `STiRoT_Config`: settings and keys of ST's immutable root of trust. Offsets and sizes in bytes, whole sectors of 8 KB.
    StirotConfig = ObjectKind::StirotConfig; {
        /// What is started.
        images: Images,
        /// Clock while it runs.
        clock: Clock,
        /// Whether the firmware has no non-secure part.
        full_secure: bool,
        /// Whether to start the bootloader when no image is valid.
        bootloader_fallback: bool,
        /// Where the firmware runs, from the start of the flash.
        execution_offset: u32,
        /// Where new firmware is put, from the start of the flash.
        download_offset: u32,
        /// Size of each of the two areas.
        firmware_size: u32,
        /// Where data lies, from 0x0FFD0900.
        data_offset: u32,
        /// At most 0x2F0.
        data_size: u32,
        /// Where new data is put, from the start of the flash.
        data_download_offset: u32,
        /// Size of that area.
        data_download_size: u32,
        /// Size of the secure part of the firmware.
        secure_size: u32,
        /// Option bit SRAM2_RST.
        sram2_erase: Sram2Erase,
        /// Option bit SRAM2_ECC.
        sram2_ecc: Sram2Ecc,
        /// In an earlier product state the firmware is not started.
        minimal_state: ProductState,
        /// Decrypts images.
        encryption_key: PrivateKey,
        /// Verifies images.
        authentication_key: PublicKey,
        /// Tampers 9 and 15.
        internal_tampers: InternalTampers,
    }
}

kind! {
    /// `SM_Config_Other`: settings of ST's updatable root of trust for the Secure Manager.
    SmConfigOther = ObjectKind::SmConfigOther; {
        /// Clock while it starts.
        clock: Clock,
        /// Whether to start the bootloader when no STuROT is valid.
        bootloader_fallback: bool,
        /// In an earlier product state it is not started.
        minimal_state: ProductState,
    }
}

kind! {
    /// `STiRoT_Data`: what ST's immutable root of trust keeps.
    StirotData = ObjectKind::StirotData; {
        /// Zeros when provisioned.
        state: [u8; 64],
    }
}

macro_rules! image_records {
    ($(#[$doc:meta])* $name:ident = $kind:expr;) => {
        kind! {
            $(#[$doc])*
            $name = $kind; {
                /// Version of image 0 that runs.
                image_0_version: u32,
                /// The version installed before it.
                image_0_previous_version: u32,
                /// Version of image 1 that runs.
                image_1_version: u32,
                /// The version installed before it.
                image_1_previous_version: u32,
                /// Version of image 2 that runs.
                image_2_version: u32,
                /// The version installed before it.
                image_2_previous_version: u32,
                /// Version of image 3 that runs.
                image_3_version: u32,
                /// The version installed before it.
                image_3_previous_version: u32,
                /// SHA-256 of image 0.
                image_0_hash: [u8; 32],
                /// SHA-256 of image 1.
                image_1_hash: [u8; 32],
                /// SHA-256 of image 2.
                image_2_hash: [u8; 32],
                /// SHA-256 of image 3.
                image_3_hash: [u8; 32],
            }
        }
    };
}
image_records! {
    /// `OEMiRoT_Data`: what the OEM's immutable root of trust keeps.
    OemirotData = ObjectKind::OemirotData;
}
image_records! {
    /// `OEMuRoT_Data`: what the OEM's updatable root of trust keeps.
    OemurotData = ObjectKind::OemurotData;
}
