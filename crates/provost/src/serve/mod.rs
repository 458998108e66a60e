//! The page on this computer: a small HTTP server for one person's browser.
//!
//! Loopback only, by type: there is no other address to be given. Who asks must know the token, and come from the page ([`gate`]). What can
//! be asked is an [`operation::Operation`], which has no words for writing to a real chip. Each is carried out by a process of its own, in a
//! folder of its own ([`process`]), as each is by a worker of its own where the page runs the program itself.

mod assets;
mod gate;
mod http;
mod operation;
mod process;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use gate::{Gate, Wants};

use crate::{
    cli::{Arguments, Serve},
    documents::{Address, Served},
    error::FaceError,
    output::{self, Page, Stop},
    stop, term,
};

/// Connections at a time; a browser opens six.
const CONNECTIONS: usize = 8;
/// How soon the end is noticed.
const POLL: Duration = Duration::from_millis(20);

pub(crate) fn run(arguments: &Arguments, options: &Serve) -> Result<Page, Stop> {
    let broken = |port| move |source: io::Error| FaceError::PageDoor { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).map_err(broken(options.port))?;
    let port = listener.local_addr().map_err(broken(options.port))?.port();
    listener.set_nonblocking(true).map_err(broken(port))?;
    let gate = Gate::new(port).map_err(broken(port))?;
    let address = format!("http://127.0.0.1:{port}/#{}", gate.token());
    let told = if arguments.json {
        output::print_line(&Address { address: &address, port })
    } else {
        term::print(&format!("{address}\nfor your browser on this computer; stop with Ctrl-C\n"))
    };
    told.map_err(FaceError::Output)?;
    if options.open {
        open(&address);
    }
    let server = Arc::new(Server {
        gate,
        live: arguments.probe.as_ref().map(ToString::to_string),
        open: AtomicUsize::new(0),
        heard: Mutex::new(Instant::now()),
        running: Mutex::new(()),
    });
    server.serve(&listener, Duration::from_secs(60 * options.idle)).map_err(broken(port))?;
    Ok(Page::new(&Served { port: Some(port) }, "stopped\n".to_owned())?)
}

/// Shows the page, if the system knows how; its address stands in the terminal anyway.
fn open(address: &str) {
    let program = match std::env::consts::OS {
        "windows" => "explorer",
        "macos" => "open",
        _ => "xdg-open",
    };
    let _ = std::process::Command::new(program)
        .arg(address)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
}

/// What every connection shares.
#[derive(Debug)]
struct Server {
    gate: Gate,
    /// The chip on the desk, as `--probe` named it; without it, the only probe attached.
    live: Option<String>,
    open: AtomicUsize,
    heard: Mutex<Instant>,
    /// Held while the chip on the desk is looked at: one at a time.
    running: Mutex<()>,
}

impl Server {
    fn serve(self: &Arc<Self>, listener: &TcpListener, idle: Duration) -> io::Result<()> {
        let stop = stop::watch();
        while !stop.is_asked() && self.quiet_for() < idle {
            match listener.accept() {
                Ok((client, _)) => self.take(client),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(POLL),
                // A client that gave up before it was accepted is none.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn quiet_for(&self) -> Duration {
        self.heard.lock().map_or(Duration::ZERO, |heard| heard.elapsed())
    }

    /// Answers a client in a thread of its own, or turns it away where there are too many.
    fn take(self: &Arc<Self>, client: TcpStream) {
        if self.open.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS {
            self.open.fetch_sub(1, Ordering::AcqRel);
            let _ = client.set_write_timeout(Some(POLL));
            http::refuse(&client, http::Status::Busy);
            return;
        }
        let server = self.clone();
        thread::spawn(move || {
            server.answer(&client);
            server.open.fetch_sub(1, Ordering::AcqRel);
        });
    }

    fn answer(&self, client: &TcpStream) {
        let (request, body) = match http::read_head(client) {
            Ok(head) => head,
            Err(status) => return http::refuse(client, status),
        };
        match self.gate.check(&request) {
            Err(status) => http::refuse(client, status),
            Ok(Wants::Asset(asset)) => http::send(client, asset),
            Ok(Wants::Run) => {
                if let Ok(mut heard) = self.heard.lock() {
                    *heard = Instant::now();
                }
                match http::read_body(client, &request, body).and_then(|body| process::Job::read(&body)) {
                    Ok(job) => {
                        let _one = job.is_on_desk().then(|| self.running.lock());
                        process::run(client, &job, self.live.as_deref());
                    }
                    Err(status) => http::refuse(client, status),
                }
            }
        }
    }
}
