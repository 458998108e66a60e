//! What every error says of itself: a stable code, what it means to a script, the rules behind it, and the way out.
//!
//! Each module has an error of its own, made with [`faults!`]: what a person needs to know stands at the variant. Operations that
//! can stop for reasons of several modules return a [`Failure`], which holds any of them and knows none.

mod all;
mod bootloader;
pub mod files;
mod keys;
mod link;
mod objects;
mod reports;

use std::{borrow::Cow, error::Error, fmt};

use provost_chip::rules::RuleId;

pub use all::{find, rows};

/// What the end of an operation means to a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 1: it failed.
    Failed,
    /// 2: it was called wrongly.
    Usage,
    /// 3: refused; nothing was written.
    Refused,
    /// 4: a person must act first: wire, power, credential.
    PersonMustAct,
    /// 5: interrupted half-way; the journal says how to go on.
    Interrupted,
    /// 6: what was given says nothing; there is no answer.
    NothingUnderstood,
}

impl Exit {
    /// The process exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::PersonMustAct => 4,
            Self::Interrupted => 5,
            Self::NothingUnderstood => 6,
        }
    }
}

/// What is known of an error before it happens: one row per variant.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Stable code, such as `nrst-not-wired`.
    pub code: &'static str,
    /// What it means to a script.
    pub exit: Exit,
    /// The rules behind it.
    pub rules: &'static [RuleId],
    /// Likely causes, the likeliest first.
    pub causes: &'static [&'static str],
    /// What to do, the mildest first.
    pub next: &'static [&'static str],
}

/// What can be said of an error whose code has no row. There is none: a test holds the codes against the rows.
pub const UNFORESEEN: Row = Row {
    code: "unforeseen",
    exit: Exit::Failed,
    rules: &[],
    causes: &["a fault in provost"],
    next: &["please report it with -vv"],
};

/// The row of a code in one table.
pub(crate) fn find_in(rows: &'static [Row], code: &str) -> Option<&'static Row> {
    rows.iter().find(|row| row.code == code)
}

/// Likely causes and next steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedy {
    /// Likely causes, the likeliest first.
    pub causes: Vec<Cow<'static, str>>,
    /// What to do, the mildest first.
    pub next: Vec<Cow<'static, str>>,
}

impl Remedy {
    /// Whether nothing is advised.
    pub const fn is_empty(&self) -> bool {
        self.next.is_empty()
    }
}

impl From<&Row> for Remedy {
    fn from(row: &Row) -> Self {
        let texts = |texts: &[&'static str]| texts.iter().map(|text| Cow::Borrowed(*text)).collect();
        Self { causes: texts(row.causes), next: texts(row.next) }
    }
}

/// An error that says what it means to a script and what a person can do.
pub trait Fault: Error + Send + Sync + 'static {
    /// Stable code.
    fn code(&self) -> &'static str;

    /// What it means to a script.
    fn exit(&self) -> Exit;

    /// The rules behind it.
    fn rules(&self) -> Vec<RuleId>;

    /// Likely causes and next steps; what was measured makes better ones than the code alone.
    fn remedy(&self) -> Remedy;
}

/// Why an operation stopped: an error of any module.
pub struct Failure(Box<dyn Fault>);

impl Failure {
    /// The error itself.
    pub fn fault(&self) -> &dyn Fault {
        &*self.0
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// What it means to a script.
    pub fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// The rules behind it.
    pub fn rules(&self) -> Vec<RuleId> {
        self.0.rules()
    }

    /// Likely causes and next steps.
    pub fn remedy(&self) -> Remedy {
        self.0.remedy()
    }

    /// The error, if it is one of this module.
    pub fn of<E: Fault>(&self) -> Option<&E> {
        let error: &(dyn Error + 'static) = &*self.0;
        error.downcast_ref()
    }
}

impl<E: Fault> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Result of an operation.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Stops with an error.
///
/// # Errors
/// Always.
pub(crate) fn fail<T>(error: impl Fault) -> Result<T> {
    Err(error.into())
}

/// Declares the error of a module: each variant with its message, its code, its exit, its rules, and its remedy.
///
/// Besides the enum it makes `ROWS`, one [`Row`] per variant in their order, and `row()`, the one of a value. Where code, rules or
/// remedy depend on what was measured, the module writes `impl Fault` itself and says `(own fault)` behind the name; where another row
/// speaks for some values, it says `(fault by FN)`, the method that picks the row.
#[macro_export]
macro_rules! faults {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident $(($($kind:ident)+))? {
            $(
                $(#[$variant_meta:meta])*
                $variant:ident $({ $($fields:tt)* })? $(( $($tuple:tt)* ))?
                = $code:literal, $exit:ident $(, [$($rule:ident),+ $(,)?])? {
                    causes: [$($cause:literal),* $(,)?],
                    next: [$($next:literal),+ $(,)?] $(,)?
                }
            )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, thiserror::Error)]
        #[non_exhaustive]
        $vis enum $name {
            $( $(#[$variant_meta])* $variant $({ $($fields)* })? $(( $($tuple)* ))?, )+
        }

        impl $name {
            /// One row per variant, in their order.
            $vis const ROWS: &'static [$crate::fault::Row] = &[$($crate::fault::Row {
                code: $code,
                exit: $crate::fault::Exit::$exit,
                rules: &[$($(provost_chip::rules::RuleId::$rule),+)?],
                causes: &[$($cause),*],
                next: &[$($next),+],
            }),+];

            /// Its row.
            $vis const fn row(&self) -> &'static $crate::fault::Row {
                #[allow(non_camel_case_types, clippy::enum_variant_names, reason = "a name per variant, for its place in the rows")]
                enum Place { $($variant),+ }
                let place = match self { $(Self::$variant { .. } => Place::$variant),+ };
                &Self::ROWS[place as usize]
            }
        }

        $crate::faults!(@fault $name $($($kind)+)?);
    };
    (@fault $name:ident own fault) => {};
    (@fault $name:ident) => {
        $crate::faults!(@fault $name fault by row);
    };
    (@fault $name:ident fault by $row:ident) => {
        impl $crate::fault::Fault for $name {
            fn code(&self) -> &'static str {
                self.$row().code
            }

            fn exit(&self) -> $crate::fault::Exit {
                self.$row().exit
            }

            fn rules(&self) -> Vec<provost_chip::rules::RuleId> {
                self.$row().rules.to_vec()
            }

            fn remedy(&self) -> $crate::fault::Remedy {
                self.$row().into()
            }
        }
    };
}

pub use faults;

/// Declares `ROWS`, the rows of errors of another crate, by their codes: `"code" | "code" => Exit { causes: […], next: […] }`.
#[macro_export]
macro_rules! table {
    ($($($code:literal)|+ => $exit:ident { causes: $causes:tt, next: $next:tt $(,)? })+) => {
        /// One row per code.
        pub(crate) const ROWS: &[$crate::fault::Row] = &[$($($crate::fault::Row {
            code: $code,
            exit: $crate::fault::Exit::$exit,
            rules: &[],
            causes: &$causes,
            next: &$next,
        }),+),+];
    };
}

pub use table;

/// Makes errors of another crate speak by their row in the `ROWS` beside it.
macro_rules! told_by_rows {
    ($error:ty) => {
        impl $crate::fault::Fault for $error {
            fn code(&self) -> &'static str {
                self.code()
            }

            fn exit(&self) -> $crate::fault::Exit {
                $crate::fault::foreign(ROWS, self.code()).exit
            }

            fn rules(&self) -> Vec<provost_chip::rules::RuleId> {
                Vec::new()
            }

            fn remedy(&self) -> $crate::fault::Remedy {
                $crate::fault::foreign(ROWS, self.code()).into()
            }
        }
    };
}

use told_by_rows;

/// The row of a code of another crate.
fn foreign(rows: &'static [Row], code: &str) -> &'static Row {
    find_in(rows, code).unwrap_or(&UNFORESEEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    faults! {
        /// Weather.
        pub(in crate::fault) enum Weather {
            /// Water.
            #[error("{mm} mm of rain")]
            Rain { mm: u32 } = "rain", PersonMustAct, [DaNeedsNrst] {
                causes: ["clouds"],
                next: ["take an umbrella"],
            }
            /// Light.
            #[error("sun")]
            Sun = "sun", Refused {
                causes: [],
                next: ["go out"],
            }
        }
    }

    #[test]
    fn a_failure_speaks_for_the_error_inside() {
        let failure = Failure::from(Weather::Rain { mm: 3 });
        assert_eq!(
            (failure.code(), failure.exit(), failure.to_string()),
            ("rain", Exit::PersonMustAct, "3 mm of rain".into())
        );
        assert_eq!(failure.rules(), [RuleId::DaNeedsNrst]);
        assert_eq!(failure.remedy().next, ["take an umbrella"]);
        assert!(matches!(failure.of::<Weather>(), Some(Weather::Rain { mm: 3 })));
        assert_eq!(Weather::Sun.row().code, Weather::ROWS[1].code);
    }
}
