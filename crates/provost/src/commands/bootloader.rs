//! What goes over the ROM bootloader, on a serial line or over USB: `--uart` or `--dfu`, in place of a debug probe or beside one.

use std::fmt::Write as _;

use provost_bench::{Bench, BenchError, BootWire, Probe};
use provost_chip::states::ProductState;
use provost_ops::{
    Narrator as _,
    diagnose::outlook,
    drive::{
        bootloader::{Bootloader, BothWires, ByBootloader, Seen},
        identify::parts_text,
        target::{Capability, TargetError},
    },
    error::Failure,
    flash::Flash,
    option_bytes::{OptionBytes, apply_by_bootloader},
};
use provost_twin::board::VirtualBoard;

use super::{diagnose, flash, obk, option, rescue};
use crate::{
    cli::{Arguments, Command, FlashCommand, FlashErase, FlashImage, FlashRead, ObkCommand, OptionCommand, OptionSet},
    confirm,
    documents::{BootloaderStatus, Outlook},
    error::FaceError,
    output::{Page, Stop, Teller},
    stop,
};

/// A chip whose bootloader has answered.
struct Chip {
    boot: Bootloader,
    virtual_chip: bool,
}

pub(super) fn run(arguments: &Arguments, wire: &BootWire) -> Result<Page, Stop> {
    if let Some(probe) = arguments.named_probe() {
        return beside(arguments, wire, probe);
    }
    match &arguments.command {
        Command::Status => on_line(arguments, wire, |chip| look(arguments, chip)),
        Command::Option(OptionCommand::List(options)) => {
            on_options(arguments, wire, |bytes, chip| option::list(bytes, chip.boot.line(), options.changed))
        }
        Command::Option(OptionCommand::Get(options)) => {
            on_options(arguments, wire, |bytes, _| option::get(bytes, &options.names))
        }
        Command::Option(OptionCommand::Set(options)) => set(arguments, wire, options),
        Command::Flash(command) => match command {
            FlashCommand::Write(options) if options.keep.is_some() => Err(FaceError::NotByUart.into()),
            FlashCommand::Write(options) => write(arguments, wire, &options.image),
            FlashCommand::Verify(options) => verify(arguments, wire, options),
            FlashCommand::Erase(options) => erase(arguments, wire, options),
            FlashCommand::Read(options) => read(arguments, wire, options),
        },
        Command::Obk(ObkCommand::Write(options)) => {
            let request = obk::write::request(arguments, options)?;
            on_line(arguments, wire, |chip| {
                let place = chip.asks(arguments).then(|| chip.boot.line().to_owned());
                let mut target = ByBootloader::new(&mut chip.boot, chip.virtual_chip);
                obk::write::on_target(arguments, options, &request, &mut target, (wire.chip_name(), place))
            })
        }
        Command::Rescue(options) => {
            let credential = rescue::credential(arguments, options)?;
            on_line(arguments, wire, |chip| {
                let boot = (&mut chip.boot, chip.virtual_chip);
                rescue::on_line(arguments, options, credential, boot, wire.chip_name())
            })
        }
        // They end in Debug Authentication, which is a matter of SWD and NRST.
        Command::Close(_) | Command::Apply(_) | Command::Auth(_) => {
            Err(TargetError::Cannot { wire: format!("the bootloader on {wire}"), capability: Capability::Unlock }
                .into())
        }
        _ => Err(FaceError::NotByUart.into()),
    }
}

/// What goes over both wires: the line provisions, the probe does the rest.
fn beside(arguments: &Arguments, wire: &BootWire, probe: &Probe) -> Result<Page, Stop> {
    match &arguments.command {
        Command::Obk(ObkCommand::Write(options)) => {
            let request = obk::write::request(arguments, options)?;
            on_both(arguments, wire, probe, |bench, boot| {
                let place = confirm::place(bench, arguments);
                let chip = super::chip_name(arguments, bench);
                let mut target = BothWires::new(&mut bench.session, boot);
                obk::write::on_target(arguments, options, &request, &mut target, (chip, place))
            })
        }
        Command::Rescue(options) => {
            let credential = rescue::credential(arguments, options)?;
            on_both(arguments, wire, probe, |bench, boot| {
                rescue::on_bench(arguments, options, credential, bench, Some(boot))
            })
        }
        _ => Err(FaceError::TwoWires.into()),
    }
}

fn on_both(
    arguments: &Arguments,
    wire: &BootWire,
    probe: &Probe,
    work: impl FnOnce(&mut Bench, &mut Bootloader) -> Result<Page, Stop>,
) -> Result<Page, Stop> {
    let (way, bench) = wire.open_with(probe)?;
    let way = way.until(stop::watch());
    let board = way.board.clone();
    let result = super::on_bench(bench, |bench| work(bench, &mut way.bootloader(arguments.part())?));
    kept(board, result)
}

/// Works on the chip, and keeps what happened to a virtual one.
fn on_line(
    arguments: &Arguments,
    wire: &BootWire,
    work: impl FnOnce(&mut Chip) -> Result<Page, Stop>,
) -> Result<Page, Stop> {
    let way = wire.open()?.until(stop::watch());
    let board = way.board.clone();
    let virtual_chip = board.is_some();
    let boot = way.bootloader(arguments.part()).map_err(Stop::from);
    let result = boot.and_then(|boot| work(&mut Chip { boot, virtual_chip }));
    kept(board, result)
}

/// Keeps what happened to a virtual chip.
fn kept(board: Option<VirtualBoard>, result: Result<Page, Stop>) -> Result<Page, Stop> {
    match board.map(|board| board.store()) {
        // A chip file that cannot be written takes the chip's power away: whatever failed behind that failed because of it.
        Some(Err(error)) => Err(BenchError::from(error).into()),
        _ => result,
    }
}

fn on_options(
    arguments: &Arguments,
    wire: &BootWire,
    work: impl FnOnce(&OptionBytes, &mut Chip) -> Result<Page, Stop>,
) -> Result<Page, Stop> {
    on_line(arguments, wire, |chip| {
        let bytes = OptionBytes::by_bootloader(&mut chip.boot, arguments.order_code)?;
        work(&bytes, chip)
    })
}

fn on_flash(
    arguments: &Arguments,
    wire: &BootWire,
    work: impl FnOnce(&Flash<'_>, &mut Chip) -> Result<Page, Stop>,
) -> Result<Page, Stop> {
    on_options(arguments, wire, |bytes, chip| work(&Flash::of(bytes).map_err(Failure::from)?, chip))
}

impl Chip {
    /// Whether a person is asked before it is written to.
    const fn asks(&self, arguments: &Arguments) -> bool {
        !self.virtual_chip || arguments.as_real
    }

    /// The phrase that confirms a write, if one is asked for: it names the line.
    fn asked(&self, arguments: &Arguments, what: &str) -> Option<String> {
        self.asks(arguments).then(|| format!("{what} on {}", self.boot.line()))
    }

    fn confirm(&self, arguments: &Arguments, what: &str) -> Result<(), Failure> {
        confirm::with(arguments, self.asked(arguments, what))
    }
}

fn look(arguments: &Arguments, chip: &mut Chip) -> Result<Page, Stop> {
    let bootloader = chip.boot.see()?;
    let identity = chip.boot.identify()?;
    let parts = identity.narrowed_to(arguments.order_code)?;
    let bytes = OptionBytes::by_bootloader(&mut chip.boot, arguments.order_code)?;
    let found = outlook(&identity, &parts, &diagnose::given(arguments))?;
    let status = BootloaderStatus {
        line: chip.boot.line().to_owned(),
        virtual_chip: chip.virtual_chip,
        bootloader,
        product_state: bytes.chip.state,
        pending_state: bytes.pending_state(),
        trustzone: bytes.chip.tz,
        outlook: Outlook::of(&found),
    };
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<14}{value}");
    };
    line("line", status.line.clone());
    line("chip", format!("{} (DEV_ID {:#05x})", parts_text(&parts), identity.dev_id));
    line("bootloader", versions(&status.bootloader));
    if let Some(id) = status.bootloader.uid {
        line("unique id", id.to_string());
    }
    line("state", format!("{}, TrustZone {}", status.product_state, status.trustzone));
    if let Some(pending) = status.pending_state {
        line(
            "pending",
            format!("{pending} WAITS FOR THE NEXT RESET: do not reset or power-cycle before you know what it does"),
        );
    }
    text.push('\n');
    text.push_str(&diagnose::in_short(&found));
    if status.product_state == ProductState::Provisioning {
        text.push_str(
            "\nThe way back ends in Debug Authentication, which no bootloader does: it takes SWD and NRST (--probe).\n",
        );
    }
    if !status.outlook.next.is_empty() {
        let _ = writeln!(text, "\nnext, with a debug probe: `{}`", status.outlook.next);
    }
    if !status.virtual_chip {
        text.push_str("\nprovost has never met a real chip: what it says comes from public documents and reports.\n");
    }
    Ok(Page::new(&status, text)?)
}

fn versions(seen: &Seen) -> String {
    let version = seen.version.map(|v| format!("version {}.{}, ", v >> 4, v & 0xF)).unwrap_or_default();
    format!("{version}protocol {}.{}", seen.protocol >> 4, seen.protocol & 0xF)
}

fn set(arguments: &Arguments, wire: &BootWire, options: &OptionSet) -> Result<Page, Stop> {
    let assignments = option::assignments(arguments, options)?;
    on_options(arguments, wire, |bytes, chip| {
        let wire = (chip.boot.line().to_owned(), chip.asked(arguments, option::WHAT));
        option::change(arguments, options.dry_run, bytes, &assignments, wire, |change| {
            apply_by_bootloader(&mut chip.boot, bytes, change, &mut Teller::new(arguments))
        })
    })
}

fn write(arguments: &Arguments, wire: &BootWire, options: &FlashImage) -> Result<Page, Stop> {
    let image = flash::load(options)?;
    on_flash(arguments, wire, |flash, chip| {
        let mut teller = Teller::new(arguments);
        for says in flash.beforehand(&image, false)? {
            teller.note(&format!("warning: {says}"));
        }
        chip.confirm(arguments, "write flash")?;
        let written = flash.write_by_bootloader(&mut chip.boot, &image, &mut teller)?;
        flash::written(&written, "The bootloader still runs: BOOT0 low and a reset start what is in flash now.\n")
    })
}

fn verify(arguments: &Arguments, wire: &BootWire, options: &FlashImage) -> Result<Page, Stop> {
    let image = flash::load(options)?;
    on_flash(arguments, wire, |flash, chip| {
        let verified = flash.verify_by_bootloader(&mut chip.boot, &image, &mut Teller::new(arguments))?;
        flash::verified(&verified)
    })
}

fn erase(arguments: &Arguments, wire: &BootWire, options: &FlashErase) -> Result<Page, Stop> {
    on_flash(arguments, wire, |flash, chip| {
        chip.confirm(arguments, "erase flash")?;
        let (address, size) = flash.range(options.at, options.size);
        let sectors = flash.erase_by_bootloader(&mut chip.boot, address, size, &mut Teller::new(arguments))?;
        flash::erased((address, size, sectors), " and seen to be empty")
    })
}

fn read(arguments: &Arguments, wire: &BootWire, options: &FlashRead) -> Result<Page, Stop> {
    on_flash(arguments, wire, |flash, chip| {
        flash::may_keep(options)?;
        let (address, size) = flash.range(options.at, options.size);
        let mut teller = Teller::new(arguments);
        teller.step(&format!("read {size} bytes at {address:#010x}"), &[]);
        let bytes = flash.read_by_bootloader(&mut chip.boot, address, size, &mut teller)?;
        flash::keep(options, address, &bytes)
    })
}
