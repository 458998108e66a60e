//! Modules, which a process loads once, and the tokens in their slots.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as CallError, RvError};
use cryptoki::slot::{Slot, TokenInfo};

use crate::error::Error;
use crate::locator::Locator;

/// Loaded modules. C_Initialize and C_Finalize count for the whole process, and unloading a module whose threads or exit handlers
/// still live crashes; so a module stays.
static MODULES: Mutex<BTreeMap<PathBuf, Pkcs11>> = Mutex::new(BTreeMap::new());

/// The module of a file, initialised.
pub(crate) fn load(path: &Path) -> Result<Pkcs11, Error> {
    let broken = |error: CallError| Error::Module {
        path: path.to_owned(),
        reason: match error {
            CallError::Pkcs11(value, function) => format!("{function:?}: {value:?}"),
            other => other.to_string(),
        },
    };
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(path) {
        return Ok(module.clone());
    }
    let module = Pkcs11::new(path).map_err(broken)?;
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        // The same module under another name, or somebody else in this process uses it.
        Ok(()) | Err(CallError::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(broken(error)),
    }
    modules.insert(path.to_owned(), module.clone());
    Ok(module)
}

/// The one token that fits.
pub(crate) fn find_token(module: &Pkcs11, locator: &Locator) -> Result<(Slot, TokenInfo), Error> {
    let fits = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    let mut present = Vec::new();
    let mut found = Vec::new();
    for slot in module.get_slots_with_initialized_token()? {
        // A token that is being pulled fails here; the others still count.
        let Ok(info) = module.get_token_info(slot) else { continue };
        present.push(info.label().to_owned());
        if fits(&locator.token, info.label())
            && fits(&locator.manufacturer, info.manufacturer_id())
            && fits(&locator.model, info.model())
            && fits(&locator.serial, info.serial_number())
            && locator.slot.is_none_or(|id| id == slot.id())
        {
            found.push((slot, info));
        }
    }
    match found.len() {
        1 => found.pop().ok_or(Error::NoToken { present }),
        0 => Err(Error::NoToken { present }),
        _ => {
            let name = |(_, info): &(Slot, TokenInfo)| format!("{} serial={}", info.label(), info.serial_number());
            Err(Error::AmbiguousToken { present: found.iter().map(name).collect() })
        }
    }
}
