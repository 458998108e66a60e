//! What the errors of the virtual bench mean to a person.

use provost_chip::rules::RuleId;
use provost_twin::error::TwinError;

use super::{Exit, Fault, Remedy, Row, files, find_in, table};

table! {
    "twin-not-found" => Usage {
        causes: ["neither a preset nor a file of that name exists"],
        next: ["`provost twin list` names the presets, `provost twin new FILE` makes a chip"],
    }
    "twin-file-io" => Failed {
        causes: ["the folder is not writable", "the disk is full"],
        next: ["choose another place, or mend this one, and run the same command again"],
    }
    "twin-file-exists" => Refused {
        causes: ["a file of that name is there"],
        next: ["choose another name; nothing was overwritten"],
    }
    "twin-file-damaged" => Refused {
        causes: ["the file was edited by hand or cut short"],
        next: ["make a new one: `provost twin new FILE`; this one was not touched"],
    }
    "twin-file-newer" => Refused {
        causes: ["a newer version of provost wrote it"],
        next: ["update provost; the file was not touched"],
    }
    "twin-file-in-use" => PersonMustAct {
        causes: ["another provost works on this chip or serves it"],
        next: ["let it finish, or work on another chip; nothing was changed"],
    }
    "twin-door" => Failed {
        causes: ["another program listens on that port", "the port is not for this user"],
        next: ["name another port, or 0 to let the system choose"],
    }
    "part-unknown" => Usage {
        causes: ["a misspelt part, or one of another family"],
        next: ["name it as it is written on the chip"],
    }
    "twin-switch" => Usage {
        causes: ["a misspelt switch or value"],
        next: ["`provost explain SWITCH` lists the values of one switch; `provost twin ledger` ends with all of them"],
    }
    "twin-option" => Usage {
        causes: ["a misspelt option behind the question mark, or one without =VALUE"],
        next: ["separate options by commas: twin:board.chip?leave-rss-da=power,nrst=not-wired"],
    }
}

fn row(error: &TwinError) -> &'static Row {
    let own = find_in(ROWS, error.code()).unwrap_or(&super::UNFORESEEN);
    if let TwinError::Io { source, .. } = error { files::row_of(source, own) } else { own }
}

impl Fault for TwinError {
    fn code(&self) -> &'static str {
        row(self).code
    }

    fn exit(&self) -> Exit {
        row(self).exit
    }

    fn rules(&self) -> Vec<RuleId> {
        Vec::new()
    }

    fn remedy(&self) -> Remedy {
        row(self).into()
    }
}
