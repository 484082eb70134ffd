//! Tests of the C functions, as C calls them.

mod endpoints;
mod forks;
mod memory;
mod messages;
mod monitor;
mod options;
mod panics;
mod poll;
mod poller;
mod proxy;
mod signals;
mod threads;
mod world;
mod wrong_arguments;
