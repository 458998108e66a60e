//! Options of `completions`.

use clap::ValueEnum;

/// A shell that completes words.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ShellName {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// Nushell.
    Nushell,
    /// Elvish.
    Elvish,
}
