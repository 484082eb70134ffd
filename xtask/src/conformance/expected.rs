//! What does not pass yet, and why. A row that passes has to go.

/// A case of a program, or the whole of it.
pub struct Expected {
    /// The program or file, without `test_`.
    pub program: &'static str,
    /// The case; `*` when the program as a whole does not pass.
    pub case: &'static str,
    /// Why.
    pub reason: &'static str,
}

const CURVE: &str = "CURVE is to come";
const UDP: &str = "udp is to come";
const WS: &str = "ws is to come";
const ZAP: &str = "ZAP is to come";

/// Of libzmq's programs.
pub const LIBZMQ: &[Expected] = &[
    row("bind_curve_fuzzer", "*", CURVE),
    row("bind_ws_fuzzer", "*", WS),
    row("capabilities", "test_capabilities", CURVE),
    row("connect_ws_fuzzer", "*", WS),
    row("dgram", "*", UDP),
    row(
        "heartbeats",
        "test_heartbeat_notimeout_client_server_with_curve",
        CURVE,
    ),
    row(
        "heartbeats",
        "test_heartbeat_notimeout_dealer_router_with_curve",
        CURVE,
    ),
    row(
        "heartbeats",
        "test_heartbeat_notimeout_gather_scatter_with_curve",
        CURVE,
    ),
    row(
        "heartbeats",
        "test_heartbeat_notimeout_pair_pair_with_curve",
        CURVE,
    ),
    row(
        "heartbeats",
        "test_heartbeat_notimeout_pull_push_with_curve",
        CURVE,
    ),
    row(
        "heartbeats",
        "test_heartbeat_notimeout_req_rep_with_curve",
        CURVE,
    ),
    row(
        "heartbeats",
        "test_heartbeat_notimeout_sub_pub_with_curve",
        CURVE,
    ),
    row("metadata", "*", ZAP),
    row("radio_dish", "test_dish_connect_fails_ipv4", UDP),
    row("radio_dish", "test_dish_connect_fails_ipv6", UDP),
    row("radio_dish", "test_radio_bind_fails_ipv4", UDP),
    row("radio_dish", "test_radio_bind_fails_ipv6", UDP),
    row("radio_dish", "test_radio_dish_mcast_ipv4", UDP),
    row("radio_dish", "test_radio_dish_mcast_ipv6", UDP),
    row("radio_dish", "test_radio_dish_no_loop_ipv4", UDP),
    row("radio_dish", "test_radio_dish_no_loop_ipv6", UDP),
    row("radio_dish", "test_radio_dish_udp_ipv4", UDP),
    row("radio_dish", "test_radio_dish_udp_ipv6", UDP),
    row("security_curve", "*", CURVE),
    row("security_no_zap_handler", "*", ZAP),
    row("security_null", "*", ZAP),
    row("security_plain", "*", ZAP),
    row("security_zap", "*", ZAP),
    row("ws_transport", "*", WS),
    row("wss_transport", "*", WS),
];

/// Of pyzmq's tests.
pub const PYZMQ: &[Expected] = &[
    row("auth", "*", ZAP),
    row("curve_keygen", "*", CURVE),
    row("security", "TestSecurity::test_curve", CURVE),
    row("security", "TestSecurity::test_plain", ZAP),
];

const fn row(program: &'static str, case: &'static str, reason: &'static str) -> Expected {
    Expected {
        program,
        case,
        reason,
    }
}
