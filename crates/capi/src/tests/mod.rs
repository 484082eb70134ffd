//! Tests of the C functions, as C calls them.

mod options;
mod poll;
mod world;
