//! Options of security: each of them also chooses the mechanism and the side.

use bytes::Bytes;
use zmtp::{Login, PublicKey, SecretKey};

use super::{OptionValue, SocketOptions};
use crate::security::Mechanism;

type Set = Result<(), &'static str>;

/// What a value of another kind than the row's would be told; the row sees to it.
const OTHER: &str = "another kind of value";

/// Off is back to NULL, if it was on.
fn serve(
    store: &mut SocketOptions,
    value: &OptionValue,
    option: &'static str,
    mechanism: Mechanism,
) -> Set {
    let OptionValue::Int(on) = value else {
        return Err(OTHER);
    };
    if !store.security.lenient {
        match *on != 0 {
            true => store.security.ask(option, mechanism, Some(true)),
            false => store.security.take_back(option),
        }
        return Ok(());
    }
    // In libzmq it is back to NULL whatever was on.
    store.security.server = *on != 0;
    store.security.mechanism = match store.security.server {
        true => mechanism,
        false => Mechanism::Null,
    };
    Ok(())
}

fn serves(store: &SocketOptions, mechanism: Mechanism) -> OptionValue {
    let serves = store.security.server && store.security.mechanism == mechanism;
    OptionValue::Int(serves.into())
}

/// A client of PLAIN, unless it is given nothing.
fn log_in(
    store: &mut SocketOptions,
    option: &'static str,
    given: &[u8],
    login: Option<Login>,
) -> Set {
    store.security.login = login.ok_or("up to 255 bytes")?;
    if !store.security.lenient {
        match given.is_empty() {
            true => store.security.take_back(option),
            false => store.security.ask(option, Mechanism::Plain, Some(false)),
        }
        return Ok(());
    }
    // In libzmq nothing is back to NULL, whatever was on.
    store.security.server = false;
    store.security.mechanism = match given.is_empty() {
        true => Mechanism::Null,
        false => Mechanism::Plain,
    };
    Ok(())
}

/// Keys make it CURVE, and a server's key a client.
fn hold(store: &mut SocketOptions, option: &'static str, server: Option<bool>) {
    if !store.security.lenient {
        store.security.ask(option, Mechanism::Curve, server);
        return;
    }
    store.security.server = server.unwrap_or(store.security.server);
    store.security.mechanism = Mechanism::Curve;
}

fn octets(value: &OptionValue) -> Result<&[u8], &'static str> {
    match value {
        OptionValue::Text(text) => Ok(text.as_bytes()),
        OptionValue::Bytes(bytes) => Ok(bytes),
        _ => Err(OTHER),
    }
}

fn key(value: &OptionValue) -> Result<[u8; 32], &'static str> {
    match value {
        OptionValue::Bytes(key) => key[..].try_into().map_err(|_| "a key of 32 bytes"),
        _ => Err(OTHER),
    }
}

fn shown(key: &[u8; 32]) -> OptionValue {
    OptionValue::Bytes(Bytes::copy_from_slice(key))
}

pub(super) fn mechanism(store: &SocketOptions) -> OptionValue {
    OptionValue::Int(store.security.mechanism as i32)
}

pub(super) fn set_plain_server(store: &mut SocketOptions, value: &OptionValue) -> Set {
    serve(store, value, "PLAIN_SERVER", Mechanism::Plain)
}

pub(super) fn plain_server(store: &SocketOptions) -> OptionValue {
    serves(store, Mechanism::Plain)
}

pub(super) fn set_plain_username(store: &mut SocketOptions, value: &OptionValue) -> Set {
    let username = octets(value)?;
    let login = Login::new(username, store.security.login.password());
    log_in(store, "PLAIN_USERNAME", username, login.ok())
}

pub(super) fn plain_username(store: &SocketOptions) -> OptionValue {
    OptionValue::octets(store.security.login.username())
}

pub(super) fn set_plain_password(store: &mut SocketOptions, value: &OptionValue) -> Set {
    let password = octets(value)?;
    let login = Login::new(store.security.login.username(), password);
    log_in(store, "PLAIN_PASSWORD", password, login.ok())
}

pub(super) fn plain_password(store: &SocketOptions) -> OptionValue {
    OptionValue::octets(store.security.login.password())
}

pub(super) fn set_curve_server(store: &mut SocketOptions, value: &OptionValue) -> Set {
    serve(store, value, "CURVE_SERVER", Mechanism::Curve)
}

pub(super) fn curve_server(store: &SocketOptions) -> OptionValue {
    serves(store, Mechanism::Curve)
}

pub(super) fn set_curve_public_key(store: &mut SocketOptions, value: &OptionValue) -> Set {
    store.security.public_key = PublicKey::from_bytes(key(value)?);
    hold(store, "CURVE_PUBLICKEY", None);
    Ok(())
}

pub(super) fn curve_public_key(store: &SocketOptions) -> OptionValue {
    shown(store.security.public_key.as_bytes())
}

pub(super) fn set_curve_secret_key(store: &mut SocketOptions, value: &OptionValue) -> Set {
    store.security.secret_key = SecretKey::from_bytes(key(value)?);
    hold(store, "CURVE_SECRETKEY", None);
    Ok(())
}

pub(super) fn curve_secret_key(store: &SocketOptions) -> OptionValue {
    shown(store.security.secret_key.as_bytes())
}

/// Who names a server is a client.
pub(super) fn set_curve_server_key(store: &mut SocketOptions, value: &OptionValue) -> Set {
    store.security.server_key = PublicKey::from_bytes(key(value)?);
    hold(store, "CURVE_SERVERKEY", Some(false));
    Ok(())
}

pub(super) fn curve_server_key(store: &SocketOptions) -> OptionValue {
    shown(store.security.server_key.as_bytes())
}
