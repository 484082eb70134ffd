//! libzmq's socket options by name: those the tests and benches set.

use std::ffi::c_int;

/// How an option's value is passed to C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// A C `int`.
    Int,
    /// A 64-bit signed number.
    Int64,
    /// Bytes with a length.
    Bytes,
}

/// Number and kind of the option called `name` (`SNDHWM`, in either case), if it is in the table.
pub fn option(name: &str) -> Option<(c_int, OptionKind)> {
    use OptionKind::{Bytes, Int, Int64};
    let row = match name.to_ascii_uppercase().as_str() {
        "ROUTING_ID" => (5, Bytes),
        "SUBSCRIBE" => (6, Bytes),
        "UNSUBSCRIBE" => (7, Bytes),
        "SNDBUF" => (11, Int),
        "RCVBUF" => (12, Int),
        "LINGER" => (17, Int),
        "RECONNECT_IVL" => (18, Int),
        "RECONNECT_IVL_MAX" => (21, Int),
        "MAXMSGSIZE" => (22, Int64),
        "SNDHWM" => (23, Int),
        "RCVHWM" => (24, Int),
        "RCVTIMEO" => (27, Int),
        "SNDTIMEO" => (28, Int),
        "ROUTER_MANDATORY" => (33, Int),
        "IMMEDIATE" => (39, Int),
        "XPUB_VERBOSE" => (40, Int),
        "PLAIN_SERVER" => (44, Int),
        "PLAIN_USERNAME" => (45, Bytes),
        "PLAIN_PASSWORD" => (46, Bytes),
        "CURVE_SERVER" => (47, Int),
        "CURVE_PUBLICKEY" => (48, Bytes),
        "CURVE_SECRETKEY" => (49, Bytes),
        "CURVE_SERVERKEY" => (50, Bytes),
        "PROBE_ROUTER" => (51, Int),
        "REQ_CORRELATE" => (52, Int),
        "REQ_RELAXED" => (53, Int),
        "CONFLATE" => (54, Int),
        "ZAP_DOMAIN" => (55, Bytes),
        "ROUTER_HANDOVER" => (56, Int),
        "HANDSHAKE_IVL" => (66, Int),
        "XPUB_NODROP" => (69, Int),
        "STREAM_NOTIFY" => (73, Int),
        "HEARTBEAT_IVL" => (75, Int),
        "HEARTBEAT_TTL" => (76, Int),
        "HEARTBEAT_TIMEOUT" => (77, Int),
        "ZAP_ENFORCE_DOMAIN" => (93, Int),
        _ => return None,
    };
    Some(row)
}
