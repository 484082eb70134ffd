//! Sending and receiving one part: at once if that is possible, since letting
//! others have the GIL would cost more; else without it.

use std::ffi::c_int;
use std::time::Duration;

use pyo3::prelude::*;
use zincmq::Message;
use zincmq::options::OptionValue;
use zincmq::raw::PartSocket;
use zincmq::raw::errno::Outcome;
use zincmq::raw::exchange::{self, Wait};
use zincmq::raw::label::{self, Label, Labelled};

use crate::errors::error;
use crate::lease;
use crate::patience::{limit, patiently};

/// Do not wait.
pub const DONTWAIT: c_int = 1;
/// Further parts follow.
pub const SNDMORE: c_int = 2;

/// To encrypt or copy so many bytes takes longer than to hand the GIL over.
pub const LONG: usize = 64 * 1024;

/// The longest wait of a receive, milliseconds.
pub const RCVTIMEO: c_int = 27;
/// The longest wait of a send, milliseconds.
pub const SNDTIMEO: c_int = 28;

/// Sends a part: at once if that is possible, since letting others have the GIL
/// would cost more.
pub fn send_part(
    py: Python<'_>,
    socket: &PartSocket,
    part: Message,
    label: &Label,
    flags: c_int,
) -> PyResult<()> {
    let labelled = label::of_type(socket.engine.socket_type());
    let more = flags & SNDMORE != 0;
    let send = |part, wait| match labelled {
        Labelled::Not => exchange::send_part(socket, part, more, wait),
        labelled => exchange::send_labelled(socket, (labelled, label), part, more, wait),
    };
    let mut part = part;
    if part.len() < LONG && socket.turns.takes_at_once() {
        match lease::settling(py, || send(part, first_wait(flags))) {
            Ok(()) => return Ok(()),
            Err((libc::EAGAIN, back)) if flags & DONTWAIT == 0 => part = back,
            Err((code, back)) => {
                lease::settling(py, || drop(back));
                return Err(error(py, code));
            }
        }
    }
    let mut part = Some(part);
    let sent = patiently(
        py,
        || time_limit(socket, SNDTIMEO),
        |left| {
            let wait = match flags & DONTWAIT {
                0 => wait(left),
                _ => Wait::Never,
            };
            // There is one each time: it comes back with the failure.
            send(part.take().unwrap_or_default(), wait).map_err(|(code, back)| {
                part = Some(back);
                code
            })
        },
    );
    lease::settling(py, || drop(part));
    sent
}

/// Receives a part, whether further ones follow it, and whom it is from: at once
/// if it is there.
pub fn recv_part(
    py: Python<'_>,
    socket: &PartSocket,
    flags: c_int,
) -> PyResult<(Message, bool, Label)> {
    let labelled = label::of_type(socket.engine.socket_type());
    let recv = |wait| -> Outcome<(Message, bool, Label)> {
        match labelled {
            Labelled::Not => {
                let (part, more) = exchange::recv_part(socket, wait)?;
                Ok((part, more, Label::default()))
            }
            labelled => {
                let (label, part) = exchange::recv_labelled(socket, labelled, wait)?;
                Ok((part, false, label))
            }
        }
    };
    if socket.turns.takes_at_once() {
        match recv(first_wait(flags)) {
            Ok(received) => return Ok(received),
            Err(libc::EAGAIN) if flags & DONTWAIT == 0 => {}
            Err(code) => return Err(error(py, code)),
        }
    }
    patiently(
        py,
        || time_limit(socket, RCVTIMEO),
        |left| match flags & DONTWAIT {
            0 => recv(wait(left)),
            _ => recv(Wait::Never),
        },
    )
}

/// How long a call may wait by an option, SNDTIMEO or RCVTIMEO.
pub fn time_limit(socket: &PartSocket, option: c_int) -> Option<Duration> {
    match socket.engine.option_by_number(option) {
        Ok(OptionValue::Int(milliseconds)) => limit(milliseconds),
        _ => None,
    }
}

/// Of the first try. Who waits next looks at the connections then, without the
/// GIL.
fn first_wait(flags: c_int) -> Wait {
    match flags & DONTWAIT {
        0 => Wait::Listening,
        _ => Wait::Never,
    }
}

/// How a call goes on that has `left` to wait, if it was interrupted.
fn wait(left: Option<Option<Duration>>) -> Wait {
    left.map_or(Wait::AsSet, Wait::Within)
}
