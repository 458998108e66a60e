//! Enums over wire values that keep the values they do not know.

/// Declares an enum with a fixed wire value and a name per variant, plus `Other` for every remaining value.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $name:ident: $repr:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $value:literal, $text:literal;)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A value without a name here, kept as received. Make it with `From`, which never yields it for a named value.
            Other($repr),
        }

        impl $name {
            /// Every value that has a name here.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),+];

            /// The value on the wire.
            pub const fn value(self) -> $repr {
                match self {
                    $(Self::$variant => $value,)+
                    Self::Other(value) => value,
                }
            }

            /// True unless this is `Other`.
            pub const fn is_known(self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }

        impl From<$repr> for $name {
            fn from(value: $repr) -> Self {
                match value {
                    $($value => Self::$variant,)+
                    other => Self::Other(other),
                }
            }
        }

        impl From<$name> for $repr {
            fn from(value: $name) -> Self {
                value.value()
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($text),)+
                    Self::Other(value) => write!(f, "unknown ({value:#06x})"),
                }
            }
        }
    };
}

pub(crate) use open_enum;
