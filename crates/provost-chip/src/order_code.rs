//! What is printed on a package, as far as it tells chips apart that share a DEV_ID: the line, and the letter of the flash size.

use std::{fmt, str::FromStr};

use crate::parts::{FlashSize, PartId, UnknownPart};

/// Size letters of STM32 order codes, with KB (STM32H5 data sheets, ordering information; ES0683).
const SIZE_LETTERS: [(char, u32); 7] =
    [('B', 128), ('C', 256), ('E', 512), ('G', 1024), ('I', 2048), ('K', 3072), ('J', 4096)];

/// A line and, where it was said, the flash size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a record that its user fills in")]
pub struct OrderCode {
    /// The line.
    pub part: PartId,
    /// The size of its flash; `None` where nothing says which of the line's sizes it is.
    pub flash: Option<FlashSize>,
}

impl OrderCode {
    /// Every line in every size that it is made in.
    pub fn all() -> impl Iterator<Item = OrderCode> {
        PartId::all().flat_map(|part| part.info().flash_sizes.iter().map(move |size| Self { part, flash: Some(*size) }))
    }

    /// The size, or the largest of the line where it is not known: for making chips, not for writing to them.
    pub fn flash_or_largest(self) -> FlashSize {
        self.flash.unwrap_or(self.part.info().largest_flash())
    }
}

impl From<PartId> for OrderCode {
    fn from(part: PartId) -> Self {
        Self { part, flash: None }
    }
}

/// `STM32H523`, or with the size as ST writes it for any package: `STM32H523xC`.
impl fmt::Display for OrderCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flash {
            Some(size) => f.pad(&format!("{}x{}", self.part, letter_of(size))),
            None => fmt::Display::fmt(&self.part, f),
        }
    }
}

/// A text that is no order code of the series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderCodeError {
    /// No line of the series.
    #[error(transparent)]
    Part(#[from] UnknownPart),
    /// The line is not made in the size of this letter.
    #[error("{part} is not made with flash size {letter:?}; its sizes: {known}")]
    Size {
        /// The line.
        part: PartId,
        /// The letter in the place of the flash size.
        letter: char,
        /// The letters that would have been accepted, with what they mean.
        known: String,
    },
}

impl FromStr for OrderCode {
    type Err = OrderCodeError;

    /// Accepts a line or an order code: `STM32H533`, `stm32h523cct6`, `H523xC`. An `x` in the place of the size leaves it open.
    fn from_str(text: &str) -> Result<Self, OrderCodeError> {
        let part: PartId = text.parse()?;
        let upper = text.to_ascii_uppercase();
        let line = part.info().name.trim_start_matches("STM32");
        // Behind the line: a letter for the package's pins, then one for the flash size.
        let letter = upper.split_once(line).and_then(|(_, rest)| rest.chars().nth(1)).filter(|letter| *letter != 'X');
        let Some(letter) = letter else { return Ok(part.into()) };
        let kb = SIZE_LETTERS.iter().find(|(l, _)| *l == letter).map(|(_, kb)| *kb);
        match kb.and_then(|kb| part.info().flash_from_register(kb)) {
            Some(size) => Ok(Self { part, flash: Some(size) }),
            None => Err(OrderCodeError::Size { part, letter, known: letters_of(part) }),
        }
    }
}

/// The letter of a size; an `x`, which says nothing, for one that the table does not have.
fn letter_of(size: FlashSize) -> char {
    SIZE_LETTERS.iter().find(|(_, kb)| *kb == size.kb()).map_or('x', |(letter, _)| *letter)
}

fn letters_of(part: PartId) -> String {
    let of = |size: &FlashSize| format!("{} ({size})", letter_of(*size));
    part.info().flash_sizes.iter().map(of).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_letter_is_kept() {
        // Half-size parts by ES0683 and the Keil DFP 1.3.0 release notes.
        for (code, part, kb) in [
            ("STM32H523CCT6", "STM32H523", Some(256)),
            ("stm32h523ret6", "STM32H523", Some(512)),
            ("H523xC", "STM32H523", Some(256)),
            ("H523", "STM32H523", None),
            ("STM32H523xx", "STM32H523", None),
            ("STM32H563VG", "STM32H563", Some(1024)),
            ("STM32H563ZI", "STM32H563", Some(2048)),
            ("STM32H562", "STM32H562", None),
            ("STM32H5E5ZK", "STM32H5E5", Some(3072)),
            ("STM32H5F5LJ", "STM32H5F5", Some(4096)),
            ("STM32H533RE", "STM32H533", Some(512)),
            ("STM32H503RB", "STM32H503", Some(128)),
        ] {
            let found: OrderCode = code.parse().unwrap();
            assert_eq!((found.part.info().name, found.flash.map(FlashSize::kb)), (part, kb), "{code}");
        }
    }

    #[test]
    fn a_size_that_the_line_does_not_have_is_refused_with_those_it_has() {
        let error = "STM32H533RC".parse::<OrderCode>().unwrap_err();
        assert_eq!(error.to_string(), "STM32H533 is not made with flash size 'C'; its sizes: E (512 KB)");
        let error = "STM32H563ZE".parse::<OrderCode>().unwrap_err().to_string();
        assert!(error.contains("I (2 MB), G (1 MB)"), "{error}");
        assert!(matches!("STM32F407".parse::<OrderCode>(), Err(OrderCodeError::Part(_))));
    }

    #[test]
    fn every_size_of_every_line_has_its_letter() {
        for code in OrderCode::all() {
            assert_eq!(code.to_string().parse(), Ok(code));
        }
    }
}
