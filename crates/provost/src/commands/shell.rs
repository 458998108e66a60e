//! `provost completions` and `provost man`: made from the command line as it is, so that they cannot fall behind it.

use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use provost_ops::store::{NewFile, files};

use crate::{
    cli,
    documents::{MadeFiles, Text},
    output::{Page, Stop, made_text},
};

/// The completions of one shell.
pub(super) fn completions(shell: Shell) -> Result<Page, Stop> {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "provost", &mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let document = Text { what: format!("completions-{shell}"), text: &text };
    Ok(Page::new(&document, text.clone())?)
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
