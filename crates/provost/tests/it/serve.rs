//! `twin serve` says where it serves, keeps the chip, and ends when it is told to.

use crate::sandbox;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpStream,
    process::{Command, Stdio},
};

use sandbox::{Sandbox, validate};
use serde_json::Value;

#[test]
fn it_serves_until_it_is_stopped() {
    for signal in ["-INT", "-TERM"] {
        let s = Sandbox::new();
        s.run("twin new board.chip --preset stuck-in-provisioning");
        let before = s.read("board.chip");
        let mut server = s
            .command(&["twin", "serve", "board.chip", "--remote-bitbang", "0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap();
        validate(&first, "the first line");
        let port: u16 = first["port"].as_u64().unwrap().try_into().unwrap();

        drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
        // Others are told that the port is taken, and no second server stays behind.
        let second = s.run(&format!("twin serve fresh --remote-bitbang {port} --json"));
        assert_eq!(second.code, 1, "{}", second.out);
        validate(&serde_json::from_str(&second.out).unwrap(), "a port that is taken");

        assert!(Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap().success());
        assert_eq!(server.wait().unwrap().code(), Some(0), "{signal}");
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        validate(&serde_json::from_str(&rest).unwrap(), "what it says at the end");
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "{signal}: the port is free again");
        assert_eq!(s.read("board.chip"), before, "{signal}: nobody changed the chip");
    }
}
