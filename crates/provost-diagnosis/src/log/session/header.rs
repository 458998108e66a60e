//! Headers: the tool, the host, the probe, the board and the chip of a run.

use provost_chip::parts::PartId;

use super::{NO_REFERENCE_VOLTS, Session};
use crate::{
    case::Outcome,
    claim::About,
    families::Family,
    log::{
        command::{Interface, mode_of, number, object_of},
        fields::{host_of, short},
        open_step::Kind,
    },
};

/// Tools that are remembered.
const MAX_TOOLS: usize = 8;

impl Session {
    pub(super) fn tool(&mut self, name: &str) {
        let name: String = name.chars().take(60).collect();
        let known = self.tools.iter().any(|t| t.starts_with(&name));
        if !known && self.tools.len() < MAX_TOOLS {
            self.tools.push(name);
        }
    }

    pub(super) fn banner_line(&mut self, line: &str) -> bool {
        if let Some(rest) = line.strip_prefix("STM32CubeProgrammer ") {
            let rest = rest.strip_prefix("API ").unwrap_or(rest);
            let (version, host) = rest.split_once('|').unwrap_or((rest, ""));
            if !version.trim_start().starts_with('v') {
                return false;
            }
            if self.banner || self.found || self.open.is_some() {
                self.end_run();
            }
            self.banner = true;
            self.tool(&format!("STM32CubeProgrammer {}", version.trim().trim_start_matches('v')));
            if let Some(host) = host_of(host) {
                self.bench.host = Some(host);
                self.claim(About::Host, format!("the host is {}", host.as_str()));
            }
            return true;
        }
        if let Some(version) = line.strip_prefix("Open On-Chip Debugger ") {
            self.end_run();
            self.tool(&format!("OpenOCD {}", version.split_whitespace().next().unwrap_or_default()));
            return true;
        }
        for (prefix, name) in
            [("st-flash ", "stlink "), ("st-info ", "stlink "), ("SEGGER J-Link Commander ", "J-Link ")]
        {
            if let Some(version) = line.strip_prefix(prefix) {
                self.end_run();
                self.tool(&format!("{name}{}", version.split_whitespace().next().unwrap_or_default()));
                return true;
            }
        }
        false
    }

    pub(super) fn header_line(&mut self, line: &str) -> bool {
        let other = line.split_once(".cpu").and_then(|(name, _)| Family::named(name.rsplit(['[', ' ']).next()?));
        if let Some(other) = other {
            self.other_family.get_or_insert(other.name.to_owned());
        }
        let Some((key, value)) = line.split_once(':') else { return false };
        let (key, value) = (key.trim(), value.trim());
        match key {
            "ST-LINK FW" => {
                self.attach_again();
                self.probe_firmware = short(value);
                self.claim(About::Probe, format!("the probe is an ST-LINK, firmware {value}"));
            }
            "Board" if value != "--" => self.name_board(value),
            "Board" => {}
            "Voltage" => {
                self.volts = value.trim_end_matches(['V', 'v', ' ']).parse().ok();
                self.claim(About::Supply, format!("the probe measures {value}"));
            }
            "Connect mode" => {
                self.attach_again();
                self.command.mode = mode_of(value).or(self.command.mode);
            }
            "Device ID" | "Chip ID" | "chipid" => return self.device(value),
            "Device name" => {
                if let Some(other) = Family::named(value) {
                    self.other_family.get_or_insert(other.name.to_owned());
                } else {
                    self.h5 |= value.starts_with("STM32H5");
                }
            }
            "USB speed" => self.command.interface = Interface::Usb,
            "OBK Input file" => self.begin(Kind::Provision, None).object = Some(object_of(value)),
            _ => return false,
        }
        true
    }

    /// The header of a new connection without the header of a run: the graphical tool prints it.
    pub(super) fn attach_again(&mut self) {
        if self.found {
            self.close();
            self.found = false;
        }
    }

    /// Boards of ST carry the part in their name, and a probe with a reset line.
    fn name_board(&mut self, name: &str) {
        let Some(name) = short(name) else { return };
        let part =
            name.strip_prefix("NUCLEO-").or_else(|| name.strip_prefix("STM32")).and_then(|n| n.split('-').next());
        if let Some(part) = part.filter(|p| p.starts_with("H5") && p.parse::<PartId>().is_ok()) {
            self.chip.part = Some(format!("STM32{part}"));
            self.claim(About::Part, format!("STM32{part}"));
            self.board = Some(format!("{name}, on the board"));
        } else {
            self.board = Some(name);
        }
    }

    fn device(&mut self, value: &str) -> bool {
        number(value).is_some_and(|id| self.device_id(id))
    }

    pub(super) fn device_id(&mut self, id: u64) -> bool {
        let Ok(id) = u16::try_from(id) else { return false };
        let ours = PartId::with_dev_id(id).next().is_some();
        if ours {
            self.h5 = true;
            self.chip.dev_id = Some(id);
            self.claim(About::DevId, format!("DEV_ID {id:#05x}"));
            let named: Option<PartId> = self.chip.part.as_deref().and_then(|p| p.parse().ok());
            if named.is_some_and(|p| p.info().dev_id != id) {
                // The board's probe is wired to something else.
                self.chip.part = None;
            }
        } else if id != 0 {
            self.other_family = Some(match Family::of(id) {
                Some(family) => family.name.to_owned(),
                None => format!("an unknown part with DEV_ID {id:#05x}"),
            });
        }
        self.found = true;
        self.bench.supply_volts =
            self.volts.filter(|v| (NO_REFERENCE_VOLTS..20.0).contains(v)).or(self.bench.supply_volts);
        let kind = match self.command.interface {
            Interface::Swd => Kind::Connect,
            Interface::Usb => Kind::Dfu,
            Interface::Uart => Kind::Uart,
        };
        self.begin(kind, Some(Outcome::Ok)).outcome = Some(Outcome::Ok);
        true
    }
}
