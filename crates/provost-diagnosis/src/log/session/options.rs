//! Option bytes that were read: lines of the tool, its JSON export, tables, and registers of its trace.

use provost_chip::states::{BootUbe, ProductState, TrustZone};

use super::Session;
use crate::{
    case::{Act, OptionValue, Outcome, Step},
    claim::Sure,
    log::{anchor::OPTION_NAMES, command::number, fields::row, json, open_step::Kind},
};

/// `FLASH_OPTSR_CUR` and `FLASH_OPTSR2_CUR` (CMSIS), non-secure and secure alias.
const OPTSR: [u64; 2] = [0x4002_2050, 0x5002_2050];
const OPTSR2: [u64; 2] = [0x4002_2070, 0x5002_2070];

/// Option fields whose values are steps of the case; the others tell what is unusual.
const STEPS_OF: [&str; 3] = ["PRODUCT_STATE", "TZEN", "BOOT_UBE"];

impl Session {
    /// Members of a JSON export of the option bytes.
    pub(super) fn json_line(&mut self, line: &str) -> bool {
        let mut any = false;
        for (name, value) in json::members(line) {
            if name == "deviceId" {
                any |= self.device_id(u64::try_from(value).unwrap_or_default());
            } else if OPTION_NAMES.contains(name) {
                // -1: all bits of a 32-bit field.
                self.option(name, u64::from(value as u32));
                any = true;
            }
        }
        any || matches!(line, "{" | "}" | "}," | "\"bitNameToValue\" : {" | "\"bitNameToValue\": {")
    }

    /// A row of a table of option bytes.
    pub(super) fn table_row(&mut self, line: &str) -> bool {
        let row = row(line.trim_start_matches(['|', '-', '*', '>', ' ']));
        if let Some((field, value)) = row {
            self.option(field, value);
        }
        row.is_some()
    }

    /// Any option field that was read.
    pub(super) fn option(&mut self, field: &str, value: u64) {
        self.options.retain(|o| o.field != field);
        self.options.push(OptionValue { field: field.to_owned(), value: Some(value) });
        if STEPS_OF.contains(&field) {
            self.read(field, Some(value));
        }
    }

    /// `PRODUCT_STATE: 0x17 (Provisioning, …)`, or a register in the trace of the graphical tool.
    pub(super) fn option_line(&mut self, line: &str) -> bool {
        if let Some((field, rest)) = line.split_once(':') {
            let field = field.trim();
            if OPTION_NAMES.contains(field) {
                let value = rest.split_whitespace().next().and_then(number);
                if let Some(value) = value {
                    self.option(field, value);
                }
                return value.is_some();
            }
        }
        // A list that somebody typed; what is said of the product state so may be a wish.
        if let Some((field, rest)) = line.split_once('=')
            && OPTION_NAMES.contains(field.trim())
            && field.trim() != "PRODUCT_STATE"
            && let Some(value) = number(rest.trim())
        {
            self.option(field.trim(), value);
            return true;
        }
        let Some((access, data)) = line.split_once(" bytes Data 0x") else { return false };
        let address = access.split_once('@').and_then(|(_, a)| number(a.split_whitespace().next()?));
        let word = data.get(..8).and_then(|d| u64::from_str_radix(d, 16).ok());
        let (Some(address), Some(word), true) = (address, word, access.starts_with("r ap")) else { return true };
        if OPTSR.contains(&address) {
            // Right after a reset these registers can read as anything: only known codes are believed.
            if ProductState::from_code((word >> 8) as u8).is_some() {
                self.option("PRODUCT_STATE", word >> 8 & 0xFF);
            }
            if BootUbe::from_code((word >> 22) as u8).is_some() {
                self.option("BOOT_UBE", word >> 22 & 0xFF);
            }
        } else if OPTSR2.contains(&address) && TrustZone::from_code((word >> 24) as u8).is_some() {
            self.option("TZEN", word >> 24 & 0xFF);
        }
        true
    }

    fn read(&mut self, field: &str, value: Option<u64>) {
        let option = OptionValue { field: field.to_owned(), value };
        if self.seen.contains(&option) {
            return;
        }
        self.seen.retain(|s| s.field != field);
        self.seen.push(option.clone());
        match &mut self.open {
            Some(open) if matches!(open.kind, Kind::Options | Kind::Erase | Kind::Flash) && open.reads.len() < 8 => {
                open.reads.push(option);
            }
            _ => {
                self.close();
                self.steps.push(Step::new(Act::ReadOption(option), Some(Outcome::Ok)), &self.place, Sure::Printed);
            }
        }
    }
}
