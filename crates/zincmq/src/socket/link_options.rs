//! From a socket's options to what its connections are told.
use crate::SocketType;
use crate::connection::{Backoff, LinkOptions};
use crate::options::SocketOptions;
use std::time::Duration;

pub(super) fn link_options(options: &SocketOptions, socket_type: SocketType) -> LinkOptions {
    LinkOptions {
        socket_type,
        routing_id: options.routing_id().clone(),
        send_hwm: options.send_hwm(),
        recv_hwm: options.recv_hwm(),
        conflate: options.conflate(),
        raw: socket_type == SocketType::Stream,
        attach_late: matches!(socket_type, SocketType::Stream | SocketType::Router),
        detach_on_loss: false,
        max_message_size: None,
        handshake_timeout: Some(Duration::from_secs(30)),
        heartbeat: None,
        reconnect: Some(Backoff {
            first: Duration::from_millis(100),
            longest: Duration::ZERO,
        }),
        connect_timeout: None,
        properties: Vec::new(),
        transport: options.transport().clone(),
    }
}
