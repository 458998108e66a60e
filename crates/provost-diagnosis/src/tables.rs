//! The tables of `data/`, as constants.

include!(concat!(env!("OUT_DIR"), "/tables.rs"));
