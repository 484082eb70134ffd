//! Options: one table, `table.rs`, with one row for each option of ZeroMQ.
//! Names, numbers, ranges, defaults, the store, the typed options of [`opt`]
//! and the builder's methods are all read from it.
//!
//! A value comes in as an [`OptionValue`] (from a typed option, from text or
//! from C's bytes), is held to its [`Row`], and lands in [`SocketOptions`],
//! parsed. What it means for a live socket comes back as an `Effect`.

mod codec;
mod config;
pub mod context;
mod error;
pub mod opt;
mod row;
mod security;
mod special;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use config::SocketConfig;
pub use error::OptionError;
pub use opt::{ReadableOption, SocketOption};
pub use row::{Access, Group, Kind, Row, Status, Types, When};
pub use store::SocketOptions;
pub(crate) use store::{Answer, Ask, Effect, Live};
pub(crate) use table::option_table;
pub use table::{row_by_name, row_by_number, rows};
pub use value::OptionValue;

pub(crate) use crate::pattern::Setting;
