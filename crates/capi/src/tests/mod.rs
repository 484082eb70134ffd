//! Tests of the C functions, as C calls them.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

mod poll;
mod world;
