//! Provisioning through the bootloader: object and request in SRAM3, then special command 0x0083.

use provost_bootloader::{an3155::SpecialReply, special::Special};
use provost_chip::{
    assumptions::RssChecksum,
    parts::PartId,
    rss_status::{self, RssStatus},
};

use super::{Bootloader, BootloaderError};
use crate::{
    Narrator,
    drive::{
        service::{CHECKSUMS, REQUEST_OFFSET, ServiceError, Stored, request},
        target::{Capability, Delivery, TargetError},
    },
    fault::{Result, fail},
};

impl Bootloader {
    /// Has an object stored, over the checksums in their order; each call is announced first. `known` remembers the checksum.
    ///
    /// # Errors
    /// The part has no such command; every checksum is refused; the bootloader does not come back; the line breaks.
    pub fn provision(
        &mut self,
        parts: &[PartId],
        object: Delivery<'_>,
        known: &mut Option<RssChecksum>,
        announce: &mut dyn FnMut(RssChecksum) -> Result<()>,
        narrator: &mut dyn Narrator,
    ) -> Result<Stored> {
        let Some(sram3) = parts.first().map(|p| p.info().sram3.base).filter(|_| self.device.provisions) else {
            let wire = format!("the bootloader on {}", self.line());
            return fail(TargetError::Cannot { wire, capability: Capability::Provision });
        };
        self.write(sram3, object.payload)?;
        let candidates: Vec<RssChecksum> = known.map_or_else(|| CHECKSUMS.to_vec(), |checksum| vec![checksum]);
        let (mut last, mut named) = (0, false);
        for &checksum in &candidates {
            let words = request(sram3, object.destination, object.payload, checksum, object.word);
            self.write(sram3 + REQUEST_OFFSET, &words.map(u32::to_le_bytes).concat())?;
            announce(checksum)?;
            match self.special(Special::Provision { request: sram3 + REQUEST_OFFSET })? {
                SpecialReply::Answered { data, status } if data.is_empty() && status.iter().all(|s| *s == 0) => {
                    *known = Some(checksum);
                    narrator.note("the service stored it");
                    return Ok(Stored::Yes { checksum, ap1_open: true });
                }
                SpecialReply::Answered { data, status } => {
                    last = error_code(&data, &status);
                    named |= !data.is_empty();
                    // Over USB a refusal has no reason: it may be the checksum.
                    if !data.is_empty() && last != RssStatus::Checksum.word() {
                        *known = Some(checksum);
                        narrator.note(&format!(
                            "the service refused it ({}), nothing was written",
                            rss_status::describe(last)
                        ));
                        return Ok(Stored::Refused { status: last });
                    }
                    narrator.note(&format!("checksum {} refused ({})", checksum.as_str(), rss_status::describe(last)));
                }
                _ => {
                    // It did not return: stored, by the CMSIS header's account. Discovery will tell.
                    if !self.comes_back()? {
                        return fail(BootloaderError::Gone { doing: "the provisioning service" });
                    }
                    *known = Some(checksum);
                    narrator.note("the chip has reset: stored");
                    return Ok(Stored::Yes { checksum, ap1_open: true });
                }
            }
        }
        if !named {
            narrator.note(&format!("the bootloader does not say why (status {last:#04x}); nothing was written"));
            return Ok(Stored::Refused { status: last });
        }
        fail(ServiceError::ChecksumUnknown { tried: candidates.len(), status: last })
    }
}

/// The four bytes of the code, most significant first as everything on this line; turned round if that makes it one that is known: no
/// capture has shown it yet. Without them, the status.
fn error_code(data: &[u8], status: &[u8]) -> u32 {
    match <[u8; 4]>::try_from(data).map(u32::from_be_bytes) {
        Ok(code) if RssStatus::from_word(code.swap_bytes()).is_some() => code.swap_bytes(),
        Ok(code) => code,
        Err(_) => status.first().copied().unwrap_or(0).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_status_is_read_in_either_byte_order() {
        for word in RssStatus::ALL.map(RssStatus::word) {
            assert_eq!(error_code(&word.to_be_bytes(), &[1]), word);
            assert_eq!(error_code(&word.to_le_bytes(), &[1]), word);
        }
        assert_eq!(error_code(&[1, 2, 3, 4], &[1]), 0x0102_0304, "one that nobody knows, as it comes");
        assert_eq!(error_code(&[], &[7]), 7);
    }
}
