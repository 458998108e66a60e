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
        // Others are told that the port is taken, or the chip, and no second server stays behind.
        s.run("twin new other.chip");
        for (chip, expected, code) in [("other.chip", "twin-door", 1), ("board.chip", "twin-file-in-use", 4)] {
            let second = s.run(&format!("twin serve {chip} --remote-bitbang {port} --json"));
            let error: Value = serde_json::from_str(&second.out).unwrap();
            validate(&error, chip);
            assert_eq!((&error["code"], second.code), (&Value::from(expected), code));
        }

        assert!(Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap().success());
        assert_eq!(server.wait().unwrap().code(), Some(0), "{signal}");
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        validate(&serde_json::from_str(&rest).unwrap(), "what it says at the end");
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "{signal}: the port is free again");
        assert_eq!(s.read("board.chip"), before, "{signal}: nobody changed the chip");
    }
}

/// Who sits at the bench cuts the power of a board that is served; without a server there is no bench.
#[test]
fn the_bench_of_a_served_board_has_switches() {
    let s = Sandbox::new();
    s.run("twin new board.chip --preset stuck-in-provisioning");
    let (code, error) = s.json("twin bench board.chip power=cycle");
    assert_eq!((code, &error["code"]), (1, &Value::from("twin-not-served")));
    let mut server = s
        .command(&["twin", "serve", "board.chip", "--cmsis-dap", "0", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(server.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    let (code, done) = s.json("twin bench board.chip nrst=pulse power=cycle boot0=high");
    assert_eq!((code, &done["done"]), (0, &serde_json::json!(["nrst=pulse", "power=cycle", "boot0=high"])));
    let (code, error) = s.json("twin bench board.chip power=maybe");
    assert_eq!((code, &error["code"]), (2, &Value::from("twin-control")));
    assert!(Command::new("kill").args(["-INT", &server.id().to_string()]).status().unwrap().success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert_eq!(s.json("twin bench board.chip power=on").1["code"], "twin-not-served");
}
