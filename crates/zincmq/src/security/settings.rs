//! What a socket's options say of security.

use zmtp::{CurveClient, KeyPair, Login, PublicKey, SecretKey, Security};

/// The options of the group, with the mechanism that the last one set implies.
#[derive(Debug, Clone)]
pub(crate) struct SecuritySettings {
    pub(crate) mechanism: Mechanism,
    /// Which side of it this is.
    pub(crate) server: bool,
    pub(crate) login: Login,
    pub(crate) public_key: PublicKey,
    pub(crate) secret_key: SecretKey,
    pub(crate) server_key: PublicKey,
    pub(crate) zap_domain: String,
    pub(crate) zap_enforce_domain: bool,
}

/// The numbers of MECHANISM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Null = 0,
    Plain = 1,
    Curve = 2,
}

impl Default for SecuritySettings {
    fn default() -> Self {
        Self {
            mechanism: Mechanism::Null,
            server: false,
            login: Login::default(),
            public_key: PublicKey::from_bytes([0; 32]),
            secret_key: SecretKey::from_bytes([0; 32]),
            server_key: PublicKey::from_bytes([0; 32]),
            zap_domain: String::new(),
            zap_enforce_domain: false,
        }
    }
}

impl SecuritySettings {
    /// For a connection's engine.
    pub(crate) fn security(&self) -> Security {
        match (self.mechanism, self.server) {
            (Mechanism::Null, _) => Security::Null,
            (Mechanism::Plain, true) => Security::PlainServer,
            (Mechanism::Plain, false) => Security::PlainClient(self.login.clone()),
            (Mechanism::Curve, true) => {
                Security::CurveServer(KeyPair::from(self.secret_key.clone()))
            }
            (Mechanism::Curve, false) => Security::CurveClient(CurveClient {
                public_key: self.public_key,
                secret_key: self.secret_key.clone(),
                server_key: self.server_key,
            }),
        }
    }
}
