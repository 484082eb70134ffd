//! Sending and receiving (zmq_msg_send(3), zmq_send(3) and their like).

use std::ffi::{c_int, c_void};
use std::ptr;

use zincmq::error::{SendError, SendFailure};
use zincmq::{Message, Multipart, SocketType, raw};

use crate::boundary::{self, Outcome, guard};
use crate::errno::{Code, EFSM, code};
use crate::label::{self, Label, Labelled};
use crate::message::{self, Msg};
use crate::options::is_thread_safe;
use crate::socket::{Socket, socket};
use crate::turns::Turn;

/// Do not wait.
const DONTWAIT: c_int = 1;
/// Further parts follow.
pub const SNDMORE: c_int = 2;

/// What C sees of a length.
#[inline]
fn length(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(c_int::MAX)
}

/// A part that was not taken, and why.
type Refused = (c_int, Message);

/// Hands over one part of a message; with the last one it is sent.
#[inline(always)]
pub fn send_part(socket: &Socket, part: Message, flags: c_int) -> Result<(), Refused> {
    if flags & SNDMORE == 0 && !socket.turns.any() {
        return send_whole(socket, Multipart::from(part), flags);
    }
    send_in_turn(socket, part, flags)
}

#[inline(always)]
fn send_whole(socket: &Socket, message: Multipart, flags: c_int) -> Result<(), Refused> {
    match hand_over(socket, message, flags) {
        Ok(()) => Ok(()),
        Err(error) => refused(socket, error),
    }
}

#[cold]
fn refused(socket: &Socket, error: SendError) -> Result<(), Refused> {
    let kind = socket.engine.socket_type();
    let failure = error.failure();
    // A routing id with nothing after it: libzmq ignores it.
    if failure == SendFailure::MalformedEnvelope
        && matches!(kind, SocketType::Router | SocketType::Stream)
    {
        return Ok(());
    }
    Err((failure.code(), error.into_message().split_first().0))
}

#[cold]
fn send_in_turn(socket: &Socket, part: Message, flags: c_int) -> Result<(), Refused> {
    let mut turn = socket.turns.take();
    let result = go_on_sending(socket, &mut turn, part, flags);
    socket.turns.put(turn);
    result
}

fn go_on_sending(
    socket: &Socket,
    turn: &mut Turn,
    part: Message,
    flags: c_int,
) -> Result<(), Refused> {
    let kind = socket.engine.socket_type();
    // In the engine a whole message was received, for C it is half one.
    if turn.rest.len() > 0 && matches!(kind, SocketType::Req | SocketType::Rep) {
        return Err((EFSM, part));
    }
    // The second part of a STREAM's message is the last, whatever is said.
    let more = flags & SNDMORE != 0 && !(kind == SocketType::Stream && turn.sending.is_some());
    let Some(mut message) = turn.sending.take() else {
        if !more {
            return send_whole(socket, Multipart::from(part), flags);
        }
        if is_thread_safe(kind) {
            return Err((libc::EINVAL, part));
        }
        return match admit(socket, &part, flags) {
            Ok(()) => {
                turn.sending = Some(Multipart::from(part));
                Ok(())
            }
            Err(failure) => Err((failure.code(), part)),
        };
    };
    if let Err(failure) = raw::check_usable(&socket.engine) {
        turn.sending = Some(message);
        return Err((failure.code(), part));
    }
    message.push(part);
    if more {
        turn.sending = Some(message);
        return Ok(());
    }
    let Err(error) = hand_over(socket, message, flags) else {
        return Ok(());
    };
    let failure = error.failure();
    let mut parts: Vec<Message> = error.into_message().into_iter().collect();
    let last = parts.pop().unwrap_or_default();
    let can_try_again = matches!(
        failure,
        SendFailure::WouldBlock | SendFailure::TimedOut | SendFailure::Interrupted
    );
    if can_try_again {
        // To be tried again with the same part.
        turn.sending = Some(Multipart::from(parts));
    }
    Err((failure.code(), last))
}

/// Sends a message to the peer or group that its label names.
#[inline(never)]
fn send_labelled(
    socket: &Socket,
    msg: &mut Msg,
    labelled: Labelled,
    flags: c_int,
) -> Result<(), Refused> {
    let label = msg.label();
    let part = msg.take();
    if flags & SNDMORE != 0 {
        return Err((libc::EINVAL, part));
    }
    let mut message = Multipart::from(labelled.write(&label));
    message.push(part);
    let Err(error) = hand_over(socket, message, flags) else {
        return Ok(());
    };
    let code = error.failure().code();
    Err((code, error.into_message().split_first().1.split_first().0))
}

#[inline]
fn hand_over(socket: &Socket, message: Multipart, flags: c_int) -> Result<(), SendError> {
    match flags & DONTWAIT {
        0 => raw::send(&socket.engine, message),
        _ => raw::try_send(&socket.engine, message),
    }
}

fn admit(socket: &Socket, first: &Message, flags: c_int) -> Result<(), SendFailure> {
    match flags & DONTWAIT {
        0 => raw::await_admission(&socket.engine, first),
        _ => raw::admits(&socket.engine, first),
    }
}

/// The next part, and whether further ones follow it.
#[inline]
pub fn recv_part(socket: &Socket, flags: c_int) -> Outcome<(Message, bool)> {
    recv_with(socket, flags, |part, more| (part, more))
}

/// As [`recv_part`]. What is received is moved once, to where `put` has it.
#[inline(always)]
fn recv_with<T>(socket: &Socket, flags: c_int, put: impl FnOnce(Message, bool) -> T) -> Outcome<T> {
    if socket.turns.any() {
        let (part, more) = recv_in_turn(socket, flags)?;
        return Ok(put(part, more));
    }
    let received = match flags & DONTWAIT {
        0 => raw::recv(&socket.engine),
        _ => socket.engine.try_recv(),
    };
    match received {
        Ok(message) => match message.into_single() {
            Ok(part) => Ok(put(part, false)),
            Err(message) => Ok(put(first_of_many(socket, message), true)),
        },
        Err(failure) => Err(code(failure)),
    }
}

#[cold]
fn recv_in_turn(socket: &Socket, flags: c_int) -> Outcome<(Message, bool)> {
    let mut turn = socket.turns.take();
    let result = go_on_receiving(socket, &mut turn, flags);
    socket.turns.put(turn);
    result
}

#[inline(never)]
fn first_of_many(socket: &Socket, message: Multipart) -> Message {
    let mut turn = Turn::default();
    let part = begin(&mut turn, message);
    socket.turns.put(turn);
    part
}

fn go_on_receiving(socket: &Socket, turn: &mut Turn, flags: c_int) -> Outcome<(Message, bool)> {
    if turn.rest.len() > 0 {
        raw::check_usable(&socket.engine).map_err(code)?;
        if let Some(part) = turn.rest.next() {
            return Ok((part, turn.rest.len() > 0));
        }
    }
    // For the engine nothing was sent yet, for C it is half done.
    if turn.sending.is_some()
        && matches!(
            socket.engine.socket_type(),
            SocketType::Req | SocketType::Rep
        )
    {
        return Err(EFSM);
    }
    let message = recv_whole(socket, flags)?;
    let part = begin(turn, message);
    Ok((part, turn.rest.len() > 0))
}

/// Receives a message with the peer or group it is from.
#[inline(never)]
fn recv_labelled(
    socket: &Socket,
    msg: &mut Msg,
    labelled: Labelled,
    flags: c_int,
) -> Outcome<c_int> {
    let (name, part) = recv_whole(socket, flags)?.split_first();
    let part = part.split_first().0;
    let len = part.len();
    msg.replace(part, false);
    msg.set_label(labelled.read(&name));
    Ok(length(len))
}

fn recv_whole(socket: &Socket, flags: c_int) -> Outcome<Multipart> {
    match flags & DONTWAIT {
        0 => raw::recv(&socket.engine),
        _ => socket.engine.try_recv(),
    }
    .map_err(code)
}

/// The first part of a message, of which the rest is to come.
fn begin(turn: &mut Turn, message: Multipart) -> Message {
    let mut parts = message.into_iter().collect::<Vec<_>>().into_iter();
    // There is always at least one.
    let first = parts.next().unwrap_or_default();
    turn.rest = parts;
    first
}

/// Sends what has no label, from a type whose messages have one to nobody.
#[inline]
fn send_unlabelled(socket: &Socket, part: Message, flags: c_int) -> Outcome<()> {
    let refused = match label::of_type(socket.engine.socket_type()) {
        Labelled::Not => send_part(socket, part, flags),
        _ if flags & SNDMORE != 0 => return Err(libc::EINVAL),
        labelled => {
            let mut message = Multipart::from(labelled.write(&Label::default()));
            message.push(part);
            return hand_over(socket, message, flags).map_err(|error| error.failure().code());
        }
    };
    refused.map_err(|(code, _)| code)
}

/// Receives a part without its label.
#[inline]
fn recv_unlabelled(socket: &Socket, flags: c_int) -> Outcome<Message> {
    match label::of_type(socket.engine.socket_type()) {
        Labelled::Not => Ok(recv_part(socket, flags)?.0),
        _ => {
            let (_, part) = recv_whole(socket, flags)?.split_first();
            Ok(part.split_first().0)
        }
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
        let socket = socket(pointer)?;
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
        let socket = socket(pointer)?;
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
        let socket = socket(pointer)?;
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
        let socket = socket(pointer)?;
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
        let socket = socket(pointer)?;
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::at(msg) }?;
        let labelled = label::of_type(socket.engine.socket_type());
        if labelled != Labelled::Not {
            return recv_labelled(&socket, msg, labelled, flags);
        }
        recv_with(&socket, flags, |part, more| {
            let len = part.len();
            msg.replace(part, more);
            length(len)
        })
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
