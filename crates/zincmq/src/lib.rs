//! ZeroMQ in pure Rust.
