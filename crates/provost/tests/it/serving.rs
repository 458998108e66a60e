//! A virtual chip that `provost twin serve` serves at every door it has.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use serde_json::Value;

use crate::sandbox::{Sandbox, validate};

/// In the order in which the doors are told.
pub const DOORS: [&str; 6] = ["remote-bitbang", "cmsis-dap", "black-magic", "pyocd", "serial", "usbip"];

/// A server; it ends with the test.
pub struct Server(Child, [u16; DOORS.len()]);

impl Server {
    pub fn start(s: &Sandbox, chip: &str) -> Self {
        let mut command = s.command(&["twin", "serve", chip, "--json"]);
        for door in DOORS {
            command.args([&format!("--{door}"), "0"]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self(child, [0; DOORS.len()]);
        server.1 = DOORS.map(|door| {
            let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            validate(&line, "twin serve");
            assert_eq!(line["door"], door);
            line["port"].as_u64().unwrap().try_into().unwrap()
        });
        server
    }

    /// Where this door is.
    pub fn port(&self, door: &str) -> u16 {
        DOORS.iter().zip(self.1).find(|(name, _)| **name == door).unwrap().1
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
