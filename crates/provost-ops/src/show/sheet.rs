//! What is in a file, as a table that serializes: sections of fields, each with its byte range where it has one.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{credential::SetError, fault::Failure};

/// No file that is shown is larger: a flash image of the largest part, twice.
pub const LARGEST_FILE: u64 = 8 << 20;

/// Why a file is not what it should be.
pub(super) fn malformed(what: &'static str, rule: impl ToString) -> Failure {
    SetError::Malformed { what, rule: rule.to_string() }.into()
}

/// A file, field by field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Sheet {
    /// What kind of file it is, in a stable word: `certificate-chain`.
    #[schemars(regex(pattern = "^[a-z0-9-]+$"))]
    pub kind: &'static str,
    /// The same in plain words.
    #[schemars(length(min = 1))]
    pub title: String,
    /// How many bytes it has.
    pub bytes: usize,
    /// Its parts.
    pub sections: Vec<Section>,
    /// What a person should know about it.
    #[schemars(inner(length(min = 1)))]
    pub notes: Vec<String>,
    /// What is wrong with it. Empty in a good file.
    #[schemars(inner(length(min = 1)))]
    pub faults: Vec<String>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Section {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its fields in order.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Field {
    /// First byte, counted from the beginning of the decoded file; `null` if it is not a row of bytes.
    pub offset: Option<usize>,
    /// How many bytes.
    pub length: Option<usize>,
    /// The name the standard gives it.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its value. A secret is named, not shown.
    pub value: String,
    /// What the value means.
    pub meaning: Option<String>,
}

impl Sheet {
    pub(crate) fn new(kind: &'static str, title: impl Into<String>, bytes: usize) -> Self {
        Self { kind, title: title.into(), bytes, sections: Vec::new(), notes: Vec::new(), faults: Vec::new() }
    }

    /// Whether nothing is wrong with it.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }
}

impl Section {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), fields: Vec::new() }
    }

    /// A field with a byte range.
    pub(crate) fn at(&mut self, offset: usize, length: usize, name: &str, value: impl Into<String>) -> &mut Field {
        self.push(Some(offset), Some(length), name, value.into())
    }

    /// A field that follows from others.
    pub(crate) fn says(&mut self, name: &str, value: impl Into<String>) -> &mut Field {
        self.push(None, None, name, value.into())
    }

    fn push(&mut self, offset: Option<usize>, length: Option<usize>, name: &str, value: String) -> &mut Field {
        let at = self.fields.len();
        self.fields.push(Field { offset, length, name: name.to_owned(), value, meaning: None });
        &mut self.fields[at]
    }
}

impl Field {
    pub(crate) fn means(&mut self, meaning: impl Into<String>) {
        self.meaning = Some(meaning.into());
    }
}
