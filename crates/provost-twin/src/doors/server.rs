//! What all doors have in common: one client after the other, over TCP.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Mutex, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{DoorError, Terms};
use crate::wire::{Wire, lock};

/// How long a shutdown may go unnoticed.
const POLL: Duration = Duration::from_millis(20);
/// A client that does not read its answers must not hold up a shutdown.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
/// Clients that may wait. One more, and the one that has waited longest is sent away.
const MOST_WAITING: usize = 64;
/// Bytes taken at a time.
const CHUNK: usize = 4096;

/// One client's side of a protocol.
pub(super) trait Protocol<W: Wire + ?Sized>: Default {
    /// Obeys what has arrived and appends the answers; false ends the connection.
    fn receive(&mut self, bytes: &[u8], wire: &mut W, answers: &mut Vec<u8>) -> bool;

    /// The client is gone: what it holds is released.
    fn release(&mut self, wire: &mut W);
}

pub(super) fn serve<P: Protocol<W>, W: Wire + ?Sized>(
    listener: &TcpListener,
    wire: &Mutex<W>,
    terms: &Terms<'_>,
) -> Result<(), DoorError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(DoorError::NotLoopback(address));
    }
    listener.set_nonblocking(true)?;
    let mut waiting = Waiting { listener, clients: VecDeque::new() };
    let mut next = None;
    while !terms.shutdown.load(Ordering::Relaxed) {
        let client = match next.take() {
            Some(client) => client,
            None => match waiting.next()? {
                Some(client) => client,
                None => {
                    thread::sleep(POLL);
                    continue;
                }
            },
        };
        let mut protocol = P::default();
        match serve_client(&client, &mut protocol, (&mut waiting, wire), terms) {
            Ok(waiting) => next = waiting,
            Err(error) => tracing::debug!(%error, "client lost"),
        }
        protocol.release(&mut *lock(wire));
    }
    Ok(())
}

/// Those at the door. In every protocol here the client speaks first, so that one which says nothing keeps nobody out.
struct Waiting<'a> {
    listener: &'a TcpListener,
    clients: VecDeque<TcpStream>,
}

impl Waiting<'_> {
    /// The first client that has said something.
    fn next(&mut self) -> Result<Option<TcpStream>, DoorError> {
        for _ in 0..MOST_WAITING {
            let Some(client) = accept(self.listener)? else { break };
            if client.set_nonblocking(true).is_ok() {
                self.clients.push_back(client);
            }
            if self.clients.len() > MOST_WAITING {
                self.clients.pop_front();
            }
        }
        for _ in 0..self.clients.len() {
            let Some(client) = self.clients.pop_front() else { break };
            match client.peek(&mut [0]) {
                Ok(0) => {}
                Ok(_) => return Ok(Some(client)),
                Err(error) if is_silence(error.kind()) => self.clients.push_back(client),
                Err(error) => tracing::debug!(%error, "client lost"),
            }
        }
        Ok(None)
    }
}

/// The next connection, if there is one.
fn accept(listener: &TcpListener) -> Result<Option<TcpStream>, DoorError> {
    match listener.accept() {
        Ok((client, peer)) => {
            tracing::debug!(%peer, "client");
            Ok(Some(client))
        }
        Err(error) if is_transient(error.kind()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Nothing to accept, or a client that gave up before it was accepted.
fn is_transient(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted)
}

/// Serves a client until it leaves, or until it has been idle and another one speaks, which is given back.
fn serve_client<P: Protocol<W>, W: Wire + ?Sized>(
    mut client: &TcpStream,
    protocol: &mut P,
    (waiting, wire): (&mut Waiting<'_>, &Mutex<W>),
    terms: &Terms<'_>,
) -> io::Result<Option<TcpStream>> {
    client.set_nonblocking(false)?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(POLL))?;
    client.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let mut bytes = [0; CHUNK];
    let mut answers = Vec::with_capacity(CHUNK);
    let mut heard = Instant::now();
    while !terms.shutdown.load(Ordering::Relaxed) {
        let count = match client.read(&mut bytes) {
            Ok(0) => return Ok(None),
            Ok(count) => count,
            Err(error) if is_silence(error.kind()) => {
                if heard.elapsed() >= terms.idle
                    && let Some(next) = waiting.next().ok().flatten()
                {
                    tracing::debug!("an idle client makes room");
                    return Ok(Some(next));
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        answers.clear();
        let go_on = {
            let mut wire = lock(wire);
            if let Some(slept) = terms.clock.and_then(super::WallClock::slept) {
                wire.wait(slept);
            }
            let go_on = protocol.receive(bytes.get(..count).unwrap_or_default(), &mut *wire, &mut answers);
            if let Some(clock) = terms.clock {
                clock.done();
            }
            go_on
        };
        client.write_all(&answers)?;
        if !go_on {
            return Ok(None);
        }
        heard = Instant::now();
    }
    Ok(None)
}

fn is_silence(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
