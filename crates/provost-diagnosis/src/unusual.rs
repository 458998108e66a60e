//! What is unusual in option bytes that were read: against the values of a new chip, and what it bites.

use provost_chip::{option_bytes::OptionField, option_values::FieldKind, parts::PartId, sources::Confidence};

use crate::{
    case::{Case, OptionValue},
    tables::UNUSUAL,
};

/// When a row of the table speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// The field has this value.
    Value(u32),
    /// It has another value than on a new chip.
    Changed,
    /// The area from `_STRT` to `_END` is not empty.
    Area,
    /// That area covers the whole bank.
    Whole,
}

/// A row of `data/unusual.toml`.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) field: &'static str,
    pub(crate) when: When,
    pub(crate) says: &'static str,
    pub(crate) confidence: Confidence,
    pub(crate) source: &'static [&'static str],
}

/// Something in the option bytes that is not as on a new chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusual {
    /// The field, or the name that the two ends of an area share.
    pub field: &'static str,
    /// The value, or the first and the last sector.
    pub value: String,
    /// What that bites, in plain words.
    pub says: &'static str,
    /// How sure that is.
    pub confidence: Confidence,
    /// Keys of the sources.
    pub source: &'static [&'static str],
}

/// Whether a field, or an area of which it is one end, can be found unusual: the others need not be read for this.
pub fn speaks_of(field: &str) -> bool {
    UNUSUAL.iter().any(|row| field.strip_prefix(row.field).is_some_and(|end| matches!(end, "" | "_STRT" | "_END")))
}

/// What is unusual in `options`, as read of a `part`, in the order of the table. TZEN and PRODUCT_STATE are not among it: they are
/// what the whole answer is about. Watermarks count only while TrustZone is on.
pub fn unusual(part: PartId, options: &[OptionValue]) -> Vec<Unusual> {
    let read = |name: &str| {
        let value = options.iter().find(|o| o.field == name)?.value?;
        Some(u32::try_from(value).unwrap_or(u32::MAX))
    };
    let trustzone = read("TZEN") == Some(0xB4);
    let rows = UNUSUAL.iter().filter(|row| trustzone || !row.field.starts_with("SECWM"));
    rows.filter_map(|row| {
        let value = match row.when {
            When::Area | When::Whole => area(part, row, &read)?,
            When::Value(_) | When::Changed => {
                let field = OptionField::find(part, row.field)?;
                // An export writes all bits of a short field as -1.
                let value = read(row.field)? & (field.mask() >> field.low);
                let speaks = match row.when {
                    When::Value(wanted) => value == wanted,
                    _ => field.default.is_some_and(|usual| value != usual) && !unreadable(field, value),
                };
                speaks.then(|| field.hex(value))?
            }
        };
        Some(Unusual { field: row.field, value, says: row.says, confidence: row.confidence, source: row.source })
    })
    .collect()
}

/// What is unusual in the option bytes of a case, whichever of the parts that it may be about it is.
pub fn in_case(case: &Case) -> Vec<Unusual> {
    let named = case.chip.part.as_deref().and_then(|name| name.parse::<PartId>().ok());
    let by_id = case.chip.dev_id.into_iter().flat_map(PartId::with_dev_id);
    let mut parts: Vec<PartId> = named.into_iter().chain(by_id).collect();
    if parts.is_empty() {
        parts.extend(PartId::all());
    }
    let mut each = parts.into_iter().map(|part| unusual(part, &case.options));
    let first = each.next().unwrap_or_default();
    each.fold(first, |all, more| all.into_iter().filter(|u| more.contains(u)).collect())
}

/// A secure boot address reads as zero to who is not secure.
fn unreadable(field: &OptionField, value: u32) -> bool {
    field.kind() == FieldKind::Address && value == 0
}

/// First and last sector of an area, if the row speaks of it.
fn area(part: PartId, row: &Row, read: &impl Fn(&str) -> Option<u32>) -> Option<String> {
    let (from, to) = (read(&format!("{}_STRT", row.field))?, read(&format!("{}_END", row.field))?);
    let last = OptionField::find(part, &format!("{}_END", row.field))?;
    let whole = from == 0 && to >= last.mask() >> last.low;
    (from <= to && (row.when == When::Area || whole)).then(|| format!("{from:#x}..{to:#x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(all: &[(&str, u64)]) -> Vec<OptionValue> {
        all.iter().map(|(field, value)| OptionValue { field: (*field).into(), value: Some(*value) }).collect()
    }

    fn part(name: &str) -> PartId {
        name.parse().unwrap()
    }

    #[test]
    fn a_new_chip_has_nothing_unusual() {
        for part in PartId::all() {
            let all: Vec<OptionValue> = OptionField::of(part)
                .filter_map(|f| Some(OptionValue { field: f.name.into(), value: Some(f.default?.into()) }))
                .collect();
            assert_eq!(unusual(part, &all), [], "{part}");
        }
    }

    #[test]
    fn every_row_speaks_of_a_field_that_some_part_has() {
        for row in UNUSUAL {
            let ends = [row.field.to_owned(), format!("{}_STRT", row.field)];
            assert!(
                PartId::all().any(|p| ends.iter().any(|name| OptionField::find(p, name).is_some())),
                "{}",
                row.field
            );
        }
    }

    #[test]
    fn what_bites_is_named() {
        let read = options(&[
            ("IWDG_SW", 0),
            ("HDP1_STRT", 0),
            ("HDP1_END", 11),
            ("HDP2_STRT", 1),
            ("HDP2_END", 0),
            ("TZEN", 0xB4),
            ("SECWM1_STRT", 0),
            ("SECWM1_END", 0x7F),
            ("SECWM2_STRT", 0),
            ("SECWM2_END", 0x7E),
            ("BOOT_UBE", 0xC3),
            ("SWAP_BANK", 1),
            ("WRPSGn1", 0xFFFF_FFFF),
            ("SECBOOTADD", 0),
        ]);
        let fields: Vec<_> = unusual(part("STM32H563"), &read).iter().map(|u| u.field).collect();
        assert_eq!(fields, ["IWDG_SW", "HDP1", "SECWM1", "BOOT_UBE", "SWAP_BANK"]);
        // Without TrustZone a watermark says nothing.
        let off = options(&[("TZEN", 0xC3), ("SECWM1_STRT", 0), ("SECWM1_END", 0x7F)]);
        assert_eq!(unusual(part("STM32H563"), &off), []);
        // -1 of an export: all eight groups of a small part.
        assert_eq!(unusual(part("STM32H533"), &options(&[("WRPSGn1", 0xFFFF_FFFF)])), []);
    }
}
