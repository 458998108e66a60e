//! Typed access to TOML tables, with line numbers.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{CaseError, kind_of};
use crate::words::nearest;

/// Turns byte offsets into lines.
#[derive(Debug)]
pub(super) struct Reader {
    /// Offsets of the line feeds.
    feeds: Vec<usize>,
}

impl Reader {
    pub(super) fn new(text: &str) -> Self {
        Self { feeds: text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at).collect() }
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.feeds.partition_point(|feed| *feed < offset) + 1
    }
}

/// A table of the document.
pub(super) struct Table<'a> {
    pub(super) reader: &'a Reader,
    pub(super) table: &'a DeTable<'a>,
    pub(super) at: usize,
    pub(super) within: &'static str,
}

impl<'a> Table<'a> {
    /// Refuses keys that are not listed.
    pub(super) fn only(&self, allowed: &[&'static str]) -> Result<(), CaseError> {
        match self.table.keys().find(|key| !allowed.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some(key) => Err(CaseError::UnknownKey {
                line: self.reader.line(key.span().start),
                key: key.get_ref().chars().take(40).collect(),
                within: self.within,
                nearest: nearest(key.get_ref(), allowed),
                allowed: allowed.to_vec(),
            }),
        }
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.iter().find(|(k, _)| k.get_ref() == key).map(|(_, value)| value)
    }

    fn wrong(&self, key: &str, wanted: &'static str, value: &Spanned<DeValue<'_>>) -> CaseError {
        CaseError::WrongValue {
            line: self.reader.line(value.span().start),
            key: key.to_owned(),
            wanted,
            found: kind_of(value),
        }
    }

    pub(super) fn table(&self, key: &str, within: &'static str) -> Result<Option<Table<'a>>, CaseError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let table = value.get_ref().as_table().ok_or_else(|| self.wrong(key, "a table", value))?;
        Ok(Some(Table { reader: self.reader, table, at: value.span().start, within }))
    }

    /// The tables of an array, with their offsets.
    pub(super) fn tables(&self, key: &str, within: &'static str) -> Result<Vec<(usize, Table<'a>)>, CaseError> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let array = value.get_ref().as_array().ok_or_else(|| self.wrong(key, "an array of tables, [[step]]", value))?;
        let table = |value: &'a Spanned<DeValue<'a>>| {
            let at = value.span().start;
            let table = value.get_ref().as_table().ok_or_else(|| self.wrong(key, "a table", value))?;
            Ok((at, Table { reader: self.reader, table, at, within }))
        };
        array.iter().map(table).collect()
    }

    pub(super) fn string(&self, key: &str) -> Result<Option<&'a str>, CaseError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.get_ref().as_str().map(Some).ok_or_else(|| self.wrong(key, "a string", value))
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, CaseError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        value.get_ref().as_bool().map(Some).ok_or_else(|| self.wrong(key, "true or false", value))
    }

    /// A list of strings.
    pub(super) fn strings(&self, key: &str) -> Result<Option<Vec<String>>, CaseError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let array = value.get_ref().as_array().ok_or_else(|| self.wrong(key, "a list of strings", value))?;
        let string = |v: &Spanned<DeValue<'_>>| {
            v.get_ref().as_str().map(str::to_owned).ok_or_else(|| self.wrong(key, "a list of strings", v))
        };
        array.iter().map(string).collect::<Result<_, _>>().map(Some)
    }

    /// An integer from 0, or a string that holds one: `0xC6`, `"0xC6"`, `198`.
    pub(super) fn integer(&self, key: &str, wanted: &'static str) -> Result<Option<u64>, CaseError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = match value.get_ref() {
            DeValue::Integer(i) => u64::from_str_radix(i.as_str().trim_start_matches('+'), i.radix()).ok(),
            DeValue::String(s) if s.eq_ignore_ascii_case("unknown") => return Ok(None),
            DeValue::String(s) => digits(s),
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.wrong(key, wanted, value))
    }

    /// A finite number.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, CaseError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number: Option<f64> = match value.get_ref() {
            DeValue::Integer(i) if i.radix() == 10 => i.as_str().parse().ok(),
            DeValue::Float(f) => f.as_str().parse().ok(),
            _ => None,
        };
        let sane = number.filter(|n| n.is_finite() && (0.0..=100.0).contains(n));
        sane.map(Some).ok_or_else(|| self.wrong(key, "a number from 0 to 100", value))
    }

    /// A word of a closed vocabulary; `unknown` is none.
    pub(super) fn word<T>(
        &self,
        key: &'static str,
        allowed: &[&'static str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, CaseError> {
        let Some(word) = self.string(key)? else { return Ok(None) };
        if word == "unknown" {
            return Ok(None);
        }
        parse(word).filter(|_| allowed.contains(&word)).map(Some).ok_or_else(|| {
            let words: Vec<&'static str> = allowed.iter().copied().chain(["unknown"]).collect();
            self.unknown(key, word, nearest(word, &words))
        })
    }

    /// A word that is needed.
    pub(super) fn needed<T>(
        &self,
        key: &'static str,
        allowed: &[&'static str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, CaseError> {
        let Some(word) = self.string(key)? else { return Err(self.missing(key)) };
        parse(word).ok_or_else(|| self.unknown(key, word, nearest(word, allowed)))
    }

    pub(super) fn unknown(&self, key: &'static str, word: &str, nearest: Option<&'static str>) -> CaseError {
        let at = self.value(key).map_or(self.at, |v| v.span().start);
        CaseError::UnknownWord { line: self.reader.line(at), key, word: word.chars().take(40).collect(), nearest }
    }

    pub(super) fn missing(&self, key: &'static str) -> CaseError {
        CaseError::MissingKey { line: self.reader.line(self.at), key, within: self.within }
    }
}

/// `0xC6` or `198`, with underscores as in TOML.
fn digits(text: &str) -> Option<u64> {
    let plain = text.trim().replace('_', "").to_ascii_lowercase();
    match plain.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => plain.parse().ok(),
    }
}
