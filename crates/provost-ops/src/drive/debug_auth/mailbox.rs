//! The one-word mailbox on AP0: into the Debug Authentication ROM, and packets to and fro.
//!
//! What the acknowledge bits mean is disputed between ST's code and the SVD text (switch `ack-roles`); the first reply tells.

use std::time::Duration;

use provost_adac::packet::{HEADER_WORDS, Header, Request};
use provost_chip::registers::dbgmcu;
use provost_link::{BankedWindow, LinkError, Nrst};

use super::{super::session::Session, AuthError};
use crate::fault::{Result, fail};

/// How long NRST is low before and after the request word is written.
const RESET_HOLD: Duration = Duration::from_millis(10);
/// How long the ROM may take to answer the request.
const REPLY_TIMEOUT: Duration = Duration::from_millis(500);
/// How long the ROM may take for one word (ST's STM32MP21 code allows 1000 ms).
const WORD_TIMEOUT: Duration = Duration::from_millis(1000);
const POLL: Duration = Duration::from_millis(1);

// The mailbox registers as offsets in their 16-byte window.
const HOST: u32 = 0;
const DEVICE: u32 = 4;
const ACK: u32 = 8;

/// Which acknowledge bit is whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckRoles {
    /// Bit 0: the host's word waits; bit 1: the device's word waits, cleared by reading it (ST's code).
    Code,
    /// Bit 1: the host's word waits; bit 0: the device's word waits until the host clears it (SVD).
    Svd,
}

impl AckRoles {
    const fn host_waits(self) -> u32 {
        match self {
            Self::Code => 1,
            Self::Svd => 2,
        }
    }

    const fn device_waits(self) -> u32 {
        3 - self.host_waits()
    }
}

/// A chip that answers Debug Authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mailbox {
    window: u32,
    /// How the acknowledge bits were found to work.
    pub roles: AckRoles,
    /// The word with which the ROM answered the request.
    pub reply: u32,
}

impl Mailbox {
    /// Takes the chip into its Debug Authentication ROM: NRST low, request word, NRST high, reply (rule `R-DA-NEEDS-NRST`).
    ///
    /// # Errors
    /// [`AuthError::NoAnswer`] if no reply comes; the chip then runs on as after an ordinary reset.
    pub fn open(session: &mut Session) -> Result<Self> {
        let base = session.dbgmcu().unwrap_or(dbgmcu::BASES[0]);
        let window = base + dbgmcu::DBG_AUTH_HOST;
        session.set_nrst(Nrst::Asserted)?;
        session.sleep(RESET_HOLD);
        let written = write_request(session, window);
        session.sleep(RESET_HOLD);
        // NRST is let go of whatever happened: a chip must not be left in reset.
        session.set_nrst(Nrst::Released)?;
        let (reply, roles) = wait_for_reply(session, window, written?)?;
        Ok(Self { window, roles, reply })
    }

    #[cfg(test)]
    pub(crate) const fn for_tests() -> Self {
        Self { window: dbgmcu::BASES[0] + dbgmcu::DBG_AUTH_HOST, roles: AckRoles::Code, reply: dbgmcu::REQUEST_STDA }
    }

    /// Sends a request and receives the words of its response.
    ///
    /// # Errors
    /// The ROM stops answering, announces more than any response holds, or the link breaks.
    pub fn exchange(&self, session: &mut Session, request: &Request) -> Result<Vec<u32>> {
        let mut ap0 = session.ap0();
        let mut window = ap0.window(self.window)?;
        for word in request.to_words().iter() {
            self.wait(&mut window, self.roles.host_waits(), 0)?;
            window.write(HOST, *word)?;
        }
        let mut header = [0; HEADER_WORDS];
        for word in &mut header {
            *word = self.receive(&mut window)?;
        }
        let due = Header::decode(header).map_err(provost_adac::host::HostError::from)?.data_count as usize;
        let mut words = header.to_vec();
        for _ in 0..due {
            words.push(self.receive(&mut window)?);
        }
        Ok(words)
    }

    fn receive(&self, window: &mut BankedWindow<'_, '_>) -> Result<u32, LinkError> {
        self.wait(window, self.roles.device_waits(), self.roles.device_waits())?;
        let word = window.read(DEVICE)?;
        if self.roles == AckRoles::Svd {
            window.write(ACK, 0)?;
        }
        Ok(word)
    }

    fn wait(&self, window: &mut BankedWindow<'_, '_>, mask: u32, value: u32) -> Result<(), LinkError> {
        let end = window.clock().now() + WORD_TIMEOUT;
        loop {
            if window.read(ACK)? & mask == value {
                return Ok(());
            }
            if window.clock().now() >= end {
                return Err(LinkError::Timeout { what: "the mailbox's acknowledge", after: WORD_TIMEOUT });
            }
            window.clock().sleep(POLL);
        }
    }
}

/// What was seen of the mailbox while the request word was written.
#[derive(Debug, Clone, Copy)]
struct Written {
    /// How the acknowledge bits work, if our own word raised one.
    roles: Option<AckRoles>,
    /// A reply word stood there already, left from an earlier session: only an acknowledge tells a new one from it.
    stale: bool,
}

/// Empties the mailbox in both readings of its acknowledge bits, then writes the request.
fn write_request(session: &mut Session, at: u32) -> Result<Written> {
    let mut ap0 = session.ap0();
    let mut window = ap0.window(at)?;
    let stale = is_reply(window.read(DEVICE)?);
    window.write(ACK, 0)?;
    let before = window.read(ACK)?;
    window.write(HOST, dbgmcu::REQUEST_STDA)?;
    let raised = window.read(ACK)? & !before;
    let roles = [AckRoles::Code, AckRoles::Svd].into_iter().find(|r| r.host_waits() == raised);
    Ok(Written { roles, stale })
}

const fn is_reply(word: u32) -> bool {
    word == dbgmcu::REQUEST_STDA || word == dbgmcu::REPLY_DAOK
}

fn wait_for_reply(session: &mut Session, at: u32, written: Written) -> Result<(u32, AckRoles)> {
    let mut ap0 = session.ap0();
    let mut window = ap0.window(at)?;
    let end = window.clock().now() + REPLY_TIMEOUT;
    loop {
        let announced = match written.roles {
            Some(roles) => window.read(ACK)? & roles.device_waits() != 0,
            // A mailbox whose bits do not move in reset is believed by its word alone.
            None => !written.stale,
        };
        let word = window.read(DEVICE)?;
        if is_reply(word) && (announced || !written.stale) {
            // The ROM has read our word and we have read its: a bit that is still set is one that only the host clears.
            let left = window.read(ACK)? & AckRoles::Svd.device_waits() != 0;
            let roles = written.roles.unwrap_or(if left { AckRoles::Svd } else { AckRoles::Code });
            if roles == AckRoles::Svd {
                window.write(ACK, 0)?;
            }
            return Ok((word, roles));
        }
        if window.clock().now() >= end {
            return fail(AuthError::NoAnswer { waited_ms: REPLY_TIMEOUT.as_millis() as u64, last: word });
        }
        window.clock().sleep(POLL);
    }
}
