//! The C library `libzmq.so.5`: the functions of `zmq.h`, each a thin face of
//! the engine in the crate `zincmq`.
//!
//! Every function is what its man page says, and returns what that says when
//! something is wrong, with `errno` set. None of them lets a panic through to
//! C, and none reads through a pointer to an object it does not know.

mod atomic_counter;
mod boundary;
mod context;
mod curve;
mod draft;
mod errno;
mod exchange;
mod foreign;
mod groups;
mod handle;
mod iov;
mod message;
mod monitor;
mod options;
mod poll;
mod poller;
mod proxy;
mod socket;
mod stopwatch;
#[cfg(test)]
mod tests;
mod thread;
mod timers;
mod uses;
mod version;
mod z85;
