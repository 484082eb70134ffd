//! A socket's options: stored, and applied to what is there already.

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::admission::SocketGate;
use super::core::{Core, Refusal};
use crate::SocketType;
use crate::connection::{Backoff, LinkOptions, Notices, ReconnectStop};
use crate::context::Shared;
use crate::error::SendFailure;
use crate::message::Message;
use crate::options::{Answer, Ask, Effect, Live, OptionError, OptionValue, Row, SocketOptions};
use crate::pattern::Setting;

impl Core {
    pub(crate) fn set_option(&self, row: &Row, value: OptionValue) -> Result<(), OptionError> {
        self.check_usable()?;
        let socket_type = self.socket_type();
        let live = self.with(|state| match state.options.set(row, value, socket_type)? {
            Effect::Stored => Ok(None),
            Effect::Live(live) => Ok(Some(live)),
            Effect::Pattern(setting) => state
                .pattern
                .set(&mut state.peers, setting)
                .map(|()| None)
                .map_err(|error| OptionError::from_setting(row, error)),
        })?;
        match live {
            Some(Live::SendHwm(n)) => self.apply_send_hwm(n),
            Some(Live::RecvHwm(n)) => self.apply_recv_hwm(n),
            Some(Live::Linger(_)) | None => {}
        }
        Ok(())
    }

    /// Tells the pattern of a setting that was parsed before.
    pub(crate) fn apply_setting(&self, row: &Row, setting: Setting) -> Result<(), OptionError> {
        self.with(|state| state.pattern.set(&mut state.peers, setting))
            .map_err(|error| OptionError::from_setting(row, error))
    }

    pub(crate) fn option(&self, row: &Row) -> Result<OptionValue, OptionError> {
        self.check_usable()?;
        let ask = match self.with(|state| state.options.value(row))? {
            Answer::Known(value) => return Ok(self.own_answer(row).unwrap_or(value)),
            Answer::Ask(ask) => ask,
        };
        Ok(match ask {
            Ask::SocketType => OptionValue::Int(i32::from(self.socket_type().number())),
            Ask::LastEndpoint => OptionValue::Text(self.last_endpoint()),
            Ask::Events => OptionValue::Int(self.events()?),
            Ask::TopicsCount if !row.is_for(self.socket_type()) => {
                return Err(OptionError::NotForThisType {
                    option: row.name,
                    socket_type: self.socket_type(),
                });
            }
            Ask::TopicsCount => {
                let topics = self.with(|state| state.pattern.topics());
                OptionValue::Int(i32::try_from(topics).unwrap_or(i32::MAX))
            }
            // Every socket is; libzmq answers so for its thread-safe types only.
            Ask::ThreadSafe => OptionValue::Int(1),
            // A multipart message is received whole, so no parts are pending.
            Ask::MoreParts => OptionValue::Int(0),
            Ask::Descriptor => OptionValue::Int(self.readiness_fd()?.as_raw_fd()),
        })
    }

    /// What the pattern says of an option that others have stored.
    fn own_answer(&self, row: &Row) -> Option<OptionValue> {
        const ROUTING_ID: i32 = 5;
        if row.number != ROUTING_ID || self.socket_type() != SocketType::Stream {
            return None;
        }
        let last = self.with(|state| state.pattern.last_named().cloned());
        Some(OptionValue::Bytes(last?.into_bytes()))
    }

    pub(crate) fn route_state(&self, routing_id: &[u8]) -> Result<(), SendFailure> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into());
        }
        self.with(|state| state.pattern.route_state(&mut state.peers, routing_id))
    }

    /// As [`Pattern::peer_state`](crate::pattern::Pattern::peer_state).
    pub(crate) fn peer_state(&self, routing_id: &[u8]) -> Result<(), SendFailure> {
        self.check_alive()?;
        self.with(|state| state.pattern.peer_state(&mut state.peers, routing_id))
    }

    fn check_usable(&self) -> Result<(), OptionError> {
        match self.refusal() {
            None => Ok(()),
            Some(refusal) => Err(refusal.into()),
        }
    }
}

impl From<Refusal> for OptionError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => Self::Closed,
            Refusal::Terminated => Self::Terminated,
            Refusal::Forked => Self::Forked,
        }
    }
}

/// Whether messages from the socket, and to it, replace the one before.
/// Subscriptions go the other way from a publisher's messages, and none of
/// them may be replaced.
pub(super) fn conflates(options: &SocketOptions, socket_type: SocketType) -> (bool, bool) {
    let wanted = options.conflate(socket_type);
    (
        wanted && socket_type != SocketType::Sub,
        wanted && socket_type != SocketType::Pub,
    )
}

/// What a ROUTER may want to hear of.
const CONNECTS: u32 = 1;
const DISCONNECTS: u32 = 2;

/// The messages that connections make by themselves: those that are accepted,
/// or those that are made from here.
fn notices(options: &SocketOptions, socket_type: SocketType, accepting: bool) -> Notices {
    let wants = |what: u32| {
        let wanted = options.router_notify() & what != 0;
        wanted.then(Message::new)
    };
    let farewell = match accepting {
        true => options.disconnect_message(socket_type),
        false => options.hiccup_message(socket_type),
    };
    let message = |bytes: &Bytes| Message::from(bytes.clone());
    Notices {
        hello: options.hello_message(socket_type).map(message),
        at_begin: wants(CONNECTS),
        at_end: wants(DISCONNECTS)
            .into_iter()
            .chain(farewell.map(message))
            .collect(),
    }
}

/// From a socket's options to what its next connections are told, those that
/// are accepted or those that are made from here.
pub(super) fn link_options(
    context: &Arc<Shared>,
    options: &SocketOptions,
    socket_type: SocketType,
    longest_part: Option<u64>,
    accepting: bool,
) -> LinkOptions {
    let raw = socket_type == SocketType::Stream;
    let heartbeat = options
        .heartbeat_interval()
        .map(|interval| zmtp::Heartbeat {
            interval,
            timeout: options.heartbeat_timeout().unwrap_or(Duration::ZERO),
            ttl: options.heartbeat_ttl().unwrap_or(Duration::ZERO),
        });
    LinkOptions {
        socket_type,
        routing_id: options.routing_id().clone(),
        send_hwm: options.send_hwm(),
        recv_hwm: options.recv_hwm(),
        conflate_out: conflates(options, socket_type).0,
        conflate_in: conflates(options, socket_type).1,
        raw,
        attach_late: options.immediate(),
        detach_on_loss: raw || options.immediate(),
        max_message_size: options
            .max_message_size()
            .into_iter()
            .chain(longest_part)
            .min(),
        handshake_timeout: options.handshake_timeout(),
        heartbeat,
        reconnect: options.reconnect_interval().map(|first| Backoff {
            first,
            longest: options.reconnect_interval_max().unwrap_or(Duration::ZERO),
        }),
        reconnect_stop: ReconnectStop {
            refused: options.reconnect_stop() & 1 != 0,
            handshake: options.reconnect_stop() & 2 != 0,
            disconnect: options.reconnect_stop() & 4 != 0,
        },
        connect_timeout: options.transport().connect_timeout,
        properties: options
            .metadata()
            .iter()
            .map(|(name, value)| (name.clone(), value.to_vec()))
            .collect(),
        security: options.security().security(),
        authenticate_null: !options.security().zap_domain.is_empty(),
        stock: Arc::clone(context.stock()),
        gate: Arc::new(SocketGate::new(context, options)),
        notices: notices(options, socket_type, accepting),
        in_batch: options.in_batch(),
        out_batch: options.out_batch(),
        transport: options.transport().clone(),
    }
}
