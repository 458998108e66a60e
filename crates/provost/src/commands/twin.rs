//! `provost twin`: virtual chips.

mod like;
mod new;
mod trial;

use std::{
    fmt::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use provost_bench::BenchError;
use provost_chip::assumptions::Assumptions;
#[cfg(unix)]
use provost_twin::doors::pty::Pty;
use provost_twin::{
    board::VirtualBoard,
    doors::{
        self, Door, Terms, WallClock,
        bench::{self, Control},
        remote::{Doors, notice},
    },
    error::TwinError,
    ledger::ledger,
    presets::Preset,
};

use crate::{
    cli::{Arguments, Twin, TwinBench, TwinServe},
    documents::{BenchDone, Ledger, LedgerEntry, PresetLine, Served, Serving, Twins},
    error::FaceError,
    output::{self, Page, Stop, wrap},
    term,
};

pub(crate) fn run(arguments: &Arguments, command: &Twin) -> Result<Page, Stop> {
    match command {
        Twin::New(options) => new::new(arguments, options),
        Twin::List => list(),
        Twin::Ledger => run_ledger(),
        Twin::Try(options) => trial::run(arguments, options),
        Twin::Serve(options) => serve(arguments, options),
        Twin::Bench(options) => {
            let done = bench(options).map_err(BenchError::from)?;
            let text = format!("{}\n", done.join("\n"));
            Ok(Page::new(&BenchDone { done }, text)?)
        }
    }
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
    let wanted = [
        (Offer::Swd(Door::RemoteBitbang), options.remote_bitbang),
        (Offer::Swd(Door::CmsisDap), options.cmsis_dap),
        (Offer::Swd(Door::BlackMagic), options.black_magic),
        (Offer::Swd(Door::PyOcd), options.pyocd),
        (Offer::Serial, options.serial),
        (Offer::UsbIp, options.usbip),
    ];
    let mut open = Vec::new();
    for (door, port) in wanted.iter().filter_map(|(door, port)| Some((*door, (*port)?))) {
        let listener = doors::bind(port).map_err(|e| broken(port, e))?;
        let port = listener.local_addr().map_err(|e| broken(port, e))?.port();
        open.push((door, listener, port));
    }
    #[cfg(unix)]
    let pty = options.pty.then(Pty::open).transpose().map_err(|e| broken(0, e))?;
    // Where the board lies in a file, it has doors for provost itself, too, whose ports a file beside it names.
    let bench_door = match Path::new(options.chip.name()) {
        file if file.is_file() => Some(OwnDoors::open(file)?),
        _ => None,
    };
    let shutdown = Arc::new(AtomicBool::new(false));
    #[cfg(feature = "terminal")]
    {
        let flag = shutdown.clone();
        let handler = move || flag.store(true, Ordering::Relaxed);
        ctrlc::set_handler(handler).map_err(|e| broken(0, std::io::Error::other(e)))?;
    }
    let announce = |serving: &Serving<'_>, place: &str, speaks: &str| {
        if arguments.json {
            output::print_line(serving)
        } else {
            term::print(&format!("serving {} on {place} ({speaks}); stop with Ctrl-C\n", options.chip))
        }
        .map_err(FaceError::Output)
    };
    for (door, _, port) in &open {
        let serving = Serving { door: door.as_str(), port: Some(*port), path: None };
        announce(&serving, &format!("127.0.0.1:{port}"), &door.speaks())?;
    }
    #[cfg(unix)]
    if let Some(pty) = &pty {
        let serving = Serving { door: "pty", port: None, path: Some(pty.path()) };
        announce(&serving, pty.path(), &Offer::Serial.speaks())?;
    }
    let clock = WallClock::default();
    let terms = Terms { shutdown: &shutdown, idle: doors::IDLE, clock: (!options.wire_time).then_some(&clock) };
    let wire = board.wire();
    // The first door that breaks closes the others.
    let serve = |(door, listener, port): &(Offer, TcpListener, u16)| {
        let result = match door {
            Offer::Swd(door) => doors::serve(*door, listener, &wire, &terms),
            Offer::Serial => doors::serve_serial(listener, &board, &terms),
            Offer::UsbIp => doors::serve_usbip(listener, &board, &terms),
        };
        shutdown.store(true, Ordering::Relaxed);
        result.map_err(|e| broken(*port, std::io::Error::other(e)))
    };
    let results: Vec<_> = thread::scope(|scope| {
        if let Some(door) = &bench_door {
            scope.spawn(|| doors::serve_bench(&door.bench, &board, &terms));
            scope.spawn(|| doors::serve(Door::RemoteBitbang, &door.pins, &wire, &terms));
        }
        let threads = open.iter().map(|door| scope.spawn(|| serve(door)));
        #[cfg(unix)]
        let threads = threads.chain(pty.iter().map(|pty| {
            scope.spawn(|| {
                let result = doors::serve_pty(pty, &board, &terms);
                shutdown.store(true, Ordering::Relaxed);
                result.map_err(|e| broken(0, std::io::Error::other(e)))
            })
        }));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    for result in results {
        result.unwrap_or_else(|_| Err(broken(0, std::io::Error::other("a door panicked"))))?;
    }
    board.store().map_err(BenchError::from)?;
    let port = open.first().map(|(_, _, port)| *port);
    Ok(Page::new(&Served { port }, "stopped\n".to_owned())?)
}

/// What is offered at a port.
#[derive(Debug, Clone, Copy)]
enum Offer {
    Swd(Door),
    /// The serial line of the ROM bootloader.
    Serial,
    /// Its USB device.
    UsbIp,
}

impl Offer {
    /// Its name, as in documents.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Swd(door) => door.as_str(),
            Self::Serial => "serial",
            Self::UsbIp => "usbip",
        }
    }

    fn speaks(self) -> String {
        match self {
            Self::Swd(door) => format!("{}, SWD", door.as_str()),
            Self::Serial => "serial line of the ROM bootloader".to_owned(),
            Self::UsbIp => "USB/IP, DFU device of the ROM bootloader".to_owned(),
        }
    }
}

fn broken(port: u16, source: std::io::Error) -> BenchError {
    TwinError::Door { port, source }.into()
}

/// The doors that are provost's own, as long as the board is served: its bench, and its connector for `--probe twin:FILE`.
struct OwnDoors {
    bench: TcpListener,
    pins: TcpListener,
    notice: PathBuf,
}

impl OwnDoors {
    fn open(chip: &Path) -> Result<Self, BenchError> {
        let listen = || {
            let listener = doors::bind(0).map_err(|e| broken(0, e))?;
            let port = listener.local_addr().map_err(|e| broken(0, e))?.port();
            Ok::<_, BenchError>((listener, port))
        };
        let ((bench, bench_port), (pins, pins_port)) = (listen()?, listen()?);
        let notice = notice(chip);
        std::fs::write(&notice, Doors { bench: bench_port, pins: pins_port }.text())
            .map_err(|source| TwinError::Io { path: notice.clone(), source })?;
        Ok(Self { bench, pins, notice })
    }
}

impl Drop for OwnDoors {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.notice);
    }
}

fn bench(options: &TwinBench) -> Result<Vec<&'static str>, TwinError> {
    let controls = options.controls.iter().map(|text| text.parse()).collect::<Result<Vec<Control>, _>>()?;
    let not_served = || TwinError::NotServed { path: options.chip.clone() };
    let served = Doors::find(&options.chip).ok_or_else(not_served)?;
    bench::ask(served.bench, &controls).map_err(|error| match error {
        TwinError::Door { .. } => not_served(),
        other => other,
    })?;
    Ok(controls.iter().map(|control| control.as_str()).collect())
}
