//! `provost obk build`.

use provost_ops::{objects::build, show::says, store::files::write_all};

use crate::{
    cli::{Arguments, ObkBuild},
    documents::MadeFiles,
    output::{Page, Stop, made_text, wrap},
};

pub(super) fn run(arguments: &Arguments, options: &ObkBuild) -> Result<Page, Stop> {
    let built = build(&options.config, options.out.as_deref(), arguments.part())?;
    let made = write_all(std::slice::from_ref(&built.file), options.force)?;
    let mut text = format!("built {}\n{}", built.kind, made_text(&made));
    for finding in &built.findings {
        text.push_str(&wrap(&format!("{}: {}", finding.severity(), says(finding)), 0));
    }
    if arguments.order_code.is_none() && !built.is_image {
        text.push_str("note: say --part to have it checked against the part it is for\n");
    }
    let what = built.kind.to_string();
    Ok(Page::new(&MadeFiles { what: &what, files: made, findings: Some(&built.findings) }, text)?)
}
