//! The engine from outside: two of them joined in one thread, or one against a
//! script, always with a clock that only the test moves.

mod conversations;
mod pair;
mod properties;
mod scripted_peers;
mod support;
