//! `provost completions` and `provost man`: made from the command line as it is, so that they cannot fall behind it.

use std::path::Path;

use clap::Command;
use clap_complete::{Generator, Shell, generate};
use clap_complete_nushell::Nushell;
use clap_mangen::Man;
use provost_ops::store::{NewFile, files};

use crate::{
    cli::{self, ShellName},
    documents::{MadeFiles, Text},
    output::{Page, Stop, made_text},
};

/// The completions of one shell.
pub(super) fn completions(shell: ShellName) -> Result<Page, Stop> {
    let (name, text) = match shell {
        ShellName::Bash => ("bash", of(Shell::Bash)),
        ShellName::Zsh => ("zsh", of(Shell::Zsh)),
        ShellName::Fish => ("fish", of(Shell::Fish)),
        ShellName::Powershell => ("powershell", of(Shell::PowerShell)),
        ShellName::Elvish => ("elvish", of(Shell::Elvish)),
        ShellName::Nushell => ("nushell", of(Nushell)),
    };
    let document = Text { what: format!("completions-{name}"), text: &text };
    Ok(Page::new(&document, text.clone())?.verbatim())
}

fn of(shell: impl Generator) -> String {
    let mut bytes = Vec::new();
    generate(shell, &mut cli::command(), "provost", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A page for each command.
pub(super) fn man(folder: &Path, force: bool) -> Result<Page, Stop> {
    files::make_folder(folder, provost_ops::store::Secrecy::Public)?;
    let mut made = Vec::new();
    let mut command = cli::command();
    command.build();
    pages(&command, "provost", folder, &mut made)?;
    let made = files::write_all(&made, force)?;
    let text = format!("{}read one with: man {}\n", made_text(&made), folder.join("provost.1").display());
    Ok(Page::new(&MadeFiles { what: "man-pages", files: made, findings: None }, text)?)
}

fn pages(command: &Command, name: &str, folder: &Path, made: &mut Vec<NewFile>) -> Result<(), Stop> {
    let mut bytes = Vec::new();
    let path = folder.join(format!("{name}.1"));
    let rendered = Man::new(command.clone()).title(name).render(&mut bytes);
    rendered.map_err(|source| provost_ops::error::OpError::File { path: path.clone(), source })?;
    made.push(NewFile::public(path, bytes));
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help") {
        pages(inner, &format!("{name}-{}", inner.get_name()), folder, made)?;
    }
    Ok(())
}
