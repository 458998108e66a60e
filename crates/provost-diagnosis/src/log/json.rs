//! The option bytes as STM32CubeProgrammer exports them: JSON with decimal values, in one line or in many.

/// Names and numbers of a line, `"NAME" : 23`, in their order.
pub(super) fn members(line: &str) -> impl Iterator<Item = (&str, i64)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('"')?;
            let (name, after) = after.split_once('"')?;
            let number = after.trim_start().strip_prefix(':').map(str::trim_start);
            let Some(number) = number.filter(|n| n.starts_with(|c: char| c == '-' || c.is_ascii_digit())) else {
                rest = after;
                continue;
            };
            let end = number.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(number.len());
            // Hexadecimal is how the tool prints complaints, not exports.
            let whole = !number[end..].starts_with(['x', 'X', '.', 'e', 'E']);
            rest = &number[end..];
            if let (true, Ok(value)) = (whole, number[..end].parse()) {
                return Some((name, value));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_in_any_layout() {
        let found = |line| members(line).collect::<Vec<_>>();
        assert_eq!(found(r#"    "PRODUCT_STATE" : 23,"#), [("PRODUCT_STATE", 23)]);
        assert_eq!(
            found(r#"{"deviceId":1156,"bitNameToValue":{"TZEN":180,"WRPSGn1":-1}}"#),
            [("deviceId", 1156), ("TZEN", 180), ("WRPSGn1", -1)]
        );
        assert_eq!(found(r#"Expected value for Option Byte "PRODUCT_STATE": 0xED, found: 0x17"#), []);
        assert_eq!(found(r#"" " : 1e5 "": "x" "#), []);
        assert_eq!(found(""), []);
    }
}
