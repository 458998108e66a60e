//! A chip file holds what somebody has built on, whatever becomes of the program; and a chip that cannot be kept is no chip.

use std::{fs, path::Path, time::Duration};

use provost_bench::{Bench, Probe};
use provost_chip::{
    registers::{flash, memory},
    states::ProductState,
};
use provost_link::Nrst;
use provost_ops::{
    Silent,
    error::{Exit, Failure, Fault as _},
    identify::identify,
    rescue::{Receipt, Wish, rescue},
};
use provost_twin::{
    chipfile::{self, ChipFile},
    presets,
};

fn make(path: &Path, preset: &str) {
    ChipFile::create(path, &presets::find(preset).unwrap().make().unwrap()).unwrap();
}

fn open(path: &Path) -> Bench {
    let probe: Probe = format!("twin:{}", path.display()).parse().unwrap();
    Bench::open(Some(&probe)).unwrap()
}

fn register(offset: u16) -> u32 {
    flash::BASE + u32::from(offset)
}

/// Programs the first quad-word of a fresh chip; the controller is left with PG set.
fn program(bench: &mut Bench) {
    identify(&mut bench.session).unwrap();
    let mut ap1 = bench.session.ap1();
    for key in flash::KEYS {
        ap1.write32(register(flash::NSKEYR), key).unwrap();
    }
    ap1.write32(register(flash::NSCR), flash::CR_PG).unwrap();
    for word in 0..4 {
        ap1.write32(memory::FLASH + 4 * word, 0xC0DE_0000 + word).unwrap();
    }
    bench.session.sleep(Duration::from_millis(1));
    assert_eq!(bench.session.ap1().read32(register(flash::NSSR)).unwrap() & flash::SR_BSY, 0);
}

/// What somebody does with a chip.
type Use = fn(&mut Bench);

fn stored(path: &Path) -> u32 {
    chipfile::load(path).unwrap().nvm().flash_word(12)
}

/// The program may be killed at any moment: what it has read back, and what a reset or an idle controller says is done, must not be lost.
#[test]
fn flash_is_kept_before_anything_builds_on_it() {
    const PROGRAMMED: u32 = 0xC0DE_0003;
    let by: [(&str, Use); 3] = [
        ("reading it back", |bench| assert_eq!(bench.session.ap1().read32(memory::FLASH + 12).unwrap(), PROGRAMMED)),
        ("clearing PG", |bench| bench.session.ap1().write32(register(flash::NSCR), 0).unwrap()),
        ("a reset", |bench| bench.session.set_nrst(Nrst::Asserted).unwrap()),
    ];
    for (how, relied_on) in by {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("board.chip");
        make(&path, "fresh");
        let mut bench = open(&path);
        program(&mut bench);
        assert_eq!(stored(&path), u32::MAX, "{how}: nobody has built on it yet");
        relied_on(&mut bench);
        assert_eq!(stored(&path), PROGRAMMED, "{how}");
    }
    // Nobody has built on it, and the program ends as it should.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.chip");
    make(&path, "fresh");
    let mut bench = open(&path);
    program(&mut bench);
    bench.store().unwrap();
    assert_eq!(stored(&path), PROGRAMMED);
}

#[test]
fn a_chip_in_use_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.chip");
    make(&path, "fresh");
    let first = open(&path);
    let probe: Probe = format!("twin:{}?nrst=not-wired", path.display()).parse().unwrap();
    let error = Bench::open(Some(&probe)).unwrap_err();
    assert_eq!((error.code(), error.exit()), ("twin-file-in-use", Exit::PersonMustAct));
    assert!(error.to_string().contains("board.chip"), "{error}");
    drop(first);
    Bench::open(Some(&probe)).unwrap();
}

fn run(bench: &mut Bench, out: &Path) -> Result<Receipt, Failure> {
    let wish = Wish {
        chip: "chip".to_owned(),
        part: None,
        credential: None,
        out: out.into(),
        inside: false,
        encrypt_word: None,
        one_shot: false,
        once_for_life: false,
        this_is: None,
    };
    rescue(&mut bench.session, wish, &mut Silent).map(|ended| ended.receipt)
}

/// Every file below a folder that says "open" of a chip.
fn receipts(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.path().is_dir() {
            found.extend(receipts(&entry.path()));
        } else if entry.file_name() == "receipt.json" {
            found.push(fs::read_to_string(entry.path()).unwrap());
        }
    }
    found
}

#[test]
fn a_chip_that_cannot_be_kept_is_not_called_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.chip");
    make(&path, "stuck-in-provisioning");
    let before = fs::read(&path).unwrap();
    // In the way of what is written beside the chip file, for whoever may write everywhere, too.
    let in_the_way = folder.path().join(".board.chip.part");
    fs::create_dir_all(in_the_way.join("not empty")).unwrap();

    let out = folder.path().join("out");
    let mut bench = open(&path);
    let error = run(&mut bench, &out).unwrap_err();
    assert_eq!(error.exit(), Exit::Interrupted, "{error}");
    assert_eq!(bench.store().unwrap_err().code(), "twin-file-io");
    drop(bench);
    assert_eq!(receipts(&out), [""; 0]);
    assert_eq!(fs::read(&path).unwrap(), before);

    // Mended, the same rescue goes on.
    fs::remove_dir_all(&in_the_way).unwrap();
    let mut bench = open(&path);
    run(&mut bench, &out).unwrap();
    bench.store().unwrap();
    assert_eq!(receipts(&out).len(), 1);
    assert_eq!(chipfile::load(&path).unwrap().chip().state, ProductState::Open);
}
