#![doc = include_str!("../README.md")]
#![no_std]

/// Implements `code()`, and `CODES`, which lists what it says; behind the semicolon, values that repeat the code of an error inside.
#[macro_export]
macro_rules! codes {
    ($type:ty, $this:ident => $on:expr, {
        $($pattern:pat => $code:literal,)+
        $(; $($outer:pat => $inner:expr,)+)?
    }) => {
        impl $type {
            /// Every code of its own, for whoever has something to say about each.
            pub const CODES: &'static [&'static str] = &[$($code),+];

            /// A short stable name, for machines.
            pub const fn code(&$this) -> &'static str {
                match $on {
                    $($pattern => $code,)+
                    $($($outer => $inner,)+)?
                }
            }
        }
    };
}
