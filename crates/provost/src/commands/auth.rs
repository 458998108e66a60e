//! `provost auth`: Debug Authentication.

use std::{fmt::Write as _, path::Path};

use provost_adac::password::Password;
use provost_chip::states::{DaMethod, ProductState};
use provost_ops::{
    auth::{Closed, Opened, TzEnded, TzWish, close_debug, open_debug, tz_regression},
    credential::{Access, CredentialSet},
    debug_auth::{DebugView, Discovered, look},
    error::Failure,
    rescue::{Wish, rescue},
};

use crate::{
    cli::{Arguments, Auth, BackTo, KeyAccess, OpenDebug, Regress, SignIn},
    confirm,
    output::{Page, Stop, Teller, wrap},
    secrets,
};

pub(crate) fn run(arguments: &Arguments, command: &Auth) -> Result<Page, Stop> {
    match command {
        Auth::Discover => run_discover(arguments),
        Auth::Open(options) => run_open(arguments, options),
        Auth::CloseDebug => run_close_debug(arguments),
        Auth::Regress(options) if options.to == BackTo::TzClosed => run_tz_regression(arguments, options),
        Auth::Regress(options) => run_regress(arguments, options),
    }
}

fn run_discover(arguments: &Arguments) -> Result<Page, Stop> {
    super::on_chip(arguments, |bench| {
        let look = look(&mut bench.session)?;
        let text = text(&look.discovery, look.ap1_open_afterwards);
        Ok(Page::new(&look, text)?)
    })
}

fn text(d: &Discovered, ap1_open: bool) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: Option<String>| {
        let _ = writeln!(text, "{name:<22}{}", value.as_deref().unwrap_or("not told"));
    };
    line("target id", d.target_id.map(|v| format!("{v:#05x}")));
    line("SoC id", d.soc_id.clone());
    line("SDA version", d.sda_version.clone());
    line("PSA lifecycle", d.psa_lifecycle.clone());
    line("credential asked for", d.method.map(|m| m.to_string()));
    let says = if d.integrity_valid { "valid" } else { "nothing valid is provisioned" };
    line("integrity", d.integrity.map(|v| format!("{v:#010x} ({says})")));
    for permission in &d.permissions {
        line("if authorised", Some(permission.clone()));
    }
    if !d.integrity_valid {
        text.push_str("\nThe permissions listed prove nothing: without valid data no authentication succeeds.\n");
    }
    if !ap1_open {
        text.push_str("\nThe chip may still sit in its Debug Authentication ROM: remove power before you go on with anything else.\n");
    }
    let _ = writeln!(text, "\nnext: {}", next(d));
    text
}

fn next(d: &Discovered) -> &'static str {
    let provisioning = d.product_state == Some(ProductState::Provisioning);
    match (d.integrity_valid, provisioning) {
        (true, true) => {
            "`provost rescue` goes on with a rescue that was begun; or `provost auth regress --credential DIR`, with what was provisioned, erases the chip and opens it"
        }
        (true, false) if d.method == Some(DaMethod::Certificate) => {
            "`provost auth open --permission level-1-intrusive-debug --credential DIR`, with what was provisioned, opens debug and erases nothing; `provost auth regress --credential DIR` erases the chip and opens it"
        }
        (true, false) => {
            "`provost auth regress --credential DIR`, with what was provisioned, erases the chip and opens it; this chip cannot be debugged as it is"
        }
        (false, true) => "`provost rescue --dry-run`",
        (false, false) => {
            "nothing that is provisioned opens this chip; `provost diagnose --discover` says what remains, and why"
        }
    }
}

fn run_regress(arguments: &Arguments, options: &Regress) -> Result<Page, Stop> {
    let credential = credential(arguments, options)?;
    super::on_chip(arguments, |bench| {
        confirm::write_to(bench, arguments, super::rescue::WHAT)?;
        let wish = Wish {
            chip: super::chip_name(arguments, bench),
            part: arguments.order_code,
            credential: Some(credential),
            inside: true,
            encrypt_word: options.encrypt_word,
            out: (&options.out).into(),
            one_shot: false,
            once_for_life: false,
            this_is: options.this_is.clone(),
        };
        let ended = rescue(&mut bench.session, wish, &mut Teller::new(arguments))?;
        Ok(Page::new(&ended.receipt, super::rescue::receipt_text(&ended))?)
    })
}

fn credential(arguments: &Arguments, options: &Regress) -> Result<CredentialSet, Failure> {
    let Some(folder) = &options.credential else {
        let password = options.password.as_deref().unwrap_or_default();
        return Ok(CredentialSet::from_password(Password::new(password.as_bytes())?));
    };
    set(arguments, folder, (&options.sign_in, &options.access))
}

/// The set in a folder, with its leaf key wherever that is.
fn set(
    arguments: &Arguments,
    folder: &Path,
    (sign_in, access): (&SignIn, &KeyAccess),
) -> Result<CredentialSet, Failure> {
    match secrets::signed_elsewhere(sign_in, folder)? {
        None => secrets::with_access(arguments, access, |access| CredentialSet::open(folder, &access)),
        signer => CredentialSet::open(folder, &Access { passphrase: None, signer }),
    }
}

fn run_open(arguments: &Arguments, options: &OpenDebug) -> Result<Page, Stop> {
    let set = set(arguments, &options.credential, (&options.sign_in, &options.access))?;
    super::on_chip(arguments, |bench| {
        let opened = open_debug(&mut bench.session, &set, options.permission, &mut Teller::new(arguments))?;
        Ok(Page::new(&opened, opened_text(&opened))?)
    })
}

fn opened_text(opened: &Opened) -> String {
    let sides = if opened.secure { "both sides" } else { "the non-secure side" };
    let mut text =
        format!("debug of {sides} is open from HDPL {} on: {} (bit {})\n", opened.level, opened.permission, opened.bit);
    text.push_str("  erased      nothing\n");
    let _ = writeln!(text, "  measured    {}", measured(&opened.view));
    text.push_str("  ends        when power is removed (R-OPENED-DEBUG-ENDS, documented)\n");
    text.push_str(if opened.view.outlives_reset {
        "  resets      are survived: DBGMCU_CR.DCRT = 1 was written and read back; a tool that clears it ends this\n"
    } else {
        "  resets      end it: this chip did not keep DBGMCU_CR.DCRT = 1\n"
    });
    text.push('\n');
    text.push_str(&wrap(
        "Keep power on, and connect without a reset: behind any reset ST's code runs first, and nothing can stop the core there.",
        0,
    ));
    text.push_str("  OpenOCD   core on AP1 (`cortex_m`, `-ap-num 1`), `reset_config none`, then `init; halt`\n");
    text.push_str("  GDB       through OpenOCD: `target extended-remote :3333`, then `hbreak`\n");
    text.push_str("  probe-rs  `probe-rs attach`, not `run` or `download`\n");
    text.push_str("\nnext: your debugger; afterwards `provost auth close-debug`, or remove power\n");
    text
}

fn measured(view: &DebugView) -> String {
    let word = |word: Option<u32>| word.map_or("not seen".to_owned(), |word| format!("{word:#010x}"));
    format!(
        "AP1 {}, DAUTHSTATUS {}, DHCSR {}, SBS_DBGCR {}",
        if view.ap1 { "answers" } else { "shut" },
        word(view.dauthstatus),
        word(view.dhcsr),
        word(view.sbs_dbgcr),
    )
}

fn run_close_debug(arguments: &Arguments) -> Result<Page, Stop> {
    super::on_chip(arguments, |bench| {
        let closed = close_debug(&mut bench.session, &mut Teller::new(arguments))?;
        Ok(Page::new(&closed, closed_text(&closed))?)
    })
}

fn closed_text(closed: &Closed) -> String {
    let granted = closed.before.sbs_dbgcr.is_some_and(|word| word != 0) || closed.before.secure;
    let mut text = if granted { "debug is closed\n" } else { "nothing was open that could be closed\n" }.to_owned();
    let _ = writeln!(text, "  before  {}", measured(&closed.before));
    let _ = writeln!(text, "  now     {}", measured(&closed.after));
    if closed.after.ap1 {
        text.push_str("AP1 is open for non-secure accesses by the product state itself.\n");
    }
    text
}

fn run_tz_regression(arguments: &Arguments, options: &Regress) -> Result<Page, Stop> {
    let credential = credential(arguments, options)?;
    super::on_chip(arguments, |bench| {
        confirm::write_to(bench, arguments, "erase the non-secure side")?;
        let wish = TzWish {
            chip: super::chip_name(arguments, bench),
            part: arguments.order_code,
            credential,
            out: (&options.out).into(),
        };
        let ended = tz_regression(&mut bench.session, wish, &mut Teller::new(arguments))?;
        Ok(Page::new(&ended.receipt, tz_text(&ended))?)
    })
}

fn tz_text(ended: &TzEnded) -> String {
    let mut text = "the chip is TZ-Closed: its non-secure side was erased, its secure side was kept\n".to_owned();
    let _ = writeln!(text, "  receipt  {}", ended.folder.join("receipt.json").display());
    text.push_str(&wrap(
        "Remove power for some seconds before you go on: the chip was asked for its state, and may sit in its Debug Authentication ROM. \
         Non-secure firmware and data must be programmed again; AP1 opens when such code runs, or by \
         `provost auth open --permission level-1-intrusive-debug --credential DIR`.",
        0,
    ));
    text
}
