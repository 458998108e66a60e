//! Every chip through its ROM bootloader over USB: what is read is what is in the chip, what is written arrives, a plug that is pulled after
//! any transfer loses nothing, and a device that lies is survived.

use std::{cell::Cell, io, rc::Rc, time::Duration};

use proptest::prelude::*;
use provost_bench::BootBench;
use provost_bootloader::usb::SetupPacket;
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
        bootloader::{Bootloader, Plug, PlugError},
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

/// What a bootloader may be like over USB.
const WORLDS: [&[(&str, &str)]; 4] = [
    &[],
    &[("boot-usb-options", "one-area"), ("boot-usb-poll", "1-ms")],
    &[("boot-usb-options", "absent"), ("boot-usb-device-id", "absent")],
    &[("boot-usb-special", "refused")],
];

fn chips() -> impl Iterator<Item = (PartId, TrustZone)> {
    let settings = |part: PartId| if part.info().trustzone { &TrustZone::ALL[..] } else { &[TrustZone::Disabled] };
    PartId::all().flat_map(move |part| settings(part).iter().map(move |tz| (part, *tz)))
}

fn world(switches: &[(&str, &str)]) -> Assumptions {
    let mut world = Assumptions::default();
    for (name, value) in switches {
        world.set(name, value).unwrap();
    }
    world
}

fn board(part: PartId, state: ProductState, tz: TrustZone, assumptions: Assumptions) -> VirtualBoard {
    let mut maker = Maker::new(part, 9);
    (maker.state, maker.tz, maker.assumptions) = (state, tz, assumptions);
    let board = VirtualBoard::with_chip("chip", maker.make());
    enter(&board);
    board
}

/// BOOT0 high, and a reset.
fn enter(board: &VirtualBoard) {
    board.board().silicon_mut().set_boot0(true);
    board.board().power_cycle();
    board.advance(Duration::from_millis(20));
}

fn h563() -> PartId {
    "STM32H563".parse().unwrap()
}

fn open(board: &VirtualBoard) -> Result<Bootloader, Failure> {
    let part = board.board().silicon().identity().part;
    BootBench::usb_of(board.clone()).bootloader(Some(part))
}

fn set(boot: &mut Bootloader, part: PartId, what: &str) -> Result<(), Failure> {
    let bytes = OptionBytes::by_bootloader(boot, Some(part.into()))?;
    let change = plan(&bytes, &[Assignment::parse(what)?])?;
    apply_by_bootloader(boot, &bytes, change, &mut Silent).map(drop)
}

#[test]
fn every_part_tells_who_it_is_and_shows_its_options() {
    for switches in WORLDS {
        for (part, tz) in chips() {
            for state in ProductState::ALL {
                let board = board(part, state, tz, world(switches));
                let Ok(mut boot) = open(&board) else {
                    assert!(state > ProductState::Provisioning, "{part} {state} {tz}");
                    continue;
                };
                assert!(state <= ProductState::Provisioning, "{part} {state} {tz}");
                let before = board.board().silicon().nvm().clone();
                let seen = boot.see().unwrap();
                assert!(seen.parts.contains(&part) && seen.id == part.info().dev_id, "{part} {state} {tz}");
                // Version 3.0 of the protocol, and the commands of AN3156 that STM32H5 has.
                assert_eq!((seen.protocol, seen.opcodes.as_slice()), (0x30, &[0x00, 0x21, 0x41][..]));
                let uid = seen.uid.map(|id| id.words());
                assert_eq!(uid, (state == ProductState::Open).then_some(board.board().silicon().identity().uid));
                let bytes = OptionBytes::by_bootloader(&mut boot, Some(part.into())).unwrap();
                assert_eq!((bytes.chip.state, bytes.chip.tz), (state, tz));
                for field in OptionField::of(part) {
                    let stored = field.get(before.options.get(field.offset_cur));
                    if let Some(value) = bytes.value(field) {
                        assert_eq!(value, stored, "{part} {state} {tz} {}", field.name);
                    }
                }
                assert!(*board.board().silicon().nvm() == before, "looking changes nothing");
            }
        }
    }
}

#[test]
fn a_device_that_does_not_say_which_it_is_takes_the_part_from_a_person() {
    let silent = board(h563(), ProductState::Open, TrustZone::Disabled, world(&[("boot-usb-device-id", "absent")]));
    let error = BootBench::usb_of(silent.clone()).bootloader(None).unwrap_err();
    assert_eq!(error.code(), "boot-no-device-id");
    assert!(BootBench::usb_of(silent).bootloader(Some(h563())).is_ok());
    let told = board(h563(), ProductState::Open, TrustZone::Disabled, Assumptions::default());
    let other = BootBench::usb_of(told).bootloader(Some("STM32H503".parse().unwrap())).unwrap();
    assert_eq!(other.parts(Some("STM32H503".parse().unwrap())).unwrap_err().code(), "boot-part-mismatch");
}

#[test]
fn one_option_is_set_and_no_other_word_moves() {
    for switches in WORLDS {
        for (part, tz) in chips() {
            let board = board(part, ProductState::Open, tz, world(switches));
            let mut expected = board.board().silicon().nvm().options.clone();
            let mut boot = open(&board).unwrap();
            // One of each image; STM32H503 has no high-cycle data.
            let second = if part.info().name == "STM32H503" { ("WRPSGn2", 0xFE) } else { ("EDATA2_EN", 1) };
            for (name, value) in [("IWDG_STOP", 0), second] {
                set(&mut boot, part, &format!("{name}={value:#x}")).unwrap();
                let field = OptionField::find(part, name).unwrap();
                expected.set(field.offset_cur, field.set(expected.get(field.offset_cur), value));
            }
            assert!(board.board().silicon().nvm().options == expected, "{part} {tz}");
        }
    }
}

#[test]
fn the_state_changes_forward_alone_whether_or_not_special_commands_are_served() {
    for switches in WORLDS {
        for (part, tz) in chips() {
            let board = board(part, ProductState::Open, tz, world(switches));
            let mut expected = board.board().silicon().nvm().options.clone();
            let mut boot = open(&board).unwrap();
            let reached = boot.write_product_state(ProductState::Provisioning).unwrap();
            assert_eq!(reached, Some(ProductState::Provisioning), "{part} {tz}");
            let field = OptionField::find(part, "PRODUCT_STATE").unwrap();
            expected.set(field.offset_cur, field.set(expected.get(field.offset_cur), 0x17));
            assert!(board.board().silicon().nvm().options == expected, "{part} {tz}: nothing else moves");
            assert!(boot.write_product_state(ProductState::Open).is_err(), "{part} {tz}");
            assert!(board.board().silicon().nvm().options == expected, "{part} {tz}");
            assert_eq!(boot.write_product_state(ProductState::Closed).unwrap(), None, "nobody to ask any more");
            assert_eq!(board.board().silicon().chip().state, ProductState::Closed);
        }
    }
}

#[test]
fn objects_are_stored_in_every_world_whose_checksum_is_known() {
    let switches = ["rss-checksum", "rss-return", "boot-final-ack", "rss-encrypt-word", "boot-usb-special"];
    // An object with the hash of what follows it (`printf '\7%.0s' {1..64} | sha256sum`).
    let hex = include_str!("sevens.sha256").trim();
    let hash = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap());
    let payload: Vec<u8> = hash.chain([7; 64]).collect();
    for world in Assumptions::combinations(&switches) {
        for part in ["STM32H563", "STM32H573", "STM32H503"].map(|name| name.parse::<PartId>().unwrap()) {
            let board = board(part, ProductState::Provisioning, TrustZone::Disabled, world);
            let before = board.board().silicon().nvm().clone();
            let mut boot = open(&board).unwrap();
            let (mut known, mut stored) = (None, false);
            for word in EncryptWord::PUBLIC {
                let object = Delivery { destination: provost_obk::da::DESTINATION, payload: &payload, word };
                match boot.provision(&[part], object, &mut known, &mut |_| Ok(()), &mut Silent) {
                    Ok(Stored::Yes { checksum, .. }) => {
                        assert_eq!(checksum, world.rss_checksum);
                        stored = true;
                        break;
                    }
                    // Over USB nobody says why: the next form is tried.
                    Ok(Stored::Refused { .. }) => {}
                    Ok(other) => panic!("{part} {world}: {other:?}"),
                    Err(error) => {
                        assert_eq!((error.code(), part.info().name), ("wire-cannot", "STM32H503"));
                        break;
                    }
                }
            }
            let special = world.get("boot-usb-special") == Some("served");
            let takes = special && world.rss_checksum != RssChecksum::Unlisted && part.info().name != "STM32H503";
            let every_word = world.rss_encrypt_word != RssEncryptWord::Strict || !takes;
            assert!(stored == takes || !every_word, "{part} {world}");
            if !stored {
                assert!(*board.board().silicon().nvm() == before, "{part} {world}: nothing was written");
            }
        }
    }
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
    Flash::of(&bytes)?.write_by_bootloader(boot, &image(length), &mut Silent).map(drop)
}

#[test]
fn a_hundred_kilobytes_go_into_flash_and_come_back() {
    const LENGTH: u32 = 100 * 1024;
    for (part, tz) in chips() {
        for state in [ProductState::Open, ProductState::Provisioning] {
            let board = board(part, state, tz, Assumptions::default());
            let before = board.board().silicon().nvm().clone();
            let mut boot = open(&board).unwrap();
            if tz == TrustZone::Enabled {
                // Every sector is of the secure world as delivered, and the bootloader is not.
                assert_eq!(write(&mut boot, part, LENGTH).unwrap_err().code(), "boot-secure-sectors");
                assert!(*board.board().silicon().nvm() == before, "{part} {state}: nothing was written");
                continue;
            }
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
fn what_the_bootloader_only_takes_is_found_out() {
    let board = board(h563(), ProductState::Open, TrustZone::Enabled, Assumptions::default());
    let mut boot = open(&board).unwrap();
    assert_eq!(boot.write(0x0800_2000, &[1; 16]).unwrap_err().code(), "boot-not-written");
    assert_eq!(boot.write(0x0800_2001, &[1; 16]).unwrap_err().code(), "boot-unaligned");
    assert_eq!(boot.read(0x1000_0000, 4).unwrap_err().code(), "dfu-reported");
    assert_eq!(boot.read(0x0800_0000, 4).unwrap(), [0; 4], "it goes on after a refusal");
}

/// A plug that is pulled once so many transfers have gone; the last of them may or may not arrive, and whoever plugs it in again finds it.
#[derive(Debug)]
struct Pulled {
    plug: Box<dyn Plug>,
    left: Rc<Cell<u32>>,
    arrives: bool,
}

impl Plug for Pulled {
    fn name(&self) -> &str {
        self.plug.name()
    }

    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, PlugError> {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        if left > 1 {
            return self.plug.control(setup, data);
        }
        if left == 1 && self.arrives {
            let _ = self.plug.control(setup, data);
        }
        Err(PlugError::Gone(io::ErrorKind::NotConnected.into()))
    }

    fn replug(&mut self) -> io::Result<bool> {
        if self.left.get() == 0 { Ok(false) } else { self.plug.replug() }
    }

    fn sleep(&mut self, time: Duration) {
        self.plug.sleep(time);
    }

    fn now(&mut self) -> Duration {
        self.plug.now()
    }
}

/// Pulls the plug after each transfer of `work`, then does the work again; returns how many times.
fn pulled_everywhere(
    make: impl Fn() -> VirtualBoard,
    work: impl Fn(&mut Bootloader) -> Result<(), Failure>,
    check: impl Fn(&VirtualBoard),
) -> u32 {
    let mut cuts = 0;
    for arrives in [false, true] {
        for transfers in 1.. {
            let board = make();
            let part = board.board().silicon().identity().part;
            let left = Rc::new(Cell::new(transfers));
            let counted = left.clone();
            let way = BootBench::usb_of(board.clone()).over(|plug| Box::new(Pulled { plug, left: counted, arrives }));
            let ended = way.bootloader(Some(part)).and_then(|mut boot| work(&mut boot));
            if left.get() > 0 {
                ended.unwrap_or_else(|e| panic!("nothing was pulled, {} of {transfers} are left: {e}", left.get()));
                check(&board);
                break;
            }
            if let Err(error) = ended {
                // Behind what resets the chip a plug that is pulled looks like the reset.
                assert!(["uart-lost", "boot-gone"].contains(&error.code()), "{transfers}: {error}");
            }
            cuts += 1;
            // A chip that was resetting takes its time.
            board.advance(Duration::from_millis(50));
            work(&mut open(&board).unwrap()).unwrap_or_else(|e| panic!("again after transfer {transfers}: {e}"));
            check(&board);
        }
    }
    cuts
}

#[test]
fn a_plug_pulled_after_any_transfer_loses_nothing() {
    let make = || board(h563(), ProductState::Open, TrustZone::Disabled, Assumptions::default());
    let factory = make().board().silicon().nvm().options.clone();
    let options = pulled_everywhere(
        make,
        |boot| set(boot, h563(), "IWDG_STOP=0"),
        |board| {
            let field = OptionField::find(h563(), "IWDG_STOP").unwrap();
            let mut expected = factory.clone();
            expected.set(field.offset_cur, field.set(expected.get(field.offset_cur), 0));
            assert!(board.board().silicon().nvm().options == expected);
        },
    );
    let flash = pulled_everywhere(make, |boot| write(boot, h563(), 3000), |board| assert!(holds(board, 3000)));
    let to_provisioning = |boot: &mut Bootloader| match boot.option_images()?.options().state() {
        Some(ProductState::Provisioning) => Ok(()),
        _ => boot.write_product_state(ProductState::Provisioning).map(drop),
    };
    let states = pulled_everywhere(make, to_provisioning, |board| {
        assert_eq!(board.board().silicon().chip().state, ProductState::Provisioning);
    });
    println!("plugs pulled: {options} at an option, {flash} at 3000 bytes, {states} at a state");
    assert!(options > 100 && flash > 60 && states > 60, "{options} {flash} {states}");
}

/// What is done to a transfer.
#[derive(Debug, Clone)]
enum Lie {
    Nothing,
    Gone,
    Stall,
    Flip(usize, u8),
    Shorter(usize),
    Instead(Vec<u8>),
}

fn lie() -> impl Strategy<Value = Lie> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (0u8..16, any::<[u8; 3]>(), 0u8..12).prop_map(|(s, [a, b, c], state)| vec![s, a, b, c, state, 0]),
    ];
    prop_oneof![
        16 => Just(Lie::Nothing),
        1 => Just(Lie::Gone),
        1 => Just(Lie::Stall),
        2 => (any::<usize>(), 1..=255u8).prop_map(|(at, bits)| Lie::Flip(at, bits)),
        1 => any::<usize>().prop_map(Lie::Shorter),
        2 => bytes.prop_map(Lie::Instead),
    ]
}

/// A device that lies, or one that was never a bootloader.
#[derive(Debug)]
struct Liar {
    plug: Option<Box<dyn Plug>>,
    lies: Vec<Lie>,
    asked: usize,
}

impl Plug for Liar {
    fn name(&self) -> &str {
        "a liar"
    }

    fn control(&mut self, setup: SetupPacket, data: &[u8]) -> Result<Vec<u8>, PlugError> {
        self.asked += 1;
        assert!(self.asked < 200_000, "it does not end");
        let mut answer = match &mut self.plug {
            Some(plug) => plug.control(setup, data)?,
            None => vec![0; 6],
        };
        match self.lies.get((self.asked - 1) % self.lies.len().max(1)).cloned().unwrap_or(Lie::Nothing) {
            Lie::Nothing => {}
            Lie::Gone => return Err(PlugError::Gone(io::ErrorKind::NotConnected.into())),
            Lie::Stall => return Err(PlugError::Stalled),
            Lie::Flip(at, bits) => {
                let length = answer.len().max(1);
                if let Some(byte) = answer.get_mut(at % length) {
                    *byte ^= bits;
                }
            }
            Lie::Shorter(by) => answer.truncate(answer.len().saturating_sub(by % 8)),
            Lie::Instead(other) => answer = other,
        }
        Ok(answer)
    }

    fn replug(&mut self) -> io::Result<bool> {
        self.plug.as_mut().map_or(Ok(true), |plug| plug.replug())
    }

    fn sleep(&mut self, time: Duration) {
        if let Some(plug) = &mut self.plug {
            plug.sleep(time);
        }
    }

    fn now(&mut self) -> Duration {
        Duration::ZERO
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// No panic, an end, and looking changes nothing, whatever is answered.
    #[test]
    fn a_device_that_lies_is_survived(
        honest in 0usize..60, lies in prop::collection::vec(lie(), 1..60), real in any::<bool>(),
    ) {
        let board = board(h563(), ProductState::Open, TrustZone::Disabled, Assumptions::default());
        let before = board.board().silicon().nvm().clone();
        let lies = std::iter::repeat_n(Lie::Nothing, honest).chain(lies).collect();
        let way = BootBench::usb_of(board.clone());
        let liar = way.over(|plug| Box::new(Liar { plug: real.then_some(plug), lies, asked: 0 }));
        if let Ok(mut boot) = liar.bootloader(Some(h563())) {
            let _ = boot.see();
            let _ = boot.identify();
            let _ = OptionBytes::by_bootloader(&mut boot, Some(h563().into()));
            prop_assert!(*board.board().silicon().nvm() == before, "looking changes nothing");
            let _ = set(&mut boot, h563(), "IWDG_STOP=0");
            let _ = write(&mut boot, h563(), 100);
            let _ = boot.write_product_state(ProductState::Provisioning);
            let _ = boot.reset();
        }
    }
}

/// One answer in other bits must not end up in the option words, some of which can only be set.
#[test]
fn one_garbled_answer_never_reaches_the_option_words() {
    let make = || board(h563(), ProductState::Open, TrustZone::Disabled, Assumptions::default());
    let whole = make();
    let before = whole.board().silicon().nvm().options.clone();
    set(&mut open(&whole).unwrap(), h563(), "IWDG_STOP=0").unwrap();
    let wanted = whole.board().silicon().nvm().options.clone();
    let mut said = std::collections::BTreeMap::<&str, usize>::new();
    for at in 0..110 {
        for (byte, bits) in [(0, 0x40), (1, 0x01), (5, 0x80), (0x42, 0x03), (0x91, 0xFF)] {
            let board = make();
            let mut lies = vec![Lie::Nothing; 2000];
            lies[at] = Lie::Flip(byte, bits);
            let way = BootBench::usb_of(board.clone());
            let liar = way.over(|plug| Box::new(Liar { plug: Some(plug), lies, asked: 0 }));
            let result = liar.bootloader(Some(h563())).and_then(|mut boot| set(&mut boot, h563(), "IWDG_STOP=0"));
            let after = board.board().silicon().nvm().options.clone();
            assert!(after == before || after == wanted, "answer {at}, byte {byte:#x}: {result:?}");
            *said.entry(result.as_ref().map_or_else(|e| e.code(), |()| "done")).or_default() += 1;
        }
    }
    println!("{said:?}");
    assert!(said.contains_key("boot-reads-differ"), "{said:?}");
}
