//! `provost auth`: Debug Authentication.

use std::fmt::Write as _;

use provost_adac::password::Password;
use provost_chip::states::ProductState;
use provost_ops::{
    credential::{Access, CredentialSet},
    debug_auth::{Discovered, look},
    rescue::{Wish, rescue},
};

use crate::{
    cli::{Arguments, Auth, Regress},
    confirm,
    output::{Page, Stop, Teller},
    secrets,
};

pub(crate) fn run(arguments: &Arguments, command: &Auth) -> Result<Page, Stop> {
    match command {
        Auth::Discover => run_discover(arguments),
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
        (true, false) => {
            "`provost auth regress --credential DIR`, with what was provisioned, erases the chip and opens it"
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

fn credential(arguments: &Arguments, options: &Regress) -> Result<CredentialSet, provost_ops::error::Failure> {
    let Some(folder) = &options.credential else {
        let password = options.password.as_deref().unwrap_or_default();
        return Ok(CredentialSet::from_password(Password::new(password.as_bytes())?));
    };
    match secrets::signed_elsewhere(&options.sign_in, folder)? {
        None => secrets::with_access(arguments, &options.access, |access| CredentialSet::open(folder, &access)),
        signer => CredentialSet::open(folder, &Access { passphrase: None, signer }),
    }
}
