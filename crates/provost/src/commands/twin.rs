//! `provost twin`: virtual chips.

use std::{
    fmt::Write as _,
    sync::{Arc, atomic::AtomicBool},
    time::{SystemTime, UNIX_EPOCH},
};

use provost_bench::BenchError;
use provost_chip::{assumptions::Assumptions, parts::PartId, states::TrustZone};
use provost_twin::{
    board::VirtualBoard,
    chipfile::ChipFile,
    doors::remote_bitbang,
    error::TwinError,
    ledger::ledger,
    presets::{self, Maker, Preset},
    silicon::FirmwareBehaviour,
};

use crate::{
    cli::{Arguments, OnOff, Twin, TwinNew, TwinServe},
    documents::{Door, Ledger, LedgerEntry, PresetLine, Served, Serving, TwinMade, Twins},
    error::FaceError,
    output::{self, Page, Stop, wrap},
    term,
};

pub(crate) fn run(arguments: &Arguments, command: &Twin) -> Result<Page, Stop> {
    match command {
        Twin::New(options) => {
            let (made, text) = new(arguments, options).map_err(BenchError::from)?;
            Ok(Page::new(&made, text)?)
        }
        Twin::List => list(),
        Twin::Ledger => run_ledger(),
        Twin::Serve(options) => serve(arguments, options),
    }
}

fn new(arguments: &Arguments, options: &TwinNew) -> Result<(TwinMade, String), TwinError> {
    let mut assumptions = Assumptions::default();
    for switch in &options.switches {
        let (name, value) =
            switch.split_once('=').ok_or_else(|| TwinError::Option { option: switch.chars().take(60).collect() })?;
        assumptions.set(name, value).map_err(TwinError::from)?;
    }
    let silicon = match &options.preset {
        Some(name) => {
            presets::find(name).ok_or_else(|| not_found(name))?.make().map_err(TwinError::from)?.in_world(assumptions)
        }
        None => {
            let mut maker = Maker::new(part_or_default(arguments)?, serial());
            maker.state = options.state;
            maker.tz = match options.tzen {
                OnOff::On => TrustZone::Enabled,
                OnOff::Off => TrustZone::Disabled,
            };
            maker.assumptions = assumptions;
            maker.firmware = (!options.empty).then(FirmwareBehaviour::default);
            maker.make()
        }
    };
    ChipFile::create(&options.file, &silicon)?;
    let chip = silicon.chip();
    let text = format!(
        "made {}: {}, {}, TrustZone {}\nuse it as --probe twin:{}\n",
        options.file.display(),
        chip.part,
        chip.state,
        chip.tz,
        options.file.display()
    );
    let made = TwinMade {
        file: options.file.as_path().into(),
        part: chip.part,
        product_state: chip.state,
        trustzone: chip.tz,
        assumptions,
    };
    Ok((made, text))
}

fn part_or_default(arguments: &Arguments) -> Result<PartId, TwinError> {
    match arguments.part {
        Some(part) => Ok(part),
        None => Ok("STM32H533".parse()?),
    }
}

/// Chips differ in their unique id; what it is does not matter.
fn serial() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |d| d.as_nanos() as u32)
}

fn not_found(name: &str) -> TwinError {
    let presets = Preset::all().iter().map(|p| p.name).collect::<Vec<_>>().join(", ");
    TwinError::NotFound { name: name.chars().take(80).collect(), presets }
}

fn list() -> Result<Page, Stop> {
    let mut text = String::new();
    for preset in Preset::all() {
        let _ = writeln!(text, "twin:{:<32} {}", preset.name, preset.summary);
    }
    let presets = Preset::all().iter().map(|p| PresetLine { name: p.name, summary: p.summary }).collect();
    Ok(Page::new(&Twins { presets }, text)?)
}

fn run_ledger() -> Result<Page, Stop> {
    let mut text = String::from(
        "What the virtual chip does, and how sure it is that silicon does the same. Nothing here has met a real chip yet.\n\n",
    );
    let mut entries = Vec::new();
    for entry in ledger() {
        let confidence = entry.confidence.map_or("not modelled or open", |c| c.as_str());
        let _ = writeln!(text, "{} ({confidence}; {})", entry.area, entry.source.join(", "));
        text.push_str(&wrap(entry.behaviour, 4));
        if let Some(switch) = entry.switch {
            let values = Assumptions::switches().iter().find(|s| s.name == switch).map(|s| s.values.join(", "));
            let _ = writeln!(text, "    switch {switch}: {}", values.unwrap_or_default());
        }
        entries.push(LedgerEntry {
            area: entry.area,
            behaviour: entry.behaviour,
            confidence: entry.confidence,
            source: entry.source,
            switch: entry.switch,
        });
    }
    Ok(Page::new(&Ledger { entries }, text)?)
}

fn serve(arguments: &Arguments, options: &TwinServe) -> Result<Page, Stop> {
    let board = VirtualBoard::select(&options.chip).map_err(BenchError::from)?;
    let io = |source| BenchError::from(TwinError::Door { port: options.remote_bitbang, source });
    let listener = remote_bitbang::bind(options.remote_bitbang).map_err(io)?;
    let port = listener.local_addr().map_err(io)?.port();
    let shutdown = Arc::new(AtomicBool::new(false));
    #[cfg(feature = "terminal")]
    {
        let flag = shutdown.clone();
        let handler = move || flag.store(true, std::sync::atomic::Ordering::Relaxed);
        ctrlc::set_handler(handler).map_err(|e| io(std::io::Error::other(e)))?;
    }
    if arguments.json {
        output::print_line(&Serving { door: Door::RemoteBitbang, port })
    } else {
        term::print(&format!("serving {} on 127.0.0.1:{port} (remote_bitbang, SWD); stop with Ctrl-C\n", options.chip))
    }
    .map_err(FaceError::Output)?;
    remote_bitbang::serve(&listener, &board.wire(), &shutdown).map_err(|e| io(std::io::Error::other(e)))?;
    board.store().map_err(BenchError::from)?;
    Ok(Page::new(&Served { port }, "stopped\n".to_owned())?)
}
