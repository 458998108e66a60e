//! A stranger at the wire: probe-rs, as a library, with its own SWD encoder, its own description of the chips and the flash algorithm in it,
//! through the door for Black Magic Probe.
//!
//! provost itself uses probe-rs for its probes only: nothing of what is tried here runs in it. The descriptions come from the sources of
//! the very probe-rs that is built.

use std::{path::PathBuf, process::Command};

use probe_rs::{
    MemoryInterface as _, Permissions, Session,
    config::{MemoryRegion, Registry},
    flashing::DownloadOptions,
    probe::{DebugProbeSelector, WireProtocol, list::Lister},
};
use provost_chip::side::Side;
use provost_testkit::Random;
use serde_json::Value;

use crate::{sandbox::Sandbox, serving::Server};

const FLASH: u64 = 0x0800_0000;
/// How far the secure alias is from the non-secure one (CMSIS: FLASH_BASE_S).
const SECURE_ALIAS: u64 = 0x0400_0000;

/// The file with what probe-rs knows of this family.
fn descriptions() -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--offline", "--locked"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let metadata: Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "probe-rs").unwrap();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    std::fs::read_to_string(manifest.with_file_name("targets").join("STM32H5_Series.yaml")).unwrap()
}

/// probe-rs brings an algorithm for secure flash. Its map of the memories knows flash by its non-secure address only: whoever wants the
/// secure side describes it.
fn attach(server: &Server, part: &str, side: Side) -> Result<Session, probe_rs::Error> {
    let mut registry = Registry::new();
    registry.add_target_family_from_yaml(&descriptions()).unwrap();
    let mut target = registry.get_target_by_name(part).unwrap();
    for region in &mut target.memory_map {
        if let (Side::Secure, MemoryRegion::Nvm(flash)) = (side, region) {
            flash.range = flash.range.start + SECURE_ALIAS..flash.range.end + SECURE_ALIAS;
        }
    }
    let selector = format!("1d50:6018:127.0.0.1:{}", server.port("black-magic"));
    let selector: DebugProbeSelector = selector.parse().unwrap();
    let mut probe = Lister::new().open(selector).unwrap();
    probe.select_protocol(WireProtocol::Swd).unwrap();
    probe.attach_with_registry(target, Permissions::default(), &registry)
}

/// Erases, programs and reads back 100 KB, on Open chips with and without TrustZone, in the secure and in the non-secure view of flash.
#[test]
fn probe_rs_downloads_and_verifies_with_its_own_flash_algorithm() {
    let mut random = Random::new(100);
    for (part, side) in ["STM32H533RE", "STM32H563ZI"].iter().flat_map(|part| Side::ALL.map(|side| (*part, side))) {
        let (tzen, address) = if side == Side::Secure { ("on", FLASH + SECURE_ALIAS) } else { ("off", FLASH) };
        let s = Sandbox::new();
        s.run(&format!("twin new board.chip --part {part} --tzen {tzen}"));
        let image: Vec<u8> = (0..100 * 1024).map(|_| random.number() as u8).collect();
        {
            let server = Server::start(&s, "board.chip");
            let mut session = attach(&server, part, side).unwrap();
            let mut loader = session.target().flash_loader();
            loader.add_data(address, &image).unwrap();
            let mut options = DownloadOptions::new();
            options.verify = true;
            loader.commit(&mut session, options).unwrap_or_else(|error| panic!("{part} {tzen}: {error:?}"));
            let mut back = vec![0; 1024];
            session.core(0).unwrap().read(address + 1024, &mut back).unwrap();
            assert!(back == image[1024..2048], "{part} {tzen}");
        }
        // provost finds the same bytes.
        let read = s.run(&format!("flash read back.bin --at {address:#x} --size 102400 --probe twin:board.chip"));
        assert_eq!(read.code, 0, "{}", read.err);
        assert!(std::fs::read(s.path("back.bin")).unwrap() == image, "{part} {tzen}");
    }
}

/// A closed chip has nothing to say to it, and is as it was.
#[test]
fn probe_rs_is_refused_by_a_closed_chip_and_leaves_it_unharmed() {
    let s = Sandbox::new();
    s.run("twin new board.chip --part STM32H563ZI --tzen on --state closed");
    let before = s.read("board.chip");
    let server = Server::start(&s, "board.chip");
    if let Ok(mut session) = attach(&server, "STM32H563ZI", Side::NonSecure) {
        assert!(session.core(0).and_then(|mut core| core.read_word_32(0x4002_2050)).is_err());
    }
    drop(server);
    assert_eq!(s.read("board.chip"), before);
}
