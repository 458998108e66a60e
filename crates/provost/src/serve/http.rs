//! HTTP/1.1, as much of it as one page needs: one request a connection, read with limits in length and time.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::assets::Asset;

/// Longest head, in bytes.
const HEAD: usize = 16 * 1024;
/// Most header fields.
const FIELDS: usize = 48;
/// Longest body, in bytes: a report of 16 MB as Base64.
pub(super) const BODY: usize = 24 * 1024 * 1024;
/// How long a client may take for its head, and for its body.
const HEAD_TIME: Duration = Duration::from_secs(5);
const BODY_TIME: Duration = Duration::from_secs(20);
/// How long it may be silent.
const SILENCE: Duration = Duration::from_secs(2);

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Malformed,
    NoToken,
    Foreign,
    NotFound,
    Method,
    Slow,
    NoLength,
    TooLarge,
    NotJson,
    Misdirected,
    HeadTooLarge,
    Busy,
}

impl Status {
    pub(super) const fn line(self) -> &'static str {
        match self {
            Self::Malformed => "400 Bad Request",
            Self::NoToken => "401 Unauthorized",
            Self::Foreign => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::Method => "405 Method Not Allowed",
            Self::Slow => "408 Request Timeout",
            Self::NoLength => "411 Length Required",
            Self::TooLarge => "413 Content Too Large",
            Self::NotJson => "415 Unsupported Media Type",
            Self::Misdirected => "421 Misdirected Request",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::Busy => "503 Service Unavailable",
        }
    }
}

/// The head of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// Names in small letters.
    pub(super) fields: Vec<(String, String)>,
}

impl Request {
    /// Reads a head; `None` where it has not ended yet.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Status> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut head = httparse::Request::new(&mut fields);
        let end = match head.parse(bytes) {
            Ok(httparse::Status::Complete(end)) => end,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(Status::HeadTooLarge),
            Err(_) => return Err(Status::Malformed),
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| Status::Malformed);
        let read = |field: &httparse::Header<'_>| Ok((field.name.to_ascii_lowercase(), text(field.value)?));
        Ok(Some((
            Self {
                method: head.method.unwrap_or_default().to_owned(),
                path: head.path.unwrap_or_default().to_owned(),
                fields: head.headers.iter().map(read).collect::<Result<_, Status>>()?,
            },
            end,
        )))
    }

    /// The value of a field that may be there once.
    ///
    /// # Errors
    /// It is there more than once.
    pub(super) fn field(&self, name: &str) -> Result<Option<&str>, Status> {
        let mut found = self.fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let first = found.next();
        if found.next().is_some() { Err(Status::Malformed) } else { Ok(first) }
    }

    /// Length of the body, in bytes.
    pub(super) fn length(&self) -> Result<usize, Status> {
        if self.field("transfer-encoding")?.is_some() {
            return Err(Status::NoLength);
        }
        let Some(length) = self.field("content-length")? else { return Err(Status::NoLength) };
        match length.parse() {
            Ok(length) if length <= BODY => Ok(length),
            Ok(_) => Err(Status::TooLarge),
            Err(_) => Err(Status::Malformed),
        }
    }
}

/// Reads a head, and what of the body came with it.
pub(super) fn read_head(client: &TcpStream) -> Result<(Request, Vec<u8>), Status> {
    let end = Instant::now() + HEAD_TIME;
    let mut bytes = Vec::new();
    loop {
        if let Some((request, at)) = Request::parse(&bytes)? {
            return Ok((request, bytes.split_off(at)));
        }
        if bytes.len() >= HEAD {
            return Err(Status::HeadTooLarge);
        }
        more(client, &mut bytes, HEAD, end)?;
    }
}

/// Reads the rest of a body.
pub(super) fn read_body(client: &TcpStream, request: &Request, mut bytes: Vec<u8>) -> Result<Vec<u8>, Status> {
    let length = request.length()?;
    let end = Instant::now() + BODY_TIME;
    while bytes.len() < length {
        more(client, &mut bytes, length, end)?;
    }
    if bytes.len() > length { Err(Status::Malformed) } else { Ok(bytes) }
}

fn more(mut client: &TcpStream, bytes: &mut Vec<u8>, most: usize, end: Instant) -> Result<(), Status> {
    let left = end.saturating_duration_since(Instant::now()).min(SILENCE);
    if left.is_zero() {
        return Err(Status::Slow);
    }
    let mut chunk = [0; 16 * 1024];
    let room = chunk.len().min(most.saturating_sub(bytes.len()).max(1));
    client.set_nonblocking(false).and_then(|()| client.set_read_timeout(Some(left))).map_err(|_| Status::Malformed)?;
    match client.read(&mut chunk[..room]) {
        Ok(0) => Err(Status::Malformed),
        Ok(count) => {
            bytes.extend_from_slice(&chunk[..count]);
            Ok(())
        }
        Err(_) => Err(Status::Slow),
    }
}

/// What every answer says: nobody else may use it, frame it, guess its type or learn where it was asked for.
const ALWAYS: &str = "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n\
Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types provost\r\n";

/// Says why not. A client that does not listen is no failure.
pub(super) fn refuse(client: &TcpStream, status: Status) {
    let text = status.line();
    let length = text.len() + 1;
    write(
        client,
        &format!("HTTP/1.1 {text}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n{ALWAYS}\r\n{text}\n"),
    );
}

/// Sends a part of the page.
pub(super) fn send(client: &TcpStream, asset: &Asset) {
    let Asset { kind, text, .. } = asset;
    let length = text.len();
    write(
        client,
        &format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{ALWAYS}\r\n{text}"),
    );
}

/// Begins an answer whose lines come as they are made, and ends with the connection.
pub(super) fn begin_lines(client: &TcpStream) -> bool {
    write(client, &format!("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n{ALWAYS}\r\n"))
}

/// Whether the client took it.
pub(super) fn write(mut client: &TcpStream, text: &str) -> bool {
    let ready = client.set_nonblocking(false).and_then(|()| client.set_write_timeout(Some(BODY_TIME)));
    ready.and_then(|()| client.write_all(text.as_bytes())).is_ok()
}
