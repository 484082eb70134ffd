//! Options that add to a list, or whose values have rules of their own.

use bytes::Bytes;

use super::{OptionValue, SocketOptions};
use crate::transport;

/// TCP_ACCEPT_FILTER: one more network; empty text clears the list.
pub(super) fn add_tcp_filter(
    store: &mut SocketOptions,
    value: &OptionValue,
) -> Result<(), &'static str> {
    let OptionValue::Text(text) = value else {
        return Err("text");
    };
    let filters = &mut store.transport.tcp_accept_filters;
    if text.is_empty() {
        filters.clear();
    } else {
        filters.push(text.parse().map_err(|_| "an address or address/bits")?);
    }
    Ok(())
}

/// SOCKS_PROXY: an address to connect to, or none.
pub(super) fn is_proxy(value: &OptionValue) -> Result<(), &'static str> {
    match value {
        OptionValue::Text(text) if !text.is_empty() => transport::parse_proxy(text)
            .map(|_| ())
            .map_err(|_| "`host:port` or `source:port;host:port`"),
        _ => Ok(()),
    }
}

/// IPC_FILTER_PID.
pub(super) fn add_pid_filter(
    store: &mut SocketOptions,
    value: &OptionValue,
) -> Result<(), &'static str> {
    add_id(&mut store.transport.ipc_pid_filters, value, |id| id)
}

/// IPC_FILTER_UID.
pub(super) fn add_uid_filter(
    store: &mut SocketOptions,
    value: &OptionValue,
) -> Result<(), &'static str> {
    add_id(
        &mut store.transport.ipc_uid_filters,
        value,
        i32::cast_unsigned,
    )
}

/// IPC_FILTER_GID.
pub(super) fn add_gid_filter(
    store: &mut SocketOptions,
    value: &OptionValue,
) -> Result<(), &'static str> {
    add_id(
        &mut store.transport.ipc_gid_filters,
        value,
        i32::cast_unsigned,
    )
}

fn add_id<T>(
    list: &mut Vec<T>,
    value: &OptionValue,
    id: impl Fn(i32) -> T,
) -> Result<(), &'static str> {
    match value {
        OptionValue::Int(value) => list.push(id(*value)),
        _ => list.clear(),
    }
    Ok(())
}

/// CONNECT_ROUTING_ID: ids that start with 0 are those made up by ROUTER.
pub(super) fn set_connect_routing_id(
    store: &mut SocketOptions,
    value: &OptionValue,
) -> Result<(), &'static str> {
    match value {
        OptionValue::Bytes(id) if id.first() != Some(&0) => {
            store.connect_routing_id = Some(id.clone());
            Ok(())
        }
        _ => Err("1 to 255 bytes, the first not 0"),
    }
}

/// METADATA: `X-name:value`. A name set again takes the new value.
pub(super) fn add_metadata(
    store: &mut SocketOptions,
    value: &OptionValue,
) -> Result<(), &'static str> {
    const FORM: &str = "`X-name:value` with a name of up to 255 bytes";
    let OptionValue::Text(text) = value else {
        return Err(FORM);
    };
    let (name, value) = text.split_once(':').ok_or(FORM)?;
    if !name.starts_with("X-") || name.len() > 255 || value.is_empty() {
        return Err(FORM);
    }
    let value = Bytes::copy_from_slice(value.as_bytes());
    let known = store.metadata.iter_mut();
    match known.into_iter().find(|(other, _)| other == name) {
        Some(entry) => entry.1 = value,
        None => store.metadata.push((name.to_owned(), value)),
    }
    Ok(())
}
