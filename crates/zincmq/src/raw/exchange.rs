//! Sending and receiving part by part (zmq_msg_send(3) and its like).

use std::ffi::c_int;
use std::time::Duration;

use super::errno::{Code, EFSM, Outcome, code};
use super::label::{Label, Labelled};
use super::part_socket::PartSocket;
use super::turns::Turn;
use crate::error::{RecvError, SendError, SendFailure};
use crate::reactor::Signals;
use crate::socket::Patience;
use crate::{Message, Multipart, SocketType};

/// Whether to wait, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    Never,
    /// Not at all, and without a look at the connections, by one who waits next,
    /// or is woken once another try is worth it (see
    /// [`Listener`](super::Listener)).
    Listening,
    /// As SNDTIMEO or RCVTIMEO says.
    AsSet,
    /// For so long, or without end.
    Within(Option<Duration>),
}

/// A part that was not taken, and why.
pub type Refused = (c_int, Message);

/// The types that libzmq calls thread-safe. Here all of them are, but programs
/// that ask want to know whether the type has multipart messages and ZMQ_FD.
#[must_use]
pub fn is_thread_safe(kind: SocketType) -> bool {
    matches!(
        kind,
        SocketType::Client
            | SocketType::Server
            | SocketType::Radio
            | SocketType::Dish
            | SocketType::Gather
            | SocketType::Scatter
            | SocketType::Peer
            | SocketType::Channel
    )
}

/// Hands over one part of a message; with the last one, after which there are
/// no `more`, it is sent.
///
/// # Errors
///
/// As zmq_msg_send(3), with the part.
#[inline(always)]
pub fn send_part(
    socket: &PartSocket,
    part: Message,
    more: bool,
    wait: Wait,
) -> Result<(), Refused> {
    if !more && !socket.turns.any() {
        return send_whole(socket, Multipart::from(part), wait);
    }
    send_in_turn(socket, part, more, wait)
}

#[inline(always)]
fn send_whole(socket: &PartSocket, message: Multipart, wait: Wait) -> Result<(), Refused> {
    if wait == Wait::Never {
        return match super::try_send(&socket.engine, message) {
            Ok(()) => Ok(()),
            Err(error) => refused(socket, error),
        };
    }
    match socket.engine.inner().attempt_send(message) {
        Ok(()) => Ok(()),
        Err(rejected) => match send_later(socket, rejected, wait) {
            Ok(()) => Ok(()),
            Err(error) => refused(socket, error),
        },
    }
}

/// Goes on with what was not taken at once.
#[cold]
fn send_later(socket: &PartSocket, rejected: SendError, wait: Wait) -> Result<(), SendError> {
    let core = socket.engine.inner();
    let heeding = |limit| Patience::heeding(limit, Signals::EndWaits);
    match wait {
        Wait::AsSet => core.send_later(rejected, |options| heeding(options.send_timeout())),
        Wait::Within(limit) => core.send_later(rejected, |_| heeding(limit)),
        Wait::Never | Wait::Listening => Err(rejected),
    }
}

#[cold]
fn refused(socket: &PartSocket, error: SendError) -> Result<(), Refused> {
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
fn send_in_turn(socket: &PartSocket, part: Message, more: bool, wait: Wait) -> Result<(), Refused> {
    let mut turn = socket.turns.take();
    let result = go_on_sending(socket, &mut turn, part, more, wait);
    socket.turns.put(turn);
    result
}

fn go_on_sending(
    socket: &PartSocket,
    turn: &mut Turn,
    part: Message,
    more: bool,
    wait: Wait,
) -> Result<(), Refused> {
    let kind = socket.engine.socket_type();
    // In the engine a whole message was received, for the program it is half
    // one.
    let half_received = turn.rest.len() > 0 || socket.turns.has_returned();
    if half_received && matches!(kind, SocketType::Req | SocketType::Rep) {
        return Err((EFSM, part));
    }
    // The second part of a STREAM's message is the last, whatever is said.
    let more = more && !(kind == SocketType::Stream && turn.sending.is_some());
    let Some(mut message) = turn.sending.take() else {
        if !more {
            return send_whole(socket, Multipart::from(part), wait);
        }
        if is_thread_safe(kind) {
            return Err((libc::EINVAL, part));
        }
        return match admit(socket, &part, wait) {
            Ok(()) => {
                turn.sending = Some(Multipart::from(part));
                Ok(())
            }
            Err(failure) => Err((failure.code(), part)),
        };
    };
    if let Err(failure) = super::check_usable(&socket.engine) {
        turn.sending = Some(message);
        return Err((failure.code(), part));
    }
    message.push(part);
    if more {
        turn.sending = Some(message);
        return Ok(());
    }
    let Err(error) = hand_over(socket, message, wait) else {
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

/// Sends a message to the peer or group that `label` names, from a type whose
/// messages have one.
///
/// # Errors
///
/// As zmq_msg_send(3), with the payload.
#[inline(never)]
pub fn send_labelled(
    socket: &PartSocket,
    (labelled, label): (Labelled, &Label),
    part: Message,
    more: bool,
    wait: Wait,
) -> Result<(), Refused> {
    if more {
        return Err((libc::EINVAL, part));
    }
    let mut message = Multipart::from(labelled.write(label));
    message.push(part);
    let Err(error) = hand_over(socket, message, wait) else {
        return Ok(());
    };
    let code = error.failure().code();
    Err((code, error.into_message().split_first().1.split_first().0))
}

#[inline]
fn hand_over(socket: &PartSocket, message: Multipart, wait: Wait) -> Result<(), SendError> {
    match wait {
        Wait::AsSet => super::send(&socket.engine, message),
        Wait::Never => super::try_send(&socket.engine, message),
        Wait::Listening => socket.engine.inner().attempt_send(message),
        Wait::Within(limit) => super::send_within(&socket.engine, message, limit),
    }
}

fn admit(socket: &PartSocket, first: &Message, wait: Wait) -> Result<(), SendFailure> {
    match wait {
        Wait::Never => super::admits(&socket.engine, first),
        Wait::Listening => super::admits_now(&socket.engine, first),
        Wait::AsSet => super::await_admission(&socket.engine, first),
        Wait::Within(limit) => super::await_admission_within(&socket.engine, first, limit),
    }
}

/// The next part, and whether further ones follow it.
///
/// # Errors
///
/// As zmq_msg_recv(3).
#[inline]
pub fn recv_part(socket: &PartSocket, wait: Wait) -> Outcome<(Message, bool)> {
    let mut part = Message::new();
    let more = recv_into(socket, wait, &mut part)?;
    Ok((part, more))
}

/// As [`recv_part`], with the part in the place of another, which is dropped.
/// Whether further ones follow it.
///
/// # Errors
///
/// As zmq_msg_recv(3).
#[inline(always)]
pub fn recv_into(socket: &PartSocket, wait: Wait, place: &mut Message) -> Outcome<bool> {
    if socket.turns.any() {
        let (part, more) = recv_in_turn(socket, wait)?;
        *place = part;
        return Ok(more);
    }
    match receive(socket, wait) {
        Ok(message) => match message.into_single() {
            Ok(part) => {
                *place = part;
                Ok(false)
            }
            Err(message) => {
                *place = first_of_many(socket, message);
                Ok(true)
            }
        },
        Err(RecvError::WouldBlock) => {
            let (part, more) = receive_later(socket, wait)?;
            *place = part;
            Ok(more)
        }
        Err(failure) => Err(code(failure)),
    }
}

/// What is there at once.
#[inline(always)]
fn receive(socket: &PartSocket, wait: Wait) -> Result<Multipart, RecvError> {
    let waits = matches!(wait, Wait::AsSet | Wait::Within(_));
    socket.engine.inner().recv_now(waits)
}

#[cold]
fn receive_later(socket: &PartSocket, wait: Wait) -> Outcome<(Message, bool)> {
    match await_next(socket, wait).map_err(code)?.into_single() {
        Ok(part) => Ok((part, false)),
        Err(message) => Ok((first_of_many(socket, message), true)),
    }
}

/// Goes on when nothing was there at once.
#[cold]
fn await_next(socket: &PartSocket, wait: Wait) -> Result<Multipart, RecvError> {
    // A message may be given back while this waits.
    let returned = || match socket.turns.any() {
        true => socket.turns.take_returned(),
        false => None,
    };
    let core = socket.engine.inner();
    let heeding = |limit| Patience::heeding(limit, Signals::EndWaits);
    match wait {
        Wait::AsSet => core.recv_later(|options| heeding(options.recv_timeout()), &returned),
        Wait::Within(limit) => core.recv_later(|_| heeding(limit), &returned),
        Wait::Never => core.recv_later(|_| Patience::None, &returned),
        Wait::Listening => Err(RecvError::WouldBlock),
    }
}

#[inline]
fn take(socket: &PartSocket, wait: Wait) -> Result<Multipart, RecvError> {
    match receive(socket, wait) {
        Err(RecvError::WouldBlock) => await_next(socket, wait),
        other => other,
    }
}

/// The next message: one that was given back before others.
fn take_next(socket: &PartSocket, wait: Wait) -> Result<Multipart, RecvError> {
    if socket.turns.any()
        && let Some(message) = socket.turns.take_returned()
    {
        return Ok(message);
    }
    take(socket, wait)
}

/// The next message as a whole, or what is to come of one that is half received.
/// For types without labels.
///
/// # Errors
///
/// As zmq_msg_recv(3).
#[inline]
pub fn recv_whole(socket: &PartSocket, wait: Wait) -> Outcome<Multipart> {
    if !socket.turns.any() {
        return take(socket, wait).map_err(code);
    }
    let (part, mut more) = recv_part(socket, wait)?;
    let mut message = Multipart::from(part);
    while more {
        let part;
        (part, more) = recv_part(socket, wait)?;
        message.push(part);
    }
    Ok(message)
}

/// Hands over a message as a whole, all its parts or none, or with `more` the
/// beginning of one. For types without labels.
///
/// # Errors
///
/// As zmq_msg_send(3), with the parts that were not handed over: all of them,
/// unless the thread is in the middle of a message.
pub fn send_whole_parts(
    socket: &PartSocket,
    mut parts: Vec<Message>,
    more: bool,
    wait: Wait,
) -> Result<(), (c_int, Vec<Message>)> {
    let plain = !is_thread_safe(socket.engine.socket_type());
    let plain = plain && socket.engine.socket_type() != SocketType::Stream;
    if plain && !more && parts.len() > 1 && !socket.turns.any() {
        let Err(error) = hand_over(socket, Multipart::from(parts), wait) else {
            return Ok(());
        };
        let code = error.failure().code();
        return Err((code, error.into_message().into_iter().collect()));
    }
    let mut left = std::mem::take(&mut parts).into_iter();
    while let Some(part) = left.next() {
        let follows = more || left.len() > 0;
        if let Err((code, part)) = send_part(socket, part, follows, wait) {
            parts.push(part);
            parts.extend(left);
            return Err((code, parts));
        }
    }
    Ok(())
}

#[cold]
fn recv_in_turn(socket: &PartSocket, wait: Wait) -> Outcome<(Message, bool)> {
    let mut turn = socket.turns.take();
    let result = go_on_receiving(socket, &mut turn, wait);
    socket.turns.put(turn);
    result
}

#[inline(never)]
fn first_of_many(socket: &PartSocket, message: Multipart) -> Message {
    let mut turn = Turn::default();
    let part = begin(&mut turn, message);
    socket.turns.put(turn);
    part
}

fn go_on_receiving(socket: &PartSocket, turn: &mut Turn, wait: Wait) -> Outcome<(Message, bool)> {
    if turn.rest.len() > 0 {
        super::check_usable(&socket.engine).map_err(code)?;
        if let Some(part) = turn.rest.next() {
            return Ok((part, turn.rest.len() > 0));
        }
    }
    // For the engine nothing was sent yet, for the program it is half done.
    if turn.sending.is_some()
        && matches!(
            socket.engine.socket_type(),
            SocketType::Req | SocketType::Rep
        )
    {
        return Err(EFSM);
    }
    let message = take_next(socket, wait).map_err(code)?;
    let part = begin(turn, message);
    Ok((part, turn.rest.len() > 0))
}

/// Receives a message and the peer or group it is from, with a type whose
/// messages have one.
///
/// # Errors
///
/// As zmq_msg_recv(3).
#[inline(never)]
pub fn recv_labelled(
    socket: &PartSocket,
    labelled: Labelled,
    wait: Wait,
) -> Outcome<(Label, Message)> {
    let (name, part) = take_next(socket, wait).map_err(code)?.split_first();
    Ok((labelled.read(&name), part.split_first().0))
}

/// The first part of a message, of which the rest is to come.
fn begin(turn: &mut Turn, message: Multipart) -> Message {
    let mut parts = message.into_iter().collect::<Vec<_>>().into_iter();
    // There is always at least one.
    let first = parts.next().unwrap_or_default();
    turn.rest = parts;
    first
}
