//! Every chip through its ROM bootloader on a serial line: what is read is what is in the chip, what is written arrives, and a line that
//! is cut after any frame loses nothing.

use std::{cell::Cell, io, rc::Rc, time::Duration};

use provost_bench::UartBench;
use provost_chip::{
    assumptions::{Assumptions, RssChecksum, RssEncryptWord},
    option_bytes::OptionField,
    order_code::OrderCode,
    parts::PartId,
    states::{ProductState, TrustZone},
};
use provost_ops::{
    Silent,
    drive::{
        bootloader::{Bootloader, Line},
        service::{EncryptWord, Stored},
        target::Delivery,
    },
    error::Failure,
    flash::{
        Flash,
        image::{Format, Image},
    },
    option_bytes::{Assignment, OptionBytes, apply_by_bootloader, plan},
};
use provost_twin::{board::VirtualBoard, presets::Maker};

fn chips() -> impl Iterator<Item = (PartId, TrustZone)> {
    let settings = |part: PartId| if part.info().trustzone { &TrustZone::ALL[..] } else { &[TrustZone::Disabled] };
    PartId::all().flat_map(move |part| settings(part).iter().map(move |tz| (part, *tz)))
}

fn board_in(part: PartId, state: ProductState, tz: TrustZone, assumptions: Assumptions) -> VirtualBoard {
    let mut maker = Maker::new(part, 9);
    (maker.state, maker.tz, maker.assumptions) = (state, tz, assumptions);
    let board = VirtualBoard::with_chip("chip", maker.make());
    enter(&board);
    board
}

fn board(part: PartId, state: ProductState, tz: TrustZone) -> VirtualBoard {
    board_in(part, state, tz, Assumptions::default())
}

/// BOOT0 high, and a reset.
fn enter(board: &VirtualBoard) {
    board.board().silicon_mut().set_boot0(true);
    board.board().power_cycle();
    board.advance(Duration::from_millis(10));
}

fn open(board: &VirtualBoard) -> Result<Bootloader, Failure> {
    Bootloader::open(UartBench::on_board(board.clone()).line)
}

fn set(boot: &mut Bootloader, part: PartId, what: &str) -> Result<(), Failure> {
    let bytes = OptionBytes::by_bootloader(boot, Some(part.into()))?;
    let change = plan(&bytes, &[Assignment::parse(what)?])?;
    apply_by_bootloader(boot, &bytes, change, &mut Silent).map(drop)
}

fn field(board: &VirtualBoard, name: &str) -> u32 {
    let part = board.board().silicon().chip().part;
    let field = OptionField::find(part, name).unwrap();
    field.get(board.board().silicon().nvm().options.get(field.offset_cur))
}

#[test]
fn every_part_tells_who_it_is_and_shows_its_options() {
    for (part, tz) in chips() {
        for state in ProductState::ALL {
            let board = board(part, state, tz);
            let Ok(mut boot) = open(&board) else {
                assert!(state > ProductState::Provisioning, "{part} {state} {tz}");
                assert_eq!(open(&board).unwrap_err().code(), "boot-nobody");
                continue;
            };
            assert!(state <= ProductState::Provisioning, "{part} {state} {tz}");
            let seen = boot.see().unwrap();
            assert!(seen.parts.contains(&part) && seen.id == part.info().dev_id && seen.protocol == 0x40);
            // The unique id is masked outside Open.
            let uid = seen.uid.map(|id| id.words());
            assert_eq!(uid, (state == ProductState::Open).then_some(board.board().silicon().identity().uid));
            let bytes = OptionBytes::by_bootloader(&mut boot, Some(part.into())).unwrap();
            assert_eq!((bytes.chip.state, bytes.chip.tz), (state, tz));
            for field in OptionField::of(part) {
                let stored = field.get(board.board().silicon().nvm().options.get(field.offset_cur));
                if let Some(value) = bytes.value(field) {
                    assert_eq!(value, stored, "{part} {state} {tz} {}", field.name);
                }
            }
            let other: PartId = if part.info().dev_id == 0x474 { "H563" } else { "H503" }.parse().unwrap();
            assert_eq!(boot.parts(Some(other)).unwrap_err().code(), "boot-part-mismatch");
        }
    }
}

#[test]
fn one_option_is_set_and_no_other_word_moves() {
    for (part, tz) in chips() {
        let board = board(part, ProductState::Open, tz);
        let before = board.board().silicon().nvm().options.clone();
        let mut boot = open(&board).unwrap();
        // One of each image; STM32H503 has no high-cycle data.
        let second = if part.info().name == "STM32H503" { ("WRPSGn2", 0xFE) } else { ("EDATA2_EN", 1) };
        let mut expected = before;
        for (name, value) in [("IWDG_STOP", 0), second] {
            set(&mut boot, part, &format!("{name}={value:#x}")).unwrap();
            let field = OptionField::find(part, name).unwrap();
            expected.set(field.offset_cur, field.set(expected.get(field.offset_cur), value));
        }
        assert!(board.board().silicon().nvm().options == expected, "{part} {tz}");
    }
}

#[test]
fn the_state_changes_forward_alone() {
    for (part, tz) in chips() {
        for lost in ["sent", "lost"] {
            let mut world = Assumptions::default();
            world.set("boot-final-ack", lost).unwrap();
            let board = board_in(part, ProductState::Open, tz, world);
            let mut boot = open(&board).unwrap();
            let reached = boot.write_product_state(ProductState::Provisioning).unwrap();
            assert_eq!(reached, Some(ProductState::Provisioning), "{part} {tz} {lost}");
            let error = boot.write_product_state(ProductState::Open).unwrap_err();
            assert_eq!(error.code(), "boot-state-unchanged", "{part} {tz} {lost}");
            assert!(boot.reset().unwrap(), "in Provisioning it comes back");
            assert_eq!(boot.write_product_state(ProductState::Closed).unwrap(), None, "nobody to ask any more");
            assert_eq!(board.board().silicon().chip().state, ProductState::Closed);
        }
    }
}

#[test]
fn objects_are_stored_in_every_world_whose_checksum_is_known() {
    let switches = ["rss-checksum", "rss-return", "rss-tz-off", "boot-final-ack", "rss-encrypt-word"];
    let object = provost_obk::da::DESTINATION;
    for world in Assumptions::combinations(&switches) {
        for (part, tz) in
            chips().filter(|(part, _)| ["STM32H563", "STM32H533", "STM32H503"].contains(&part.info().name))
        {
            let board = board_in(part, ProductState::Provisioning, tz, world);
            let parts = [part];
            let mut payload = vec![7; 96];
            payload[..32].copy_from_slice(&sha256_of_64_sevens());
            let mut known = None;
            let mut stored = None;
            let mut boot = open(&board).unwrap();
            for word in EncryptWord::PUBLIC {
                let delivery = Delivery { destination: object, payload: &payload, word };
                let result = boot.provision(&parts, delivery, &mut known, &mut |_| Ok(()), &mut Silent);
                match result {
                    Ok(Stored::Yes { checksum, .. }) => {
                        assert_eq!(checksum, world.rss_checksum);
                        stored = Some(());
                        break;
                    }
                    // A part without secure AES refuses the word that encrypts, a ROM that knows two words every other.
                    Ok(Stored::Refused { .. }) => {
                        let strict = world.rss_encrypt_word == RssEncryptWord::Strict;
                        assert!(!part.info().crypto || strict && word == EncryptWord::ZERO, "{part} {world}");
                    }
                    Ok(other) => panic!("{part} {world}: {other:?}"),
                    Err(error) if part.info().name == "STM32H503" => {
                        assert_eq!(error.code(), "wire-cannot");
                        break;
                    }
                    Err(error) => {
                        assert_eq!(error.code(), "rss-checksum-unknown", "{part} {world}");
                        assert_eq!(world.rss_checksum, RssChecksum::Unlisted);
                        break;
                    }
                }
            }
            let takes = world.rss_checksum != RssChecksum::Unlisted && part.info().name != "STM32H503";
            assert_eq!(
                (stored.is_some(), board.board().silicon().chip().da.is_some()),
                (takes, takes),
                "{part} {tz} {world}"
            );
        }
    }
}

/// SHA-256 of 64 bytes of value 7 (`printf '\7%.0s' {1..64} | sha256sum`).
fn sha256_of_64_sevens() -> [u8; 32] {
    let hex = include_str!("sevens.sha256").trim();
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
}

fn image(length: u32) -> Image {
    let bytes = (0..length).map(|n| (n * 7 % 251) as u8).collect();
    Image::from_segments(Format::Binary, vec![(0x0800_2000, bytes)]).unwrap()
}

fn holds(board: &VirtualBoard, length: u32) -> bool {
    let inner = board.board();
    (0..length).step_by(4).all(|n| {
        let word = u32::from_le_bytes(std::array::from_fn(|i| ((n + i as u32) * 7 % 251) as u8));
        inner.silicon().nvm().flash_word(0x2000 + n) == word
    })
}

/// What is printed on the package: in Provisioning the chip does not show its size.
fn printed(part: PartId) -> OrderCode {
    OrderCode { part, flash: Some(part.info().largest_flash()) }
}

fn write(boot: &mut Bootloader, part: PartId, length: u32) -> Result<(), Failure> {
    let bytes = OptionBytes::by_bootloader(boot, Some(printed(part)))?;
    Flash::of(&bytes).unwrap().write_by_bootloader(boot, &image(length), &mut Silent).map(drop)
}

#[test]
fn a_hundred_kilobytes_go_into_flash_and_come_back() {
    const LENGTH: u32 = 100 * 1024;
    for name in ["STM32H503", "STM32H533", "STM32H563"] {
        let part: PartId = name.parse().unwrap();
        for state in [ProductState::Open, ProductState::Provisioning] {
            let board = board(part, state, TrustZone::Disabled);
            let mut boot = open(&board).unwrap();
            write(&mut boot, part, LENGTH).unwrap();
            assert!(holds(&board, LENGTH), "{part} {state}");
            let bytes = OptionBytes::by_bootloader(&mut boot, Some(printed(part))).unwrap();
            let read =
                Flash::of(&bytes).unwrap().read_by_bootloader(&mut boot, 0x0800_2003, 1000, &mut Silent).unwrap();
            assert_eq!(read, (3..1003u32).map(|n| (n * 7 % 251) as u8).collect::<Vec<_>>());
        }
    }
}

#[test]
fn what_the_bootloader_only_acknowledges_is_found_out() {
    let part: PartId = "STM32H563".parse().unwrap();
    let board = board(part, ProductState::Open, TrustZone::Enabled);
    let mut boot = open(&board).unwrap();
    assert_eq!(write(&mut boot, part, 64).unwrap_err().code(), "boot-secure-sectors");
    let erased = board.board().silicon().nvm().flash_word(0x10_0000);
    assert_eq!(erased, u32::MAX);
    // Past the check: the word goes out, is acknowledged, and nothing is there.
    assert_eq!(boot.write(0x0800_2000, &[1; 16]).unwrap_err().code(), "boot-not-written");
}

/// A line that breaks once so many frames have gone out; the last of them may or may not arrive.
#[derive(Debug)]
struct Cut {
    line: Box<dyn Line>,
    left: Rc<Cell<u32>>,
    arrives: bool,
}

impl Line for Cut {
    fn name(&self) -> &str {
        self.line.name()
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let left = self.left.get();
        if left > 1 || (left == 1 && self.arrives) {
            self.line.send(bytes)?;
        }
        self.left.set(left.saturating_sub(1));
        if left > 1 { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }

    fn receive(&mut self, within: Duration) -> io::Result<Vec<u8>> {
        self.line.receive(within)
    }

    fn sleep(&mut self, time: Duration) {
        self.line.sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.line.now()
    }
}

/// Cuts the line after each frame of `work`, then does the work again, with a reset by hand if nobody answers; returns how many cuts.
fn cut_everywhere(
    make: impl Fn() -> VirtualBoard,
    work: impl Fn(&mut Bootloader) -> Result<(), Failure>,
    check: impl Fn(&VirtualBoard),
) -> u32 {
    let mut cuts = 0;
    for arrives in [false, true] {
        for frames in 1.. {
            let board = make();
            let left = Rc::new(Cell::new(frames));
            let line = UartBench::on_board(board.clone()).line;
            let cut = Cut { line, left: left.clone(), arrives };
            let ended = Bootloader::open(Box::new(cut)).and_then(|mut boot| work(&mut boot));
            if left.get() > 0 {
                ended.unwrap();
                check(&board);
                break;
            }
            assert_eq!(ended.unwrap_err().code(), "uart-lost", "{frames}");
            cuts += 1;
            let mut boot = match open(&board) {
                Ok(boot) => boot,
                Err(error) => {
                    assert_eq!(error.code(), "boot-nobody", "{frames}");
                    enter(&board);
                    open(&board).unwrap()
                }
            };
            work(&mut boot).unwrap();
            check(&board);
        }
    }
    cuts
}

#[test]
fn a_line_cut_after_any_frame_loses_nothing() {
    let part: PartId = "STM32H563".parse().unwrap();
    let make = || board(part, ProductState::Open, TrustZone::Disabled);
    let factory = make().board().silicon().nvm().options.clone();
    let cuts = cut_everywhere(
        make,
        |boot| set(boot, part, "IWDG_STOP=0"),
        |board| {
            let field = OptionField::find(part, "IWDG_STOP").unwrap();
            let mut expected = factory.clone();
            expected.set(field.offset_cur, field.set(expected.get(field.offset_cur), 0));
            assert!(board.board().silicon().nvm().options == expected);
        },
    );
    println!("an option changed: {cuts} cuts");
    assert!(cuts > 50);
    let cuts = cut_everywhere(make, |boot| write(boot, part, 3000), |board| assert!(holds(board, 3000)));
    println!("3000 bytes written: {cuts} cuts");
    assert!(cuts > 200);
    let to_provisioning = |boot: &mut Bootloader| match boot.option_images()?.options().state() {
        Some(ProductState::Provisioning) => Ok(()),
        _ => boot.write_product_state(ProductState::Provisioning).map(drop),
    };
    let cuts = cut_everywhere(make, to_provisioning, |board| {
        assert_eq!(board.board().silicon().chip().state, ProductState::Provisioning);
        assert_eq!(field(board, "PRODUCT_STATE"), 0x17);
    });
    println!("the state changed: {cuts} cuts");
    assert!(cuts > 20);
}
