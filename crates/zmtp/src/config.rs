//! What one end of a connection is told before it starts.

use std::time::Duration;

use crate::{Heartbeat, SocketType, Version};

/// The settings of an [`Engine`](crate::Engine).
#[derive(Debug, Clone)]
pub struct Config {
    /// Our socket type.
    pub socket_type: SocketType,
    /// Our routing id, up to 255 bytes; the `Identity` of REQ, DEALER and ROUTER,
    /// and the routing-id frame that peers older than 3.0 get from every type.
    pub routing_id: Vec<u8>,
    /// Whether we are the server of a mechanism that tells client from server.
    pub as_server: bool,
    /// The security mechanism.
    pub security: Security,
    /// Further metadata for the peer (`X-…`): names of 1 to 255 letters, digits or
    /// `-_.+`, values of any bytes.
    pub properties: Vec<(String, Vec<u8>)>,
    /// The longest frame the peer may send, in payload bytes; `None` for no limit
    /// but [`Engine::MAX_FRAME`](crate::Engine::MAX_FRAME). Commands of up to 255
    /// bytes pass a smaller limit, so that it cannot cut off the heartbeat.
    pub max_message_size: Option<u64>,
    /// From this payload length in bytes on, a frame that is not wholly in the
    /// input is left to the caller: see [`Event::LargeFrame`](crate::Event::LargeFrame).
    pub direct_payload: usize,
    /// How long the handshake may take; `None` for ever.
    pub handshake_timeout: Option<Duration>,
    /// Whether and how to send heartbeats; those of the peer are answered anyway.
    pub heartbeat: Option<Heartbeat>,
    /// The oldest version a peer may speak. Peers before 3.0 carry no security
    /// handshake: [`Version::V3_0`] keeps them out. Mechanisms other than NULL keep
    /// them out by themselves.
    pub minimum_version: Version,
}

impl Config {
    /// An unsecured connection of that type: no routing id, 30 s for the handshake,
    /// payloads from 32 KiB on left to the caller, no size limit, no heartbeat.
    pub fn new(socket_type: SocketType) -> Self {
        Self {
            socket_type,
            routing_id: Vec::new(),
            as_server: false,
            security: Security::Null,
            properties: Vec::new(),
            max_message_size: None,
            direct_payload: 32 * 1024,
            handshake_timeout: Some(Duration::from_secs(30)),
            heartbeat: None,
            minimum_version: Version::V1_0,
        }
    }
}

/// The security mechanism of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// No authentication and no encryption (RFC 37, "The NULL Security Mechanism").
    #[default]
    Null,
}
