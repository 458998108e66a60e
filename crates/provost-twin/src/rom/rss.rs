//! The provisioning service: checks a request in SRAM3, then stores its data in the option-byte keys.

use std::ops::Range;

use provost_chip::{
    assumptions::{Assumptions, RssChecksum},
    model::{
        Chip,
        provisioning::{self, Call, EncryptionWord, Service},
    },
    registers::{memory, rss},
    rss_status::RssStatus,
    rules::Decision,
};
use sha2::{Digest, Sha256};

use super::stop_at_breakpoint;
use crate::silicon::Silicon;

/// `RSSLIB_DataProvisioningConf_t` (CMSIS header).
struct Request {
    source: u32,
    destination: u32,
    size: u32,
    encrypt_word: u32,
    checksum: u32,
}

/// Stands for the word with which ST's tool asks for encryption, which is not public: no silicon takes this one.
pub const INVENTED_ENCRYPT_WORD: u32 = 0x1BAD_C0DE;

/// The largest object of ST's samples is 0x150 bytes; the area itself bounds every request.
const LARGEST: u32 = memory::OBK_SIZE;

/// The core was resumed at DataProvisioning.
pub(crate) fn data_provisioning(silicon: &mut Silicon) {
    let request = silicon.core().argument(0);
    let (status, resets) = match perform(silicon, request, provisioning::service) {
        Outcome::Fault => {
            silicon.core().lock_up();
            return;
        }
        Outcome::Status(status) => (status, false),
        Outcome::Stored { resets } => (RssStatus::Success.word(), resets),
    };
    if resets {
        silicon.system_reset();
        return;
    }
    silicon.core().return_value(status);
    stop_at_breakpoint(silicon);
}

/// Stores a Debug Authentication payload as the service does on this part, without asking for a state: for making chips.
pub(crate) fn store_da(silicon: &mut Silicon, payload: &[u8]) {
    let offset = memory::OBK_DA_OFFSET as usize;
    let crypto = silicon.identity().part.info().crypto;
    let stored = if crypto { seal(silicon, offset, payload) } else { payload.to_vec() };
    silicon.nvm_mut().replace_obk(offset, &stored);
    silicon.project();
}

/// What a call of the service came to.
pub(crate) enum Outcome {
    Fault,
    Status(u32),
    Stored { resets: bool },
}

/// The bootloader calls the service for a host: special command 0x0083.
pub(crate) fn for_the_bootloader(silicon: &mut Silicon, request: u32) -> Outcome {
    perform(silicon, request, provisioning::service_by_bootloader)
}

/// What the model says of a call.
type Decide = fn(&Chip, Call, &Assumptions) -> Decision<Service>;

fn perform(silicon: &mut Silicon, request: u32, decide: Decide) -> Outcome {
    let Some(request) = read_request(silicon, request) else { return Outcome::Fault };
    let Some((data, call)) = check(silicon, &request) else {
        // A call that faults does so before it looks at its arguments.
        let probe = Call { checksum: RssChecksum::Unlisted, word: EncryptionWord::Zero };
        return match decide(silicon.chip(), probe, silicon.assumptions()).outcome {
            Service::Faults => Outcome::Fault,
            _ => Outcome::Status(RssStatus::Error.word()),
        };
    };
    match decide(silicon.chip(), call, silicon.assumptions()).outcome {
        Service::Faults => Outcome::Fault,
        Service::Refuses(status) => Outcome::Status(status.word()),
        Service::Stores { encrypted, resets } => {
            let offset = (request.destination - memory::OBK_SECURE) as usize;
            let stored = if encrypted { seal(silicon, offset, &data) } else { data };
            silicon.nvm_mut().replace_obk(offset, &stored);
            silicon.project();
            Outcome::Stored { resets }
        }
    }
}

fn read_request(silicon: &Silicon, address: u32) -> Option<Request> {
    let mut words = [0; 5];
    for (word, at) in words.iter_mut().zip(0..) {
        *word = silicon.sram().read(address.checked_add(at * 4)?)?;
    }
    let [source, destination, size, encrypt_word, checksum] = words;
    Some(Request { source, destination, size, encrypt_word, checksum })
}

/// The data, and how the call looks to the model; `None` if the request breaks rule R-RSS-SOURCE-IN-SRAM3.
fn check(silicon: &Silicon, request: &Request) -> Option<(Vec<u8>, Call)> {
    let sram3 = silicon.identity().part.info().sram3;
    let offset = request.destination.checked_sub(memory::OBK_SECURE)?;
    let inside = offset >= memory::OBK_DA_OFFSET && offset.checked_add(request.size)? <= memory::OBK_SIZE;
    let aligned = request.size.is_multiple_of(16) && offset.is_multiple_of(16) && request.source.is_multiple_of(4);
    if !inside
        || !aligned
        || request.size == 0
        || request.size > LARGEST
        || !sram3.contains(request.source, request.size)
    {
        return None;
    }
    let data = silicon.sram().bytes(request.source, request.size)?;
    let mut covered = data.clone();
    for word in [request.source, request.destination, request.size, request.encrypt_word] {
        covered.extend(word.to_le_bytes());
    }
    let wanted = silicon.assumptions().rss_checksum;
    let matches = checksum(wanted, &covered) == Some(request.checksum);
    // A checksum that matches was made the way this chip expects; any other is as good as unlisted.
    let checksum = if matches { wanted } else { RssChecksum::Unlisted };
    let word = match request.encrypt_word {
        rss::ENCRYPT_WORD_CACA => EncryptionWord::Caca,
        INVENTED_ENCRYPT_WORD => EncryptionWord::Unpublished,
        _ => EncryptionWord::Zero,
    };
    Some((data, Call { checksum, word }))
}

/// The checksum over the data and the four fields before it, in each of the flavours that the switch knows.
fn checksum(flavour: RssChecksum, covered: &[u8]) -> Option<u32> {
    Some(match flavour {
        // The CRC unit takes 32-bit words, most significant bit first: the same as bytes with each word turned round.
        RssChecksum::Crc32Words => {
            let turned: Vec<u8> = covered.chunks(4).flat_map(|word| word.iter().rev().copied()).collect();
            mpeg2(&turned)
        }
        RssChecksum::Crc32Bytes => mpeg2(covered),
        RssChecksum::Crc32Iso => iso_hdlc(covered),
        RssChecksum::Unlisted => return None,
    })
}

/// CRC-32/MPEG-2, bit by bit: the model stays independent of the host's tables.
fn mpeg2(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |c, _| if c >> 31 == 1 { c << 1 ^ 0x04C1_1DB7 } else { c << 1 })
    })
}

/// CRC-32/ISO-HDLC, bit by bit.
fn iso_hdlc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0xEDB8_8320 } else { c >> 1 })
    })
}

/// What the chip's own encryption does to stored data, and undoes: a key stream of the chip's unique id.
///
/// On silicon it is AES-256-CBC under the derived hardware unique key, which no host ever sees; only that plain data does
/// not decrypt to itself can be seen from outside.
fn seal(silicon: &Silicon, offset: usize, data: &[u8]) -> Vec<u8> {
    let uid = silicon.identity().uid;
    let mut sealed = Vec::with_capacity(data.len());
    for (block, chunk) in data.chunks(32).enumerate() {
        let mut hash = Sha256::new();
        for word in uid {
            hash.update(word.to_le_bytes());
        }
        hash.update((offset as u64 + block as u64 * 32).to_le_bytes());
        sealed.extend(chunk.iter().zip(hash.finalize()).map(|(byte, key)| byte ^ key));
    }
    sealed
}

/// Whether the first 32 bytes are the SHA-256 of the rest.
pub(crate) fn carries_its_hash(object: &[u8]) -> bool {
    object.split_at_checked(32).is_some_and(|(hash, body)| Sha256::digest(body).as_slice() == hash)
}

/// What was stored encrypted in this range of the keys, in the clear; bytes that were stored otherwise come out as nonsense.
pub(crate) fn opened(silicon: &Silicon, range: Range<usize>) -> Option<Vec<u8>> {
    let stored = silicon.nvm().obk().get(range.clone())?;
    silicon.identity().part.info().crypto.then(|| seal(silicon, range.start, stored))
}

/// An object that carries its own hash, in the clear, and whether the chip had encrypted it.
pub(crate) fn object(silicon: &Silicon, range: Range<usize>) -> Option<(Vec<u8>, bool)> {
    if let Some(opened) = opened(silicon, range.clone()).filter(|bytes| carries_its_hash(bytes)) {
        return Some((opened, true));
    }
    let stored = silicon.nvm().obk().get(range)?;
    carries_its_hash(stored).then(|| (stored.to_vec(), false))
}

/// The Debug Authentication payload as the ROM would use it, and whether the chip had encrypted it.
pub(crate) fn da_payload(silicon: &Silicon) -> Option<(Vec<u8>, bool)> {
    let offset = memory::OBK_DA_OFFSET as usize;
    object(silicon, offset..offset + memory::DA_SIZE as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_catalogue() {
        // Check values of the CRC RevEng catalogue over "123456789".
        assert_eq!(mpeg2(b"123456789"), 0x0376_E6E7);
        assert_eq!(iso_hdlc(b"123456789"), 0xCBF4_3926);
        // The STM32 CRC unit over the word 0x12345678 gives 0xDF8A8A2B (AN4187).
        assert_eq!(checksum(RssChecksum::Crc32Words, &0x1234_5678u32.to_le_bytes()), Some(0xDF8A_8A2B));
        assert_eq!(checksum(RssChecksum::Unlisted, b""), None);
    }
}
