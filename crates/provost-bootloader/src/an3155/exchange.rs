//! One command from the first byte to the last answer, for whatever moves the bytes.

use std::{collections::VecDeque, time::Duration};

use super::{ACK, Command, HostError, NACK, Phase};

/// What a turn of the device brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// ACK.
    Ack,
    /// ACK, or NACK just as well.
    Any,
    /// This many bytes.
    Bytes(usize),
    /// A byte n, then n + 1 bytes.
    Counted,
    /// Two bytes n, most significant first, then n bytes, at most this many.
    Sized(usize),
}

/// What silence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// A failure.
    Fails,
    /// Send it again, this often.
    Repeats(u8),
    /// The end: the chip has reset.
    Ends,
}

/// One turn: the host speaks, the device answers.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) phase: Phase,
    pub(super) send: Vec<u8>,
    pub(super) waits: Vec<Wait>,
    pub(super) within: Duration,
    pub(super) silence: Silence,
}

/// The turns of a command.
#[derive(Debug, Clone)]
pub struct Script {
    pub(super) name: &'static str,
    pub(super) turns: Vec<Turn>,
}

/// What the caller is to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever moves the bytes must do each")]
pub enum Step<R> {
    /// Send these bytes. What was received before them belongs to nobody and is thrown away first.
    Send(Vec<u8>),
    /// Receive, and tell [`Exchange::received`]; or [`Exchange::silence`] when nothing came for so long, counted from the last byte either
    /// way has left the line.
    Receive {
        /// How long.
        within: Duration,
    },
    /// The command is done.
    Done(R),
}

/// One command being carried out.
///
/// ```
/// use provost_bootloader::an3155::{Exchange, GetId, Step};
///
/// let mut exchange = Exchange::new(GetId)?;
/// assert_eq!(exchange.step()?, Step::Send(vec![0x02, 0xFD]));
/// assert!(matches!(exchange.step()?, Step::Receive { .. }));
/// exchange.received(&[0x79, 0x01, 0x04, 0x84, 0x79]);
/// assert_eq!(exchange.step()?, Step::Done(0x484));
/// # Ok::<(), provost_bootloader::an3155::HostError>(())
/// ```
#[derive(Debug)]
pub struct Exchange<C: Command> {
    command: C,
    name: &'static str,
    turns: VecDeque<Turn>,
    waits: VecDeque<Wait>,
    sent: bool,
    inbox: VecDeque<u8>,
    parts: Vec<Vec<u8>>,
    silent: bool,
}

impl<C: Command> Exchange<C> {
    /// A command that has not begun.
    ///
    /// # Errors
    /// The protocol cannot carry its arguments.
    pub fn new(command: C) -> Result<Self, HostError> {
        let script = command.script()?;
        let mut exchange = Self {
            command,
            name: script.name,
            turns: script.turns.into(),
            waits: VecDeque::new(),
            sent: false,
            inbox: VecDeque::new(),
            parts: Vec::new(),
            silent: false,
        };
        exchange.take_up();
        Ok(exchange)
    }

    /// Bytes have come.
    pub fn received(&mut self, bytes: &[u8]) {
        self.inbox.extend(bytes);
    }

    /// Nothing came in the time that [`Step::Receive`] gave.
    pub const fn silence(&mut self) {
        self.silent = true;
    }

    /// What to do next.
    ///
    /// # Errors
    /// The device refuses, is silent, or answers what it cannot.
    pub fn step(&mut self) -> Result<Step<C::Reply>, HostError> {
        loop {
            let Some(turn) = self.turns.front() else { return self.finish() };
            let (phase, within) = (turn.phase, turn.within);
            if !std::mem::replace(&mut self.sent, true) && !turn.send.is_empty() {
                return Ok(Step::Send(turn.send.clone()));
            }
            if self.listen(phase)? {
                self.turns.pop_front();
                self.take_up();
            } else if std::mem::take(&mut self.silent) {
                self.on_silence(phase, within)?;
            } else {
                return Ok(Step::Receive { within });
            }
        }
    }

    fn take_up(&mut self) {
        self.sent = false;
        self.waits = self.turns.front().map(|turn| turn.waits.iter().copied().collect()).unwrap_or_default();
    }

    fn finish(&mut self) -> Result<Step<C::Reply>, HostError> {
        if !self.inbox.is_empty() {
            return Err(HostError::Surplus { command: self.name, extra: self.inbox.len() });
        }
        self.command.reply(std::mem::take(&mut self.parts)).map(Step::Done)
    }

    fn on_silence(&mut self, phase: Phase, waited: Duration) -> Result<(), HostError> {
        match self.turns.front_mut().map(|turn| &mut turn.silence) {
            Some(Silence::Repeats(left)) if *left > 0 => {
                *left -= 1;
                self.take_up();
                Ok(())
            }
            Some(Silence::Ends) => {
                self.turns.clear();
                self.inbox.clear();
                Ok(())
            }
            _ => Err(HostError::Silent { command: self.name, phase, waited }),
        }
    }

    /// Takes what has come; true once the turn is complete.
    fn listen(&mut self, phase: Phase) -> Result<bool, HostError> {
        while let Some(wait) = self.waits.front().copied() {
            match wait {
                Wait::Ack | Wait::Any => match self.inbox.pop_front() {
                    Some(ACK) => {}
                    Some(NACK) if wait == Wait::Any => {}
                    Some(NACK) => return Err(HostError::Refused { command: self.name, phase }),
                    Some(byte) => return Err(HostError::Garbled { command: self.name, phase, byte }),
                    None => return Ok(false),
                },
                Wait::Bytes(count) => {
                    if self.inbox.len() < count {
                        return Ok(false);
                    }
                    self.parts.push(self.inbox.drain(..count).collect());
                }
                Wait::Counted => {
                    let Some(count) = self.inbox.pop_front() else { return Ok(false) };
                    self.waits[0] = Wait::Bytes(usize::from(count) + 1);
                    continue;
                }
                Wait::Sized(allowed) => {
                    let (Some(high), Some(low)) = (self.inbox.front(), self.inbox.get(1)) else { return Ok(false) };
                    let found = usize::from(u16::from_be_bytes([*high, *low]));
                    if found > allowed {
                        return Err(HostError::Length { command: self.name, found, allowed });
                    }
                    self.inbox.drain(..2);
                    self.waits[0] = Wait::Bytes(found);
                    continue;
                }
            }
            self.waits.pop_front();
        }
        Ok(true)
    }
}
