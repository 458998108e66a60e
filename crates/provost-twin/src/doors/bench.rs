//! What a person at the bench does to a board while it is served: power, NRST and BOOT0.
//!
//! One line asks, `provost-bench/1 CONTROL=VALUE…`; one line answers, `ok` or what was not understood. Nothing of a line is done that is
//! not understood as a whole.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    str::FromStr,
    time::Duration,
};

use super::server::Protocol;
use crate::{board::Board, error::TwinError, wire::Wire as _};

const GREETING: &str = "provost-bench/1 ";
/// A line that is longer is none.
const LONGEST_LINE: usize = 256;
/// How long a press of the reset button is, in the chip's time.
const PRESS: Duration = Duration::from_millis(50);
/// How long a client waits for its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// One thing done to the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// Switches the supply.
    Power(bool),
    /// Switches the supply off and on again.
    PowerCycle,
    /// Holds NRST low, or lets go. A probe that pulls it drives the same wire: the last one counts.
    Nrst(bool),
    /// Presses the reset button.
    NrstPulse,
    /// Connects the probe's reset line to NRST, or cuts it.
    NrstWired(bool),
    /// Level of BOOT0, read at the next reset.
    Boot0(bool),
}

impl Control {
    const NAMES: [(&'static str, Self); 10] = [
        ("power=on", Self::Power(true)),
        ("power=off", Self::Power(false)),
        ("power=cycle", Self::PowerCycle),
        ("nrst=low", Self::Nrst(true)),
        ("nrst=high", Self::Nrst(false)),
        ("nrst=pulse", Self::NrstPulse),
        ("nrst=wired", Self::NrstWired(true)),
        ("nrst=not-wired", Self::NrstWired(false)),
        ("boot0=high", Self::Boot0(true)),
        ("boot0=low", Self::Boot0(false)),
    ];

    /// Its name, as it is written.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, control)| *control == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for Control {
    type Err = TwinError;

    fn from_str(text: &str) -> Result<Self, TwinError> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, control)| *control)
            .ok_or_else(|| TwinError::Control { control: text.chars().take(60).collect() })
    }
}

/// A client at the bench.
#[derive(Debug, Default)]
pub(super) struct Bench {
    line: Vec<u8>,
}

impl Protocol<Board> for Bench {
    fn receive(&mut self, bytes: &[u8], board: &mut Board, answers: &mut Vec<u8>) -> bool {
        self.line.extend_from_slice(bytes);
        let greeted = self.line.iter().zip(GREETING.as_bytes()).all(|(byte, expected)| byte == expected);
        if !greeted || self.line.len() > LONGEST_LINE {
            return false;
        }
        let Some(end) = self.line.iter().position(|byte| *byte == b'\n') else { return true };
        let line = String::from_utf8_lossy(&self.line[..end]).into_owned();
        let words = line.get(GREETING.len()..).unwrap_or_default().split_whitespace();
        match words.map(str::parse).collect::<Result<Vec<Control>, _>>() {
            Ok(controls) => {
                controls.into_iter().for_each(|control| board.control(control));
                answers.extend(b"ok\n");
            }
            Err(error) => answers.extend(format!("{error}\n").bytes()),
        }
        false
    }

    fn release(&mut self, _: &mut Board) {}
}

impl Board {
    /// Does one thing to the board.
    pub fn control(&mut self, control: Control) {
        match control {
            Control::PowerCycle => self.power_cycle(),
            Control::Power(on) => {
                self.silicon_mut().set_power(on);
                self.dp_mut().power_on_reset();
            }
            Control::Nrst(low) => self.silicon_mut().set_nrst(low),
            Control::NrstPulse => {
                self.silicon_mut().set_nrst(true);
                self.wait(PRESS);
                self.silicon_mut().set_nrst(false);
            }
            Control::NrstWired(wired) => self.silicon_mut().set_nrst_wired(wired),
            Control::Boot0(high) => self.silicon_mut().set_boot0(high),
        }
        // A moment passes, and what has changed is kept.
        self.wait(Duration::from_micros(1));
    }
}

/// Asks the bench door at this loopback port.
///
/// # Errors
/// [`TwinError::Door`] if nobody answers there, or somebody else.
pub fn ask(port: u16, controls: &[Control]) -> Result<(), TwinError> {
    let broken = |source| TwinError::Door { port, source };
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(broken)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
    let names: Vec<_> = controls.iter().map(|control| control.as_str()).collect();
    stream.write_all(format!("{GREETING}{}\n", names.join(" ")).as_bytes()).map_err(broken)?;
    let mut answer = String::new();
    BufReader::new(stream.take(LONGEST_LINE as u64)).read_line(&mut answer).map_err(broken)?;
    match answer.trim_end() {
        "ok" => Ok(()),
        _ => Err(broken(io::Error::new(io::ErrorKind::InvalidData, "what answers there is no bench"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{board::VirtualBoard, silicon::Silicon};
    use provost_chip::model::Execution;

    fn say(board: &VirtualBoard, text: &str) -> (bool, String) {
        let (mut bench, mut answers) = (Bench::default(), Vec::new());
        let open = bench.receive(text.as_bytes(), &mut board.board(), &mut answers);
        (open, String::from_utf8(answers).unwrap())
    }

    #[test]
    fn controls_read_as_they_are_written() {
        for (name, control) in Control::NAMES {
            assert_eq!((name.parse::<Control>().unwrap(), control.as_str()), (control, name));
        }
        assert_eq!("power=maybe".parse::<Control>().unwrap_err().code(), "twin-control");
    }

    #[test]
    fn a_line_is_done_as_a_whole_or_not_at_all() {
        let board = VirtualBoard::open("stuck-in-provisioning").unwrap();
        let runs = |board: &VirtualBoard| Silicon::chip(board.board().silicon()).runs;
        assert_eq!(say(&board, "provost-bench/1 nrst=low\n"), (false, "ok\n".to_owned()));
        assert_eq!(runs(&board), Execution::HeldInReset);
        let (_, answer) = say(&board, "provost-bench/1 nrst=high sun=up\n");
        assert!(answer.contains("sun=up"), "{answer}");
        assert_eq!(runs(&board), Execution::HeldInReset, "nothing of it was done");
        say(&board, "provost-bench/1 nrst=high power=off\n");
        assert_eq!(runs(&board), Execution::Off);
        say(&board, "provost-bench/1 power=on\n");
        board.advance(Duration::from_millis(10));
        assert_eq!(runs(&board), Execution::Bootloader);
    }

    #[test]
    fn what_is_no_line_ends_the_connection() {
        let board = VirtualBoard::open("fresh").unwrap();
        for text in
            ["POST / HTTP/1.1\r\n", "provost-bench/2 power=off\n", &format!("provost-bench/1 {}", "x".repeat(300))]
        {
            assert_eq!(say(&board, text), (false, String::new()), "{text}");
        }
        assert_eq!(say(&board, "provost-be"), (true, String::new()));
        assert!(board.board().silicon().powered());
    }
}
