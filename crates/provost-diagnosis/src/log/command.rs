//! The command line of `STM32_Programmer_CLI`, as far as it tells what was done.

use crate::case::{AskedPermission, ConnectMode, Credential, Object, OptionValue};

/// The interface of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Interface {
    #[default]
    Swd,
    Usb,
    Uart,
}

/// What a command line asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Command {
    pub(super) interface: Interface,
    pub(super) mode: Option<ConnectMode>,
    pub(super) ap: Option<u8>,
    pub(super) writes: Vec<OptionValue>,
    pub(super) provision: Option<Object>,
    pub(super) debug_authentication: Option<u8>,
    pub(super) with: Option<Credential>,
    pub(super) permission: Option<AskedPermission>,
    pub(super) erase: bool,
    pub(super) flash: bool,
    pub(super) reset: bool,
}

/// At most so many option fields of one command.
const MAX_WRITES: usize = 32;
/// Where the STM32H503 keeps the hash of its password (one-time programmable area).
const H503_PASSWORD: u64 = 0x08FF_F000;

impl Command {
    /// Parses a line that calls the tool, or that the graphical tool prints in its stead.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let arguments = arguments(line)?;
        let mut command = Self::default();
        let words: Vec<&str> = arguments.split_whitespace().map(|w| w.trim_matches(['"', '\''])).collect();
        let mut switch = String::new();
        for (i, word) in words.iter().enumerate() {
            let (key, value) = word.split_once('=').map_or((*word, None), |(k, v)| (k, Some(v)));
            let key = key.to_ascii_lowercase();
            if key.starts_with('-') {
                switch = key.trim_start_matches('-').to_owned();
                command.switch(&switch, value, words.get(i + 1).copied());
            } else {
                command.word(&switch, word, &key, value);
            }
        }
        Some(command)
    }

    fn switch(&mut self, switch: &str, value: Option<&str>, next: Option<&str>) {
        match switch {
            "sdp" => self.provision = Some(object_of(value.or(next).unwrap_or_default())),
            "e" | "erase" => self.erase = true,
            "d" | "w" | "download" | "write" => self.flash = true,
            "rst" | "hardrst" => self.reset = true,
            _ => {}
        }
    }

    fn word(&mut self, switch: &str, word: &str, key: &str, value: Option<&str>) {
        match (key, value) {
            (_, Some(value)) if switch == "ob" => self.option(key, value),
            ("port", Some(port)) => self.interface = interface_of(port),
            ("mode", Some(mode)) => self.mode = mode_of(mode),
            ("ap", Some(ap)) => self.ap = ap.parse().ok(),
            ("debugauth", Some(what)) => self.debug_authentication = what.bytes().next().map(|b| b.wrapping_sub(b'0')),
            ("pwd", Some(_)) => self.present(Credential::Password),
            ("key" | "cert", Some(_)) => self.present(Credential::Certificate),
            ("per", Some(per)) => self.permission = Some(permission_of(per)),
            (_, None) if self.flash && number(word) == Some(H503_PASSWORD) => {
                self.flash = false;
                self.provision = Some(Object::DaPassword);
            }
            _ => {}
        }
    }

    fn option(&mut self, field: &str, value: &str) {
        if self.writes.len() < MAX_WRITES && field.len() <= 24 {
            self.writes.push(OptionValue { field: field.to_ascii_uppercase(), value: number(value) });
        }
    }

    fn present(&mut self, with: Credential) {
        self.with = Some(match self.with {
            Some(other) if other != with => Credential::Both,
            _ => with,
        });
    }
}

/// What follows the name of the tool.
fn arguments(line: &str) -> Option<&str> {
    // Bytes of an ASCII needle: the position is a character boundary.
    let after = |needle: &str| {
        let at = line.as_bytes().windows(needle.len()).position(|w| w.eq_ignore_ascii_case(needle.as_bytes()))?;
        line.get(at + needle.len()..)
    };
    if let Some(rest) = after("Option byte command :") {
        return Some(rest);
    }
    let rest = after("STM32_Programmer_CLI")?;
    let rest = rest.strip_prefix(".exe").or_else(|| rest.strip_prefix(".sh")).unwrap_or(rest);
    let rest = rest.trim_start_matches(['"', '\'']).trim_start();
    rest.starts_with('-').then_some(rest)
}

/// A number in C notation.
pub(super) fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => {
            // A paste may have lost the blank or the line end that followed.
            let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
            u64::from_str_radix(&hex[..end], 16).ok()
        }
        None => text.parse().ok(),
    }
}

/// What a connect mode is called on the command line, or printed as.
pub(super) fn mode_of(word: &str) -> Option<ConnectMode> {
    let word: String = word.chars().filter(|c| c.is_ascii_alphanumeric()).collect::<String>().to_ascii_lowercase();
    Some(match word.as_str() {
        "normal" => ConnectMode::Normal,
        "hotplug" => ConnectMode::HotPlug,
        "ur" | "underreset" => ConnectMode::UnderReset,
        "powerdown" => ConnectMode::PowerDown,
        "hwrstpulse" | "hwrst" => ConnectMode::HwResetPulse,
        _ => return None,
    })
}

fn interface_of(port: &str) -> Interface {
    let port = port.to_ascii_lowercase();
    if port.starts_with("usb") {
        Interface::Usb
    } else if port.starts_with("com") || port.starts_with("/dev/") || port.starts_with("tty") {
        Interface::Uart
    } else {
        Interface::Swd
    }
}

/// The bit letters of STM32CubeProgrammer: `a` full regression, `b` regression to TZ-Closed, the others debug (AN6008).
fn permission_of(letter: &str) -> AskedPermission {
    match letter.to_ascii_lowercase().as_str() {
        "a" => AskedPermission::FullRegression,
        "b" => AskedPermission::TzRegression,
        _ => AskedPermission::Debug,
    }
}

/// What an object file holds, only if its name says so: ST's samples are called `DA_Config.obk` and
/// `DA_ConfigWithPassword.obk` (STM32CubeH5 ROT_Provisioning).
pub(super) fn object_of(path: &str) -> Object {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    if name.contains("password") {
        Object::DaPassword
    } else if name.contains("da_config") || name.contains("cert") {
        Object::DaCertificate
    } else if name.contains("oemirot") {
        Object::Oemirot
    } else if name.contains("stirot") {
        Object::Stirot
    } else {
        Object::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_of_the_vendor_scripts_are_understood() {
        // STM32CubeH5 ROT_Provisioning/DA/regression.sh and public threads.
        let c = Command::parse(
            "$ STM32_Programmer_CLI -c port=SWD speed=fast ap=1 mode=Hotplug -ob TZEN=0xC3 PRODUCT_STATE=0x17 -hardRst",
        )
        .unwrap();
        assert_eq!((c.mode, c.ap, c.reset), (Some(ConnectMode::HotPlug), Some(1), true));
        let fields: Vec<_> = c.writes.iter().map(|w| (w.field.as_str(), w.value)).collect();
        assert_eq!(fields, [("TZEN", Some(0xC3)), ("PRODUCT_STATE", Some(0x17))]);
        let c = Command::parse(r#""C:\Program Files\x\STM32_Programmer_CLI.exe" -c port=SWD per=a key=k.pem cert=c.b64 pwd=p.bin debugauth=1"#).unwrap();
        assert_eq!((c.debug_authentication, c.with), (Some(1), Some(Credential::Both)));
        assert_eq!(c.permission, Some(AskedPermission::FullRegression));
        let c = Command::parse("STM32_Programmer_CLI.exe -c port=SWD ap=1 -sdp ./Binary/DA_ConfigWithPassword.obk")
            .unwrap();
        assert_eq!(c.provision, Some(Object::DaPassword));
        let c = Command::parse("STM32_Programmer_CLI -c port=SWD -sdp=wrong/path.obk").unwrap();
        assert_eq!(c.provision, Some(Object::Other));
        let c = Command::parse("STM32_Programmer_CLI -c port=SWD mode=UR -e all -d app.elf -v").unwrap();
        assert!(c.erase && c.flash && c.provision.is_none());
        let c = Command::parse("STM32_Programmer_CLI -c port=usb1 -ob displ").unwrap();
        assert_eq!((c.interface, c.writes.len()), (Interface::Usb, 0));
        assert_eq!(Command::parse("STM32_Programmer_CLI not found"), None);
    }

    #[test]
    fn the_otp_of_the_h503_holds_a_password() {
        let c =
            Command::parse("STM32_Programmer_CLI.exe -c port=SWD ap=1 mode=Hotplug -w board_password.bin 0x8FFF000")
                .unwrap();
        assert_eq!((c.provision, c.flash), (Some(Object::DaPassword), false));
    }
}
