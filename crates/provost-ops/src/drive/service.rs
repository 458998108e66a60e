//! Provisioning over SWD: find the service in ROM, place a request in SRAM3, run the core at it, read what came of it.
//!
//! ST's tool does the same behind `-sdp`; how is not public. The call is legal from the non-secure state because the
//! function is a non-secure-callable one (CMSIS header), and what it refuses it refuses without writing.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use provost_chip::{
    assumptions::RssChecksum,
    parts::PartId,
    registers::{memory, rss},
    rss_status::{self, RssStatus},
    states::TrustZone,
};
use provost_link::{
    LinkError,
    core::{Call, CallOutcome, Core},
};
use provost_obk::da::DESTINATION;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::session::Session;
use crate::{
    Narrator,
    fault::{Result, fail, faults},
};

const HALT_TIMEOUT: Duration = Duration::from_millis(100);
/// Storing takes an erase and some programming (10 ms at most each); encryption is fast.
const SERVICE_TIMEOUT: Duration = Duration::from_millis(1000);
const POLL: Duration = Duration::from_millis(2);

// Where things lie in SRAM3.
// Behind the largest object: a whole HDPL range.
pub(crate) const REQUEST_OFFSET: u32 = 0x2000;
const RETURN_OFFSET: u32 = 0x2100;
const STACK_OFFSET: u32 = 0x3000;
/// BKPT #0, twice.
const BREAKPOINTS: u32 = 0xBE00_BE00;

/// The checksums that provost knows, likeliest first.
pub const CHECKSUMS: [RssChecksum; 3] = [RssChecksum::Crc32Words, RssChecksum::Crc32Bytes, RssChecksum::Crc32Iso];

/// The encryption word of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EncryptWord(u32);

impl EncryptWord {
    /// 0: anything but the one word seen in public.
    pub const ZERO: Self = Self(0);
    /// 0xCACA0AA0, the one word seen in public: most likely "as it is".
    pub const CACA: Self = Self(rss::ENCRYPT_WORD_CACA);

    /// The words that are tried unasked, in the order that can do no harm. 0 first: a ROM that knows two words refuses it and has
    /// written nothing; where it asks for encryption, a part that cannot encrypt refuses it too. Only a ROM that takes everything
    /// but 0xCACA0AA0 as "as it is" stores a plain object, and that one encrypts with the next word. The other way round a part with
    /// secure AES would first get a plain object, over an encrypted one that may have been its way back.
    pub const PUBLIC: [Self; 2] = [Self::ZERO, Self::CACA];

    /// A word that somebody knows.
    pub const fn new(word: u32) -> Self {
        Self(word)
    }

    /// The word.
    pub const fn value(self) -> u32 {
        self.0
    }

    /// The word that asks for the opposite, as far as one is known.
    pub fn opposite(self) -> Self {
        if self == Self::CACA { Self::ZERO } else { Self::CACA }
    }
}

/// `0x00000000` or `0xCACA0AA0`.
impl fmt::Display for EncryptWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)
    }
}

/// A text that is no word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an encryption word is written as 0x and up to eight hexadecimal digits, or as 0")]
pub struct NoEncryptWord;

impl FromStr for EncryptWord {
    type Err = NoEncryptWord;

    fn from_str(text: &str) -> Result<Self, NoEncryptWord> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        match digits {
            _ if text == "0" => Ok(Self::ZERO),
            Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                u32::from_str_radix(digits, 16).map(Self).map_err(|_| NoEncryptWord)
            }
            _ => Err(NoEncryptWord),
        }
    }
}

impl Serialize for EncryptWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for EncryptWord {
    fn schema_name() -> Cow<'static, str> {
        "EncryptWord".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = Schema::default();
        schema.insert("type".to_owned(), "string".into());
        schema.insert("pattern".to_owned(), "^0x[0-9A-F]{8}$".into());
        schema
    }
}

impl<'de> Deserialize<'de> for EncryptWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<'de, str>::deserialize(deserializer)?;
        word.parse().map_err(|_| D::Error::custom(format!("unknown encryption word {word:?}")))
    }
}

/// Whether public words are all there is to try on these parts after 0 was refused: a part with secure AES could only be given a
/// plain object then, which it cannot use.
pub fn words_end_at_zero(parts: &[PartId]) -> bool {
    parts.iter().all(|part| part.info().crypto)
}

faults! {
    /// Why the provisioning service is of no use.
    pub enum ServiceError {
        /// The ROM's descriptor was not found.
        #[error("no RSS descriptor with magic {magic} at any known address")]
        NoDescriptor {
            /// The magic.
            magic: String,
        } = "rss-no-descriptor", Refused {
            causes: ["a ROM version that provost does not know"],
            next: ["please report DEV_ID and revision; nothing was written"],
        }
        /// It refuses every checksum.
        #[error("the provisioning service refused each of the {tried} checksums that provost knows (last status {})", rss_status::describe(*status))]
        ChecksumUnknown {
            /// How many were tried.
            tried: usize,
            /// The last status.
            status: u32,
        } = "rss-checksum-unknown", PersonMustAct, [RssChecksum] {
            causes: ["the ROM expects a checksum that is not among those that provost knows"],
            next: [
                "nothing was written and the chip is as rescuable as before (where `status` shows a pending state: do not reset it): provision DA_Config.obk from the credential folder with STM32CubeProgrammer (-sdp), then `provost auth regress --credential DIR`",
                "please report it with -vv: one trace settles this question for everybody",
            ],
        }
        /// It refuses the one public word that could ask for encryption, on a part that needs it.
        #[error("the provisioning service takes neither public word for `encrypt` (status {})", rss_status::describe(*status))]
        EncryptWordUnknown {
            /// The status.
            status: u32,
        } = "rss-encrypt-word-unknown", PersonMustAct, [RssEncryptWord, CryptoNeedsEncrypted] {
            causes: ["this ROM asks for a word of its own before it encrypts, which is not public; a part with secure AES can use no other object"],
            next: [
                "nothing was written and the chip is as rescuable as before (where `status` shows a pending state: do not reset it): provision DA_Config.obk (TrustZone on) or DA_ConfigWithPassword.obk (off) from the credential folder with STM32CubeProgrammer (-sdp), then `provost auth regress --credential DIR`",
                "if you know the word, the same command with --encrypt-word 0x…",
                "please report it with -vv: one trace of ST's tool settles this question for everybody",
            ],
        }
        /// The next word could replace the user's object by one that the chip cannot use.
        #[error("the provisioning service does not know the encryption word 0, and whether this {parts} has secure AES decides what may be tried next")]
        PartNeeded {
            /// The parts it may be, in words.
            parts: String,
        } = "rss-part-needed", PersonMustAct, [DevIdNotCrypto, RssEncryptWord, CryptoNeedsEncrypted] {
            causes: ["DEV_ID alone does not tell parts with secure AES from those without"],
            next: ["name the part as printed on the package with --part and run the same command again; nothing was written"],
        }
        /// It cannot be called.
        #[error("the provisioning service cannot be called with TrustZone {tz}, and TZEN cannot be changed here")]
        Unreachable {
            /// The setting.
            tz: TrustZone,
        } = "rss-unreachable", PersonMustAct, [RssTzOff, TzenInProvisioning] {
            causes: ["with TrustZone off this ROM does not let the debugger call its provisioning service"],
            next: [
                "nothing was written and the chip is as rescuable as before: provision DA_ConfigWithPassword.obk from the credential folder with STM32CubeProgrammer (-sdp), then `provost auth regress --credential DIR`",
            ],
        }
    }
}

/// What the service did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It returned success.
    Stored,
    /// It did not return, the chip has reset: stored, by the CMSIS header's account. Discovery will tell.
    Reset,
    /// The checksum is wrong; nothing was written.
    WrongChecksum {
        /// The status.
        status: u32,
    },
    /// Refused; nothing was written.
    Refused {
        /// The status.
        status: u32,
    },
    /// The call faulted; nothing was written.
    Faulted,
}

/// The service of one chip: where its entry lies and where its SRAM3 does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    entry: u32,
    sram3: u32,
}

impl Service {
    /// Finds the service through the ROM's descriptor, as ST's boot code does: the table moves with the ROM version.
    ///
    /// # Errors
    /// [`ServiceError::NoDescriptor`] if no magic is found.
    pub fn find(session: &mut Session, parts: &[PartId]) -> Result<Self> {
        // Parts that share a DEV_ID share their ROM and their SRAM.
        let Some(info) = parts.first().map(|p| p.info()) else {
            return fail(ServiceError::NoDescriptor { magic: String::new() });
        };
        for base in info.rss_descriptors {
            let mut magic = [0; 2];
            session.ap1().read_block32(base + rss::DESCRIPTOR_MAGIC, &mut magic)?;
            if magic.map(u32::to_le_bytes).concat() == info.rss_magic {
                let entry = session.ap1().read32(base + rss::DESCRIPTOR_TABLE)?;
                return Ok(Self { entry, sram3: info.sram3.base });
            }
        }
        fail(ServiceError::NoDescriptor { magic: String::from_utf8_lossy(&info.rss_magic).into_owned() })
    }

    /// Asks the service to store a payload at an address of the option-byte keys.
    ///
    /// # Errors
    /// The link breaks; whether the service has run is then unknown.
    pub fn provision(
        &self,
        session: &mut Session,
        (destination, payload): (u32, &[u8]),
        checksum: RssChecksum,
        encrypt: EncryptWord,
    ) -> Result<Answer, LinkError> {
        let words = request(self.sram3, destination, payload, checksum, encrypt);
        let data: Vec<u32> = payload
            .chunks_exact(4)
            .map(|c| c.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
            .collect();
        let mut ap1 = session.ap1();
        Core::new(&mut ap1).halt(HALT_TIMEOUT)?;
        ap1.write_block32(self.sram3, &data)?;
        ap1.write_block32(self.sram3 + REQUEST_OFFSET, &words)?;
        ap1.write32(self.sram3 + RETURN_OFFSET, BREAKPOINTS)?;
        let call = Call {
            function: self.entry,
            arguments: [self.sram3 + REQUEST_OFFSET, 0, 0, 0],
            stack: self.sram3 + STACK_OFFSET,
            return_address: self.sram3 + RETURN_OFFSET,
            mask_interrupts: true,
            timeout: SERVICE_TIMEOUT,
            poll: POLL,
        };
        Ok(match Core::new(&mut ap1).call(&call)? {
            CallOutcome::Returned { r0 } if r0 == RssStatus::Success.word() => Answer::Stored,
            CallOutcome::Returned { r0: status } if status == RssStatus::Checksum.word() => {
                Answer::WrongChecksum { status }
            }
            CallOutcome::Returned { r0 } => Answer::Refused { status: r0 },
            CallOutcome::ResetSeen => Answer::Reset,
            // AP1 shuts while the ROM boots again: the same as a reset.
            CallOutcome::LinkLost(LinkError::Fault { .. } | LinkError::ApDisabled { .. }) => Answer::Reset,
            CallOutcome::LinkLost(error) => return Err(error),
            _ => Answer::Faulted,
        })
    }
}

/// What came of having an object stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is in the chip; with which checksum.
    Yes {
        /// The checksum.
        checksum: RssChecksum,
        /// Whether AP1 is open: a service that resets the chip may leave it in its ROM.
        ap1_open: bool,
    },
    /// The service refuses it in this form; nothing was written.
    Refused {
        /// The status.
        status: u32,
    },
    /// The service cannot be called with this TrustZone setting; nothing was written. The core is locked up: a reset frees it.
    Faulted,
}

/// The service of one chip, and what was learnt of it on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provisioner {
    service: Service,
    checksum: Option<RssChecksum>,
}

impl Provisioner {
    /// Finds the service. A checksum that it is known to take is the only one tried.
    ///
    /// # Errors
    /// As [`Service::find`].
    pub fn find(session: &mut Session, parts: &[PartId], known: Option<RssChecksum>) -> Result<Self> {
        Ok(Self { service: Service::find(session, parts)?, checksum: known })
    }

    /// The checksum that the service was found to take.
    pub const fn checksum(&self) -> Option<RssChecksum> {
        self.checksum
    }

    /// Has an object stored, over the checksums in their order. Each call is announced first: the chip may be written by it.
    ///
    /// # Errors
    /// [`ServiceError::ChecksumUnknown`]; the announcement fails; the link breaks: whether the service has run is then unknown.
    pub fn store(
        &mut self,
        session: &mut Session,
        object: (u32, &[u8]),
        word: EncryptWord,
        announce: &mut dyn FnMut(RssChecksum) -> Result<()>,
        narrator: &mut dyn Narrator,
    ) -> Result<Stored> {
        let candidates: Vec<RssChecksum> = self.checksum.map_or_else(|| CHECKSUMS.to_vec(), |known| vec![known]);
        let mut last = 0;
        for &checksum in &candidates {
            announce(checksum)?;
            let answer = self.service.provision(session, object, checksum, word)?;
            match answer {
                Answer::WrongChecksum { status } => {
                    narrator.note(&format!(
                        "checksum {} refused ({})",
                        checksum.as_str(),
                        rss_status::describe(status)
                    ));
                    last = status;
                }
                Answer::Stored | Answer::Reset => {
                    self.checksum = Some(checksum);
                    let reset = answer == Answer::Reset;
                    narrator.note(if reset { "the chip has reset: stored" } else { "the service stored it" });
                    let ap1_open = !reset || session.wait_for_ap1()?;
                    return Ok(Stored::Yes { checksum, ap1_open });
                }
                Answer::Refused { status } => {
                    self.checksum = Some(checksum);
                    narrator.note(&format!(
                        "the service refused it ({}), nothing was written",
                        rss_status::describe(status)
                    ));
                    return Ok(Stored::Refused { status });
                }
                Answer::Faulted => {
                    narrator.note("the service cannot be called here, nothing was written");
                    return Ok(Stored::Faulted);
                }
            }
        }
        fail(ServiceError::ChecksumUnknown { tried: candidates.len(), status: last })
    }
}

/// `RSSLIB_DataProvisioningConf_t`: source, destination, size, encryption word, checksum over the data and these four.
pub(crate) fn request(
    source: u32,
    destination: u32,
    payload: &[u8],
    checksum: RssChecksum,
    encrypt: EncryptWord,
) -> [u32; 5] {
    let fields = [source, destination, payload.len() as u32, encrypt.value()];
    let mut covered = payload.to_vec();
    covered.extend(fields.iter().flat_map(|f| f.to_le_bytes()));
    let [source, destination, size, encrypt] = fields;
    [source, destination, size, encrypt, compute(checksum, &covered)]
}

fn compute(flavour: RssChecksum, covered: &[u8]) -> u32 {
    const MPEG2: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_MPEG_2);
    const ISO_HDLC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    match flavour {
        // The CRC unit of the chip takes words, most significant bit first.
        RssChecksum::Crc32Words => {
            let turned: Vec<u8> = covered.chunks(4).flat_map(|word| word.iter().rev().copied()).collect();
            MPEG2.checksum(&turned)
        }
        RssChecksum::Crc32Bytes => MPEG2.checksum(covered),
        RssChecksum::Crc32Iso | RssChecksum::Unlisted => ISO_HDLC.checksum(covered),
    }
}

const _: () = assert!(DESTINATION == memory::OBK_SECURE + memory::OBK_DA_OFFSET);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_have_their_published_check_values() {
        // CRC RevEng catalogue, "123456789"; AN4187 for the STM32 CRC unit.
        assert_eq!(compute(RssChecksum::Crc32Bytes, b"123456789"), 0x0376_E6E7);
        assert_eq!(compute(RssChecksum::Crc32Iso, b"123456789"), 0xCBF4_3926);
        assert_eq!(compute(RssChecksum::Crc32Words, &0x1234_5678u32.to_le_bytes()), 0xDF8A_8A2B);
    }

    #[test]
    fn any_word_can_be_given_and_is_written_one_way() {
        for (text, word) in [
            ("0", 0),
            ("0x0", 0),
            ("0xCACA0AA0", 0xCACA_0AA0),
            ("0xcaca0aa0", 0xCACA_0AA0),
            ("0x12345678", 0x1234_5678),
        ] {
            assert_eq!(text.parse(), Ok(EncryptWord::new(word)), "{text}");
            assert_eq!(EncryptWord::new(word).to_string().parse(), Ok(EncryptWord::new(word)));
        }
        for text in ["", "1", "0x", "0x123456789", "0x+1", "caca0aa0", "-0x1"] {
            assert_eq!(text.parse::<EncryptWord>(), Err(NoEncryptWord), "{text}");
        }
        assert_eq!(EncryptWord::ZERO.to_string(), "0x00000000");
    }

    #[test]
    fn a_request_is_five_words_in_the_header_s_order() {
        let words = request(0x2003_4000, DESTINATION, &[0; 0x60], RssChecksum::Crc32Words, EncryptWord::CACA);
        assert_eq!(words[..4], [0x2003_4000, 0x0FFD_0100, 0x60, 0xCACA_0AA0]);
    }
}
