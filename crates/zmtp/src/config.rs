//! What one end of a connection is told before it starts.

use std::fmt;
use std::time::Duration;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Heartbeat, KeyPair, PublicKey, SecretKey, SocketType, Version};

/// The settings of an [`Engine`](crate::Engine).
#[derive(Debug, Clone)]
pub struct Config {
    /// Our socket type.
    pub socket_type: SocketType,
    /// Our routing id, up to 255 bytes; the `Identity` of REQ, DEALER and ROUTER,
    /// and the routing-id frame that peers older than 3.0 get from every type.
    pub routing_id: Vec<u8>,
    /// The security mechanism, and our part in it. A peer with another, or from before
    /// 3.0, is not let in unless this is NULL.
    pub security: Security,
    /// Whether to ask for a verdict on peers of the NULL mechanism, who show nothing for
    /// themselves: see [`Event::Authenticate`](crate::Event::Authenticate). Keeps peers
    /// from before 3.0 out. Servers of other mechanisms ask anyway.
    pub authenticate_null: bool,
    /// Further metadata for the peer (`X-…`): names of 1 to 255 letters, digits or
    /// `-_.+`, values of any bytes.
    pub properties: Vec<(String, Vec<u8>)>,
    /// The longest frame the peer may send, in payload bytes; `None` for no limit
    /// but [`Engine::MAX_FRAME`](crate::Engine::MAX_FRAME). Commands of up to 255
    /// bytes pass a smaller limit, so that it cannot cut off the heartbeat.
    pub max_message_size: Option<u64>,
    /// From this payload length in bytes on, a frame that is not wholly in the
    /// input, or is sealed, is left to the caller: see
    /// [`Event::LargeFrame`](crate::Event::LargeFrame) and
    /// [`Event::SealedFrame`](crate::Event::SealedFrame).
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
            security: Security::Null,
            authenticate_null: false,
            properties: Vec::new(),
            max_message_size: None,
            direct_payload: 32 * 1024,
            handshake_timeout: Some(Duration::from_secs(30)),
            heartbeat: None,
            minimum_version: Version::V1_0,
        }
    }
}

/// The security mechanism of a connection, and which side of it we are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// No authentication and no encryption (RFC 37, "The NULL Security Mechanism").
    #[default]
    Null,
    /// We show a name and a password, in the clear (RFC 24).
    PlainClient(Login),
    /// We ask for a name and a password (RFC 24).
    PlainServer,
    /// We prove who we are and encrypt, to a server whose key we know (RFC 25, 26).
    CurveClient(CurveClient),
    /// We have clients prove who they are, and encrypt (RFC 25, 26). The pair is our
    /// permanent one; clients must know its public half.
    CurveServer(KeyPair),
}

impl Security {
    /// Whether we are the server of a mechanism that tells client from server.
    pub fn is_server(&self) -> bool {
        matches!(self, Self::PlainServer | Self::CurveServer(_))
    }
}

/// The name and password of a PLAIN client. The password is wiped from memory when
/// dropped, and left out by `Debug`.
#[derive(Clone, Default, Eq)]
pub struct Login {
    username: Vec<u8>,
    password: Zeroizing<Vec<u8>>,
}

impl Login {
    /// A name and a password of up to 255 bytes each.
    ///
    /// # Errors
    /// [`CredentialTooLong`].
    pub fn new(
        username: impl Into<Vec<u8>>,
        password: impl Into<Vec<u8>>,
    ) -> Result<Self, CredentialTooLong> {
        let username = username.into();
        let password = Zeroizing::new(password.into());
        for (what, len) in [("username", username.len()), ("password", password.len())] {
            if len > 255 {
                return Err(CredentialTooLong { what, len });
            }
        }
        Ok(Self { username, password })
    }

    /// The name.
    pub fn username(&self) -> &[u8] {
        &self.username
    }

    /// The password.
    pub fn password(&self) -> &[u8] {
        &self.password
    }
}

/// In constant time, as far as the password goes.
impl PartialEq for Login {
    fn eq(&self, other: &Self) -> bool {
        let same_password: bool = self.password.ct_eq(&other.password).into();
        same_password & (self.username == other.username)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &self.username.escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}

/// A username or password that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {what} has {len} bytes; at most 255 can be sent")]
pub struct CredentialTooLong {
    /// Which of them.
    pub what: &'static str,
    /// Its length in bytes.
    pub len: usize,
}

/// The keys of a CURVE client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurveClient {
    /// Our permanent public key, by which the server knows us. If it does not go with
    /// the secret one, no server lets us in.
    pub public_key: PublicKey,
    /// Our permanent secret key.
    pub secret_key: SecretKey,
    /// The server's permanent public key. Only who holds the secret one can answer.
    pub server_key: PublicKey,
}

impl CurveClient {
    /// A client with that pair, for the server with that key.
    pub fn new(keys: &KeyPair, server_key: PublicKey) -> Self {
        Self {
            public_key: *keys.public(),
            secret_key: keys.secret().clone(),
            server_key,
        }
    }
}
