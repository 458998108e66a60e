//! States in a sentence: by name, by code, or both.

use provost_chip::states::ProductState;

use super::{
    Concept,
    words::{Mark, Token},
};

/// A state that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) state: ProductState,
    /// Its first token.
    pub(super) at: usize,
    /// The token after it.
    pub(super) end: usize,
    /// With `0x`.
    pub(super) code: bool,
    /// With its name.
    pub(super) name: bool,
}

fn named(token: &Token) -> Option<ProductState> {
    [
        (Concept::Open, ProductState::Open),
        (Concept::Provisioning, ProductState::Provisioning),
        (Concept::IrotProvisioned, ProductState::IrotProvisioned),
        (Concept::TzClosed, ProductState::TzClosed),
        (Concept::Closed, ProductState::Closed),
        (Concept::Locked, ProductState::Locked),
    ]
    .into_iter()
    .find_map(|(concept, state)| token.is.has(concept).then_some(state))
}

/// A code with `0x`.
fn coded(token: &Token) -> Option<ProductState> {
    ProductState::from_code(u8::try_from(token.hex()?).ok()?)
}

/// A code without: `17`, `ED`.
pub(super) fn bare(token: &Token) -> Option<ProductState> {
    let short = token.mark.is_none() && token.text.len() == 2;
    short.then(|| u8::from_str_radix(&token.text, 16).ok().and_then(ProductState::from_code)).flatten()
}

/// The states of a sentence in their order; a name with its code in brackets is one, and so is a code with its name.
pub(super) fn values(tokens: &[Token]) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let (code, name) = (coded(token), named(token));
        let beside_arrow = |t: Option<&Token>| t.is_some_and(|t| t.mark == Some(Mark::Arrow));
        let before = at.checked_sub(1).and_then(|i| tokens.get(i));
        let arrow = beside_arrow(before) || beside_arrow(tokens.get(at + 1));
        // "from 17 to ED", "PRODUCT_STATE = 17".
        let led = before.is_some_and(|t| t.is.any(&[Concept::From, Concept::To]) || t.mark == Some(Mark::Equals));
        let about = tokens.iter().any(|t| t.is.any(&[Concept::ProductState, Concept::Write, Concept::OptionBytes]));
        let short = bare(token).filter(|_| arrow || led && about);
        let Some(state) = code.or(name).or(short) else { continue };
        if let Some(last) = found.last_mut()
            && last.state == state
            && tokens[last.end..at].iter().all(|t| t.mark == Some(Mark::Clause) || t.is.has(Concept::State))
        {
            last.end = at + 1;
            last.code |= code.is_some() || short.is_some();
            last.name |= name.is_some();
            continue;
        }
        found.push(Value { state, at, end: at + 1, code: code.is_some() || short.is_some(), name: name.is_some() });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prose::words::tokens;

    fn of(line: &str) -> Vec<ProductState> {
        values(&tokens(line)).iter().map(|v| v.state).collect()
    }

    #[test]
    fn names_and_codes_are_one_value() {
        use ProductState::*;
        assert_eq!(of("Open (0xED) → TZ-Closed (0xC6)"), [Open, TzClosed]);
        assert_eq!(of("PRODUCT_STATE from 17 → ED (Open)"), [Provisioning, Open]);
        assert_eq!(of("changed product state from 17 to ED"), [Provisioning, Open]);
        assert_eq!(of("0x17 (Provisioning)"), [Provisioning]);
        assert_eq!(of("I have 17 boards and 72 hours"), []);
        assert_eq!(of("Open→Provisioning→TZ-Closed"), [Open, Provisioning, TzClosed]);
    }
}
