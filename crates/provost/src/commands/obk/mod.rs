//! `provost obk`: builds, shows and writes provisioning objects.

mod build;
mod image;
pub(crate) mod write;

use provost_ops::{
    show::{LARGEST_FILE, inspect},
    store::files,
};

use crate::{
    cli::{Arguments, ObkCommand},
    output::{Page, Stop},
};

pub(crate) fn run(arguments: &Arguments, command: &ObkCommand) -> Result<Page, Stop> {
    match command {
        ObkCommand::Build(options) => build::run(arguments, options),
        ObkCommand::Inspect(options) => {
            let bytes = files::read(&options.file, LARGEST_FILE)?;
            super::credential::sheet_page(&inspect(&bytes, arguments.part())?)
        }
        ObkCommand::Write(options) => write::run(arguments, options),
        ObkCommand::Image(command) => image::run(arguments, command),
    }
}
