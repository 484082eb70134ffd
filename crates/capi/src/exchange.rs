//! Sending and receiving (zmq_msg_send(3), zmq_send(3) and their like).

use std::ffi::{c_int, c_void};
use std::ptr;

use zincmq::Message;
use zincmq::raw::exchange::{self, Refused, Wait};
use zincmq::raw::label::{self, Label, Labelled};

use crate::boundary::{self, Outcome, guard};
use crate::message::{self, Msg};
use crate::socket::{Socket, in_call};

/// Do not wait.
const DONTWAIT: c_int = 1;
/// Further parts follow.
pub const SNDMORE: c_int = 2;

/// What C sees of a length.
#[inline]
fn length(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(c_int::MAX)
}

/// Whether to wait.
#[inline]
fn wait(flags: c_int) -> Wait {
    match flags & DONTWAIT {
        0 => Wait::AsSet,
        _ => Wait::Never,
    }
}

/// Hands over one part of a message; with the last one it is sent.
#[inline(always)]
pub fn send_part(socket: &Socket, part: Message, flags: c_int) -> Result<(), Refused> {
    exchange::send_part(socket, part, flags & SNDMORE != 0, wait(flags))
}

/// Sends a message to the peer or group that its label names.
#[inline(never)]
fn send_labelled(
    socket: &Socket,
    msg: &mut Msg,
    labelled: Labelled,
    flags: c_int,
) -> Result<(), Refused> {
    let label = (labelled, &msg.label());
    exchange::send_labelled(socket, label, msg.take(), flags & SNDMORE != 0, wait(flags))
}

/// The next part, and whether further ones follow it.
#[inline]
pub fn recv_part(socket: &Socket, flags: c_int) -> Outcome<(Message, bool)> {
    exchange::recv_part(socket, wait(flags))
}

/// Receives a message with the peer or group it is from.
#[inline(never)]
fn recv_labelled(
    socket: &Socket,
    msg: &mut Msg,
    labelled: Labelled,
    flags: c_int,
) -> Outcome<c_int> {
    let (label, part) = exchange::recv_labelled(socket, labelled, wait(flags))?;
    let len = part.len();
    *msg.message_mut() = part;
    msg.received(false);
    msg.set_label(label);
    Ok(length(len))
}

/// Sends what has no label, from a type whose messages have one to nobody.
#[inline]
fn send_unlabelled(socket: &Socket, part: Message, flags: c_int) -> Outcome<()> {
    let sent = match label::of_type(socket.engine.socket_type()) {
        Labelled::Not => send_part(socket, part, flags),
        labelled => {
            let label = (labelled, &Label::default());
            exchange::send_labelled(socket, label, part, flags & SNDMORE != 0, wait(flags))
        }
    };
    sent.map_err(|(code, _)| code)
}

/// Receives a part without its label.
#[inline]
fn recv_unlabelled(socket: &Socket, flags: c_int) -> Outcome<Message> {
    match label::of_type(socket.engine.socket_type()) {
        Labelled::Not => Ok(recv_part(socket, flags)?.0),
        labelled => Ok(exchange::recv_labelled(socket, labelled, wait(flags))?.1),
    }
}

/// Sends a copy of `len` bytes, and returns their number.
///
/// # Safety
///
/// `data` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_send(
    pointer: *mut c_void,
    data: *const c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    guard(|| {
        let socket = in_call(pointer)?;
        // SAFETY: by the caller's promise.
        let data = unsafe { boundary::bytes(data, len) }?;
        send_unlabelled(&socket, message::copy(data)?, flags)?;
        Ok(length(len))
    })
}

/// Sends `len` bytes that never change and are never freed, without a copy.
///
/// # Safety
///
/// `data` points to `len` such bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_send_const(
    pointer: *mut c_void,
    data: *const c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    guard(|| {
        let socket = in_call(pointer)?;
        // SAFETY: by the caller's promise, as is the next.
        unsafe { boundary::bytes(data, len) }?;
        // SAFETY: see above.
        let message = unsafe { message::constant(data, len) };
        send_unlabelled(&socket, message, flags)?;
        Ok(length(len))
    })
}

/// Receives a part into `len` bytes. What is longer is cut off; the whole
/// length is returned.
///
/// # Safety
///
/// `place` has `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_recv(
    pointer: *mut c_void,
    place: *mut c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    guard(|| {
        let socket = in_call(pointer)?;
        if place.is_null() && len > 0 {
            return Err(libc::EFAULT);
        }
        let part = recv_unlabelled(&socket, flags)?;
        let copied = part.len().min(len);
        if copied > 0 {
            // SAFETY: `place` has room for as many by the caller's promise.
            unsafe { ptr::copy_nonoverlapping(part.as_ptr(), place.cast(), copied) };
        }
        Ok(length(part.len()))
    })
}

/// Sends the message, leaves an empty one in its place, and returns how many
/// bytes it had.
///
/// # Safety
///
/// `msg` is null or points to a `zmq_msg_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_send(msg: *mut Msg, pointer: *mut c_void, flags: c_int) -> c_int {
    guard(|| {
        let socket = in_call(pointer)?;
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::at(msg) }?;
        let len = msg.message().len();
        let sent = match label::of_type(socket.engine.socket_type()) {
            Labelled::Not => send_part(&socket, msg.take(), flags),
            labelled => send_labelled(&socket, msg, labelled, flags),
        };
        match sent {
            Ok(()) => {
                msg.reset();
                Ok(length(len))
            }
            Err((code, part)) => {
                msg.put_back(part);
                Err(code)
            }
        }
    })
}

/// Receives a part in the place of the message at `msg`, and returns how many
/// bytes it has.
///
/// # Safety
///
/// `msg` is null or points to a `zmq_msg_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_recv(msg: *mut Msg, pointer: *mut c_void, flags: c_int) -> c_int {
    guard(|| {
        let socket = in_call(pointer)?;
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::at(msg) }?;
        let labelled = label::of_type(socket.engine.socket_type());
        if labelled != Labelled::Not {
            return recv_labelled(&socket, msg, labelled, flags);
        }
        let more = exchange::recv_into(&socket, wait(flags), msg.message_mut())?;
        msg.received(more);
        Ok(length(msg.message().len()))
    })
}

/// As [`zmq_msg_send`].
///
/// # Safety
///
/// As for [`zmq_msg_send`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_sendmsg(pointer: *mut c_void, msg: *mut Msg, flags: c_int) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe { zmq_msg_send(msg, pointer, flags) }
}

/// As [`zmq_msg_recv`].
///
/// # Safety
///
/// As for [`zmq_msg_recv`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_recvmsg(pointer: *mut c_void, msg: *mut Msg, flags: c_int) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe { zmq_msg_recv(msg, pointer, flags) }
}
