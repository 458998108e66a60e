//! Programs that we did not write: used where they are installed. Where one is missing the test says that it is skipped and why, unless
//! [`REQUIRED`] says that none may be missing: then it fails.

use std::{
    env,
    ffi::OsStr,
    fmt,
    process::{Command, Stdio},
};

/// Set to 1 where nothing may be skipped for want of a program (`.ci/run` does).
pub const REQUIRED: &str = "PROVOST_REQUIRE_STRANGERS";

/// Prints why a test is skipped.
///
/// Panics if nothing may be skipped.
pub fn skip(reason: impl fmt::Display) {
    assert!(env::var_os(REQUIRED).is_none_or(|value| value != "1"), "{REQUIRED}=1, but {reason}");
    println!("SKIPPED: {reason}");
}

/// Whether a program starts and ends well, given these arguments.
#[must_use]
pub fn runs<A: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: &[A]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether all of these programs are installed, each of which knows `--version`; if not, the test is to be [skipped](skip).
#[must_use]
pub fn installed(programs: &[&str]) -> bool {
    let absent = programs.iter().find(|program| !runs(program, &["--version"]));
    if let Some(absent) = absent {
        skip(format_args!("{absent} is not installed"));
    }
    absent.is_none()
}

/// Whether this program is installed, which ends well given these arguments; if not, the test is to be [skipped](skip).
#[must_use]
pub fn installed_by(program: &str, arguments: &[&str]) -> bool {
    let there = runs(program, arguments);
    if !there {
        skip(format_args!("{program} {} does not run here", arguments.join(" ")));
    }
    there
}

/// The OpenOCD that `OPENOCD` names, or the one on the path, if its remote_bitbang adapter speaks SWD, which it does after version 0.12.
#[must_use]
pub fn openocd() -> Option<String> {
    let program = env::var("OPENOCD").unwrap_or_else(|_| "openocd".to_owned());
    if runs(&program, &["-c", "adapter driver remote_bitbang; transport select swd; shutdown"]) {
        return Some(program);
    }
    skip(format_args!("{program} is absent, or its remote_bitbang does not speak SWD"));
    None
}

/// The pyOCD that `PYOCD` names, or the one on the path.
#[must_use]
pub fn pyocd() -> Option<String> {
    let program = env::var("PYOCD").unwrap_or_else(|_| "pyocd".to_owned());
    if runs(&program, &["--version"]) {
        return Some(program);
    }
    skip(format_args!("{program} is not installed"));
    None
}

/// SoftHSM2's PKCS#11 library, if it is installed together with its tool.
#[must_use]
pub fn softhsm() -> Option<&'static str> {
    const LIBRARIES: [&str; 4] = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ];
    let library = LIBRARIES.into_iter().find(|path| std::path::Path::new(path).exists());
    if library.is_some() && runs("softhsm2-util", &["--version"]) {
        return library;
    }
    skip("SoftHSM2 is not installed (Debian: softhsm2)");
    None
}
