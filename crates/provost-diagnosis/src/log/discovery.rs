//! The fields that a Debug Authentication discovery prints.

use provost_chip::states::ProductState;

use super::command::number;
use crate::case::Discovery;

/// At most so many permissions are listed; the chip has fewer bits.
const MAX_PERMISSIONS: usize = 32;

/// Takes one field, named as the tool names it or as a case file does; `false` if nothing is known by that name.
pub(crate) fn field(discovery: &mut Discovery, name: &str, value: &str) -> bool {
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    let value = value.trim();
    match name.as_str() {
        "target id" => discovery.empty_answer |= number(value) == Some(0),
        "vendor id" => discovery.empty_answer |= value.eq_ignore_ascii_case("(null)"),
        "psa lifecycle" => discovery.lifecycle = lifecycle(value).or(discovery.lifecycle),
        "st provisioning integrity status" => discovery.integrity = integrity(value).or(discovery.integrity),
        "st hdpl1 status" => {
            discovery.hdpl1 = number(value).and_then(|v| u32::try_from(v).ok()).or(discovery.hdpl1);
        }
        "cryptosystems" | "cryptosystem" => {
            // "ST Password", or signature and hash algorithms.
            discovery.password = Some(value.to_ascii_lowercase().contains("password"));
        }
        _ if name.starts_with("permission if authorized") => permissions(discovery, value),
        "soc id" | "sda version" | "psa auth version" | "token formats" | "certificate formats" => {}
        "st hdpl2 status" | "st hdpl3 status" => {}
        _ => return false,
    }
    true
}

/// `ST_LIFECYCLE_TZ_CLOSED`, or the end of it.
pub(crate) fn lifecycle(value: &str) -> Option<ProductState> {
    let value = value.trim().to_ascii_uppercase();
    let word = value.strip_prefix("ST_LIFECYCLE_").unwrap_or(&value).replace('_', "-");
    word.to_ascii_lowercase().parse().ok()
}

/// 0xEAEAEAEA: valid; 0xF5F5F5F5: not provisioned (Hamming-distant words of the ROM).
pub(crate) fn integrity(value: &str) -> Option<bool> {
    match number(&value.to_ascii_lowercase())? {
        0xEAEA_EAEA => Some(true),
        0xF5F5_F5F5 => Some(false),
        _ => None,
    }
}

/// `(a/14) ==> Full Regression`, `Full Regression`, or several: `(a) Full Regression (b) To TZ Regression`.
fn permissions(discovery: &mut Discovery, value: &str) {
    let known = discovery.permissions.get_or_insert_with(Vec::new);
    for part in value.split('(') {
        let name = part.split_once(')').map_or(part, |(_, name)| name);
        let name = name.trim().trim_start_matches("==>").trim();
        let short: String = name.chars().take(64).collect();
        if !short.is_empty() && !known.contains(&short) && known.len() < MAX_PERMISSIONS {
            known.push(short);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_as_printed_are_taken() {
        let mut d = Discovery::default();
        for (name, value) in [
            ("target ID.......................", "0x484"),
            ("PSA lifecycle...................", "ST_LIFECYCLE_IROT_PROVISIONED"),
            ("ST provisioning integrity status", "0xf5f5f5f5"),
            ("ST HDPL1 status.................", "0xffffffff"),
            ("cryptosystems...................", "Ecdsa-P256 SHA256"),
            ("permission if authorized........", "(a/14) ==> Full Regression"),
            ("permission if authorized........", "(a) Full Regression (b) To TZ Regression"),
        ] {
            assert!(field(&mut d, name, value), "{name}");
        }
        assert_eq!(d.lifecycle, Some(ProductState::IrotProvisioned));
        assert_eq!((d.integrity, d.hdpl1, d.password), (Some(false), Some(u32::MAX), Some(false)));
        assert_eq!(d.permissions.as_deref(), Some(&["Full Regression".to_owned(), "To TZ Regression".to_owned()][..]));
        assert!(d.answered());
        assert!(!field(&mut d, "weather", "fine"));
    }

    #[test]
    fn an_empty_answer_is_no_answer() {
        let mut d = Discovery::default();
        assert!(field(&mut d, "target ID.......................", "0x0"));
        assert!(d.empty_answer && !d.answered());
        assert_eq!(integrity("0x00000000"), None);
        assert_eq!(lifecycle("ST_LIFECYCLE_SUNDAY"), None);
    }
}
