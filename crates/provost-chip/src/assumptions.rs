//! What public sources leave open, as switches of the virtual chip.
//!
//! Each switch has the values that the sources allow and a default that fits most of them. The host side of provost never
//! reads a switch: it must cope with every setting, or stop with nothing lost.

use std::fmt;

/// A switch as a person sees it: its name, its values, what it decides and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Switch {
    /// Name on the command line: `leave-rss-da`.
    pub name: &'static str,
    /// The open question.
    pub question: &'static str,
    /// The values, the default first.
    pub values: &'static [&'static str],
    /// Keys of [`crate::sources::Source`].
    pub source: &'static [&'static str],
    /// Whether the outcome of a rescue can depend on it (the others change only what a host sees on the way).
    pub concerns_rescue: bool,
}

/// A word that names no switch, or no value of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssumptionError {
    /// No such switch.
    #[error("unknown switch {name:?}; known: {known}")]
    UnknownSwitch {
        /// The word.
        name: String,
        /// The names that would have been accepted.
        known: String,
    },
    /// No such value.
    #[error("switch {name} has no value {value:?}; known: {known}")]
    UnknownValue {
        /// The switch.
        name: &'static str,
        /// The word.
        value: String,
        /// The values that would have been accepted.
        known: String,
    },
}

macro_rules! switches {
    ($(
        $(#[doc = $question:literal])+
        $type:ident $field:ident $name:literal [$($source:literal)+] $(($concerns:ident))? {
            $( $(#[doc = $doc:literal])+ $variant:ident $word:literal, )+
        }
    )+) => {
        $(
            $(#[doc = $question])+
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            #[expect(clippy::exhaustive_enums, reason = "whoever reads a switch must decide about every value")]
            pub enum $type { $( $(#[doc = $doc])+ $variant, )+ }

            impl $type {
                /// All values, the default first.
                pub const ALL: &'static [Self] = &[$(Self::$variant),+];

                /// The word for the command line.
                pub const fn as_str(self) -> &'static str {
                    match self { $(Self::$variant => $word),+ }
                }
            }

            impl Default for $type {
                fn default() -> Self { Self::ALL[0] }
            }
        )+

        /// One setting of all switches: one world that the public sources allow.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        #[allow(missing_docs, reason = "each field is documented by its type")]
        #[expect(clippy::exhaustive_structs, reason = "a world that its user fills in")]
        pub struct Assumptions { $(pub $field: $type,)+ }

        impl Assumptions {
            /// All switches.
            pub const fn switches() -> &'static [Switch] {
                const SWITCHES: &[Switch] = &[$(Switch {
                    name: $name,
                    question: concat!($($question),+).trim_ascii(),
                    values: &[$($word),+],
                    source: &[$($source),+],
                    concerns_rescue: switches!(@concerns $($concerns)?),
                }),+];
                SWITCHES
            }

            /// Sets one switch by name.
            ///
            /// # Errors
            /// Names the known switches, or the known values of this one.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), AssumptionError> {
                match name {
                    $($name => {
                        self.$field = $type::ALL.iter().copied().find(|v| v.as_str() == value).ok_or_else(|| {
                            AssumptionError::UnknownValue {
                                name: $name,
                                value: value.chars().take(40).collect(),
                                known: [$($word),+].join(", "),
                            }
                        })?;
                        Ok(())
                    })+
                    _ => Err(AssumptionError::UnknownSwitch {
                        name: name.chars().take(40).collect(),
                        known: [$($name),+].join(", "),
                    }),
                }
            }

            /// The value of one switch by name.
            pub fn get(&self, name: &str) -> Option<&'static str> {
                match name { $($name => Some(self.$field.as_str()),)+ _ => None }
            }
        }
    };
    (@concerns rescue) => { true };
    (@concerns) => { false };
}

switches! {
    /// Which word does the ROM answer to the Debug Authentication request STDA?
    ReplyWord reply_word "reply-word" ["OPTEE-MP21" "CUBEN6-DA"] (rescue) {
        /// It echoes STDA, as STM32MP21 does.
        Stda "stda",
        /// It answers DAOK, as ST's STM32N6 target does.
        Daok "daok",
    }
    /// What do the two bits of DBG_AUTH_ACK mean?
    AckRoles ack_roles "ack-roles" ["CUBEN6-DA" "OPTEE-MP21" "SVD"] (rescue) {
        /// Bit 0: the host's word waits to be read; bit 1: the device's word waits to be read, reading clears (ST's code).
        Code "code",
        /// The other way round, and the host clears the device's bit by a write (H5 SVD text).
        Svd "svd",
    }
    /// Are the fields of the discovery answer padded to four bytes?
    TlvPadding tlv_padding "tlv-padding" ["CUBEN6-DA" "OPTEE-MP21"] (rescue) {
        /// Packed, as ST's STM32N6 target does.
        Unpadded "unpadded",
        /// Padded, as STM32MP21 does.
        Padded "padded",
    }
    /// How does the discovery answer encode the product state in its life-cycle word?
    LifecycleWord lifecycle_word "lifecycle-word" ["CUBEN6-DA"] {
        /// Low byte is the nibble-swapped product state: 0x2071 for Provisioning.
        Swapped "swapped",
        /// Low byte is the product state: 0x2017 for Provisioning.
        Plain "plain",
    }
    /// In which byte order is the vendor id sent?
    VendorOrder vendor_order "vendor-order" ["CUBEN6-DA" "OPTEE-MP21"] {
        /// 20 00.
        Little "little",
        /// 00 20.
        Big "big",
    }
    /// What does discovery give as the SoC id?
    SocId soc_id "soc-id" ["AN6008" "WIKI-SOC" "ST-724541"] {
        /// The unique id.
        UniqueId "unique-id",
        /// The unique id, but zero in Closed (STM32H56x with a ROM up to SFSP 2.5.0).
        ZeroInClosed "zero-in-closed",
        /// Zero in every state.
        Zero "zero",
    }
    /// What makes a chip in Provisioning leave RSS-DA after discovery or a failed authentication?
    LeaveRssDa leave_rss_da "leave-rss-da" ["ROLLER-ECU" "H533-U2F" "WOLFTRUST"] (rescue) {
        /// An NRST pulse does (one H563, SFSP 2.5.0).
        Nrst "nrst",
        /// Only removing power does.
        Power "power",
    }
    /// And what makes one in a later state leave it?
    LeaveRssDaClosed leave_rss_da_closed "leave-rss-da-closed" ["ROLLER-ECU" "WOLFTRUST"] {
        /// An NRST pulse does.
        Nrst "nrst",
        /// Only removing power does, for ten seconds (one H563).
        Power "power",
    }
    /// What does the ROM do once it has opened debug?
    DebugGrant debug_grant "debug-grant" ["H533-U2F" "PROVOST"] {
        /// It goes on into the firmware.
        Boots "boots",
        /// It waits for a reset.
        Waits "waits",
    }
    /// At which isolation levels is debug open that was opened for one?
    DebugHdpl debug_hdpl "debug-hdpl" ["SVD" "PROVOST"] {
        /// From that level on.
        FromThereOn "from-there-on",
        /// At that level alone.
        OnlyThere "only-there",
    }
    /// What does DBGMCU_SR show of AP1 while the level for which debug was opened is not reached?
    DebugWaiting debug_waiting "debug-waiting" ["SVD" "PROVOST"] {
        /// That it is shut.
        Shut "shut",
        /// That it is open; accesses fault all the same.
        Shown "shown",
    }
    /// Does a write of TZEN take effect in Provisioning?
    TzenInProvisioning tzen_in_provisioning "tzen-in-provisioning" ["WOLFTRUST" "CUBEH5-ROT" "ST-827599"] (rescue) {
        /// It is ignored (one H563).
        Ignored "ignored",
        /// It takes effect at the next reset (ST's regression script counts on it).
        Writable "writable",
    }
    /// What happens when the provisioning service has succeeded?
    RssReturn rss_return "rss-return" ["CMSIS" "AN2606"] (rescue) {
        /// It returns 0xEAEAEAEA.
        Returns "returns",
        /// It does not return: the chip resets.
        Resets "resets",
    }
    /// Which checksum does the provisioning service expect?
    RssChecksum rss_checksum "rss-checksum" ["ST-843175" "CMSIS"] (rescue) {
        /// CRC-32 of the STM32 CRC unit (0x04C11DB7, initial 0xFFFFFFFF, no reflection, no final xor) over 32-bit words.
        Crc32Words "crc32-words",
        /// The same polynomial over bytes in memory order (CRC-32/MPEG-2).
        Crc32Bytes "crc32-bytes",
        /// CRC-32/ISO-HDLC over bytes.
        Crc32Iso "crc32-iso",
        /// None of those that provost tries.
        Unlisted "unlisted",
    }
    /// Which encryption word of a provisioning request asks for encryption?
    RssEncryptWord rss_encrypt_word "rss-encrypt-word" ["H7RS-RSS" "ST-843175" "ST-887685"] (rescue) {
        /// One that is not public; 0xCACA0AA0 stores as it is, every other word is refused with 0xF5F5E00E.
        Strict "strict",
        /// Store as it is; every other word encrypts.
        CacaIsPlain "caca-is-plain",
        /// Encrypt; every other word stores as it is.
        CacaIsEncrypted "caca-is-encrypted",
    }
    /// Can the provisioning service be called from the debugger with TrustZone off?
    RssTzOff rss_tz_off "rss-tz-off" ["ST-887685" "CUBEH5-ROT"] (rescue) {
        /// It works in Provisioning (ST's tool provisions such chips).
        Works "works",
        /// The call faults (as it did for user firmware in Open).
        Faults "faults",
    }
    /// What does discovery say of a plain object on a part with secure AES?
    PlainObject plain_object "plain-object" ["ST-789419" "PROVOST"] (rescue) {
        /// Invalid: decrypting it breaks the hash.
        Invalid "invalid",
        /// Valid, although it never authenticates.
        LooksValid "looks-valid",
    }
    /// What does a half-word of OTP that was never programmed read as?
    OtpBlankRead otp_blank_read "otp-blank-read" ["ST-889964" "RM0481"] {
        /// Reading it is a bus fault (owners of STM32H503).
        Faults "faults",
        /// 0xFFFF, with a double error flagged (reference manual: only set bits are returned).
        Ones "ones",
    }
    /// Does a chip in Open answer a discovery?
    OpenDiscovery open_discovery "open-discovery" ["WOLFTRUST" "AN6008"] {
        /// No: it boots normally.
        Silent "silent",
        /// Yes, with integrity 0xF5F5F5F5.
        Answers "answers",
    }
    /// At which addresses does AP0 show DBGMCU?
    DbgmcuAddress dbgmcu_address "dbgmcu-address" ["DFP" "BLACKMAGIC"] (rescue) {
        /// At both: the APB-AP decodes only low address bits.
        Both "both",
        /// Only at 0xE0044000 (device family pack, ST's OpenOCD).
        E0044000 "e0044000",
        /// Only at 0xE00E4000 (ROM table).
        E00E4000 "e00e4000",
    }
    /// Does the ROM bootloader acknowledge a special command that resets the chip?
    BootFinalAck boot_final_ack "boot-final-ack" ["OPENBL" "AN2606"] {
        /// It says its last word, then resets (ST's open bootloader).
        Sent "sent",
        /// The reset cuts it off.
        Lost "lost",
    }
    /// Which protocol version does the ROM bootloader give on its serial line?
    BootVersion boot_version "boot-version" ["AN2606" "OPENBL"] {
        /// 0x40 (AN2606: V4.0).
        V40 "0x40",
        /// 0x31 (ST's open bootloader).
        V31 "0x31",
    }
    /// Does GET list the opcodes of a readout protection that STM32H5 does not have?
    BootReadoutOpcodes boot_readout_opcodes "boot-readout-opcodes" ["CUBEH5-OPENBL" "OPENBL"] {
        /// No (ST's STM32H573 example).
        Absent "absent",
        /// Yes, 0x82 and 0x92.
        Present "present",
    }
    /// Does the ROM bootloader serve special commands over USB?
    BootUsbSpecial boot_usb_special "boot-usb-special" ["AN2606"] {
        /// Yes, in block 0 of a download.
        Served "served",
        /// No: it reports an error.
        Refused "refused",
    }
    /// Which option bytes do the alternate settings of the ROM bootloader's USB device show?
    BootUsbOptions boot_usb_options "boot-usb-options" ["CUBEH5-OPENBL"] {
        /// Two areas, which are the two images (ST's STM32H573 example).
        TwoAreas "two-areas",
        /// One area of 432 bytes (ST's example for a sister family).
        OneArea "one-area",
        /// None.
        Absent "absent",
    }
    /// Does the ROM bootloader's USB device tell its DEV_ID in a string?
    BootUsbDeviceId boot_usb_device_id "boot-usb-device-id" ["CUBEH5-OPENBL"] {
        /// Yes, in string 0x14 (ST's STM32H573 example).
        Told "told",
        /// No.
        Absent "absent",
    }
    /// How long does the ROM bootloader ask a USB host to wait for each piece of work?
    BootUsbPoll boot_usb_poll "boot-usb-poll" ["CUBEH5-OPENBL"] {
        /// 244 ms: 500 ms, cut to one byte (ST's STM32H573 example).
        Example "244-ms",
        /// 1 ms.
        Short "1-ms",
    }
    /// Can a debugger write a later product state in iROT-Provisioned or TZ-Closed?
    ForwardFromClosed forward_from_closed "forward-from-closed" ["WOLFTRUST" "LAT"] {
        /// No (one H563).
        Refused "refused",
        /// Yes, while AP1 is open.
        Allowed "allowed",
    }
}

impl Assumptions {
    /// Takes over every switch that `other` has away from its default.
    pub fn adopt(&mut self, other: &Self) {
        if *other == Self::default() {
            return;
        }
        for switch in Self::switches() {
            if let Some(value) = other.get(switch.name).filter(|value| *value != switch.values[0]) {
                // Names and values come from the table itself.
                let _ = self.set(switch.name, value);
            }
        }
    }

    /// Every combination of the named switches, the others at their default.
    ///
    /// Names that are no switch are passed over.
    pub fn combinations(names: &[&str]) -> impl Iterator<Item = Assumptions> {
        let chosen: Vec<&'static Switch> = Self::switches().iter().filter(|s| names.contains(&s.name)).collect();
        let count: usize = chosen.iter().map(|s| s.values.len()).product();
        (0..count).map(move |index| {
            let mut rest = index;
            let mut assumptions = Assumptions::default();
            for switch in &chosen {
                let value = switch.values[rest % switch.values.len()];
                rest /= switch.values.len();
                // Names and values come from the table itself.
                let _ = assumptions.set(switch.name, value);
            }
            assumptions
        })
    }
}

/// Shows what differs from the defaults: `reply-word=daok,leave-rss-da=power`, or `defaults`.
impl fmt::Display for Assumptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for switch in Self::switches() {
            let value = self.get(switch.name).unwrap_or_default();
            if value != switch.values[0] {
                write!(f, "{}{}={value}", if first { "" } else { "," }, switch.name)?;
                first = false;
            }
        }
        if first { f.write_str("defaults") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Source;

    #[test]
    fn every_value_of_every_switch_can_be_set_and_read() {
        for switch in Assumptions::switches() {
            assert!(switch.source.iter().all(|key| Source::find(key).is_some()), "{}", switch.name);
            assert_eq!(Assumptions::default().get(switch.name), Some(switch.values[0]));
            for value in switch.values {
                let mut a = Assumptions::default();
                a.set(switch.name, value).unwrap();
                assert_eq!(a.get(switch.name), Some(*value));
            }
        }
    }

    #[test]
    fn wrong_words_are_answered_with_the_right_ones() {
        let mut a = Assumptions::default();
        assert!(a.set("reply", "stda").unwrap_err().to_string().contains("reply-word"));
        assert!(a.set("reply-word", "oeda").unwrap_err().to_string().contains("stda, daok"));
        assert_eq!(a, Assumptions::default());
    }

    #[test]
    fn adopting_keeps_what_the_other_leaves_at_its_default() {
        let mut a = Assumptions::default();
        a.set("reply-word", "daok").unwrap();
        let mut b = Assumptions::default();
        b.set("leave-rss-da", "power").unwrap();
        a.adopt(&b);
        assert_eq!(a.to_string(), "reply-word=daok,leave-rss-da=power");
    }

    #[test]
    fn combinations_are_the_full_product() {
        let all: std::collections::HashSet<_> =
            Assumptions::combinations(&["rss-checksum", "dbgmcu-address", "reply-word"]).collect();
        assert_eq!(all.len(), 4 * 3 * 2);
        assert_eq!(Assumptions::combinations(&[]).count(), 1);
    }

    #[test]
    fn display_names_what_differs() {
        let mut a = Assumptions::default();
        assert_eq!(a.to_string(), "defaults");
        a.set("reply-word", "daok").unwrap();
        a.set("leave-rss-da", "power").unwrap();
        assert_eq!(a.to_string(), "reply-word=daok,leave-rss-da=power");
    }
}
