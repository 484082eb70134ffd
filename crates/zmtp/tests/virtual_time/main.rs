//! The engine from outside: two of them joined in one thread, or one against a
//! script, always with a clock that only the test moves.

mod conversations;
mod curve;
mod curve_peer;
mod hostile_curve;
mod pair;
mod plain;
mod properties;
mod scripted_peers;
mod sealed_properties;
mod support;
mod verdicts;
