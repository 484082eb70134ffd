//! Tests of the C functions, as C calls them.

mod poll;
mod signals;
mod threads;
mod world;
