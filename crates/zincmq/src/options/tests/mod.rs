//! The table against what libzmq documents, and values at every edge.

mod context;
mod security;
mod table;
mod values;

use super::*;
use crate::SocketType;

fn row(name: &str) -> &'static Row {
    row_by_name(name).unwrap_or_else(|| panic!("no row {name}"))
}

/// A type that takes the option.
fn a_type_for(row: &Row) -> SocketType {
    match row.types {
        Types::All => SocketType::Dealer,
        Types::Only(types) | Types::Mainly(types) => types[0],
    }
}

fn set(
    store: &mut SocketOptions,
    name: &str,
    value: impl Into<OptionValue>,
) -> Result<Effect, OptionError> {
    let row = row(name);
    store.set(row, value.into(), a_type_for(row))
}

/// The value in the store; none if only the socket knows.
fn value(store: &SocketOptions, name: &str) -> Option<OptionValue> {
    match store.value(row(name)) {
        Ok(Answer::Known(value)) => Some(value),
        _ => None,
    }
}
