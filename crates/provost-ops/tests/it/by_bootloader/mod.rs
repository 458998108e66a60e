//! The ROM bootloader as a wire: what is done over it is in the chip, what is refused leaves no trace, and a line that is cut after any
//! frame, or that lies, costs nothing but another run.

mod chips;
mod cuts;
mod lies;
mod rescue;

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
