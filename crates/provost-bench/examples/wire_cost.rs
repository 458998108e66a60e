//! What common work costs on the wire, in clocks of SWCLK, for provost, for OpenOCD, and for whoever packs every bit by hand.
//!
//! `cargo run --release -p provost-bench --example wire_cost` prints the table of docs/wire-cost.md from one run. OpenOCD is the one named
//! by `OPENOCD`, and must have `cmsis-dap backend tcp`; without it its columns say so. Every figure is counted by the same virtual STM32H563.

use std::{
    error::Error,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use provost_bench::Bench;
use provost_chip::registers::{dbgmcu, flash, memory};
use provost_ops::{
    Silent,
    flash::{
        Flash,
        image::{Format, Image},
    },
    identify::identify,
    option_bytes::OptionBytes,
    session::Session,
};
use provost_twin::{
    board::VirtualBoard,
    doors::{self, Door, IDLE, Terms},
    presets::Maker,
    wire::{SharedWire, Wire as _},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const READ: u32 = 64 << 10;
const WRITE: u32 = 100 << 10;
/// Request, turnaround, acknowledge, data, parity: the same in both directions.
const PACKET: u64 = 46;
/// Two line resets of 51 clocks, the switch from JTAG between them, three idle clocks behind.
const CONNECT: u64 = 51 + 16 + 51 + 3;
/// Blocks that hold every option word: offset and words.
const BLOCKS: [(u32, u32); 3] = [(0x50, 20), (0xE0, 8), (0x1E0, 8)];

fn main() -> Result<()> {
    let openocd = openocd();
    let tasks = [Task::State, Task::Options, Task::Read, Task::Write];
    println!("| work | by hand | provost | | OpenOCD, tuned | | OpenOCD, as it comes | |");
    println!("|---|---|---|---|---|---|---|---|");
    for task in tasks {
        let least = task.by_hand()?;
        let provost = cost(least, Some(provost(task)?));
        let mut others = Vec::new();
        for tuned in [true, false] {
            let clocks = match (&openocd, task.script(tuned)) {
                (Some(program), Some(script)) => Some(stranger(program, &script)?),
                _ => None,
            };
            others.push(cost(least, clocks));
        }
        println!("| {} | {least} | {provost} | {} |", task.name(), others.join(" | "));
    }
    match openocd {
        Some(program) => println!("\nOpenOCD: {program}, through the door for CMSIS-DAP"),
        None => println!("\nOpenOCD: skipped, for none with `cmsis-dap backend tcp` is named by OPENOCD"),
    }
    println!("pyOCD: skipped, for it speaks to no door of the virtual chip");
    Ok(())
}

/// Clocks, and how many times the least they are.
fn cost(least: u64, clocks: Option<u64>) -> String {
    clocks.map_or("- | -".to_owned(), |n| format!("{n} | {:.3}", n as f64 / least as f64))
}

/// What is done.
#[derive(Debug, Clone, Copy)]
enum Task {
    State,
    Options,
    Read,
    Write,
}

impl Task {
    const fn name(self) -> &'static str {
        match self {
            Self::State => "connect; identity, OPTSR, OPTSR2, unique id",
            Self::Options => "the same and every option word",
            Self::Read => "connect, read 64 KB of flash",
            Self::Write => "connect, write 100 KB, read back",
        }
    }

    /// Clocks of somebody who knows the chip, looks at nothing twice, and expects no error. The longer work is worked out, not run: a TAR a
    /// KB, a DRW a word, an RDBUFF a KB that is read, and five transactions to erase a sector.
    fn by_hand(self) -> Result<u64> {
        let kb = |bytes: u32| u64::from(bytes / 1024);
        Ok(match self {
            Self::State => hand(false)?,
            Self::Options => hand(true)?,
            Self::Read => CONNECT + PACKET * (7 + kb(READ) * 258),
            Self::Write => {
                let sectors = u64::from(WRITE.div_ceil(8 << 10));
                CONNECT + PACKET * (7 + 8 + sectors * 5 + kb(WRITE) * (257 + 258))
            }
        })
    }

    /// What OpenOCD is told; it has no driver for the flash of this family.
    fn script(self, tuned: bool) -> Option<String> {
        let base = flash::BASE;
        let sr = dbgmcu::BASES[0] + dbgmcu::SR;
        let state = format!(
            "chip.ap0 mdw {:#x}; chip.ap0 mdw {sr:#x}; chip.ap1 mdw {:#x}; chip.ap1 mdw {:#x}; chip.ap1 mdw {:#x} 3",
            dbgmcu::BASES[0],
            base + 0x50,
            base + 0x70,
            memory::UID
        );
        let all: String = BLOCKS
            .iter()
            .flat_map(|&(offset, words)| {
                let step = if tuned { words } else { 1 };
                (0..words).step_by(step as usize).map(move |n| (offset + n * 4, step))
            })
            .map(|(offset, words)| format!("; chip.ap1 mdw {:#x} {words}", base + offset))
            .collect();
        let work = match self {
            Self::State => state,
            Self::Options => state + &all,
            Self::Read => format!("chip.ap1 read_memory {:#x} 32 {}", memory::FLASH, READ / 4),
            Self::Write => return None,
        };
        let tuning = if tuned { "chip.dap memaccess 0; " } else { "" };
        Some(format!("init; {tuning}{work}"))
    }
}

fn board() -> Result<VirtualBoard> {
    Ok(VirtualBoard::with_chip("chip", Maker::new("STM32H563".parse()?, 1).make()))
}

fn clocks(board: &VirtualBoard) -> u64 {
    board.board().stats().clocks
}

fn image() -> Result<Image> {
    let bytes = (0..WRITE).map(|n| (n.wrapping_mul(0x9E37_79B9) >> 24) as u8).collect();
    Ok(Image::from_segments(Format::Binary, vec![(memory::FLASH, bytes)])?)
}

/// What provost's own operations cost, each as its command does it.
fn provost(task: Task) -> Result<u64> {
    let board = board()?;
    let mut bench = Bench::on_board(board.clone());
    work(task, &mut bench.session)?;
    Ok(clocks(&board))
}

fn work(task: Task, session: &mut Session) -> Result<()> {
    let identity = identify(session)?;
    if matches!(task, Task::State) {
        return Ok(());
    }
    let bytes = OptionBytes::read(session, &identity, None)?;
    let flash = Flash::of(&bytes)?;
    match task {
        Task::State | Task::Options => {}
        Task::Read => drop(flash.read(session, memory::FLASH, READ, &mut Silent)?),
        Task::Write => drop(flash.write(session, &image()?, &mut Silent)?),
    }
    Ok(())
}

/// What OpenOCD costs, through a door.
fn stranger(program: &str, script: &str) -> Result<u64> {
    let board = board()?;
    let listener = doors::bind(0)?;
    let port = listener.local_addr()?.port();
    let shutdown = AtomicBool::new(false);
    let wire: SharedWire = board.wire();
    let output = thread::scope(|scope| {
        let terms = Terms { shutdown: &shutdown, idle: IDLE, clock: None };
        let (listener, wire) = (&listener, &*wire);
        let server = scope.spawn(move || doors::serve(Door::CmsisDap, listener, wire, &terms));
        let config = format!(
            "adapter driver cmsis-dap; cmsis-dap backend tcp; cmsis-dap tcp host 127.0.0.1; cmsis-dap tcp port {port}; \
             gdb port disabled; tcl port disabled; telnet port disabled; transport select swd; \
             swd newdap chip cpu -expected-id 0x6ba02477; dap create chip.dap -chain-position chip.cpu; \
             target create chip.ap0 mem_ap -dap chip.dap -ap-num 0; target create chip.ap1 mem_ap -dap chip.dap -ap-num 1; \
             {script}; shutdown"
        );
        let output = Command::new(program).args(["-c", &config]).output();
        shutdown.store(true, Ordering::Relaxed);
        server.join().map(|served| served.and(Ok(output)))
    })
    .map_err(|_| "the door broke")???;
    if !output.status.success() {
        return Err(format!("{script}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(clocks(&board))
}

/// The OpenOCD to ask, if there is one.
fn openocd() -> Option<String> {
    let program = std::env::var("OPENOCD").ok()?;
    let tcp = ["-c", "adapter driver cmsis-dap; cmsis-dap backend tcp; shutdown"];
    Command::new(&program).args(tcp).output().is_ok_and(|o| o.status.success()).then_some(program)
}

/// Every bit by hand.
struct Hand(SharedWire);

impl Hand {
    fn out(&self, bits: u64, count: u32) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).shift_out(bits, count);
    }

    /// One packet; the word that a read brings.
    fn packet(&self, ap: bool, address: u8, write: Option<u32>) -> Result<u32> {
        let header = u64::from(ap) | u64::from(write.is_none()) << 1 | u64::from(address >> 2) << 2;
        let parity = u64::from(header.count_ones() & 1);
        self.out(1 | header << 1 | parity << 5 | 1 << 7, 8);
        let mut wire = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if wire.shift_in(3) != 1 {
            return Err("no OK".into());
        }
        match write {
            Some(word) => {
                wire.shift_in(2);
                wire.shift_out(u64::from(word) | u64::from(word.count_ones() & 1) << 32, 33);
                Ok(0)
            }
            None => Ok(wire.shift_in(35) as u32),
        }
    }

    /// Reads words in a row.
    fn words(&self, address: u32, count: u32) -> Result<Vec<u32>> {
        self.packet(true, 0x4, Some(address))?;
        let mut words = Vec::new();
        for _ in 0..count {
            words.push(self.packet(true, 0xC, None)?);
        }
        words.push(self.packet(false, 0xC, None)?);
        Ok(words.split_off(1))
    }
}

/// Connects and reads what the first two tasks read; held against what the chip is.
fn hand(all: bool) -> Result<u64> {
    let board = board()?;
    let hand = Hand(board.wire());
    let ones = (1 << 51) - 1;
    hand.out(ones, 51);
    hand.out(0xE79E, 16);
    hand.out(ones, 51 + 3);
    hand.packet(false, 0x0, None)?;
    hand.packet(false, 0x4, Some(0x5000_0F00))?;
    hand.packet(false, 0x4, None)?;
    hand.packet(false, 0x8, Some(0))?;
    hand.packet(true, 0x0, Some(0x8000_0052))?;
    let id = hand.words(dbgmcu::BASES[0], 1)?;
    hand.words(dbgmcu::BASES[0] + dbgmcu::SR, 1)?;
    hand.packet(false, 0x8, Some(1 << 24))?;
    hand.packet(true, 0x0, Some(0xCB80_0052))?;
    let state = if all {
        let mut words = Vec::new();
        for (offset, count) in BLOCKS {
            words.extend(hand.words(flash::BASE + offset, count)?);
        }
        words
    } else {
        [hand.words(flash::BASE + 0x50, 1)?, hand.words(flash::BASE + 0x70, 1)?].concat()
    };
    hand.words(memory::UID, 3)?;
    let right =
        id.first().is_some_and(|id| id & 0xFFF == 0x484) && state.first().is_some_and(|w| w >> 8 & 0xFF == 0xED);
    if right { Ok(clocks(&board)) } else { Err("what was read by hand is not this chip".into()) }
}
