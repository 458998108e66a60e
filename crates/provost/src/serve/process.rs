//! One operation, carried out by this same program in a process and a folder of its own: what it tells is passed on line by line, what is in
//! the folder goes back with the answer, and nothing of it stays.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Component, Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use base64ct::{Base64, Encoding as _};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    http::{self, Status},
    operation::Operation,
};

/// Longest run.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most files, and the longest path of one.
const FILES: usize = 200;
const PATH: usize = 200;
/// Longest output, in bytes.
const OUTPUT: u64 = 32 << 20;

/// An operation with the files that it works on; a folder has no text.
#[derive(Debug)]
pub(super) struct Job {
    operation: Operation,
    files: Vec<(PathBuf, Option<Vec<u8>>)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    operation: Value,
    #[serde(default)]
    files: Vec<(String, Option<String>)>,
}

impl Job {
    /// Reads one.
    ///
    /// # Errors
    /// It is none, or a path leads out of its folder.
    pub(super) fn read(body: &[u8]) -> Result<Self, Status> {
        let asked: Asked = serde_json::from_slice(body).map_err(|_| Status::Malformed)?;
        if asked.files.len() > FILES {
            return Err(Status::TooLarge);
        }
        let read = |(path, text): (String, Option<String>)| {
            let inside = Path::new(&path).components().all(|part| matches!(part, Component::Normal(_)));
            // What one system takes for a name, another takes for a path.
            if !inside || path.is_empty() || path.len() > PATH || path.contains(['\\', ':', '\0']) {
                return Err(Status::Malformed);
            }
            let bytes = text.map(|text| Base64::decode_vec(&text)).transpose().map_err(|_| Status::Malformed)?;
            Ok((PathBuf::from(path), bytes))
        };
        let files = asked.files.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { operation: Operation::read(asked.operation)?, files })
    }

    pub(super) const fn is_on_desk(&self) -> bool {
        self.operation.is_on_desk()
    }
}

/// Carries it out, and tells the client.
pub(super) fn run(client: &TcpStream, job: &Job, live: Option<&str>) {
    if !http::begin_lines(client) {
        return;
    }
    let done = carry_out(client, job, live)
        .unwrap_or_else(|error| json!({ "exit": null, "out": "", "files": [], "why": error.to_string() }));
    http::write(client, &format!("{}\n", json!({ "done": done })));
}

fn carry_out(client: &TcpStream, job: &Job, live: Option<&str>) -> io::Result<Value> {
    // Nobody else reads in it (0700), and it goes away with this value.
    let folder = tempfile::Builder::new().prefix("provost-page-").tempdir()?;
    for (path, bytes) in &job.files {
        let path = folder.path().join(path);
        match bytes {
            None => fs::create_dir_all(path)?,
            Some(bytes) => {
                fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
                fs::write(path, bytes)?;
            }
        }
    }
    let mut command = Command::new(std::env::current_exe()?);
    command.args(job.operation.arguments(live)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // The chip on the desk may lie in a file, named from where the server was started.
    if !job.is_on_desk() {
        command.current_dir(folder.path());
        // What this computer says of probes and parts by itself is not meant for the page's virtual chips.
        let meant_for_others = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("PROVOST_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| meant_for_others(name)) {
            command.env_remove(name);
        }
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(job.operation.stdin().as_bytes());
    }
    let (exit, out) = listen(client, &mut child)?;
    let mut files = Vec::new();
    if !job.is_on_desk() {
        collect(folder.path(), folder.path(), &mut files)?;
    }
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(json!({ "exit": exit, "out": out, "files": files }))
}

/// Passes on what the process tells; ends it where the client has gone, or where it takes too long.
fn listen(client: &TcpStream, child: &mut Child) -> io::Result<(Option<i32>, String)> {
    let (send, receive) = mpsc::channel();
    let (stderr, stdout) = (child.stderr.take(), child.stdout.take());
    let told = thread::spawn(move || {
        for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines().map_while(Result::ok)) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    let printed = thread::spawn(move || {
        let mut out = String::new();
        let _ = stdout.map(|stdout| stdout.take(OUTPUT).read_to_string(&mut out));
        out
    });
    let end = Instant::now() + PATIENCE;
    loop {
        match receive.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) if http::write(client, &format!("{line}\n")) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            _ => {
                child.kill()?;
                break;
            }
        }
    }
    drop(receive);
    let status = child.wait()?;
    let _ = told.join();
    Ok((status.code(), printed.join().unwrap_or_default()))
}

/// Every file in the folder, as a path with slashes and its bytes in Base64.
fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Option<String>)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let parts: Vec<_> = path.strip_prefix(root).unwrap_or(&path).iter().map(|p| p.to_string_lossy()).collect();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files.push((parts.join("/"), None));
            collect(root, &path, files)?;
        } else if kind.is_file() {
            files.push((parts.join("/"), Some(Base64::encode_string(&fs::read(&path)?))));
        }
    }
    Ok(())
}
