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

const UDP: &str = "udp is to come";
const WS: &str = "ws is to come";

/// Of libzmq's programs.
pub const LIBZMQ: &[Expected] = &[
    row("bind_ws_fuzzer", "*", WS),
    row("connect_ws_fuzzer", "*", WS),
    row("dgram", "*", UDP),
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
    row("ws_transport", "*", WS),
    row("wss_transport", "*", WS),
];

/// Of pyzmq's tests, on the C library.
pub const PYZMQ: &[Expected] = &[];

const CYTHON: &str = "about the C interface of pyzmq's own backend; skips itself on any other";

/// Of pyzmq's tests, on the Python package.
pub const PYZMQ_NATIVE: &[Expected] = &[row("cython", "*", CYTHON)];

const fn row(program: &'static str, case: &'static str, reason: &'static str) -> Expected {
    Expected {
        program,
        case,
        reason,
    }
}
