//! `provost credential`: makes, shows and checks what a chip is opened with.

mod check;
mod new;
mod offline;
mod show;

pub(super) use show::sheet_page;

use crate::{
    cli::{Arguments, Credential},
    output::{Page, Stop},
};

pub(crate) fn run(arguments: &Arguments, command: &Credential) -> Result<Page, Stop> {
    match command {
        Credential::New(options) => new::run(arguments, options),
        Credential::Show(options) => show::run(&options.file),
        Credential::Check(options) => check::run(arguments, options),
        Credential::Prepare(options) => offline::prepare(options),
        Credential::Merge(options) => offline::merge(options),
    }
}
