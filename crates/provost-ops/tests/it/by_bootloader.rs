//! The ROM bootloader as a wire: what is done over it is in the chip, what is refused leaves no trace, and a line that is cut after any
//! frame, or that lies, costs nothing but another run.

use crate::common;

use std::{cell::Cell, io, path::Path, rc::Rc, time::Duration};

use common::{Log, maker, state_of};
use proptest::prelude::*;
use provost_adac::permission::PermissionMask;
use provost_bench::{Bench, UartBench};
use provost_bootloader::memory::Erase;
use provost_chip::{
    assumptions::Assumptions,
    model::authentication::usable,
    option_bytes::OptionField,
    order_code::OrderCode,
    parts::{DaStore, PartId, SECTOR_SIZE},
    states::{DaMethod, ProductState, TrustZone},
    unique_id::UniqueId,
};
use provost_ops::{
    credential::{ChainRecipe, Recipe, make},
    drive::{
        bootloader::{Bootloader, BothWires, ByBootloader, Line},
        service::EncryptWord,
        target::{Delivery, Target},
    },
    error::Failure,
    flash::{Flash, image::Image},
    objects::{Request, Site, Source, Written, plan as plan_objects, write},
    option_bytes::{Assignment, OptionBytes, apply_by_bootloader, plan},
    rescue::{Ended, Wish, rescue},
    store::Replace,
};
use provost_twin::{
    board::VirtualBoard,
    silicon::{FirmwareBehaviour, nvm::Nvm},
};

/// A chip whose bootloader runs: in Open with BOOT0 high.
fn board(part: PartId, state: ProductState, tz: TrustZone, world: &[(&str, &str)]) -> VirtualBoard {
    let mut maker = maker(&part.to_string(), state, tz);
    let mut assumptions = Assumptions::default();
    for (name, value) in world {
        assumptions.set(name, value).unwrap();
    }
    maker.assumptions = assumptions;
    // The second bank is of the other world.
    maker.firmware = Some(FirmwareBehaviour { non_secure: true, ..FirmwareBehaviour::default() });
    let board = VirtualBoard::with_chip("board", maker.make());
    board.board().silicon_mut().set_boot0(true);
    reset(&board);
    board
}

/// A person presses the reset button.
fn reset(board: &VirtualBoard) {
    for low in [true, false] {
        board.board().silicon_mut().set_nrst(low);
        board.advance(Duration::from_millis(20));
    }
}

fn nvm(board: &VirtualBoard) -> Nvm {
    board.board().silicon().nvm().clone()
}

fn line(board: &VirtualBoard) -> Box<dyn Line> {
    UartBench::on_board(board.clone()).line
}

fn code_of(board: &VirtualBoard) -> OrderCode {
    let board = board.board();
    let identity = board.silicon().identity();
    OrderCode { part: identity.part, flash: Some(identity.flash) }
}

/// Every chip that has a bootloader to speak to.
fn chips() -> impl Iterator<Item = (PartId, ProductState, TrustZone)> {
    PartId::all().flat_map(|part| {
        let settings = TrustZone::ALL.into_iter().filter(move |tz| part.info().trustzone || *tz == TrustZone::Disabled);
        settings.flat_map(move |tz| [ProductState::Open, ProductState::Provisioning].map(|state| (part, state, tz)))
    })
}

fn set(boot: &mut Bootloader, code: OrderCode, name: &str, value: u32) -> Result<bool, Failure> {
    let bytes = OptionBytes::by_bootloader(boot, Some(code))?;
    let field = OptionField::find(code.part, name).unwrap();
    let change = plan(&bytes, &[Assignment { name: name.to_owned(), value: field.hex(value) }])?;
    Ok(apply_by_bootloader(boot, &bytes, change, &mut Log::default())?.verified)
}

/// The first bytes of the last sector, which is of the second bank: no part keeps that for the secure world as it is made here.
fn image(code: OrderCode, length: usize, folder: &Path) -> Image {
    let path = folder.join("fw.bin");
    let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
    std::fs::write(&path, bytes).unwrap();
    Image::load(&path, Some(0x0800_0000 + code.flash.unwrap().bytes() - SECTOR_SIZE)).unwrap()
}

fn program(boot: &mut Bootloader, code: OrderCode, image: &Image) -> Result<usize, Failure> {
    let bytes = OptionBytes::by_bootloader(boot, Some(code))?;
    Ok(Flash::of(&bytes)?.write_by_bootloader(boot, image, &mut Log::default())?.bytes)
}

/// Debug Authentication objects of a fresh credential, and a request for the one that fits.
fn request(part: PartId, tz: TrustZone, folder: &Path) -> Request {
    let method = DaMethod::for_trustzone(tz);
    let recipe =
        Recipe { part, method, chain: ChainRecipe::default(), password: None, object_mask: PermissionMask::STM32H5 };
    make(&recipe, &folder.join("set"), Replace::Never).unwrap();
    let file = match method {
        DaMethod::Certificate => "DA_Config.obk",
        DaMethod::Password => "DA_ConfigWithPassword.obk",
    };
    Request {
        sources: vec![Source::load(&folder.join("set").join(file)).unwrap()],
        part: Some(part.into()),
        method: None,
        replace: true,
        encrypting_word: part.info().crypto.then_some(EncryptWord::ZERO),
        allowed: Vec::new(),
        once_for_life: false,
    }
}

/// In this world 0 asks for encryption, as the request says.
const WORLD: &[(&str, &str)] = &[("rss-encrypt-word", "caca-is-plain")];

fn provision(boot: &mut Bootloader, request: &Request, out: &Path) -> Result<Written, Failure> {
    let mut target = ByBootloader::new(boot, true);
    let plan = plan_objects(&mut target, request, &mut Log::default())?;
    let site = Site { chip: "board".to_owned(), out: out.into() };
    let written = write(&mut target, &plan, request, &site, &mut Log::default())?;
    // One word after the other is tried within a step.
    let mut performed = written.performed.clone();
    performed.dedup();
    assert_eq!(performed, plan.list(), "steps performed are steps planned");
    Ok(written)
}

#[test]
fn every_option_of_every_chip_is_read_as_it_stands_in_the_chip() {
    let mut seen = 0;
    for (part, state, tz) in chips() {
        let board = board(part, state, tz, &[]);
        let before = nvm(&board);
        let mut boot = Bootloader::open(line(&board)).unwrap();
        let identity = boot.identify().unwrap();
        assert_eq!((identity.dev_id, identity.state().unwrap()), (part.info().dev_id, Some(state)), "{part}");
        assert_eq!(identity.debug, None);
        if state == ProductState::Open {
            assert_eq!(identity.uid, UniqueId::new(board.board().silicon().identity().uid), "{part}");
        }
        let bytes = OptionBytes::by_bootloader(&mut boot, Some(part.into())).unwrap();
        for field in OptionField::of(part) {
            let holds = field.get(before.options.get(field.offset_cur));
            if let Some(value) = bytes.value(field) {
                assert_eq!(value, holds, "{part} {state} {tz} {}", field.name);
                seen += 1;
            }
        }
        assert_eq!(nvm(&board), before, "looking changes nothing");
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn what_is_set_stands_in_the_chip_and_nothing_else_has_changed() {
    for (part, state, tz) in chips() {
        let board = board(part, state, tz, &[]);
        let field = OptionField::find(part, "IWDG_STOP").unwrap();
        let before = nvm(&board);
        let value = field.get(before.options.get(field.offset_cur)) ^ 1;
        let mut boot = Bootloader::open(line(&board)).unwrap();
        let result = set(&mut boot, code_of(&board), field.name, value);
        let after = nvm(&board);
        match result {
            Ok(verified) => {
                assert!(verified);
                let mut wanted = before.clone();
                let word = wanted.options.get(field.offset_cur);
                wanted.options.set(field.offset_cur, word ^ 1 << field.low);
                assert_eq!(after, wanted, "{part} {state} {tz}");
            }
            Err(error) => {
                assert_eq!(state, ProductState::Provisioning, "{part} {tz}: {error}");
                assert_eq!(after, before, "{part} {state} {tz}: {error}");
            }
        }
    }
}

#[test]
fn a_state_is_written_alone_and_one_that_is_not_taken_is_said() {
    for (part, state, tz) in chips() {
        let board = board(part, state, tz, &[]);
        let mut boot = Bootloader::open(line(&board)).unwrap();
        if state == ProductState::Open {
            let found = boot.write_product_state(ProductState::Provisioning).unwrap();
            assert_eq!(found, Some(ProductState::Provisioning), "{part} {tz}");
            assert_eq!(state_of(&board).0, ProductState::Provisioning);
        } else {
            let before = nvm(&board);
            let error = boot.write_product_state(ProductState::Open).unwrap_err();
            assert_eq!(error.code(), "boot-state-unchanged", "{part} {tz}");
            assert_eq!(nvm(&board), before);
        }
    }
}

#[test]
fn an_object_that_goes_in_over_the_line_can_be_used() {
    let mut stored = 0;
    for (part, state, tz) in chips() {
        let folder = tempfile::tempdir().unwrap();
        if part.info().da_store == DaStore::Otp {
            continue;
        }
        for (what, value) in
            [("rss-return", "returns"), ("rss-return", "resets"), ("boot-final-ack", "lost"), ("rss-tz-off", "faults")]
        {
            let board = board(part, state, tz, &[WORLD, &[(what, value)]].concat());
            let before = nvm(&board);
            let dir = tempfile::tempdir_in(folder.path()).unwrap();
            let request = request(part, tz, dir.path());
            let mut boot = Bootloader::open(line(&board)).unwrap();
            match provision(&mut boot, &request, dir.path()) {
                Ok(written) => {
                    assert_eq!(state, ProductState::Provisioning);
                    assert!(
                        written.discovered.is_none() && written.unproven.iter().any(|u| u.contains("nobody asked"))
                    );
                    assert!(usable(board.board().silicon().chip()).is_some(), "{part} {tz} {value}");
                    stored += 1;
                }
                Err(error) => {
                    assert_eq!((error.code(), state), ("obk-wrong-state", ProductState::Open), "{part} {tz}: {error}");
                    assert_eq!(nvm(&board), before);
                }
            }
        }
    }
    assert!(stored > 20, "{stored}");
}

#[test]
fn flash_is_written_byte_for_byte() {
    for (part, state, tz) in chips() {
        let board = board(part, state, tz, &[]);
        let code = code_of(&board);
        let folder = tempfile::tempdir().unwrap();
        let before = nvm(&board);
        let mut boot = Bootloader::open(line(&board)).unwrap();
        let last = code.flash.unwrap().bytes() - SECTOR_SIZE;
        assert_eq!(program(&mut boot, code, &image(code, 5000, folder.path())).unwrap(), 5000, "{part} {state} {tz}");
        let after = nvm(&board);
        for at in (0..SECTOR_SIZE).step_by(4) {
            let byte = |n: u32| if n < 5000 { (n % 251) as u8 } else { 0xFF };
            let wanted = u32::from_le_bytes([byte(at), byte(at + 1), byte(at + 2), byte(at + 3)]);
            assert_eq!(after.flash_word(last + at), wanted, "{part} {state} {tz} {at:#x}");
        }
        assert_eq!((&after.options, &after.obk, &after.otp), (&before.options, &before.obk, &before.otp));
    }
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let mut refused = std::collections::BTreeSet::new();
    for (part, state, tz) in chips() {
        let world = [WORLD, &[("rss-checksum", "unlisted")]].concat();
        let board = board(part, state, tz, &world);
        let code = code_of(&board);
        let folder = tempfile::tempdir().unwrap();
        let before = nvm(&board);
        let mut boot = Bootloader::open(line(&board)).unwrap();
        let other = PartId::all().find(|p| p.info().dev_id != part.info().dev_id).unwrap();
        let outside = {
            let path = folder.path().join("outside.bin");
            std::fs::write(&path, [1; 64]).unwrap();
            Image::load(&path, Some(0x0800_0000 + code.flash.unwrap().bytes() - 32)).unwrap()
        };
        let mut results: Vec<Option<Failure>> = vec![
            boot.parts(Some(other)).err(),
            set(&mut boot, code, "PRODUCT_STATE", 0x5C).err(),
            program(&mut boot, code, &outside).err(),
            boot.write(0x0800_0001, &[0; 16]).err(),
            boot.read(0x1000_0000, 4).err(),
            boot.erase(&Erase::Sectors(vec![])).err(),
        ];
        if tz == TrustZone::Enabled && state == ProductState::Provisioning {
            let path = folder.path().join("secure.bin");
            std::fs::write(&path, [1; 64]).unwrap();
            let secure = Image::load(&path, Some(0x0800_0000)).unwrap();
            results.push(program(&mut boot, code, &secure).err());
        }
        if part.info().da_store == DaStore::Obk {
            let mut wish = request(part, tz, folder.path());
            results.push(provision(&mut boot, &wish, folder.path()).err());
            wish.replace = false;
            results.push(provision(&mut boot, &wish, folder.path()).err());
            wish.encrypting_word = None;
            results.push(provision(&mut boot, &wish, folder.path()).err());
        } else {
            let object = Delivery { destination: 0x0FFD_0100, payload: &[0; 96], word: EncryptWord::ZERO };
            let mut known = None;
            let mut target = ByBootloader::new(&mut boot, true);
            let result = target.provision(&[part], object, &mut known, &mut |_| Ok(()), &mut Log::default());
            results.push(result.err());
        }
        for result in results {
            refused.insert(result.unwrap_or_else(|| panic!("{part} {state} {tz}: not refused")).code());
        }
        assert_eq!(nvm(&board), before, "{part} {state} {tz}");
    }
    for code in [
        "boot-part-mismatch",
        "boot-secure-sectors",
        "boot-unaligned",
        "boot-refused",
        "obk-no-discovery",
        "rss-checksum-unknown",
        "wire-cannot",
    ] {
        assert!(refused.contains(code), "{code} was not met: {refused:?}");
    }
}

/// A line that carries so many frames; the last arrives, and its answer does not.
#[derive(Debug)]
struct Cut {
    line: Box<dyn Line>,
    sent: Rc<Cell<usize>>,
    limit: usize,
}

impl Cut {
    fn after(limit: usize, board: &VirtualBoard) -> (Box<dyn Line>, Rc<Cell<usize>>) {
        let sent = Rc::new(Cell::new(0));
        (Box::new(Self { line: line(board), sent: sent.clone(), limit }), sent)
    }
}

impl Line for Cut {
    fn name(&self) -> &str {
        self.line.name()
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.sent.get() >= self.limit {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.sent.set(self.sent.get() + 1);
        self.line.send(bytes)
    }

    fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>> {
        if self.sent.get() >= self.limit {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.line.receive(within)
    }

    fn sleep(&mut self, time: Duration) {
        self.line.sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.line.now()
    }
}

/// Does it over a line that is cut after every frame in turn; then the chip is reset, as the message asks, and the same is done again.
/// What it comes to is what it comes to without a cut, and in between stands nothing that was not there before or is wanted.
fn cut_everywhere(
    make: impl Fn() -> VirtualBoard,
    mut work: impl FnMut(Box<dyn Line>, &VirtualBoard) -> Result<(), Failure>,
    between: impl Fn(&Nvm, &Nvm, &Nvm) -> bool,
    same: impl Fn(&VirtualBoard, &Nvm) -> bool,
) -> usize {
    let whole = make();
    let before = nvm(&whole);
    let (line_of, sent) = Cut::after(usize::MAX, &whole);
    work(line_of, &whole).unwrap();
    let (frames, wanted) = (sent.get(), nvm(&whole));
    for limit in 1..=frames {
        let board = make();
        let (cut, _) = Cut::after(limit, &board);
        let error = work(cut, &board).unwrap_err();
        assert!(["uart-lost", "interrupted"].contains(&error.code()), "frame {limit}: {error}");
        assert!(between(&before, &nvm(&board), &wanted), "after frame {limit} of {frames}");
        reset(&board);
        work(line(&board), &board).unwrap_or_else(|e| panic!("again after frame {limit} of {frames}: {e}"));
        assert!(same(&board, &wanted), "after frame {limit} of {frames} and a second run");
    }
    frames
}

#[test]
fn a_line_cut_after_any_frame_costs_another_run() {
    let h563: PartId = "STM32H563".parse().unwrap();
    let open = || board(h563, ProductState::Open, TrustZone::Disabled, &[]);
    let whole = |a: &Nvm, now: &Nvm, b: &Nvm| now == a || now == b;
    let equal = |board: &VirtualBoard, wanted: &Nvm| nvm(board) == *wanted;
    let options = cut_everywhere(
        open,
        |line, board| {
            let mut boot = Bootloader::open(line)?;
            set(&mut boot, code_of(board), "IWDG_STOP", 0).map(|_| ())
        },
        whole,
        equal,
    );
    let states = cut_everywhere(
        open,
        |line, _| Bootloader::open(line)?.write_product_state(ProductState::Provisioning).map(|_| ()),
        whole,
        equal,
    );
    let folder = tempfile::tempdir().unwrap();
    let firmware = image(code_of(&open()), 700, folder.path());
    let flash = cut_everywhere(
        open,
        |line, board| program(&mut Bootloader::open(line)?, code_of(board), &firmware).map(|_| ()),
        // Half a sector may stand there; nothing else has changed.
        |a, now, _| now.options == a.options && now.obk == a.obk && now.otp == a.otp,
        equal,
    );
    let object = tempfile::tempdir().unwrap();
    let wish = request(h563, TrustZone::Enabled, object.path());
    let objects = cut_everywhere(
        || board(h563, ProductState::Provisioning, TrustZone::Enabled, WORLD),
        |line, _| provision(&mut Bootloader::open(line)?, &wish, object.path()).map(|_| ()),
        |a, now, _| now.options == a.options && now.flash == a.flash && now.otp == a.otp,
        |board, _| usable(board.board().silicon().chip()).is_some(),
    );
    println!("frames: {options} of an option, {states} of a state, {flash} of 700 bytes, {objects} of an object");
    assert!(options > 20 && states > 5 && flash > 100 && objects > 20);
}

/// The known hazard: a bootloader that was left behind the address of an option image takes the bytes that call it for length and data.
#[test]
fn calling_a_bootloader_that_waits_for_an_option_image_never_writes_one() {
    let h563: PartId = "STM32H563".parse().unwrap();
    for address in [0x4002_2050u32, 0x4002_21E0] {
        let board = board(h563, ProductState::Open, TrustZone::Disabled, &[]);
        let before = nvm(&board);
        let [a, b, c, d] = address.to_be_bytes();
        for frame in [&[0x7F][..], &[0x31, 0xCE], &[a, b, c, d, a ^ b ^ c ^ d]] {
            assert_eq!(board.board().serial(frame), [0x79]);
        }
        let mut calls = 0;
        let answered = loop {
            calls += 1;
            match Bootloader::open(line(&board)) {
                Ok(boot) => break boot,
                Err(error) => assert_eq!(error.code(), "boot-nobody"),
            }
            assert!(calls < 100, "it stays silent");
            assert_eq!(nvm(&board), before, "after {calls} calls");
        };
        assert!(calls > 1, "the hazard is there: the first call is swallowed");
        assert_eq!(nvm(&board), before);
        drop(answered);
        // Meanwhile a reset, as the message asks, mends it at once.
        reset(&board);
        Bootloader::open(line(&board)).unwrap();
    }
}

fn wish(base: &Path) -> Wish {
    Wish {
        chip: "board".to_owned(),
        part: None,
        credential: None,
        inside: false,
        encrypt_word: None,
        out: base.into(),
        one_shot: false,
        once_for_life: false,
        this_is: None,
    }
}

/// A rescue over both wires, with this line.
fn rescue_over(line: Box<dyn Line>, board: &VirtualBoard, base: &Path, log: &mut Log) -> Result<Ended, Failure> {
    let mut boot = Bootloader::open(line)?;
    let mut bench = Bench::on_board(board.clone());
    rescue(&mut BothWires::new(&mut bench.session, &mut boot), wish(base), log)
}

#[test]
fn a_rescue_provisions_over_the_line_and_does_the_rest_over_the_probe() {
    let mut only_here = 0;
    for part in PartId::all().filter(|p| p.info().da_store == DaStore::Obk) {
        for tz in TrustZone::ALL {
            let world = [WORLD, &[("rss-tz-off", "faults"), ("tzen-in-provisioning", "ignored")]].concat();
            let world: Vec<_> =
                world.into_iter().filter(|(name, value)| Assumptions::default().set(name, value).is_ok()).collect();
            let board = board(part, ProductState::Provisioning, tz, &world);
            let base = tempfile::tempdir().unwrap();
            let mut log = Log::default();
            let ended = rescue_over(line(&board), &board, base.path(), &mut log).unwrap();
            assert_eq!(state_of(&board).0, ProductState::Open, "{part} {tz}");
            let names: Vec<_> = ended.performed.iter().map(|s| s.name()).collect();
            let first = names.iter().position(|n| n.starts_with("provision-da")).unwrap();
            assert_eq!(names[..first], ["prove:nrst", "make:credential"], "{part} {tz}");
            assert!(log.0.iter().any(|l| l.contains("over twin:board")), "{log:?}");
            // One folder with one journal and one receipt.
            let folder = ended.folder.unwrap();
            assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 1);
            let count = |end: &str| {
                let all = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
                all.filter(|name| name.ends_with(end)).count()
            };
            assert_eq!((count("receipt.json"), count("journal")), (1, 1), "{folder:?}");
            if tz == TrustZone::Disabled {
                // Where a debugger may not call the service, the bootloader still does.
                assert!(!names.contains(&"fallback"), "{names:?}");
                only_here += 1;
            }
        }
    }
    assert!(only_here > 0);
}

#[test]
fn two_boards_are_not_taken_for_one() {
    let part: PartId = "STM32H533".parse().unwrap();
    let make = || board(part, ProductState::Provisioning, TrustZone::Enabled, WORLD);
    let (one, other) = (make(), make());
    let (before_one, before_other) = (nvm(&one), nvm(&other));
    let base = tempfile::tempdir().unwrap();
    let error = rescue_over(line(&other), &one, base.path(), &mut Log::default()).unwrap_err();
    assert_eq!(error.code(), "boot-two-chips");
    assert_eq!((nvm(&one), nvm(&other)), (before_one, before_other));
}

#[test]
fn a_rescue_whose_line_is_cut_after_any_frame_is_finished_by_the_same_command() {
    let part: PartId = "STM32H533".parse().unwrap();
    let make = || board(part, ProductState::Provisioning, TrustZone::Enabled, WORLD);
    let whole = make();
    let (counted, sent) = Cut::after(usize::MAX, &whole);
    let base = tempfile::tempdir().unwrap();
    rescue_over(counted, &whole, base.path(), &mut Log::default()).unwrap();
    for limit in 1..=sent.get() {
        let board = make();
        let base = tempfile::tempdir().unwrap();
        let (cut, _) = Cut::after(limit, &board);
        if let Err(error) = rescue_over(cut, &board, base.path(), &mut Log::default()) {
            assert!(["uart-lost", "interrupted"].contains(&error.code()), "frame {limit}: {error}");
            reset(&board);
            rescue_over(line(&board), &board, base.path(), &mut Log::default())
                .unwrap_or_else(|e| panic!("again after frame {limit}: {e}"));
        }
        assert_eq!(state_of(&board).0, ProductState::Open, "after frame {limit}");
        // One that has not learnt whose it is stays as it stands, and a new one begins.
        assert!(std::fs::read_dir(base.path()).unwrap().count() <= 2, "after frame {limit}");
    }
}

/// What is done to an answer.
#[derive(Debug, Clone)]
enum Lie {
    Nothing,
    Silence,
    Nack,
    Flip(usize, u8),
    Shorter(usize),
    Longer(Vec<u8>),
    Instead(Vec<u8>),
}

fn lie() -> impl Strategy<Value = Lie> {
    let bytes = || proptest::collection::vec(prop_oneof![Just(0x79), Just(0x1F), any::<u8>()], 0..40);
    prop_oneof![
        12 => Just(Lie::Nothing),
        1 => Just(Lie::Silence),
        1 => Just(Lie::Nack),
        2 => (any::<usize>(), 1..=255u8).prop_map(|(at, bits)| Lie::Flip(at, bits)),
        1 => any::<usize>().prop_map(Lie::Shorter),
        1 => bytes().prop_map(Lie::Longer),
        1 => bytes().prop_map(Lie::Instead),
    ]
}

/// A device behind a line that lies, or one that was never a bootloader; and how often it was asked.
#[derive(Debug)]
struct Liar {
    line: Option<Box<dyn Line>>,
    lies: Vec<Lie>,
    asked: usize,
}

impl Line for Liar {
    fn name(&self) -> &str {
        "a liar"
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.as_mut().map_or(Ok(()), |line| line.send(bytes))
    }

    fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>> {
        self.asked += 1;
        assert!(self.asked < 20_000, "it does not end");
        let mut answer = match &mut self.line {
            Some(line) => line.receive(within)?,
            None => vec![0x79],
        };
        let lie = self.lies.get((self.asked - 1) % self.lies.len().max(1)).cloned().unwrap_or(Lie::Nothing);
        match lie {
            Lie::Nothing => {}
            Lie::Silence => answer.clear(),
            Lie::Nack => answer = vec![0x1F],
            Lie::Flip(at, bits) => {
                let length = answer.len().max(1);
                if let Some(byte) = answer.get_mut(at % length) {
                    *byte ^= bits;
                }
            }
            Lie::Shorter(by) => answer.truncate(answer.len().saturating_sub(by % 8)),
            Lie::Longer(more) => answer.extend(more),
            Lie::Instead(other) => answer = other,
        }
        Ok(answer)
    }

    fn sleep(&mut self, time: Duration) {
        if let Some(line) = &mut self.line {
            line.sleep(time);
        }
    }

    fn now(&mut self) -> Duration {
        Duration::ZERO
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// No panic, an end, and no false word: a write that is called good is in the chip.
    #[test]
    fn a_device_that_lies_is_survived(lies in proptest::collection::vec(lie(), 1..60), real in any::<bool>()) {
        let part: PartId = "STM32H563".parse().unwrap();
        let board = board(part, ProductState::Open, TrustZone::Disabled, WORLD);
        let code = code_of(&board);
        let before = nvm(&board);
        let inner = real.then(|| line(&board));
        if let Ok(mut boot) = Bootloader::open(Box::new(Liar { line: inner, lies, asked: 0 })) {
            let _ = boot.see();
            let _ = boot.identify();
            let _ = OptionBytes::by_bootloader(&mut boot, Some(code));
            prop_assert_eq!(&nvm(&board), &before, "looking changes nothing, whatever is answered");
            let object = Delivery { destination: 0x0FFD_0100, payload: &[0; 96], word: EncryptWord::ZERO };
            let mut known = None;
            let _ = boot.provision(&[part], object, &mut known, &mut |_| Ok(()), &mut Log::default());
            let _ = boot.erase(&Erase::Sectors(vec![3]));
            let _ = set(&mut boot, code, "IWDG_STOP", 0);
            let _ = boot.write_product_state(ProductState::Provisioning);
            let _ = boot.reset();
        }
    }
}

/// A serial line has no checksum in this direction: one answer that comes in other bits must not end up in the option words, some of which
/// can only be set.
#[test]
fn one_garbled_answer_never_reaches_the_option_words() {
    let part: PartId = "STM32H563".parse().unwrap();
    let make = || board(part, ProductState::Open, TrustZone::Disabled, &[]);
    let whole = make();
    let before = nvm(&whole);
    set(&mut Bootloader::open(line(&whole)).unwrap(), code_of(&whole), "IWDG_STOP", 0).unwrap();
    let wanted = nvm(&whole);
    let mut said = std::collections::BTreeMap::<&str, usize>::new();
    for at in 0..60 {
        for (byte, bits) in [(0, 0x40), (1, 0x01), (5, 0x80), (0x42, 0x03), (0x46, 0x03), (0x91, 0xFF)] {
            let board = make();
            let mut lies = vec![Lie::Nothing; 1000];
            lies[at] = Lie::Flip(byte, bits);
            let liar = Liar { line: Some(line(&board)), lies, asked: 0 };
            let result =
                Bootloader::open(Box::new(liar)).and_then(|mut boot| set(&mut boot, code_of(&board), "IWDG_STOP", 0));
            let after = nvm(&board);
            assert!(after == before || after == wanted, "answer {at}, byte {byte:#x}: {result:?}");
            *said.entry(result.as_ref().map_or_else(|e| e.code(), |_| "done")).or_default() += 1;
        }
    }
    println!("{said:?}");
    assert!(said.contains_key("boot-reads-differ"), "{said:?}");
}
