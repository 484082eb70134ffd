//! Tests of the C functions, as C calls them.

mod monitor;
mod poll;
mod poller;
mod proxy;
mod threads;
mod world;
mod wrong_arguments;
